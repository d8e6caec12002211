"""16-bit integers of a signal, for the formats that hold nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from physiosynth.families.wearable.export.content import BEATS, RATES_HZ, Piece

MOST = 32767  # -32768 means "no sample" in WFDB
# From 1e5 steps a unit down: finer ones would not fit the eight characters that EDF has for the range.
GAINS = tuple(Fraction(first) * Fraction(10) ** power for power in range(4, -12, -1) for first in (10, 5, 2))


def gains_of(pieces: Iterable[Piece]) -> dict[str, float]:
    """Steps a unit of each channel, one for all pieces, so that nothing is clipped.

    The largest of 1, 2 and 5 times a power of ten, at most 1e5, with which the largest value fits. A stored value is
    then off by half a step at most, which is less than 1/26000 of the channel's largest absolute value (or 5e-6 of the
    unit): for an ECG up to 3 mV 0.00005 mV, for an EDA up to 16 uS 0.00025 uS, for a respiration up to 16 % 0.00025 %.
    """
    largest = dict.fromkeys(RATES_HZ, 0.0)
    for piece in pieces:
        for name, values in piece.channels.items():
            largest[name] = max(largest[name], float(np.abs(values).max(initial=0.0)))
    return {name: float(next(gain for gain in GAINS if value * gain <= MOST)) for name, value in largest.items()}


def digital(values: np.ndarray, gain: float) -> np.ndarray:
    """(t,) int16 steps."""
    return np.round(values.astype(np.float64) * gain).astype(np.int16)


def tolerance_of(gains: dict[str, float], beats_s: float) -> dict[str, float]:
    """Half a step of each channel, and how far a beat may be off."""
    return {**{name: 0.5 / gain for name, gain in gains.items()}, BEATS: beats_s}
