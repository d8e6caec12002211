"""physiosynth targets --fold DIR --out DIR."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from physiosynth.commands import options
from physiosynth.commands.bars import PERCENT, Bar


def numbers(text: str) -> tuple[int, ...]:
    """'0,1' as (0, 1). Raises ValueError."""
    return tuple(int(part) for part in text.split(","))


@click.command(cls=options.Renamed, old={"--real": "--reference-windows"})
@options.bundle
@click.option("--fold", type=options.PATH, required=True, metavar="DIR", help="the fold the bundle was trained on")
@click.option("--unseen", type=options.PATH, metavar="DIR", help="a fold of another cohort: all its people are unseen")
@click.option("--out", type=options.PATH, required=True, metavar="DIR", help="results are written and resumed there")
@click.option("--cache", type=options.PATH, metavar="DIR", help="measured windows (OUT/features); may be shared")
@click.option("--windows", type=options.COUNT, help="synthetic windows per state and seed (200)")
@click.option("--seeds", type=options.Text(numbers), metavar="0,1,2", help="seeds of the synthetic windows (0,1,2)")
@click.option(
    "--only",
    type=options.Text(options.names),
    metavar="NAMES",
    help="targets, with commas (all); see the report's list",
)
@click.option("--reference-windows", "real", type=options.COUNT, help="most reference windows per state (2000)")
@click.option("--seen-people", type=options.COUNT, help="members in the membership attacks (all)")
@click.option(
    "--steps-reference", "reference_steps", type=options.COUNT, help="denoising steps to compare the default with: slow"
)
@click.option(
    "--steps-windows", "reference_windows", type=options.COUNT, help="windows per state and seed for that (--windows)"
)
@click.option("--quick", is_flag=True, help="few windows, one seed, no network: a first look")
@options.device
def command(
    bundle: str,
    fold: Path,
    unseen: Path | None,
    out: Path,
    cache: Path | None,
    quick: bool,
    device: str | None,
    **given: Any,
) -> None:
    """Prints the figures that miss their limit; OUT/targets.md has all, with their floors. The same command
    continues a run that was interrupted. Reference windows are measured once for any number of generators that share
    --cache.
    """
    from physiosynth.runtime import available_cores, prepare_process

    prepare_process()
    from physiosynth.bundles.bundle import resolve_bundle
    from physiosynth.families.wearable.generator.generator import WESADGenerator
    from physiosynth.families.wearable.judging.limit_run import Places, check, settings_of

    settings = settings_of(quick, workers=available_cores(), **given)
    resolved = resolve_bundle(bundle)
    generator = WESADGenerator.from_bundle(resolved, device)
    bar = Bar("targets", shape=PERCENT)
    found = check(resolved, generator, Places(fold, unseen, out, cache or out / "features"), settings, bar, bar.stage)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    paths = found.write(out)
    judged = [row for row in found.rows if row.met is not None]
    for row in judged:
        if not row.met:
            print(f"{row.verdict}: {row.target}, {row.state}, {row.part}: {row.measured:.3g} (limit {row.limit:.3g})")
    print(f"{sum(bool(row.met) for row in judged)} of {len(judged)} figures met", *paths, sep="\n")
