"""One line of the report: a figure, its spread over seeds, its floor, its limit, and whether it is met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np

from physiosynth.evaluation.kept import plain
from physiosynth.evaluation.registry import ALL_STATES

EDGE = 0.95
NAN = float("nan")
Better = Literal["lower", "higher", "near_zero"]
BADNESS: Mapping[str, Callable[[float], float]] = {"lower": float, "higher": lambda value: -value, "near_zero": abs}


@dataclass(frozen=True)
class Floor:
    """What real windows score against real windows. edge: the 95 % quantile towards worse."""

    mean: float = NAN
    edge: float = NAN

    @classmethod
    def of(cls, values: Iterable[float], better: Better) -> Floor:
        """Of repeated draws; nan where there are none."""
        known = np.array([value for value in values if np.isfinite(value)])
        if not len(known):
            return cls()
        turned = np.array([BADNESS[better](value) for value in known])
        place = min(len(known) - 1, int(np.ceil(EDGE * len(known))) - 1)
        return cls(float(known.mean()), float(known[np.argsort(turned)[place]]))


@dataclass(frozen=True)
class Row:
    """One figure of one state and part.

    measured: over all seeds; values: by seed, empty where seeds are not told apart; limit: None for a figure that is
    told and not judged; floor: random draws of real windows at the same sizes; people: real people against other real
    people; low, high: 95 % interval where one was drawn; note: what a reader must know.
    """

    target: str
    state: str
    part: str
    measured: float
    limit: float | None
    better: Better
    values: tuple[float, ...] = ()
    floor: Floor = Floor()
    people: Floor = Floor()
    low: float = NAN
    high: float = NAN
    note: str = ""

    @property
    def spread(self) -> float:
        """SD over the seeds; nan with fewer than two."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else NAN

    @property
    def met(self) -> bool | None:
        """Whether the limit holds; what could not be measured fails. None where nothing is judged."""
        if self.limit is None:
            return None
        return bool(np.isfinite(self.measured) and BADNESS[self.better](self.measured) <= self._worst)

    @property
    def _worst(self) -> float:
        return self.limit if self.better == "near_zero" else BADNESS[self.better](self.limit)

    @property
    def within_floor(self) -> bool:
        """Whether real windows do no better than this in one draw of twenty."""
        turn = BADNESS[self.better]
        return bool(
            np.isfinite([self.measured, self.floor.edge]).all() and turn(self.measured) <= turn(self.floor.edge)
        )

    @property
    def verdict(self) -> str:
        """In words. A missed limit within the floor cannot be told from chance at these sizes."""
        if self.met is None:
            return "told"
        if self.met:
            return "met"
        return "not met, within the floor" if self.within_floor else "not met"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the properties are there for the reader."""
        seen = {"spread": self.spread, "met": self.met, "verdict": self.verdict}
        return plain(asdict(self)) | plain(seen)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Row:
        """The row that to_dict was given; figures that could not be computed are NaN again."""
        given = {each.name: found[each.name] for each in fields(cls)}
        for name in ("measured", "low", "high"):
            given[name] = _number(given[name])
        given["values"] = tuple(_number(value) for value in given["values"])
        for name in ("floor", "people"):
            given[name] = Floor(*(_number(given[name][key]) for key in ("mean", "edge")))
        return cls(**given)


def _number(value: float | None) -> float:
    return NAN if value is None else float(value)


def markdown(rows: Sequence[Row], titles: Mapping[str, str]) -> str:
    """A heading and a table for each target, in the order of the rows."""
    out = []
    for target in dict.fromkeys(row.target for row in rows):
        mine = [row for row in rows if row.target == target]
        judged = [row for row in mine if row.met is not None]
        met = f"{sum(row.met for row in judged)} of {len(judged)} met" if judged else "told, not judged"
        out += ["", f"## {titles[target]} ({met})", ""]
        out += ["| state | what | measured | SD over seeds | floor (95 %) | other people (95 %) | limit | |"]
        out += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
        out += [_line(row) for row in mine]
    return "\n".join(out).lstrip("\n") + "\n"


def summary(rows: Sequence[Row], titles: Mapping[str, str]) -> str:
    """One line a target: how many of its figures are met, and how many are missed by more than chance."""
    out = ["| target | met | missed within the floor | missed |", "| --- | --- | --- | --- |"]
    for target in dict.fromkeys(row.target for row in rows):
        said = [row.verdict for row in rows if row.target == target]
        counts = (said.count("met"), said.count("not met, within the floor"), said.count("not met"))
        out.append(f"| {titles[target]} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(out) + "\n"


def _line(row: Row) -> str:
    sign = {"lower": "<= ", "higher": ">= ", "near_zero": "+-"}[row.better]
    interval = f" ({_text(row.low)} to {_text(row.high)})" if np.isfinite(row.low) else ""
    cells = (
        "all" if row.state == ALL_STATES else row.state,
        row.part,
        _text(row.measured) + interval,
        _text(row.spread),
        _pair(row.floor),
        _pair(row.people),
        "" if row.limit is None else sign + _text(row.limit),
        row.verdict + (f": {row.note}" if row.note else ""),
    )
    return "| " + " | ".join(cells) + " |"


def _text(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "-"


def _pair(floor: Floor) -> str:
    return f"{_text(floor.mean)} ({_text(floor.edge)})" if np.isfinite(floor.edge) else "-"
