"""physiosynth compare A/metrics.json B/metrics.json."""

from __future__ import annotations

from pathlib import Path

import click

from physiosynth.commands import options


@click.command()
@click.argument("first", type=options.PATH)
@click.argument("second", type=options.PATH)
@click.option("--marked", is_flag=True, help="only what differs outside the intervals")
def command(first: Path, second: Path, marked: bool) -> None:
    """FIRST and SECOND are metrics.json files; differences outside their intervals are marked."""
    from physiosynth.families.wearable.judging.report.compare import as_text, compare, read_metrics

    print(as_text(compare(read_metrics(first), read_metrics(second)), (str(first), str(second)), marked))
