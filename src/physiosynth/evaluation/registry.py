"""Every score in one list, with its direction, control and floor: the report, the page and the tests read it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.evaluation.features import FEATURES
from physiosynth.evaluation.judged import ALL_STATES, Judged
from physiosynth.evaluation.metrics import Better, Floor, badness
from physiosynth.signals import UNITS

__all__ = [  # Judged and ALL_STATES belong to what a score is written against
    "ALL_STATES",
    "GROUPS",
    "OWN_UNIT",
    "VERDICTS",
    "Context",
    "Floor",
    "Judged",
    "Score",
    "ScoreRow",
    "ScoreTable",
    "channels_of",
    "part_title",
    "score",
    "score_named",
    "scores",
]

GROUPS = ("distributions", "spectra", "physiology", "coupling", "usefulness", "fidelity", "privacy")
VERDICTS = ("as real", "as another person", "between", "as its control", "cannot tell", "unknown")
SIZE_SCORES, SIZES = ("value_ks", "log_spectral_distance"), ("breath_depth",)  # what the size of a signal changes
OWN_UNIT = "own unit"  # that of the channel or the measurement; see Score.unit_of
# Modules that register scores; a module that is not there is a fault of the installation, not of the user.
SCORE_MODULES: tuple[str, ...] = (
    "distributions",
    "spectra_scores",
    "physiology_scores",
    "coupling",
    "usefulness",
    "fidelity",
    "privacy",
    "membership",
)


@dataclass(frozen=True)
class Context:
    """What a score may need beside the two sets."""

    seed: int = 0
    train: Judged | None = None  # real windows the generator learned from; other people than the reference
    generator: Any = None  # a loaded generator, for attacks on its own loss
    extra: Mapping[str, Any] = field(default_factory=dict)  # what a module shares between its own scores


Compute = Callable[[Judged, Judged, Context], "float | dict[str, float]"]


@dataclass(frozen=True)
class Score:
    """One figure about synthetic windows, in terms that the page can show.

    name: unique, in snake case; title: plain words; meaning: one sentence for a reader who is no specialist; unit: ""
    for a bare number; better: which way is good; control: the name in controls.CONTROLS of windows that must score
    clearly worse; per_state: computed for each state as well as for all windows; parts: the channels or features a
    dict of values is keyed by, () for a single value; compute: (real, synthetic, context) -> float, or dict by part;
    repeats: split halves of the floor; needs: fields of Context that must be there, "train" or "generator".
    """

    name: str
    group: str
    title: str
    meaning: str
    unit: str
    better: Better
    control: str
    per_state: bool
    parts: tuple[str, ...]
    compute: Compute
    repeats: int = 20
    needs: frozenset[str] = frozenset()
    least_windows: int = 4  # a side; with fewer the score has no row
    control_by_part: Mapping[str, str] = field(default_factory=dict)  # parts for which another control matches

    def control_for(self, part: str) -> str:
        """The name of the control that must make this part worse."""
        return self.control_by_part.get(part, self.control)

    def values(self, real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
        """Value by part; the part of a single value is ""."""
        found = self.compute(real, synthetic, context)
        return {k: float(v) for k, v in found.items()} if isinstance(found, dict) else {"": float(found)}

    def unit_of(self, part: str) -> str:
        """The unit of one part's value, "" for a bare number."""
        if self.unit != OWN_UNIT:
            return self.unit
        return FEATURES[part].unit if part in FEATURES else UNITS.get(part, "")

    def badness(self, value: float) -> float:
        """The value turned so that larger is worse."""
        return badness(self.better, value)


def channels_of(part: str) -> tuple[str, ...]:
    """The channels that a part's value is measured on; () for the single value of a score."""
    return FEATURES[part].channels if part in FEATURES else (part,) if part in UNITS else ()


def part_title(part: str) -> str:
    """What a part is called: a measurement's title, a channel's name, "" for the single value of a score."""
    return FEATURES[part].title if part in FEATURES else part


_SCORES: dict[str, Score] = {}


def score(
    *,
    name: str,
    group: str,
    title: str,
    meaning: str,
    better: Better,
    control: str,
    unit: str = "",
    per_state: bool = False,
    parts: Sequence[str] = (),
    repeats: int = 20,
    needs: Sequence[str] = (),
    least_windows: int = 4,
    control_by_part: Mapping[str, str] | None = None,
) -> Callable[[Compute], Compute]:
    """Decorator that puts a function (real, synthetic, context) into the registry. The fields are those of Score."""

    def register(compute: Compute) -> Compute:
        if name in _SCORES or group not in GROUPS:
            raise EvaluationError(f"Score {name}: the name is taken, or {group!r} is not one of {', '.join(GROUPS)}.")
        _SCORES[name] = Score(
            name=name,
            group=group,
            title=title,
            meaning=meaning,
            unit=unit,
            better=better,
            control=control,
            per_state=per_state,
            parts=tuple(parts),
            compute=compute,
            repeats=repeats,
            needs=frozenset(needs),
            least_windows=least_windows,
            control_by_part=dict(control_by_part or {}),
        )
        return compute

    return register


def scores(groups: Sequence[str] = GROUPS) -> tuple[Score, ...]:
    """Every registered score of these groups, in the order of GROUPS and then of registration."""
    for module in SCORE_MODULES:
        importlib.import_module(f"physiosynth.evaluation.{module}")
    return tuple(s for group in groups for s in _SCORES.values() if s.group == group)


def score_named(name: str) -> Score:
    """The score of this name. Raises EvaluationError."""
    found = [s for s in scores() if s.name == name]
    if not found:
        raise EvaluationError(f"No score {name!r}. There are {', '.join(s.name for s in scores())}.")
    return found[0]


@dataclass(frozen=True)
class ScoreRow:
    """One score of one state and part.

    value: with all windows; matched: mean at the sample sizes of the floor, the figure to hold against it; low, high:
    its 95 % interval over the draws of windows behind it, nan where there are too few; random:
    floor of random split halves; people: floor between people, None where there is one person and no other to ask;
    control: value of the score's control, None where controls were not asked for.
    """

    score: str
    state: str
    part: str
    value: float
    matched: float
    random: Floor | None
    people: Floor | None
    control: float | None
    windows: tuple[int, int]  # real, synthetic
    low: float = float("nan")
    high: float = float("nan")

    @property
    def verdict(self) -> str:
        """One of VERDICTS.

        'as real': within the random floor; 'as another person': within the floor between people; 'cannot tell': the
        control is within that floor too, as happens with few windows; 'unknown': there is no figure or no floor.
        """
        turned = score_named(self.score).badness
        if not np.isfinite(self.matched) or self.random is None or not np.isfinite(self.random.edge):
            return "unknown"
        if self.control is not None and not turned(self.control) > turned(self.random.edge):
            return "cannot tell"
        if turned(self.matched) <= turned(self.random.edge):
            return "as real"
        if self.people is not None and turned(self.matched) <= turned(self.people.edge):
            # Where people differ as much as the control does, being within their floor says nothing.
            empty = self.control is not None and turned(self.people.edge) >= turned(self.control)
            return "cannot tell" if empty else "as another person"
        if self.control is not None and turned(self.matched) >= turned(self.control):
            return "as its control"
        return "between"


@dataclass(frozen=True)
class ScoreTable:
    """The rows of a judgement, in the order of the registry."""

    rows: tuple[ScoreRow, ...]

    def select(self, score: str | None = None, state: str | None = None, part: str | None = None) -> ScoreTable:
        """The rows that match every name given."""
        wanted = {"score": score, "state": state, "part": part}
        return ScoreTable(
            tuple(r for r in self.rows if all(v is None or getattr(r, k) == v for k, v in wanted.items()))
        )

    def without(self, channels: Sequence[str]) -> ScoreTable:
        """The rows that need none of these channels, which were not recorded."""
        return ScoreTable(tuple(r for r in self.rows if not set(channels_of(r.part)) & set(channels)))

    def without_size(self, channels: Sequence[str]) -> ScoreTable:
        """The rows that do not tell a larger signal from a smaller one of these channels."""
        return ScoreTable(
            tuple(
                r
                for r in self.rows
                if not set(channels_of(r.part)) & set(channels) or (r.score not in SIZE_SCORES and r.part not in SIZES)
            )
        )

    def to_dicts(self) -> list[dict[str, Any]]:
        """Plain values for JSON and CSV, the verdict included; NaN becomes None."""
        return [_plain(row) for row in self.rows]


def _plain(row: ScoreRow) -> dict[str, Any]:
    def number(value: float | None) -> float | None:
        return None if value is None or not np.isfinite(value) else float(value)

    out: dict[str, Any] = {"score": row.score, "state": row.state, "part": row.part}
    out |= {name: number(getattr(row, name)) for name in ("value", "matched", "low", "high", "control")}
    for name in ("random", "people"):
        floor = cast("Floor | None", getattr(row, name))
        out[f"floor_{name}_mean"] = number(floor.mean) if floor else None
        out[f"floor_{name}_edge"] = number(floor.edge) if floor else None
        out[f"floor_{name}_repeats"] = floor.repeats if floor else 0
    return out | {"windows_real": row.windows[0], "windows_synthetic": row.windows[1], "verdict": row.verdict}
