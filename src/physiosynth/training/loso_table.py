"""The one table of a leave-one-subject-out run: a row a subject, then mean and SD; CSV, Markdown and JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from physiosynth import __version__
from physiosynth.files import replacing, write_json
from physiosynth.training.loso import TRAINED, FoldResult, measured, summary
from physiosynth.training.settings import TrainSettings

EXPLANATION = """\
Losses are of averaged weights at the best validation, val on the fold's validation subjects, test on the subject left
out, which chose nothing. Rate errors are the mean of drawn windows less the mean of the left-out subject's own, in
beats or breaths a minute. The windows drawn are synthetic."""


def write_table(results: Sequence[FoldResult], out: Path, settings: TrainSettings) -> str:
    """Write loso.csv, loso.md and loso.json into `out`; returns the Markdown."""
    header, rows = table(results)
    with replacing(Path(out) / "loso.csv") as temporary:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *rows])
        temporary.write_text(text.getvalue(), encoding="utf-8")
    markdown = to_markdown(header, rows, results, settings)
    with replacing(Path(out) / "loso.md") as temporary:
        temporary.write_text(markdown, encoding="utf-8")
    write_json(Path(out) / "loso.json", to_json(results, settings))
    return markdown


def table(results: Sequence[FoldResult]) -> tuple[list[str], list[list[str]]]:
    """Names of the columns, and the rows as text: one a subject, then mean and SD over the trained ones."""
    means = summary(results)
    rows = []
    for result in results:
        values = measured(result)
        steps = f"{result.step}/{result.total_steps}"
        rows.append([result.subject, result.status, steps, *(_text(values.get(name, math.nan)) for name in means)])
    count = f"{sum(result.status == TRAINED for result in results)} folds"
    for place, label in enumerate(("mean", "SD")):
        rows.append([label, count, "", *(_text(pair[place]) for pair in means.values())])
    return ["subject", "status", "steps", *means], rows


def to_markdown(
    header: list[str], rows: list[list[str]], results: Sequence[FoldResult], settings: TrainSettings
) -> str:
    """The table with what it means, what went wrong, and the settings."""
    lines = ["# Leave-one-subject-out training", "", EXPLANATION, ""]
    lines += [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
    notes = [f"- {result.subject}: {result.note}" for result in results if result.note]
    lines += ["", "Not finished:", "", *notes] if notes else []
    told = ", ".join(f"{name} {value}" for name, value in settings.to_dict().items())
    return "\n".join([*lines, "", f"physiosynth {__version__}; {told}.", ""])


def to_json(results: Sequence[FoldResult], settings: TrainSettings) -> dict[str, Any]:
    """Everything in the table, with settings, seed and version; null where nothing could be measured."""
    content = {
        "synthetic": True,
        "physiosynth_version": __version__,
        "seed": settings.seed,
        "settings": settings.to_dict(),
        "folds": [asdict(result) for result in results],
        "mean": {name: mean for name, (mean, _) in summary(results).items()},
        "sd": {name: sd for name, (_, sd) in summary(results).items()},
    }
    return _without_nan(content)


def _without_nan(content: Any) -> Any:
    """JSON knows no nan."""
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _text(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else ""
