"""How alike two sets are in their values: sample by sample, and as clouds of windows in feature space."""

from __future__ import annotations

from functools import partial

import numpy as np

from physiosynth.families.wearable.features.features import DESCRIPTION
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.windows import RATE_HZ, WindowSet
from physiosynth.families.wearable.judging.registry import OWN_UNIT, Context, Score

CHANNELS = tuple(RATE_HZ)
_BINS = 1024  # over the reference range and 3 SD beyond it; what lies outside counts in the outermost
_COARSE = 16  # fine bins a bin of the Jensen-Shannon divergence
UNMEASURED_SD = 4.0
_PROJECTIONS = 128


def value_ks(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """Largest distance of the cumulative distributions of all samples, by channel."""
    return {name: float(np.abs(a - b).max()) for name, (a, b, _) in _cumulative(real, synthetic).items()}


def value_w1(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """Wasserstein-1 distance of all samples in the channel's unit."""
    return {name: float(np.abs(a - b).sum() * step) for name, (a, b, step) in _cumulative(real, synthetic).items()}


def value_w1_sd(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """Wasserstein-1 distance over the SD of the reference samples of this view."""
    spread = {name: float(real.windows.channel(name).std(dtype=float)) for name in CHANNELS}
    return {name: shift / max(spread[name], 1e-12) for name, shift in value_w1(real, synthetic, context).items()}


def value_js(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """Jensen-Shannon divergence, base 2 (Lin, 1991), of histograms over the reference range."""
    out = {}
    for name, (a, b, _) in _cumulative(real, synthetic).items():
        p, q = (np.diff(each[_COARSE - 1 :: _COARSE], prepend=0.0) for each in (a, b))
        out[name] = _divergence(p, q)
    return out


def mmd(real: Judged, synthetic: Judged, context: Context) -> float:
    """Unbiased squared MMD, Gaussian kernel of the reference windows' median distance (Gretton et al., 2012)."""
    (x, _), (xx, yy, xy) = _clouds(real, synthetic)
    width = max(float(np.median(xx[np.triu_indices(len(x), 1)])), 1e-9)
    inside = [_off_diagonal_mean(np.exp(-(d**2) / (2 * width**2))) for d in (xx, yy)]
    return float(sum(inside) - 2 * np.exp(-(xy**2) / (2 * width**2)).mean())


def energy_distance(real: Judged, synthetic: Judged, context: Context) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| without self-pairs (Szekely and Rizzo, 2013), in standardised features."""
    _, (xx, yy, xy) = _clouds(real, synthetic)
    return float(2 * xy.mean() - _off_diagonal_mean(xx) - _off_diagonal_mean(yy))


def energy_by_state(real: Judged, synthetic: Judged, context: Context) -> float:
    """Mean over states of the energy distance; states with fewer than 3 windows in either set are left out."""
    found = []
    for state in real.present_states:
        ours, theirs = real.of_state(state), synthetic.of_state(state)
        if min(len(ours), len(theirs)) >= 3:
            found.append(energy_distance(ours, theirs, context))
    return float(np.mean(found)) if found else float("nan")


def sliced_w1(real: Judged, synthetic: Judged, context: Context) -> float:
    """Mean Wasserstein-1 distance over random directions in standardised feature space (Bonneel et al., 2015)."""
    x, y = clouds(real, synthetic)
    directions = np.random.default_rng(context.seed).normal(size=(x.shape[1], _PROJECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    levels = (np.arange(200) + 0.5) / 200
    return float(
        np.abs(np.quantile(x @ directions, levels, axis=0) - np.quantile(y @ directions, levels, axis=0)).mean()
    )


def clouds(real: Judged, synthetic: Judged) -> tuple[np.ndarray, np.ndarray]:
    """(n, d) and (m, d) features in SDs of the whole reference set, within 10 SD; what was not measurable lies at 4 SD.

    So a window without beats is far from those with beats, and like another one without.
    """
    known = real.whole.features.table(DESCRIPTION)
    with np.errstate(invalid="ignore"):
        seen = np.isfinite(known)
        count = np.maximum(seen.sum(axis=0), 1)
        centre = np.where(seen, known, 0).sum(axis=0) / count
        spread = np.sqrt(np.where(seen, (known - centre) ** 2, 0).sum(axis=0) / count)
    spread = np.where(spread > 1e-9 * np.maximum(1.0, np.abs(centre)), spread, 1.0)
    out = []
    for each in (real, synthetic):
        scaled = np.clip((each.features.table(DESCRIPTION) - centre) / spread, -10, 10)
        out.append(np.where(np.isfinite(scaled), scaled, UNMEASURED_SD))
    return out[0], out[1]


def _clouds(real: Judged, synthetic: Judged) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Both clouds, and the distances within reference, within synthetic, and between."""
    from scipy.spatial.distance import cdist

    x, y = clouds(real, synthetic)
    return (x, y), (cdist(x, x), cdist(y, y), cdist(x, y))


def _off_diagonal_mean(square: np.ndarray) -> float:
    return float((square.sum() - np.trace(square)) / (len(square) * (len(square) - 1)))


def _divergence(p: np.ndarray, q: np.ndarray) -> float:
    mean = (p + q) / 2
    parts = [
        np.where(each > 0, each * np.log2(np.where(each > 0, each, 1) / np.where(mean > 0, mean, 1)), 0)
        for each in (p, q)
    ]
    return float(sum(part.sum() for part in parts) / 2)


def _cumulative(real: Judged, synthetic: Judged) -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """By channel: both cumulative distributions on one grid that the whole reference set fixes, and the grid's step."""
    out = {}
    for name in CHANNELS:
        low, high = _range(real.whole, name)
        key = f"histogram {name} {low!r} {high!r}"

        def count(windows: WindowSet, name: str = name, low: float = low, high: float = high) -> np.ndarray:
            return _histograms(windows.channel(name), low, high)

        sides = [each.per_window(key, count).mean(axis=0, dtype=float).cumsum() for each in (real, synthetic)]
        out[name] = (*sides, (high - low) / _BINS)
    return out


def _range(whole: Judged, name: str) -> tuple[float, float]:
    """The grid's ends: the reference range and 3 SD more on either side."""

    def ends(windows: WindowSet) -> np.ndarray:
        values = windows.channel(name)
        margin = max(3 * float(values.std(dtype=float)), 1e-6)
        return np.broadcast_to([float(values.min()) - margin, float(values.max()) + margin], (len(windows), 2))

    low, high = whole.per_window(f"range {name}", ends)[0]
    return float(low), float(high)


def _histograms(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """(n, bins) share of each window's samples in each bin."""
    bins = np.clip(((values - low) * (_BINS / (high - low))).astype(int), 0, _BINS - 1)
    rows = np.arange(len(values))[:, None] * _BINS
    counts = np.bincount((bins + rows).ravel(), minlength=len(values) * _BINS)
    return (counts.reshape(len(values), _BINS) / values.shape[1]).astype(np.float32)


_score = partial(Score, group="distributions", better="lower")
SCORES = (
    _score(
        name="value_ks",
        title="Amplitude distribution: largest gap (Kolmogorov-Smirnov)",
        meaning="How far the cumulative distributions of samples differ: 0 for equal ones, 1 for no value in common.",
        control="swapped_channels",
        per_state=True,
        parts=CHANNELS,
        compute=value_ks,
    ),
    _score(
        name="value_w1",
        title="Amplitude distribution: average shift (Wasserstein-1)",
        meaning="How far a sample has to move on average to turn one set's values into the other's, in the channel's "
        "unit.",
        unit=OWN_UNIT,
        control="swapped_channels",
        per_state=True,
        parts=CHANNELS,
        compute=value_w1,
    ),
    _score(
        name="value_w1_sd",
        title="Amplitude distribution: average shift in reference SDs (Wasserstein-1)",
        meaning="The same shift in standard deviations of the reference samples, so that channels can be compared.",
        unit="SD",
        control="swapped_channels",
        per_state=True,
        parts=CHANNELS,
        compute=value_w1_sd,
    ),
    _score(
        name="value_js",
        title="Amplitude distribution: divergence (Jensen-Shannon)",
        meaning="How much one sample tells about which set it is from: 0 bits for equal distributions, 1 bit for "
        "none in common.",
        unit="bit",
        control="swapped_channels",
        per_state=True,
        parts=CHANNELS,
        compute=value_js,
    ),
    _score(
        name="mmd",
        title="Maximum mean discrepancy of windows",
        meaning="Compares whole windows, each described by its measured features; 0 for equal distributions.",
        control="phase_randomised",
        per_state=True,
        least_windows=6,
        compute=mmd,
    ),
    _score(
        name="energy_distance",
        title="Energy distance of windows",
        meaning="How much farther apart reference and synthetic windows are from each other than among themselves.",
        unit="SD",
        control="white_noise",
        per_state=True,
        least_windows=6,
        compute=energy_distance,
    ),
    _score(
        name="energy_by_state",
        title="Energy distance within each state, averaged",
        meaning="Whether the windows of each state are like reference windows of that state, and not of another.",
        unit="SD",
        control="shuffled_states",
        least_windows=12,
        compute=energy_by_state,
    ),
    _score(
        name="sliced_w1",
        title="Sliced Wasserstein-1 distance of windows",
        meaning="The average shift between the two distributions of windows, along many random directions.",
        unit="SD",
        control="phase_randomised",
        per_state=True,
        least_windows=6,
        compute=sliced_w1,
    ),
)
