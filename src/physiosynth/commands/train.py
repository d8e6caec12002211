"""physiosynth train --fold DIR --out DIR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from physiosynth.commands import options
from physiosynth.commands.bars import Bar
from physiosynth.commands.training import chosen_settings, settings_options, waiting_signals


@click.command()
@click.option(
    "--fold", type=options.PATH, required=True, metavar="DIR", help="a fold that `physiosynth preprocess` wrote"
)
@click.option("--out", type=options.PATH, required=True, metavar="DIR", help="folder of the run")
@click.option(
    "--max-minutes", type=float, metavar="X", help="stop after X minutes; without --steps also sets the length"
)
@click.option(
    "--start-from",
    type=options.PATH,
    metavar="MILESTONE.pt",
    help="start from these weights, to polish or fine-tune",
)
@settings_options
def command(
    fold: Path,
    out: Path,
    max_minutes: float | None,
    start_from: Path | None,
    preset: str | None,
    device: str | None,
    threads: int | None,
    **given: Any,
) -> None:
    """A milestone is written whenever validation improves. The same command, with the same settings, continues a run
    that was interrupted or that ran out of minutes.
    """
    from physiosynth.runtime import available_cores, prepare_process

    prepare_process()
    import torch

    from physiosynth.families.wearable.data.folds import load_fold
    from physiosynth.families.wearable.training.task import trainer_of
    from physiosynth.training.state import Progress

    torch.set_num_threads(threads or available_cores())
    trainer = trainer_of(load_fold(fold), out, chosen_settings(preset, given), device, start_from)
    bar, returns = Bar("training", start=trainer.progress.step), trainer.progress.returns
    if trainer.progress.step:
        bar.say(f"Continuing at step {trainer.progress.step}.")

    with waiting_signals() as stop_if_asked:

        def on_step(progress: Progress) -> None:
            nonlocal returns
            if progress.returns > returns:
                bar.say(f"A loss was not a number: back at step {progress.step}, with a lower learning rate.")
                returns = progress.returns
            losses = [("train", progress.train), ("val", progress.validation)]
            shown = [f"{part} {k}={v:.4f}" for part, loss in losses for k, v in loss.items() if k != "total"]
            bar.note(", ".join(shown))
            bar(progress.step, progress.total_steps)
            stop_if_asked()

        progress = trainer.run(max_minutes, on_step)
    print(f"{progress.step} of {progress.total_steps} steps, validation {progress.best:.4f}: {progress.milestone}")
