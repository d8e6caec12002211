"""Spectra and memory as scores: each window's spectrum and autocorrelation is computed once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.windows import RATE_HZ, WindowSet
from physiosynth.families.wearable.judging import spectra
from physiosynth.families.wearable.judging.registry import Context, Score

CHANNELS = tuple(RATE_HZ)
AT_ONCE = 512  # windows; a long ECG set in double precision fills a small memory


def psd_similarity(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """One less the total variation distance of mean normalised Welch spectra, by channel at its own rate."""
    return _by_channel(real, synthetic, "spectra", spectra.shared_power)


def log_spectral_distance(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """RMS difference in dB of the mean spectra, by channel at its own rate."""
    return _by_channel(real, synthetic, "spectra", spectra.decibels_apart)


def acf_similarity(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """Lin's concordance of the mean autocorrelations, by channel at its own rate."""
    return _by_channel(real, synthetic, "autocorrelation", spectra.concordance)


def curves(judged: Judged, channel: str, kind: str) -> np.ndarray:
    """(n, bins) kept spectra or (n, lags) autocorrelations of one channel. kind: "spectra" or "autocorrelation"."""
    measure = {"spectra": spectra.window_spectra, "autocorrelation": spectra.window_acf}[kind]

    def all_of(windows: WindowSet) -> np.ndarray:
        rows, parts = windows.channel(channel), range(0, max(len(windows), 1), AT_ONCE)
        return np.concatenate([measure(rows[i : i + AT_ONCE].astype(float), RATE_HZ[channel]) for i in parts])

    return judged.per_window(f"{kind} {channel}", all_of)


def _by_channel(
    real: Judged,
    synthetic: Judged,
    kind: str,
    compare: Callable[[np.ndarray, np.ndarray], float],
) -> dict[str, float]:
    return {name: compare(curves(real, name, kind), curves(synthetic, name, kind)) for name in CHANNELS}


_score = partial(Score, group="spectra", control="white_noise", per_state=True, parts=CHANNELS)
SCORES = (
    _score(
        name="psd_similarity",
        title="Spectral overlap",
        meaning="The share of relative power at the same frequencies: 1 for all of it, 0 for none.",
        better="higher",
        compute=psd_similarity,
    ),
    _score(
        name="log_spectral_distance",
        title="Log-spectral distance",
        meaning="How many decibels the mean spectra differ by over the channel's frequencies; 6 dB is twice the "
        "amplitude.",
        unit="dB",
        better="lower",
        compute=log_spectral_distance,
    ),
    _score(
        name="acf_similarity",
        title="Autocorrelation similarity",
        meaning="Whether the signal repeats itself at the same lags, over two beats (ECG) or two breaths: 1 for equal.",
        better="higher",
        compute=acf_similarity,
    ),
)
