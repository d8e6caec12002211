"""From a score and its yardsticks, what real windows score and what broken ones score, to a word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.evaluation.registry import Floor, ScoreRow, score_named

GOOD, PERSON, CARE, POOR, UNKNOWN = "good", "person", "care", "poor", "unknown"
SLACK = 1.3  # times the 95 % quantile of the floor that still counts as real
NEARER = 0.5  # of the way from real windows to the control


@dataclass(frozen=True)
class Level:
    """How a figure is called. mark: a sign that needs no colour; word: for a table; meaning: one sentence."""

    mark: str
    word: str
    meaning: str


LEVELS = {
    GOOD: Level("●", "as real", f"within {SLACK} times what two halves of the same real windows differ by"),
    PERSON: Level("◆", "as another person", "no farther off than one real person is from others"),
    CARE: Level("▲", "with care", "farther off than that, but nearer to real windows than to broken ones"),
    POOR: Level("✕", "not to be trusted", "nearer to windows broken on purpose (the control) than to real ones"),
    UNKNOWN: Level("–", "not judged", "too few windows, or windows too unlike each other, for this figure to tell"),
}


def level_of(row: ScoreRow) -> str:
    """GOOD, PERSON, CARE, POOR or UNKNOWN; see LEVELS."""
    turned = score_named(row.score).badness
    if not np.isfinite(row.matched) or not _known(row.random) or row.verdict == "cannot tell":
        return UNKNOWN
    value, mean, edge = turned(row.matched), turned(row.random.mean), turned(row.random.edge)
    # What is best at 0 may be SLACK times the edge; what is best when large, SLACK times the edge's distance.
    reach = edge if score_named(row.score).better != "higher" else edge - mean
    if value <= edge + (SLACK - 1) * abs(reach):
        return GOOD
    way = way_to_control(row)
    if _known(row.people) and value <= turned(row.people.edge) and not way > NEARER:
        return PERSON
    return POOR if way > NEARER else CARE


def way_to_control(row: ScoreRow) -> float:
    """0 where real windows are, 1 where the control is, more beyond it; nan where that is not known.

    Real windows are those of other people where they are known and farther off: no generator that has not seen a person
    can be expected to come nearer. nan, too, where the control is no worse than they are: then it says nothing.
    """
    turned = score_named(row.score).badness
    if row.control is None or not np.isfinite(row.control) or not _known(row.random):
        return float("nan")
    real = turned(row.random.mean)
    if _known(row.people):
        real = max(real, turned(row.people.mean))
    broken = turned(row.control)
    return float((turned(row.matched) - real) / (broken - real)) if broken > real else float("nan")


def _known(floor: Floor | None) -> bool:
    return floor is not None and bool(np.isfinite(floor.edge))
