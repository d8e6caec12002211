"""The wrist device: pulse, skin conductance, temperature and acceleration at their own rates."""

from __future__ import annotations

import numpy as np

from physiosynth.families.wearable.data.virtual.chest import resampled
from physiosynth.families.wearable.data.virtual.noise import band_noise
from physiosynth.families.wearable.data.virtual.protocol import BODY_HZ
from physiosynth.families.wearable.data.virtual.pulses import add_waves
from physiosynth.families.wearable.signals import LABEL_IDS, WRIST_HZ

_EDA_STEP_US, _TEMP_STEP = 0.00128, 0.02
_STRESS = LABEL_IDS["stress"]


def make_bvp(
    rng: np.random.Generator, beats_s: np.ndarray, weights: np.ndarray, drive: np.ndarray, motion: np.ndarray
) -> np.ndarray:
    """(m,) pulse at the wrist, arbitrary units about 0.

    Each pulse begins about 200 ms after its R peak, sooner and smaller in stress, and ends with its reflection.
    weights: (t, 5) shares of the states; drive, motion: (t,); all at BODY_HZ.
    """
    rate = WRIST_HZ["BVP"]
    count = int(len(drive) / BODY_HZ * rate)
    at = np.clip((beats_s * BODY_HZ).astype(int), 0, len(drive) - 1)
    stress, breath = weights[at, _STRESS], np.tanh(drive[at])
    delay = rng.normal(0.2, 0.012) - 0.018 * stress + 0.005 * breath + 0.002 * rng.standard_normal(len(beats_s))
    interval = np.diff(beats_s, append=beats_s[-1] + np.median(np.diff(beats_s)))
    stretch = np.clip(interval, 0.4, 1.4) ** 0.5
    tone = np.exp(0.25 * band_noise(rng, len(drive), BODY_HZ, 0.005, 0.12, slope=1.0))[at]
    height = 55 * np.exp(rng.normal(0, 0.4)) * tone * (1 - 0.45 * stress) * (1 - 0.12 * breath)
    height = height * np.clip(interval / 0.8, 0.6, 1.3) ** 0.5
    bvp = np.zeros(count)
    foot, reflection = beats_s + delay, rng.uniform(0.22, 0.45)
    add_waves(bvp, rate, foot + 0.15 * stretch, height, 0.055, 0.095 * stretch)
    add_waves(bvp, rate, foot + 0.4 * stretch, reflection * height, 0.06 * stretch, 0.12 * stretch)
    width = int(rate * 2) | 1
    bvp -= np.convolve(bvp, np.ones(width) / width, mode="same")
    moved = resampled(motion, count, rate) * band_noise(rng, count, rate, 0.4, 8.0, slope=1.0)
    return np.round(bvp + 45 * moved + 0.8 * rng.standard_normal(count), 2)


def make_eda(rng: np.random.Generator, conductance: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """(m,) uS at the wrist, in the converter's steps; larger movement presses the electrodes."""
    rate = WRIST_HZ["EDA"]
    count = int(len(conductance) / BODY_HZ * rate)
    pressed = 1 + 0.01 * np.minimum(motion, 2.0) * band_noise(rng, len(conductance), BODY_HZ, 0.05, 1.0, slope=1.0)
    values = resampled(conductance * pressed, count, rate) + 0.0006 * rng.standard_normal(count)
    return np.maximum(np.rint(values / _EDA_STEP_US), 1) * _EDA_STEP_US


def make_temperature(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """(m,) degrees C at the wrist: vessels narrow in stress, and the skin cools by a few tenths over minutes."""
    from scipy.signal import lfilter

    rate = WRIST_HZ["TEMP"]
    count = int(len(weights) / BODY_HZ * rate)
    keep = np.exp(-1 / (BODY_HZ * 150))
    cooled = lfilter([1 - keep], [1, -keep], weights[:, _STRESS]) * rng.uniform(0.2, 0.9)
    slow = rng.normal(33.2, 0.9) - cooled + 0.15 * band_noise(rng, len(weights), BODY_HZ, 0.0005, 0.01, slope=3.0)
    values = resampled(slow, count, rate) + 0.008 * rng.standard_normal(count)
    return np.rint(values / _TEMP_STEP) * _TEMP_STEP


def make_acceleration(
    rng: np.random.Generator, motion: np.ndarray, posture: np.ndarray, tension: np.ndarray
) -> np.ndarray:
    """(m, 3) in 1/64 g, whole numbers from -128 to 127: gravity, the arm's turns, tremor and movement."""
    rate = WRIST_HZ["ACC"]
    count = int(len(motion) / BODY_HZ * rate)
    direction = rng.normal(size=3) + np.array([-0.8, 0.0, 1.2])
    still = direction / np.linalg.norm(direction) + 3.0 * posture
    still /= np.linalg.norm(still, axis=1, keepdims=True)
    tremor = 0.3 * resampled(tension, count, rate)
    acceleration = np.empty((count, 3))
    for axis in range(3):
        acceleration[:, axis] = 64 * resampled(still[:, axis], count, rate)
        acceleration[:, axis] += tremor * band_noise(rng, count, rate, 7.0, 12.0)
        acceleration[:, axis] += 22 * resampled(motion, count, rate) * band_noise(rng, count, rate, 0.3, 6.0, slope=0.5)
        acceleration[:, axis] += 0.35 * rng.standard_normal(count)
    return np.clip(np.rint(acceleration), -128, 127)
