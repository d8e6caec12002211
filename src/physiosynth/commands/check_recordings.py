"""physiosynth check-recordings --fold DIR."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from physiosynth.commands import options
from physiosynth.commands.bars import Bar


@click.command()
@options.bundle
@click.option("--fold", type=options.PATH, required=True, metavar="DIR", help="fold whose people are compared with")
@click.option("--recordings", type=options.COUNT, default=24, help="number of recordings of each kind")
@click.option("--seed", type=options.SEED, default=0, help="seed of the recordings and the classifiers")
def command(bundle: str, fold: Path, recordings: int, seed: int) -> None:
    """Prints Markdown: the AUC of a classifier trained to find the boundaries between windows, beside that for
    windows put end to end; measures of five minutes in each state, beside those of a fold's people.
    """
    from physiosynth.runtime import prepare_process

    prepare_process()
    from physiosynth.families.wearable.generator.generator import WESADGenerator
    from physiosynth.families.wearable.scores.recordings import check_recordings

    generator = WESADGenerator.from_bundle(bundle)
    found = check_recordings(generator, fold, recordings, seed, Bar("recordings", "recording"))
    print(found.markdown())
    print(f"{found.drawn} recordings. {found.notice}", file=sys.stderr)
