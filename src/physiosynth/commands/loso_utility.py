"""physiosynth loso-utility --fold DIR --out DIR."""

from __future__ import annotations

from pathlib import Path

import click

from physiosynth.commands import options
from physiosynth.commands.bars import Bar

CLASSIFIERS, TASKS = ("logistic", "forest", "resnet"), ("stress", "states")
FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "auroc")


@click.command(cls=options.Several)
@click.option("--fold", type=options.PATH, required=True, metavar="DIR", help="a fold; all of its splits are used")
@click.option("--out", type=options.PATH, required=True, metavar="DIR", help="results are written and resumed there")
@click.option(
    "--classifiers",
    multiple=True,
    type=click.Choice(CLASSIFIERS),
    default=CLASSIFIERS,
    metavar="NAME ...",
    help=", ".join(CLASSIFIERS),
    show_default="all",
)
@click.option(
    "--tasks",
    multiple=True,
    type=click.Choice(TASKS),
    default=TASKS,
    metavar="NAME ...",
    help=", ".join(TASKS),
    show_default="all",
)
@click.option("--seed", type=options.SEED, default=0, help="seed of forests and networks")
@click.option("--jobs", type=options.COUNT, default=2, help="processes that measure windows")
def command(fold: Path, out: Path, classifiers: tuple[str, ...], tasks: tuple[str, ...], seed: int, jobs: int) -> None:
    """Leave-one-subject-out over all people of a fold directory, reference windows alone."""
    from physiosynth.families.wearable.scores.loso import leave_fold_out

    bars = {"on_window": Bar("windows", "window"), "on_training": Bar("trainings", "training")}
    for result in leave_fold_out(fold, out, classifiers, tasks, seed, jobs, **bars):
        print(result.title)
        for name in FIGURES:
            figure = getattr(result.quality, name)
            print(f"  {name.replace('_', ' '):18} {figure.value:.3f}  ({figure.low:.3f} to {figure.high:.3f})")
        print(f"  {result.seconds:.0f} s; intervals over {result.quality.over}, {result.quality.subjects} people")
