"""Train both streams jointly on a fold; milestones are written whenever validation improves.

The same command goes on with a run that was interrupted or that ran out of minutes.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path

from _command import run
from physiosynth.runtime import available_cores, prepare_process


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fold", type=Path, required=True, help="fold directory that preprocess_wesad.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="directory of the run")
    parser.add_argument("--max-minutes", type=float, help="stop after so long; without --steps it also sets the length")
    parser.add_argument("--steps", type=int, dest="total_steps", help="length of the whole run in steps")
    parser.add_argument("--architecture", choices=("coupled", "published"))
    parser.add_argument("--low-base", type=int, metavar="CHANNELS")
    parser.add_argument("--ecg-base", type=int, metavar="CHANNELS")
    parser.add_argument("--prediction", choices=("epsilon", "v"))
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--schedule", choices=("cosine", "plateau"))
    parser.add_argument("--lambda-low", type=float)
    parser.add_argument("--lambda-ecg", type=float)
    parser.add_argument("--ema-decay", type=float)
    parser.add_argument("--cond-drop-prob", type=float)
    parser.add_argument("--validate-every", type=int, metavar="STEPS")
    parser.add_argument("--validation-windows", type=int)
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"))
    parser.add_argument("--seed", type=int)
    parser.add_argument("--device", help="cpu or cuda (the GPU where there is one)")
    parser.add_argument("--threads", type=int, help="CPU threads (all cores)")
    return parser.parse_args()


def main() -> None:
    args = parse()
    prepare_process()
    import torch
    from tqdm import tqdm

    from physiosynth.datasets.folds import load_fold
    from physiosynth.training.settings import TrainSettings
    from physiosynth.training.trainer import Progress, Trainer

    torch.set_num_threads(args.threads or available_cores())
    known = {field.name for field in fields(TrainSettings)}
    settings = TrainSettings(**{k: v for k, v in vars(args).items() if k in known and v is not None})
    trainer = Trainer(load_fold(args.fold), args.out, settings, args.device)
    if trainer.progress.step:
        print(f"Going on at step {trainer.progress.step}.", file=sys.stderr)
    bar = tqdm(desc="training", unit="step", initial=trainer.progress.step, dynamic_ncols=True)

    def on_step(progress: Progress) -> None:
        bar.total = progress.total_steps
        shown = {f"train {k}": v for k, v in progress.train.items() if k != "total"}
        shown |= {f"val {k}": v for k, v in progress.validation.items() if k != "total"}
        bar.set_postfix({name: f"{value:.4f}" for name, value in shown.items()}, refresh=False)
        bar.update(progress.step - bar.n)

    with bar:
        progress = trainer.run(args.max_minutes, on_step)
    print(f"{progress.step} of {progress.total_steps} steps, validation {progress.best:.4f}: {progress.milestone}")


if __name__ == "__main__":
    run(main)
