"""Train both streams jointly on a fold; milestones are written whenever validation improves.

The same command goes on with a run that was interrupted or that ran out of minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from _command import run
from _training import add_settings, chosen_settings, waiting_signals
from physiosynth.runtime import available_cores, prepare_process


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fold", type=Path, required=True, help="fold directory that preprocess_wesad.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="directory of the run")
    parser.add_argument("--max-minutes", type=float, help="stop after so long; without --steps it also sets the length")
    parser.add_argument(
        "--start-from", type=Path, metavar="MILESTONE.pt", help="begin with these weights: to polish, or to fine-tune"
    )
    add_settings(parser)
    return parser.parse_args()


def main() -> None:
    args = parse()
    prepare_process()
    import torch
    from tqdm import tqdm

    from physiosynth.datasets.folds import load_fold
    from physiosynth.families.wearable.training.task import trainer_of
    from physiosynth.training.state import Progress

    torch.set_num_threads(args.threads or available_cores())
    trainer = trainer_of(load_fold(args.fold), args.out, chosen_settings(args), args.device, args.start_from)
    if trainer.progress.step:
        print(f"Going on at step {trainer.progress.step}.", file=sys.stderr)
    bar = tqdm(desc="training", unit="step", initial=trainer.progress.step, dynamic_ncols=True)
    returns = trainer.progress.returns

    with bar, waiting_signals() as stop_if_asked:

        def on_step(progress: Progress) -> None:
            nonlocal returns
            if progress.returns > returns:
                bar.write(f"A loss was not a number: back at step {progress.step}, with a lower rate.", sys.stderr)
                returns = progress.returns
            bar.total = progress.total_steps
            shown = {f"train {k}": v for k, v in progress.train.items() if k != "total"}
            shown |= {f"val {k}": v for k, v in progress.validation.items() if k != "total"}
            bar.set_postfix({name: f"{value:.4f}" for name, value in shown.items()}, refresh=False)
            bar.update(progress.step - bar.n)
            stop_if_asked()

        progress = trainer.run(args.max_minutes, on_step)
    print(f"{progress.step} of {progress.total_steps} steps, validation {progress.best:.4f}: {progress.milestone}")


if __name__ == "__main__":
    run(main)
