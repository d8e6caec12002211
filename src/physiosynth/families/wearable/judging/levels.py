"""From a figure and its yardsticks, what reference windows score and what corrupted ones score, to one level."""

from __future__ import annotations

from typing import TypeGuard

import numpy as np

from physiosynth.families.wearable.judging.metrics import Better, Floor, badness

GOOD, PERSON, CARE, POOR, UNKNOWN = "good", "person", "care", "poor", "unknown"
SLACK = 1.3  # times the 95 % quantile of the floor that still counts as like the reference
NEARER = 0.5  # of the way from the reference to the control


LEVEL_OF = {  # why a figure has its level; words for the levels are in findings
    "within the floor": GOOD,
    "within other people": PERSON,
    "between floor and control": CARE,
    "nearer to the control": POOR,
    "beyond the control": POOR,
    "control within the floor": UNKNOWN,  # as happens with few windows
    "other people beyond the control": UNKNOWN,  # being within their floor says nothing
    "no figure or no floor": UNKNOWN,
}


def reason_of(better: Better, figure: float, random: Floor | None, people: Floor | None, control: float | None) -> str:
    """The key of LEVEL_OF for a figure beside its floors and control, all at the same numbers of windows."""
    if not np.isfinite(figure) or not known(random):
        return "no figure or no floor"
    value, mean, edge = (badness(better, number) for number in (figure, random.mean, random.edge))
    wrong = None if control is None else badness(better, control)
    if wrong is not None and not wrong > edge:
        return "control within the floor"
    # What is best at 0 may be SLACK times the edge; what is best when large, SLACK times the edge's distance.
    reach = edge if better != "higher" else edge - mean
    if value <= edge + (SLACK - 1) * abs(reach):
        return "within the floor"
    near_control = discrepancy_of(better, figure, random, people, control) > NEARER
    if known(people) and value <= badness(better, people.edge):
        if wrong is not None and badness(better, people.edge) >= wrong:
            return "other people beyond the control"
        if not near_control:
            return "within other people"
    if not near_control:
        return "between floor and control"
    return "beyond the control" if wrong is not None and value >= wrong else "nearer to the control"


def discrepancy_of(
    better: Better, figure: float, random: Floor | None, people: Floor | None, control: float | None
) -> float:
    """0 where the reference is, 1 where the control is, more beyond it; nan where that is not known.

    The reference is other people's where they are known and farther off: no generator that has not seen a person can be
    expected to come nearer. nan, too, where the control is no worse than they are: then it says nothing.
    """
    if control is None or not np.isfinite(control) or not known(random):
        return float("nan")
    start = badness(better, random.mean)
    if known(people):
        start = max(start, badness(better, people.mean))
    end = badness(better, control)
    return float((badness(better, figure) - start) / (end - start)) if end > start else float("nan")


def known(floor: Floor | None) -> TypeGuard[Floor]:
    """Whether there is a floor to hold a figure against."""
    return floor is not None and bool(np.isfinite(floor.edge))
