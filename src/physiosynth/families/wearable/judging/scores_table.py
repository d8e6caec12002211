"""Every score, in the order of the report: what a run computes, a page explains and a test holds to its control."""

from __future__ import annotations

from collections.abc import Sequence

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.judging.registry import GROUPS, Score
from physiosynth.families.wearable.scores import (
    coupling,
    distributions,
    fidelity,
    membership,
    physiology_scores,
    privacy,
    spectra_scores,
    usefulness,
)

ALL: tuple[Score, ...] = (
    *distributions.SCORES,
    *spectra_scores.SCORES,
    *physiology_scores.SCORES,
    *coupling.SCORES,
    *usefulness.SCORES,
    *fidelity.SCORES,
    *privacy.SCORES,
    *membership.SCORES,
)
_BY_NAME = {score.name: score for score in ALL}


def scores(groups: Sequence[str] = GROUPS) -> tuple[Score, ...]:
    """Every score of these groups, in the order of the groups."""
    return tuple(score for group in groups for score in ALL if score.group == group)


def score_named(name: str) -> Score:
    """The score of this name. Raises EvaluationError."""
    if name not in _BY_NAME:
        raise EvaluationError(f"No score {name!r}. There are {', '.join(_BY_NAME)}.")
    return _BY_NAME[name]
