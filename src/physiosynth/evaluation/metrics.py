"""How well labels are predicted, with bootstrap intervals over subjects or windows.

Efron and Tibshirani, 1993: percentile intervals. Windows of one person are not independent, so subjects are drawn where
there are several; with a single subject only windows can be drawn, and that interval is too narrow for a new person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from physiosynth.errors import EvaluationError

RESAMPLES = 500
COVERED = 0.95
NAMES = ("accuracy", "balanced_accuracy", "macro_f1", "auroc")


@dataclass(frozen=True)
class Interval:
    """A figure and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Predictions:
    """What a classifier said of n windows.

    classes: k names; probabilities: (n, k); truth: (n,) names; subjects: (n,) names.
    """

    classes: tuple[str, ...]
    probabilities: np.ndarray
    truth: np.ndarray
    subjects: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """(n,) the most probable class of each window."""
        return np.asarray(self.classes)[self.probabilities.argmax(axis=1)]

    def join(self, other: Predictions) -> Predictions:
        """Both, one after the other. Raises EvaluationError where the classes differ."""
        if self.classes != other.classes:
            raise EvaluationError(
                f"Predictions of {', '.join(self.classes)} and of {', '.join(other.classes)} cannot be pooled."
            )
        parts = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])
            for name in ("probabilities", "truth", "subjects")
        }
        return Predictions(self.classes, **parts)


@dataclass(frozen=True)
class Quality:
    """Figures of one set of predictions.

    accuracy, balanced_accuracy (mean recall of the classes), macro_f1, auroc (one class against the rest, mean of the
    classes); over: "subjects" or "windows", what the bootstrap drew; confusion: (k, k) counts, truth by row.
    """

    accuracy: Interval
    balanced_accuracy: Interval
    macro_f1: Interval
    auroc: Interval
    over: str
    windows: int
    subjects: int
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def quality(predictions: Predictions, seed: int = 0, resamples: int = RESAMPLES) -> Quality:
    """All figures with their intervals. Raises EvaluationError for no windows, or labels the classifier cannot name."""
    truth = codes(predictions)
    people, owner = np.unique(predictions.subjects, return_inverse=True)
    over = "subjects" if len(people) > 1 else "windows"
    groups = [np.flatnonzero(owner == i) for i in range(len(people))] if over == "subjects" else None
    rng = np.random.default_rng((seed, 5))
    drawn = []
    for _ in range(resamples):
        if groups is None:
            rows = rng.integers(len(truth), size=len(truth))
        else:
            rows = np.concatenate([groups[i] for i in rng.integers(len(groups), size=len(groups))])
        drawn.append(_figures(truth[rows], predictions.probabilities[rows]))
    values, spread = _figures(truth, predictions.probabilities), np.array(drawn)
    edges = np.array([_edges(column) for column in spread.T])
    found = {name: Interval(*map(float, (values[i], *edges[i]))) for i, name in enumerate(NAMES)}
    counts = confusion(truth, predictions.probabilities)
    table = tuple(tuple(int(c) for c in row) for row in counts)
    return Quality(
        **found, over=over, windows=len(truth), subjects=len(people), classes=predictions.classes, confusion=table
    )


def auroc(positive: Sequence[float] | np.ndarray, negative: Sequence[float] | np.ndarray) -> float:
    """Probability that a positive scores above a negative, ties counting half; nan where either is empty."""
    from scipy.stats import rankdata

    positive, negative = np.asarray(positive, dtype=float), np.asarray(negative, dtype=float)
    if not len(positive) or not len(negative):
        return float("nan")
    ranks = rankdata(np.concatenate([positive, negative]))[: len(positive)]
    return float((ranks.sum() - len(positive) * (len(positive) + 1) / 2) / (len(positive) * len(negative)))


def codes(predictions: Predictions) -> np.ndarray:
    """(n,) place of each window's true class. Raises EvaluationError."""
    unknown = sorted(set(predictions.truth.tolist()) - set(predictions.classes))
    if unknown or not len(predictions.truth):
        raise EvaluationError(
            f"Expected windows of {', '.join(predictions.classes)}, found {', '.join(unknown) or 'none'}. Train on "
            "every class that is tested."
        )
    order = {name: place for place, name in enumerate(predictions.classes)}
    return np.array([order[name] for name in predictions.truth.tolist()])


def confusion(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(classes, classes) counts of windows, the true class first; truth: (n,) places of the classes."""
    size = probabilities.shape[1]
    return np.bincount(truth * size + probabilities.argmax(axis=1), minlength=size * size).reshape(size, size)


def _figures(truth: np.ndarray, probabilities: np.ndarray) -> tuple[float, float, float, float]:
    """The figures in the order of NAMES; a class without windows is left out of the means."""
    counts = confusion(truth, probabilities)
    right, actual = np.diag(counts), counts.sum(axis=1)
    here = actual > 0
    recall = right[here] / actual[here]
    places = [1] if probabilities.shape[1] == 2 else np.flatnonzero(here)
    areas = [auroc(probabilities[truth == k, k], probabilities[truth != k, k]) for k in places]
    return float(right.sum() / len(truth)), float(recall.mean()), macro_f1(counts), float(np.mean(areas))


def macro_f1(counts: np.ndarray) -> float:
    """Mean F1 of the classes that have windows; counts: (classes, classes), the true class first."""
    actual, said = counts.sum(axis=1), counts.sum(axis=0)
    here = actual > 0
    return float((2 * np.diag(counts)[here] / (actual[here] + said[here])).mean())


def _edges(values: np.ndarray) -> tuple[float, float]:
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return float(low), float(high)
