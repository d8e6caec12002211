"""Whether synthetic windows give back the windows of those a generator learned from.

In these scores the reference ("real") is what the generator learned from. Distance alone proves nothing: a generator
that is far from all data keeps its distance too, and noise would be the most private of all (Yao et al., 2025, "The DCR
Delusion"). So a distance is read in both directions, and membership inference (membership.py) is asked as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.tables import TableScaler, table_of
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.judging.registry import Context, Score
from physiosynth.families.wearable.signals import ECG_HZ

TOO_NEAR, AS_NEW, TOO_FAR = "too near", "as a new window", "too far is not private"
NEAR_FACTOR, FAR_FACTOR = 0.5, 2.0
NEAR_SHARE = 0.1  # of the windows that lie nearer than 99 % of the yardstick do
CHANCE = 0.001  # of as many fair windows doing so
NEAR_COPY, EXACT_COPY = 0.95, 0.9999
COPY_STEP = 7  # ECG samples: 25 Hz keep the beat and make the search quick
COPY_LAG_S = 5.0
SMALLEST = 1e-6


@dataclass(frozen=True)
class DistanceReading:
    """Distances of synthetic windows to the nearest reference window, beside those of reference windows.

    ratio: geometric mean of the synthetic distances over that of the reference ones; nearest: share of synthetic
    windows nearer than 99 % of the reference ones are (0.01 is usual, more by chance where there are few); reading:
    TOO_NEAR, AS_NEW or TOO_FAR; meaning: one sentence.
    """

    ratio: float
    nearest: float
    reading: str

    @property
    def meaning(self) -> str:
        return {
            TOO_NEAR: "Synthetic windows lie nearer to the reference than new windows of it do: some may be copies.",
            AS_NEW: "Synthetic windows lie as near as new reference windows do. That alone proves no privacy.",
            TOO_FAR: "Synthetic windows lie farther off than reference ones: they are unlike the data, which "
            "is no proof of privacy.",
        }[self.reading]


def read_distances(
    reference: Judged, synthetic: Judged, new: Judged | None = None, space: str = "euclidean"
) -> DistanceReading:
    """Judge distances to the nearest reference window.

    new: reference windows the generator has not seen, the yardstick; without, each reference window's distance to the
    others. space: "euclidean" in the standardised table, or "mahalanobis" with a shrunk covariance (Ledoit and Wolf,
    2004). Raises EvaluationError.
    """
    return read(*nearest_distances(reference, synthetic, new, space))


def read(made: np.ndarray, usual: np.ndarray) -> DistanceReading:
    """The reading of (m,) distances of synthetic windows beside those of the yardstick, (n,).

    A few dozen windows do not tell where the nearest 1 % end. So a share of near ones counts only where fair windows,
    which rank among the yardstick's at random, would have it less often than CHANCE: m of them hold so many before as
    many of the yardstick's come by the negative hypergeometric distribution.
    """
    from scipy.stats import nhypergeom

    ratio = float(np.exp(np.log(made).mean() - np.log(usual).mean()))
    limit = np.quantile(usual, 0.01)
    near, passed = int((made < limit).sum()), int((usual < limit).sum())
    chance = nhypergeom.sf(near - 1, len(made) + len(usual), len(made), passed + 1)
    nearest = near / len(made)
    if ratio < NEAR_FACTOR or (nearest > NEAR_SHARE and chance < CHANCE):
        reading = TOO_NEAR
    else:
        reading = TOO_FAR if ratio > FAR_FACTOR else AS_NEW
    return DistanceReading(ratio, nearest, reading)


def nearest_distances(
    reference: Judged, synthetic: Judged, new: Judged | None = None, space: str = "euclidean"
) -> tuple[np.ndarray, np.ndarray]:
    """(m,) distances of synthetic windows to the nearest reference window, and the yardstick's; see read_distances."""
    if min(len(reference), len(synthetic)) < 3:
        raise EvaluationError(f"Distances need 3 windows in each set, found {len(reference)} and {len(synthetic)}.")
    points = [table_of(part).values for part in (reference, synthetic, *([new] if new is not None else []))]
    scaler = TableScaler.fit(points[0])
    points = [scaler.apply(values) for values in points]
    if space == "mahalanobis":
        points = _whitened(points)
    elif space != "euclidean":
        raise EvaluationError(f"Space {space!r} is not known. Use euclidean or mahalanobis.")
    made = nearest(points[1], points[0])
    usual = nearest(points[2], points[0]) if new is not None else nearest(points[0], None)
    return np.maximum(made, SMALLEST), np.maximum(usual, SMALLEST)


def nearest(points: np.ndarray, others: np.ndarray | None) -> np.ndarray:
    """(n,) distance of each (n, f) point to the nearest of others, or to the nearest other point."""
    from scipy.spatial import cKDTree

    place = 2 if others is None else 1  # the nearest to a point of its own set is itself
    return cKDTree(points if others is None else others).query(points, k=[place])[0][:, 0]


def _whitened(points: list[np.ndarray]) -> list[np.ndarray]:
    """The points in axes in which the first set's shrunk covariance is the identity."""
    from sklearn.covariance import LedoitWolf

    values, vectors = np.linalg.eigh(LedoitWolf().fit(points[0]).covariance_)
    turn = vectors / np.sqrt(np.maximum(values, SMALLEST))
    return [part @ turn for part in points]


@dataclass(frozen=True)
class Copies:
    """Synthetic windows that repeat a reference window's ECG.

    correlation: (m,) highest correlation of each synthetic window with any reference window; match: (m,) position of
    that one; exact, near: shares of windows above EXACT_COPY and above NEAR_COPY.
    """

    correlation: np.ndarray
    match: np.ndarray
    exact: float
    near: float


def find_copies(reference: WindowSet, synthetic: WindowSet) -> Copies:
    """Highest correlation over lags of +-5 s of every synthetic ECG with every reference ECG, at 25 Hz.

    At each lag the overlapping parts are compared, so that a shifted copy is found too; amplitude does not enter.
    """
    theirs, ours = _thinned(reference.ecg), _thinned(synthetic.ecg)
    best = np.full(len(ours), -1.0)
    match = np.zeros(len(ours), dtype=int)
    spectra = _Spectra(theirs)
    for row, window in enumerate(ours):
        found = spectra.correlate(window)
        if len(found):
            match[row] = int(found.argmax())
            best[row] = found[match[row]]
    share = [float((best > level).mean()) if len(best) else 0.0 for level in (EXACT_COPY, NEAR_COPY)]
    return Copies(best, match, *share)


def _thinned(ecg: np.ndarray) -> np.ndarray:
    from scipy.signal import decimate

    slow = decimate(ecg.astype(np.float64), COPY_STEP, axis=1) if len(ecg) else ecg[:, ::COPY_STEP].astype(float)
    return (slow - slow.mean(axis=1, keepdims=True)).astype(np.float32)


class _Spectra:
    """Reference windows ready to be correlated with one window at a time."""

    def __init__(self, windows: np.ndarray) -> None:
        from scipy.fft import next_fast_len, rfft

        self.steps = windows.shape[1]
        self.size = next_fast_len(2 * self.steps, real=True)
        self.lags = np.arange(-round(COPY_LAG_S * ECG_HZ / COPY_STEP), round(COPY_LAG_S * ECG_HZ / COPY_STEP) + 1)
        self.spectrum = rfft(windows, self.size, axis=1)
        self.energy = self._overlap_energy(windows, -self.lags)

    def correlate(self, window: np.ndarray) -> np.ndarray:
        """(n,) highest correlation with each reference window."""
        from scipy.fft import irfft, rfft

        products = irfft(self.spectrum.conj() * rfft(window, self.size), self.size, axis=1)[:, self.lags]
        scale = self.energy * self._overlap_energy(window[None], self.lags)
        found = np.divide(products, np.sqrt(scale), out=np.full(products.shape, -1.0), where=scale > SMALLEST**2)
        return found.max(axis=1)

    def _overlap_energy(self, windows: np.ndarray, lags: np.ndarray) -> np.ndarray:
        """(n, lags) sum of squares of what overlaps when a window is read `lag` samples later."""
        summed = np.pad(np.cumsum(windows.astype(np.float64) ** 2, axis=1), ((0, 0), (1, 0)))
        return summed[:, self.steps + np.minimum(lags, 0)] - summed[:, np.maximum(lags, 0)]


def _log_ratio(real: Judged, synthetic: Judged, space: str) -> float:
    return float(np.log2(read_distances(real, synthetic, space=space).ratio))


def nearest_distance(real: Judged, synthetic: Judged, context: Context) -> float:
    """log2 of DistanceReading.ratio in the standardised table."""
    return _log_ratio(real, synthetic, "euclidean")


def mahalanobis_distance(real: Judged, synthetic: Judged, context: Context) -> float:
    """log2 of DistanceReading.ratio with a shrunk covariance."""
    return _log_ratio(real, synthetic, "mahalanobis")


def copies(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """Shares of exact and near copies."""
    found = find_copies(real.windows, synthetic.windows)
    return {"exact": found.exact, "near": found.near}


_score = partial(Score, group="privacy", control="memorised")
SCORES = (
    _score(
        name="nearest_distance",
        title="Distance to the nearest reference window",
        meaning="Below 0, synthetic windows lie nearer to reference ones than those to each other (copies); far "
        "above 0, they are unlike the data, which is no privacy.",
        unit="log2 of the ratio",
        better="near_zero",
        repeats=10,
        least_windows=8,
        compute=nearest_distance,
    ),
    _score(
        name="mahalanobis_distance",
        title="Mahalanobis distance to the nearest reference window",
        meaning="As the distance above, with correlated features counted once.",
        unit="log2 of the ratio",
        better="near_zero",
        repeats=10,
        least_windows=8,
        compute=mahalanobis_distance,
    ),
    _score(
        name="copies",
        title="Copies of reference windows",
        meaning="Share of synthetic windows whose ECG repeats a reference window's, shifted by at most five seconds.",
        better="lower",
        parts=("exact", "near"),
        repeats=2,
        least_windows=4,
        compute=copies,
    ),
)
