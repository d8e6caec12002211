"""The rows of a judgement: each figure beside its yardsticks, with all that is known of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from physiosynth.families.wearable.judging.kept import plain
from physiosynth.families.wearable.judging.levels import LEVEL_OF, discrepancy_of, reason_of
from physiosynth.families.wearable.judging.metrics import Better, Floor
from physiosynth.families.wearable.judging.registry import Score, channels_of

SIZE_SCORES, SIZES = ("value_ks", "log_spectral_distance"), ("breath_depth",)  # what the size of a signal changes


@dataclass(frozen=True)
class ScoreRow:
    """One score of one state and part; build it with `of`.

    score, group, title, better: of the score; unit, control_name: of the part; value: with all windows; matched: mean
    at the sample sizes of the floor, the figure to hold against it; low, high: its 95 % interval over the draws of
    windows behind it, nan where there are too few; random: floor of random split halves; people: floor between people,
    None where there is one person and no other to ask; control: value of the negative control, None where controls were
    not asked for; discrepancy: see levels.discrepancy_of; level: key of levels.LEVELS; reason: why, key of
    levels.LEVEL_OF; reference_windows, synthetic_windows: how many there were.
    """

    score: str
    group: str
    title: str
    state: str
    part: str
    unit: str
    better: Better
    value: float
    matched: float
    low: float
    high: float
    random: Floor | None
    people: Floor | None
    control: float | None
    control_name: str
    discrepancy: float
    level: str
    reason: str
    reference_windows: int
    synthetic_windows: int

    @classmethod
    def of(
        cls,
        score: Score,
        state: str,
        part: str,
        value: float,
        matched: float,
        random: Floor | None,
        people: Floor | None,
        control: float | None,
        windows: tuple[int, int],
        interval: tuple[float, float] = (math.nan, math.nan),
    ) -> ScoreRow:
        """A row that knows its level. windows: of the reference and synthetic."""
        yardsticks = score.better, matched, random, people, control
        reason = reason_of(*yardsticks)
        return cls(
            score=score.name,
            group=score.group,
            title=score.title,
            state=state,
            part=part,
            unit=score.unit_of(part),
            better=score.better,
            value=value,
            matched=matched,
            low=interval[0],
            high=interval[1],
            random=random,
            people=people,
            control=control,
            control_name=score.control_for(part),
            discrepancy=discrepancy_of(*yardsticks),
            level=LEVEL_OF[reason],
            reason=reason,
            reference_windows=windows[0],
            synthetic_windows=windows[1],
        )


@dataclass(frozen=True)
class ScoreTable:
    """The rows of a judgement, in the order of the scores."""

    rows: tuple[ScoreRow, ...]

    def select(
        self, score: str | None = None, state: str | None = None, part: str | None = None, group: str | None = None
    ) -> ScoreTable:
        """The rows that match every name given."""
        wanted = {"score": score, "state": state, "part": part, "group": group}
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
        """The rows as JSON holds them, None where a figure could not be computed; see rows_from_dicts."""
        return [plain(asdict(row)) for row in self.rows]


def rows_from_dicts(rows: Sequence[Mapping[str, Any]]) -> tuple[ScoreRow, ...]:
    """The rows that to_dicts was given; figures that could not be computed are NaN again."""

    def number(value: float | None) -> float:
        return math.nan if value is None else float(value)

    def floor(found: Mapping[str, Any] | None) -> Floor | None:
        return None if found is None else Floor(number(found["mean"]), number(found["edge"]), found["repeats"])

    figures, floors = ("value", "matched", "low", "high", "discrepancy"), ("random", "people")
    return tuple(
        ScoreRow(
            **{
                **row,
                **{name: number(row[name]) for name in figures},
                **{name: floor(row[name]) for name in floors},
            }
        )
        for row in rows
    )
