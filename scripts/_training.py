"""What the training commands share: the settings of a run as a preset and flags, and signals that wait for a step."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from physiosynth.families.wearable.training.settings import preset_names, read_preset


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Flags for every training setting; where neither a flag nor the preset says, the default holds."""
    parser.add_argument(
        "--preset", metavar="NAME", help=f"{', '.join(preset_names())}, or a TOML file of settings; flags override it"
    )
    group = parser.add_argument_group("settings of a run (a resumed one must have the same)")
    group.add_argument("--steps", type=int, dest="total_steps", help="length of the whole run in steps")
    group.add_argument("--architecture", choices=("coupled", "published"))
    group.add_argument("--low-base", type=int, metavar="CHANNELS")
    group.add_argument("--ecg-base", type=int, metavar="CHANNELS")
    group.add_argument("--prediction", choices=("epsilon", "v"))
    group.add_argument("--batch-size", type=int)
    group.add_argument("--ecg-batch", type=int, help="of a batch, how many windows the ECG network sees")
    group.add_argument("--learning-rate", type=float)
    group.add_argument("--schedule", choices=("cosine", "plateau"))
    group.add_argument("--warmup-steps", type=int)
    group.add_argument("--lambda-low", type=float)
    group.add_argument("--lambda-ecg", type=float, help="0: the stream stays as it is")
    group.add_argument("--beat-variation", type=float, help="SD by which the form of the beats is varied")
    group.add_argument("--eda-weight", type=float, help="of the EDA within the loss of LOW")
    group.add_argument("--ema", choices=("exponential", "power"))
    group.add_argument("--ema-decay", type=float)
    group.add_argument("--ema-relative-sd", type=float)
    group.add_argument("--cond-drop-prob", type=float)
    group.add_argument("--gradient-clip", type=float)
    group.add_argument("--validate-every", type=int, metavar="STEPS")
    group.add_argument("--validation-windows", type=int)
    group.add_argument("--sample-every", type=int, metavar="VALIDATIONS", help="0: draw no windows while training")
    group.add_argument("--sample-windows", type=int, metavar="PER_STATE")
    group.add_argument("--precision", choices=("auto", "fp32", "bf16"))
    group.add_argument("--seed", type=int)
    parser.add_argument("--device", help="cpu or cuda (the GPU where there is one)")
    parser.add_argument("--threads", type=int, help="CPU threads (all cores)")


def chosen_settings(args: argparse.Namespace):
    """TrainSettings of the preset and the flags. Raises TrainingError."""
    from physiosynth.families.wearable.training.settings import TrainSettings

    content = read_preset(args.preset) if args.preset else {}
    known = TrainSettings.__dataclass_fields__
    return TrainSettings(**content | {k: v for k, v in vars(args).items() if k in known and v is not None})


@contextmanager
def waiting_signals() -> Iterator[Callable[[], None]]:
    """SIGTERM and Ctrl-C wait until the given function is called, which then raises KeyboardInterrupt.

    In the middle of a step half of the weights are new. Whoever sends a second one does not want to wait: it stops the
    process there, and what was saved last remains.
    """
    received = []

    def keep(number: int, frame: object) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    def check() -> None:
        if received:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, keep) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
