"""physiosynth reproduce FILE."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from physiosynth.commands import options
from physiosynth.commands.bars import Bar

DIFFERENT = 1  # exit code: generated again, and not the same


@click.command()
@click.argument("file", type=options.PATH)
@options.bundle
@click.option("--out", type=options.PATH, metavar="FILE", help="write the signals that were generated again")
@options.device
def command(file: Path, bundle: str, out: Path | None, device: str | None) -> int:
    """FILE was written by `physiosynth sample` or downloaded from the page, in any of their formats. The bundle must be
    the one it was drawn with.

    Exit codes: 0 identical, 1 different, 2 the file or the bundle cannot be used.
    """
    from physiosynth.bundles.bundle import resolve_bundle
    from physiosynth.families.wearable.export import format_of, read, write
    from physiosynth.families.wearable.generator.reproducing import check_bundle, compare, reproduce
    from physiosynth.files import check_writable

    if out is not None:
        format_of(out)
        check_writable(out)
    stored = read(file)
    found = resolve_bundle(bundle)
    check_bundle(stored.provenance, found.sha256)

    from physiosynth.families.wearable.generator.generator import WESADGenerator

    drawn = reproduce(stored.provenance, WESADGenerator.from_bundle(found, device), Bar(file.name))
    if out is not None:
        print(f"{write(drawn, out)}: generated again.")
    result = compare(stored, drawn)
    print(f"{file.name}: {'identical' if result.identical else 'NOT identical'}. Largest differences: {result.words}.")
    if result.identical:
        return 0
    before, now = ((p.version, p.made_with) for p in (stored.provenance, drawn.provenance))
    if before != now:
        words = "drawn by physiosynth {} on {}".format
        print(f"The file was {words(*before)}; now {words(*now)}: last bits may depend on it.", file=sys.stderr)
    return DIFFERENT
