"""How alike two sets of windows are in frequency and in time, judged at each stream's own rate.

A spectrum needs enough bins where the signal has its power: at 4 Hz the whole 30 s window is one segment (bins 0.033 Hz
apart), at 175 Hz segments of 10 s put several bins between the harmonics of the heart rate. None of these figures is a
proof of realism; noise, a flat line and a swapped channel score low in each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.errors import RequestError

SLOW_RATE_HZ = 20.0  # streams below this rate take the whole window as one Welch segment
FAST_SEGMENT_S = 10.0
FAST_BAND_HZ = (0.5, 40.0)  # the pass band of the ECG
SLOW_BAND_HZ = (0.05, 1.0)  # breathing and skin conductance responses
FAST_LAG_S, SLOW_LAG_S = 1.5, 10.0  # about one beat and its successor; about two breaths
DYNAMIC_RANGE_DB = 60.0


@dataclass(frozen=True)
class Likeness:
    """One channel's likeness between two sets of windows.

    psd: shared spectral power, 0 to 1; acf: concordance of autocorrelations, -1 to 1; spectral_db: distance in dB.
    """

    psd: float
    acf: float
    spectral_db: float


def compare(real: np.ndarray, synthetic: np.ndarray, rate_hz: float) -> Likeness:
    """All three figures for two (window, time) arrays of one channel. Raises RequestError."""
    return Likeness(
        psd_similarity(real, synthetic, rate_hz),
        acf_similarity(real, synthetic, rate_hz),
        log_spectral_distance(real, synthetic, rate_hz),
    )


def split_half(windows: np.ndarray, rate_hz: float) -> Likeness | None:
    """What two halves of one set score against each other: the ruler beside `compare`. None below four windows.

    The windows are interleaved, so that both halves cover the whole recording; reference windows that overlap
    flatter it.
    """
    windows = _windows(windows, "reference")
    if len(windows) < 4:
        return None
    return compare(windows[0::2], windows[1::2], rate_hz)


def psd_similarity(real: np.ndarray, synthetic: np.ndarray, rate_hz: float) -> float:
    """Share of spectral power that lies at the same frequencies: 1 for the same shape, 0 for none in common.

    real: (n, time), synthetic: (m, time), both at rate_hz. Each window's Welch spectrum inside the channel's band is
    normalised to sum 1, the windows are averaged, and the figure is sum(min(p, q)), one less the total variation
    distance. Amplitude does not enter; see log_spectral_distance. Raises RequestError.
    """
    return shared_power(*(window_spectra(windows, rate_hz) for windows in _pair(real, synthetic)))


def acf_similarity(real: np.ndarray, synthetic: np.ndarray, rate_hz: float) -> float:
    """Concordance of the mean autocorrelations, from -1 to 1 (1: the same; about 0: nothing shared, as for noise).

    real: (n, time), synthetic: (m, time), both at rate_hz; lags up to 1.5 s (fast) or 10 s (slow), lag 0 left out.
    The autocorrelation is the biased estimate after a linear trend is taken off; the figure is Lin's concordance (Lin,
    1989), 2 cov / (var + var + (difference of means)^2), so a flattened curve costs as much as a wrong one. It does
    not see phase: a signal with its phases shuffled keeps its autocorrelation. Raises RequestError.
    """
    return concordance(*(window_acf(windows, rate_hz) for windows in _pair(real, synthetic)))


def log_spectral_distance(real: np.ndarray, synthetic: np.ndarray, rate_hz: float) -> float:
    """RMS difference in dB between the mean spectra inside the channel's band; twice the amplitude is 6.02 dB.

    real: (n, time), synthetic: (m, time), in the same unit. Bins more than 60 dB under the reference peak count as
    60 dB under it, so that the floor of a filter is not judged. Raises RequestError.
    """
    return decibels_apart(*(window_spectra(windows, rate_hz) for windows in _pair(real, synthetic)))


def shared_power(real: np.ndarray, synthetic: np.ndarray) -> float:
    """psd_similarity of spectra from window_spectra, (n, f) and (m, f)."""
    shapes = []
    for power in (real, synthetic):
        total = power.sum(axis=1, keepdims=True)
        shapes.append(np.divide(power, total, out=np.zeros_like(power), where=total > 0).mean(axis=0))
    return float(np.minimum(*shapes).sum())


def concordance(real: np.ndarray, synthetic: np.ndarray) -> float:
    """acf_similarity of autocorrelations from window_acf, (n, lags) and (m, lags)."""
    a, b = real.mean(axis=0), synthetic.mean(axis=0)
    spread = a.var() + b.var() + (a.mean() - b.mean()) ** 2
    return float(2 * np.mean((a - a.mean()) * (b - b.mean())) / spread) if spread > 0 else 0.0


def decibels_apart(real: np.ndarray, synthetic: np.ndarray) -> float:
    """log_spectral_distance of spectra from window_spectra, (n, f) and (m, f)."""
    a, b = real.mean(axis=0), synthetic.mean(axis=0)
    floor = max(a.max() * 10 ** (-DYNAMIC_RANGE_DB / 10), np.finfo(float).tiny)
    difference = 10 * np.log10(np.maximum(a, floor) / np.maximum(b, floor))
    return float(np.sqrt(np.mean(difference**2)))


def window_spectra(windows: np.ndarray, rate_hz: float) -> np.ndarray:
    """(n, f) one-sided Welch spectra inside the channel's band, unit^2/Hz; frequencies as in band_hz. RequestError."""
    return _band_psd(windows, rate_hz)[1]


def band_hz(steps: int, rate_hz: float) -> np.ndarray:
    """(f,) frequencies in Hz of window_spectra for windows of this many samples. Raises RequestError."""
    return _band_psd(np.zeros((1, steps)), rate_hz)[0]


def _band_psd(windows: np.ndarray, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (f,) in Hz and (n, f) one-sided Welch spectra (unit^2/Hz, Hann, linear trend off) inside the band."""
    from scipy.signal import welch

    length = windows.shape[1]
    segment = length if rate_hz < SLOW_RATE_HZ else min(length, round(FAST_SEGMENT_S * rate_hz))
    frequency, power = welch(_centred(windows), fs=rate_hz, nperseg=segment, detrend="linear", axis=1)
    low, high = SLOW_BAND_HZ if rate_hz < SLOW_RATE_HZ else FAST_BAND_HZ
    inside = (frequency >= low) & (frequency <= high)
    if inside.sum() < 8:
        raise RequestError(
            f"Windows of {length} samples at {rate_hz:g} Hz leave {inside.sum()} frequencies between {low:g} and "
            f"{high:g} Hz, too few to compare. Use longer windows."
        )
    return frequency[inside], power[:, inside]


def window_acf(windows: np.ndarray, rate_hz: float) -> np.ndarray:
    """(n, lags) biased autocorrelation for lags of one sample up to the limit; a flat window counts as zeros."""
    from scipy.fft import irfft, next_fast_len, rfft

    lag_s = SLOW_LAG_S if rate_hz < SLOW_RATE_HZ else FAST_LAG_S
    lags = min(round(lag_s * rate_hz), windows.shape[1] - 1)
    size = next_fast_len(2 * windows.shape[1], real=True)
    products = irfft(np.abs(rfft(_centred(windows), size, axis=1)) ** 2, size, axis=1)[:, : lags + 1]
    energy = products[:, :1]
    return np.divide(products, energy, out=np.zeros_like(products), where=energy > 0)[:, 1:]


def _centred(windows: np.ndarray) -> np.ndarray:
    """Windows without their linear trend; a flat one becomes exact zeros, since its rounding errors are no signal."""
    from scipy.signal import detrend

    centred = detrend(windows, axis=1)
    flat = centred.std(axis=1) <= 1e-7 * np.abs(windows).max(axis=1)
    return np.where(flat[:, None], 0.0, centred)


def _pair(real: np.ndarray, synthetic: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    real, synthetic = _windows(real, "reference"), _windows(synthetic, "synthetic")
    if real.shape[1] != synthetic.shape[1]:
        raise RequestError(
            f"Windows to compare must be of one length, found {real.shape[1]} (reference) and {synthetic.shape[1]} "
            "(synthetic) samples. Use a reference of the same window length."
        )
    return real, synthetic


def _windows(values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or len(values) == 0 or values.shape[1] < 2:
        raise RequestError(f"Expected (window, time) {name} windows, at least one, found shape {values.shape}.")
    if not np.isfinite(values).all():
        raise RequestError(f"The {name} windows hold values that are not numbers (NaN or infinity). Leave those out.")
    return values
