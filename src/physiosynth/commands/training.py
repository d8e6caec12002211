"""What the training commands share: the settings of a run as options, and signals that wait for a step."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from physiosynth.commands.options import COUNT, SEED, Whole, device

if TYPE_CHECKING:
    from physiosynth.families.wearable.training.settings import TrainSettings

# Field of TrainSettings, type, what it is shown as where that is not the type's name, and its help.
SETTINGS = (
    ("total_steps", COUNT, "length of the whole run in steps"),
    ("architecture", click.Choice(("coupled", "published")), "networks"),
    ("low_base", COUNT, "channels of the first level of the coupled network of EDA and respiration"),
    ("ecg_base", COUNT, "channels of the first level of the coupled ECG network"),
    ("prediction", click.Choice(("epsilon", "v")), "what the networks predict"),
    ("batch_size", COUNT, "windows per step"),
    ("ecg_batch", COUNT, "how many of them the ECG network sees"),
    ("learning_rate", float, "of the optimizer"),
    ("schedule", click.Choice(("cosine", "plateau")), "of the learning rate"),
    ("warmup_steps", Whole(0), "steps over which the learning rate rises"),
    ("lambda_low", float, "weight of the loss of EDA and respiration; 0 leaves their network as it is"),
    ("lambda_ecg", float, "weight of the loss of the ECG; 0 leaves its network as it is"),
    ("beat_variation", float, "SD by which the form of the beats is varied"),
    ("eda_weight", float, "of the EDA within the loss of EDA and respiration"),
    ("ema", click.Choice(("exponential", "power")), "average of the weights"),
    ("ema_decay", float, "of the exponential average"),
    ("ema_relative_sd", float, "of the power average"),
    ("cond_drop_prob", float, "share of windows trained without their state, for guidance"),
    ("gradient_clip", float, "largest norm of the gradient"),
    ("validate_every", COUNT, "steps between validations"),
    ("validation_windows", COUNT, "windows per validation"),
    ("sample_every", Whole(0), "validations between drawn windows; 0 draws none"),
    ("sample_windows", COUNT, "windows drawn per state"),
    ("precision", click.Choice(("auto", "fp32", "bf16")), "of the arithmetic"),
    ("seed", SEED, "same seed, same run on a CPU"),
)
PRESETS = ("smoke", "demo", "full", "polish")  # of families.wearable.training, which loads torch
WORDS = {"total_steps": "--steps"}  # options that are not called as their field


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for a preset and for every training setting, the device and the threads."""
    command = click.option("--threads", type=COUNT, help="CPU threads (all cores)")(command)
    command = device(command)
    for name, kind, words in reversed(SETTINGS):
        flag = WORDS.get(name, f"--{name.replace('_', '-')}")
        metavar = "X" if kind is float else None
        command = click.option(flag, name, type=kind, metavar=metavar, help=words)(command)
    presets = f"{', '.join(PRESETS)}, or a TOML file of settings, which options override"
    return click.option("--preset", metavar="NAME", help=presets)(command)


def chosen_settings(preset: str | None, given: dict[str, Any]) -> TrainSettings:
    """The settings of a preset and of the options; the default holds where neither says. Raises TrainingError."""
    from physiosynth.families.wearable.training.settings import TrainSettings, read_preset

    content = read_preset(preset) if preset else {}
    return TrainSettings(**content | {name: value for name, value in given.items() if value is not None})


@contextmanager
def waiting_signals() -> Iterator[Callable[[], None]]:
    """SIGTERM and Ctrl-C wait until the given function is called, which then raises KeyboardInterrupt.

    In the middle of a step half of the weights are new. Whoever sends a second one does not want to wait: it stops the
    process there, and what was saved last remains.
    """
    received: list[int] = []

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
