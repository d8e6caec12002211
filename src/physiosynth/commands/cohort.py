"""physiosynth cohort --out DIR."""

from __future__ import annotations

from pathlib import Path

import click

from physiosynth.commands import options
from physiosynth.commands.bars import Bar


@click.command()
@click.option(
    "--out", type=options.PATH, required=True, metavar="DIR", help="S2/S2.pkl, S3/S3.pkl ... are written there"
)
@click.option("--subjects", type=options.COUNT, default=15, help="how many (15: S2-S11 and S13-S17, as in WESAD)")
@click.option("--seed", type=options.SEED, default=0, help="same seed, same subjects")
@click.option("--minutes-scale", type=float, default=1.0, metavar="X", help="length of the session; 1 is about an hour")
@click.option("--jobs", type=options.COUNT, help="processes, about 0.4 GB of memory each (all cores)")
def command(out: Path, subjects: int, seed: int, minutes_scale: float, jobs: int | None) -> None:
    """Beside each subject's recording stand its true beats, breaths and skin conductance responses."""
    from physiosynth.families.wearable.data.virtual_cohort import CohortSettings, write_cohort
    from physiosynth.files import check_writable

    settings = CohortSettings(subjects, seed, minutes_scale)
    check_writable(out / "S2")
    paths = write_cohort(out, settings, jobs, Bar("virtual subjects", "subject"))
    size = sum(file.stat().st_size for path in paths.values() for file in path.parent.iterdir())
    print(f"{len(paths)} virtual subjects in {out}, {size / 1e6:.0f} MB. They are synthetic.")
