"""Train one model for each left-out subject, fold after fold, and put all of them into one table.

The same command goes on with a run that was interrupted: finished folds are skipped.
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
    parser.add_argument("--folds", default="all", metavar="all|S10,S3", help="subjects to leave out (all)")
    parser.add_argument("--folds-dir", type=Path, required=True, help="where fold_<subject> directories are")
    parser.add_argument("--out", type=Path, required=True, help="where the runs and the table go")
    parser.add_argument("--max-minutes", type=float, help="for each fold; without --steps it also sets the length")
    add_settings(parser)
    return parser.parse_args()


def main() -> int:
    args = parse()
    prepare_process()
    import torch
    from tqdm import tqdm

    from physiosynth.families.wearable.training.loso import TRAINED, choose_folds, train_folds, write_table
    from physiosynth.training.state import Progress

    torch.set_num_threads(args.threads or available_cores())
    settings = chosen_settings(args)
    names = choose_folds(args.folds_dir, args.folds.split(","))
    bar = tqdm(
        desc="folds", unit="fold", total=len(names), dynamic_ncols=True,
        bar_format="{l_bar}{bar}| {n:.2f}/{total} [{elapsed}<{remaining}{postfix}]",
    )  # fmt: skip
    with bar, waiting_signals() as stop_if_asked:

        def on_step(done: int, name: str, progress: Progress) -> None:
            part = progress.step / max(progress.total_steps, 1) if done < len(names) else 0
            bar.set_postfix_str(f"{name} step {progress.step}/{progress.total_steps}", refresh=False)
            bar.update(done + part - bar.n)
            stop_if_asked()

        results = train_folds(args.folds_dir, names, args.out, settings, args.max_minutes, args.device, on_step)
    print(write_table(results, args.out, settings))
    for result in results:
        if result.note:
            print(f"{result.subject} {result.status}: {result.note}", file=sys.stderr)
    return 0 if all(result.status == TRAINED for result in results) else 1


if __name__ == "__main__":
    run(main)
