"""Random series with a given spectrum, and generators that do not disturb each other."""

from __future__ import annotations

import numpy as np

_STREAMS = (
    "traits", "protocol", "motion", "breath", "skin", "heart",
    "chest/ACC", "chest/ECG", "chest/EMG", "chest/EDA", "chest/Temp", "chest/Resp",
    "wrist/ACC", "wrist/BVP", "wrist/EDA", "wrist/TEMP",
)  # fmt: skip


def generator(seed: int, subject: int, stream: str) -> np.random.Generator:
    """The generator of one organ of one subject: it depends on nothing else, so organs can be left out or changed."""
    return np.random.default_rng(np.random.SeedSequence((seed, subject, _STREAMS.index(stream))))


def band_noise(
    rng: np.random.Generator, count: int, rate_hz: float, low_hz: float, high_hz: float, slope: float = 0.0
) -> np.ndarray:
    """(count,) Gaussian noise of unit variance whose power goes as f**-slope from low_hz to high_hz and is 0 elsewhere.

    Made in the frequency domain on a grid no coarser than low_hz, so a short series is a piece of a longer one.
    """
    from scipy.fft import irfft, next_fast_len

    length = next_fast_len(max(count, int(np.ceil(2 * rate_hz / low_hz))), real=True)
    frequency = np.fft.rfftfreq(length, 1 / rate_hz)
    inside = (frequency >= low_hz) & (frequency <= high_hz)
    gain = np.zeros(len(frequency))
    gain[inside] = frequency[inside] ** (-slope / 2)
    gain *= np.sqrt(length / 2 / np.sum(gain**2)) * np.sqrt(length)
    spectrum = np.zeros(len(frequency), dtype=complex)
    size = int(inside.sum())
    spectrum[inside] = (rng.standard_normal(size) + 1j * rng.standard_normal(size)) / np.sqrt(2)
    return irfft(spectrum * gain, length)[:count]


def quantised(values: np.ndarray, span: float, low: float) -> np.ndarray:
    """Values as a 16-bit converter gives them over [low, low + span), clipped at both ends."""
    step = span / 2**16
    codes = np.rint((values - low) / step)
    np.clip(codes, 0, 2**16 - 1, out=codes)
    codes *= step
    codes += low
    return codes
