"""Two evaluations side by side, with the differences that sampling alone does not explain."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physiosynth.errors import EvaluationError
from physiosynth.evaluation.report import SCHEMA_VERSION

BETTER_MARK, WORSE_MARK, SAME_MARK = "+", "-", " "


@dataclass(frozen=True)
class Compared:
    """One figure of both runs. low, high: its interval in the first; outside: whether the difference exceeds both runs'
    intervals taken together; mark: "+" where the second is better by more than that, "-" where worse, " " else."""

    name: str
    first: float
    second: float
    half_first: float
    half_second: float
    better: str

    @property
    def outside(self) -> bool:
        return abs(self.second - self.first) > math.hypot(self.half_first, self.half_second) + 1e-12

    @property
    def mark(self) -> str:
        if not self.outside:
            return SAME_MARK
        turn = {"lower": lambda v: v, "higher": lambda v: -v, "near_zero": abs}[self.better]
        return BETTER_MARK if turn(self.second) < turn(self.first) else WORSE_MARK


@dataclass(frozen=True)
class Comparison:
    """compared: figures of both; warnings: why they may not be comparable; alone: figures that only one run has."""

    compared: tuple[Compared, ...]
    warnings: tuple[str, ...]
    alone: tuple[str, ...]


def read_metrics(path: Path | str) -> dict[str, Any]:
    """The content of a metrics.json. Raises EvaluationError for anything else."""
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EvaluationError(f"{path}: expected a metrics.json, found no readable file. Check the path.") from error
    except ValueError as error:
        raise EvaluationError(f"{path}: not readable JSON ({error}). Run the evaluation again.") from error
    if not isinstance(content, dict) or not isinstance(content.get("scores"), list):
        raise EvaluationError(f"{path}: no metrics.json of an evaluation. Give the file that evaluate.py wrote.")
    if content.get("schema_version") != SCHEMA_VERSION:
        raise EvaluationError(
            f"{path}: expected schema version {SCHEMA_VERSION}, found {content.get('schema_version')}. Run the "
            "evaluation again with this version."
        )
    return content


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> Comparison:
    """Both runs' figures by score, state and part, then those of the classifiers."""
    one, two = _figures(first), _figures(second)
    compared = tuple(
        Compared(name, one[name][0], two[name][0], one[name][1], two[name][1], one[name][2])
        for name in one
        if name in two
    )
    alone = tuple(sorted(set(one) ^ set(two)))
    return Comparison(compared, _warnings(first, second), alone)


def as_text(found: Comparison, names: tuple[str, str], only_marked: bool = False) -> str:
    """A table for a terminal: '+' the second is better beyond the intervals, '-' it is worse."""
    rows = [each for each in found.compared if each.mark.strip() or each.outside or not only_marked]
    width = max((len(each.name) for each in rows), default=10)
    lines = [f"note: {text}" for text in found.warnings]
    lines.append(f"first:  {names[0]}\nsecond: {names[1]}")
    lines.append(f"  {'':{width}}  {'first':>18}  {'second':>18}")
    lines += [
        f"{each.mark} {each.name:{width}}  {_with_half(each.first, each.half_first):>18}  "
        f"{_with_half(each.second, each.half_second):>18}"
        for each in rows
    ]
    better = sum(each.mark == BETTER_MARK for each in found.compared)
    worse = sum(each.mark == WORSE_MARK for each in found.compared)
    lines.append(
        f"{len(found.compared)} figures: outside their intervals the second run is better in {better} (+) and worse in "
        f"{worse} (-)."
    )
    if found.alone:
        lines.append(f"{len(found.alone)} figures are in one run only.")
    return "\n".join(lines)


def _figures(content: Mapping[str, Any]) -> dict[str, tuple[float, float, str]]:
    """Value, half-width of its interval, and direction of every figure."""
    found = {}
    for row in content["scores"]:
        name = " ".join(text for text in (row["score"], row["part"], row["state"]) if text)
        if row["matched"] is not None:
            found[name] = (row["matched"], _half_width(row), row["better"])
    for row in content.get("usefulness", ()):
        for figure in ("balanced_accuracy", "macro_f1", "auroc"):
            if None not in (row[figure], row[f"{figure}_low"], row[f"{figure}_high"]):
                name = f"{row['setup']} {row['classifier']} {row['task']} {figure}"
                half = (row[f"{figure}_high"] - row[f"{figure}_low"]) / 2
                found[name] = (row[figure], half, "higher")
    return found


def _half_width(row: Mapping[str, Any]) -> float:
    """How far sampling alone moves the score: from the floor's mean to its 95 % quantile."""
    mean, edge = row["floor_random_mean"], row["floor_random_edge"]
    return abs(edge - mean) if mean is not None and edge is not None else 0.0


def _warnings(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[str, ...]:
    said = []
    if first.get("sha256", {}).get("real") != second.get("sha256", {}).get("real"):
        said.append("The two runs were judged against different real windows; only runs on the same ones compare well.")
    counts = [content.get("windows", {}).get("synthetic", {}).get("states") for content in (first, second)]
    if counts[0] != counts[1]:
        said.append("The two runs hold different numbers of synthetic windows.")
    versions = [content.get("versions", {}).get("physiosynth") for content in (first, second)]
    if versions[0] != versions[1]:
        said.append(f"The runs were made by versions {versions[0]} and {versions[1]}.")
    return tuple(said)


def _with_half(value: float, half: float) -> str:
    return f"{value:.3g} ± {half:.2g}"
