"""physiosynth bundle build --run DIR --fold DIR --out FILE.zip."""

from __future__ import annotations

from pathlib import Path

import click

from physiosynth.commands import options
from physiosynth.commands.bars import Bar


@click.command()
@click.option("--run", type=options.PATH, required=True, metavar="DIR", help="the folder that training wrote")
@click.option("--fold", type=options.PATH, required=True, metavar="DIR", help="the fold it was trained on")
@click.option(
    "--out", type=options.PATH, required=True, metavar="FILE.zip|DIR", help="a zip, or a folder for an unpacked bundle"
)
@click.option("--checkpoint", type=options.PATH, metavar="FILE", help="weights other than the best milestone's")
@click.option("--reference-windows", type=options.Whole(0), default=24, help="test windows kept per state; 0 keeps all")
@click.option("--float32", is_flag=True, help="store the weights in full, in twice the space")
def command(run: Path, fold: Path, out: Path, checkpoint: Path | None, reference_windows: int, float32: bool) -> None:
    """Prints the bundle's path, its size and its SHA-256."""
    from physiosynth.families.wearable.generator.building import build_bundle

    built = build_bundle(run, fold, out, reference_windows or None, not float32, checkpoint, Bar("bundle", "part"))
    print(f"{built.path}: {built.size_bytes / 1e6:.1f} MB")
    print(f"SHA-256 {built.sha256}")
