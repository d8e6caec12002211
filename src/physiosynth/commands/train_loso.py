"""physiosynth train-loso --folds-dir DIR --out DIR."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from physiosynth.commands import options
from physiosynth.commands.bars import Bar
from physiosynth.commands.training import chosen_settings, settings_options, waiting_signals

SHAPE = "{l_bar}{bar}| {n:.2f}/{total} [{elapsed}<{remaining}{postfix}]"


@click.command()
@click.option("--folds", default="all", metavar="all|S10,S3", help="subjects to leave out")
@click.option("--folds-dir", type=options.PATH, required=True, metavar="DIR", help="holds fold_<subject> directories")
@click.option("--out", type=options.PATH, required=True, metavar="DIR", help="the runs and the table go there")
@click.option("--max-minutes", type=float, metavar="X", help="minutes per fold; without --steps also sets the length")
@settings_options
def command(
    folds: str,
    folds_dir: Path,
    out: Path,
    max_minutes: float | None,
    preset: str | None,
    device: str | None,
    threads: int | None,
    **given: Any,
) -> int:
    """Fold after fold. The same command continues a run that was interrupted: finished folds are skipped. Exit codes:
    0 all folds are trained, 1 one or more are not.
    """
    from physiosynth.runtime import available_cores, prepare_process

    prepare_process()
    import torch

    from physiosynth.families.wearable.training.loso import TRAINED, choose_folds, train_folds, write_table
    from physiosynth.training.state import Progress

    torch.set_num_threads(threads or available_cores())
    settings = chosen_settings(preset, given)
    names = choose_folds(folds_dir, folds.split(","))
    bar = Bar("folds", shape=SHAPE)
    with waiting_signals() as stop_if_asked:

        def on_step(done: int, name: str, progress: Progress) -> None:
            part = progress.step / max(progress.total_steps, 1) if done < len(names) else 0
            bar.note(f"{name} step {progress.step}/{progress.total_steps}")
            bar(done + part, len(names))
            stop_if_asked()

        results = train_folds(folds_dir, names, out, settings, max_minutes, device, on_step)
    print(write_table(results, out, settings))
    for result in results:
        if result.note:
            print(f"{result.subject} {result.status}: {result.note}", file=sys.stderr)
    return 0 if all(result.status == TRAINED for result in results) else 1
