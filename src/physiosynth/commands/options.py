"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click


class Whole(click.IntRange):
    """A whole number, shown as N."""

    name = "N"


class Number(click.FloatRange):
    """A number, shown as X."""

    name = "X"


PATH = click.Path(path_type=Path)
SEED, COUNT = Whole(0), Whole(1)

bundle = click.option(
    "--bundle", default="default", metavar="DIR|ZIP", help="the bundle; 'default' is the embedded one"
)
device = click.option("--device", metavar="NAME", help="cpu, cuda ... (a GPU where there is one)")
