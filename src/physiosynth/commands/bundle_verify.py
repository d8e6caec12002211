"""physiosynth bundle verify DIR|ZIP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from physiosynth.commands import options
from physiosynth.commands.bars import Bar


@click.command()
@click.argument("bundle", type=options.PATH, metavar="DIR|ZIP")
@click.option("--max-files", type=options.COUNT, help="files that a zip may hold (20000)")
@click.option("--max-bytes", type=options.COUNT, help="bytes that a zip may unpack to (16 GiB)")
@click.option("--max-ratio", type=options.Number(1), help="how many times its size a zip may unpack to (200)")
def command(bundle: Path, max_files: int | None, max_bytes: int | None, max_ratio: float | None) -> int:
    """One line per check, each naming the file at fault. Exit codes: 0 none failed, 1 one or more did."""
    from physiosynth.bundles.archive import UnpackLimits
    from physiosynth.bundles.verification import failures, verify
    from physiosynth.families.table import checks_of

    given: dict[str, Any] = {"files": max_files, "total_bytes": max_bytes, "ratio": max_ratio}
    limits = UnpackLimits(**{name: value for name, value in given.items() if value is not None})
    results = verify(bundle, checks_of, limits, Bar("verify", "check"))
    for check in results:
        print(check.line())
    return 1 if failures(results) else 0
