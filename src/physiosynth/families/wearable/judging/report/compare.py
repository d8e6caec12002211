"""Two evaluations side by side, with the differences that sampling alone does not explain."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.judging.report.tables import SCHEMA_VERSION

BETTER_MARK, WORSE_MARK, SAME_MARK = "+", "-", " "


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval, and which way is good: "lower", "higher" or "near_zero"."""

    value: float
    low: float
    high: float
    better: str

    @property
    def text(self) -> str:
        """Such as '0.21 (0.18 to 0.25)'."""
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True)
class Compared:
    """One figure of both runs.

    outside: whether the difference exceeds both intervals taken together, on the sides that face each other; mark: "+"
    where the second is better by more than that, "-" where worse, " " else.
    """

    name: str
    first: Figure
    second: Figure

    @property
    def outside(self) -> bool:
        below, above = sorted((self.first, self.second), key=lambda figure: figure.value)
        return above.value - below.value > math.hypot(below.high - below.value, above.value - above.low) + 1e-12

    @property
    def mark(self) -> str:
        if not self.outside:
            return SAME_MARK
        turn = {"lower": lambda v: v, "higher": lambda v: -v, "near_zero": abs}[self.first.better]
        return BETTER_MARK if turn(self.second.value) < turn(self.first.value) else WORSE_MARK


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
        raise EvaluationError(
            f"{path}: no metrics.json of an evaluation. Give the one that `physiosynth evaluate` wrote."
        )
    if content.get("schema_version") not in range(1, SCHEMA_VERSION + 1):  # what is compared is in all of them
        raise EvaluationError(
            f"{path}: expected schema version {SCHEMA_VERSION} or older, found {content.get('schema_version')}. Run "
            "the evaluation again with this version."
        )
    return content


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> Comparison:
    """Both runs' figures by score, state and part, then those of the classifiers."""
    one, two = _figures(first), _figures(second)
    compared = tuple(Compared(name, one[name], two[name]) for name in one if name in two)
    alone = tuple(sorted(set(one) ^ set(two)))
    return Comparison(compared, _warnings(first, second), alone)


def as_text(found: Comparison, names: tuple[str, str], only_marked: bool = False) -> str:
    """A table for a terminal: '+' the second is better beyond the intervals, '-' it is worse."""
    rows = [each for each in found.compared if each.mark.strip() or each.outside or not only_marked]
    width = max((len(each.name) for each in rows), default=10)
    lines = [f"note: {text}" for text in found.warnings]
    lines.append(f"first:  {names[0]}\nsecond: {names[1]}")
    lines.append(f"  {'':{width}}  {'first':>28}  {'second':>28}")
    lines += [f"{each.mark} {each.name:{width}}  {each.first.text:>28}  {each.second.text:>28}" for each in rows]
    better = sum(each.mark == BETTER_MARK for each in found.compared)
    worse = sum(each.mark == WORSE_MARK for each in found.compared)
    lines.append(
        f"{len(found.compared)} figures: outside their intervals the second run is better in {better} (+) and worse in "
        f"{worse} (-)."
    )
    if found.alone:
        lines.append(f"{len(found.alone)} figures are in one run only.")
    return "\n".join(lines)


def _figures(content: Mapping[str, Any]) -> dict[str, Figure]:
    """Every figure that has an interval, by name."""
    found = {}
    for row in content["scores"]:
        name = " ".join(text for text in (row["score"], row["part"], row["state"]) if text)
        found[name] = (row["matched"], row["low"], row["high"], row["better"])
    for row in content.get("usefulness", ()):
        for figure in ("balanced_accuracy", "macro_f1", "auroc"):
            name = f"{row['setup']} {row['classifier']} {row['task']} {figure}"
            found[name] = (row[figure], row[f"{figure}_low"], row[f"{figure}_high"], "higher")
    for row in content.get("attacks", ()):
        found[f"attack {row['name']} AUC"] = (row["auc"], row["low"], row["high"], "lower")
    return {name: Figure(*given) for name, given in found.items() if None not in given}


def _warnings(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[str, ...]:
    said = []
    if first.get("sha256", {}).get("real") != second.get("sha256", {}).get("real"):
        said.append("The two runs have different reference windows; only runs with the same ones compare well.")
    counts = [content.get("windows", {}).get("synthetic", {}).get("states") for content in (first, second)]
    if counts[0] != counts[1]:
        said.append("The two runs hold different numbers of synthetic windows.")
    versions = [content.get("versions", {}).get("physiosynth") for content in (first, second)]
    if versions[0] != versions[1]:
        said.append(f"The runs were made by versions {versions[0]} and {versions[1]}.")
    return tuple(said)
