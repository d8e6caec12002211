"""The statistics that every score shares: floors, intervals, AUC, KS, and how well labels are predicted.

Efron and Tibshirani, 1993: percentile intervals. Windows of one person are not independent, so subjects are drawn where
there are several; with a single subject only windows can be drawn, and that interval is too narrow for a new person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.runtime import derive_seed

RESAMPLES = 500
COVERED = 0.95
EDGE = 0.95  # quantile of a floor, towards worse
ENOUGH_DRAWS = 20
NAMES = ("accuracy", "balanced_accuracy", "macro_f1", "auroc")
NAN = float("nan")
Better = Literal["lower", "higher", "near_zero"]


def badness(better: Better, value: float) -> float:
    """The value turned so that larger is worse."""
    return {"lower": value, "higher": -value, "near_zero": abs(value)}[better]


@dataclass(frozen=True)
class Floor:
    """What the reference scores against itself. edge: the 95 % quantile towards worse; repeats: draws behind it."""

    mean: float = NAN
    edge: float = NAN
    repeats: int = 0

    @classmethod
    def of(cls, draws: Iterable[float], better: Better) -> Floor:
        """Of repeated draws, those that could be computed; nan where there are none."""
        known = np.array([value for value in draws if np.isfinite(value)])
        if not len(known):
            return cls()
        # The quantile is taken towards worse, whichever way that is, and given back as a value of the score.
        place = min(len(known) - 1, int(np.ceil(EDGE * len(known))) - 1)
        edge = known[np.argsort([badness(better, value) for value in known])[place]]
        return cls(float(known.mean()), float(edge), len(known))


def interval(draws: Iterable[float]) -> tuple[float, float]:
    """The 2.5 % and 97.5 % quantiles of draws; nan for fewer than two.

    The outermost of a few draws lie too near each other: under ENOUGH_DRAWS the interval is mean and SD with Student's
    t, at least as wide as the draws.
    """
    from scipy.stats import t

    known = np.array([value for value in draws if np.isfinite(value)])
    if len(known) < 2:
        return NAN, NAN
    low, high = np.quantile(known, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    if len(known) < ENOUGH_DRAWS:
        reach = t.ppf((1 + COVERED) / 2, len(known) - 1) * known.std(ddof=1)
        low, high = min(low, known.mean() - reach), max(high, known.mean() + reach)
    return float(low), float(high)


def mean_of_known(values: Iterable[float]) -> float:
    """The mean of what could be computed; nan where nothing could."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else NAN


def auroc(positive: Sequence[float] | np.ndarray, negative: Sequence[float] | np.ndarray) -> float:
    """Probability that a positive scores above a negative, ties counting half; NaN are left out, nan where none is."""
    from scipy.stats import rankdata

    both = (np.asarray(values, dtype=float) for values in (positive, negative))
    first, second = (values[np.isfinite(values)] for values in both)
    if not len(first) or not len(second):
        return NAN
    ranks = rankdata(np.concatenate([first, second]))[: len(first)]
    return float((ranks.sum() - len(first) * (len(first) + 1) / 2) / (len(first) * len(second)))


def ks(a: np.ndarray, b: np.ndarray) -> float:
    """Two-sample Kolmogorov-Smirnov statistic; NaN is a value of its own, above all others. nan without windows."""
    a, b = (np.sort(np.where(np.isfinite(each), each, np.inf)) for each in (a, b))
    if not len(a) or not len(b):
        return NAN
    levels = np.concatenate([a, b])
    below = [np.searchsorted(each, levels, side="right") / len(each) for each in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


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


def quality(predictions: Predictions, seed: int = 0, resamples: int = RESAMPLES) -> Quality:
    """All figures with their intervals. Raises EvaluationError for no windows, or labels the classifier cannot name."""
    truth = codes(predictions)
    people, owner = np.unique(predictions.subjects, return_inverse=True)
    over = "subjects" if len(people) > 1 else "windows"
    groups = [np.flatnonzero(owner == i) for i in range(len(people))] if over == "subjects" else None
    rng = np.random.default_rng(derive_seed(seed, "bootstrap"))
    drawn = []
    for _ in range(resamples):
        if groups is None:
            rows = rng.integers(len(truth), size=len(truth))
        else:
            rows = np.concatenate([groups[i] for i in rng.integers(len(groups), size=len(groups))])
        drawn.append(_figures(truth[rows], predictions.probabilities[rows]))
    values, spread = _figures(truth, predictions.probabilities), np.array(drawn)
    found = {name: Interval(values[i], *interval(spread[:, i])) for i, name in enumerate(NAMES)}
    counts = confusion(truth, predictions.probabilities)
    table = tuple(tuple(int(c) for c in row) for row in counts)
    return Quality(
        **found, over=over, windows=len(truth), subjects=len(people), classes=predictions.classes, confusion=table
    )


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
