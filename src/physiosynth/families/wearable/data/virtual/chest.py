"""The other chest sensors: accelerometer, EMG, EDA, temperature and belt, at the chest rate."""

from __future__ import annotations

import numpy as np

from physiosynth.families.wearable.data.virtual.ecg import SPAN_MV, muscle_noise
from physiosynth.families.wearable.data.virtual.noise import band_noise, quantised
from physiosynth.families.wearable.data.virtual.protocol import BODY_HZ
from physiosynth.families.wearable.data.virtual.pulses import add_waves
from physiosynth.families.wearable.signals import CHEST_HZ

EDA_SPAN_US, RESP_SPAN = 25.0, 100.0
# As measured on a genuine chest recording: SD and lag-1 correlation of the sensor's noise.
_EDA_NOISE_US, _EDA_NOISE_LAG = 0.014, 0.51
_ACC_STEP_G = 0.0002


def resampled(values: np.ndarray, count: int, rate_hz: float) -> np.ndarray:
    """(count,) values of a (t,) series at BODY_HZ on a sensor's clock."""
    return np.interp(np.arange(count) / rate_hz, np.arange(len(values)) / BODY_HZ, values)


def make_eda(rng: np.random.Generator, conductance: np.ndarray, motion: np.ndarray, count: int) -> np.ndarray:
    """(count,) uS with the sensor's coloured noise, which bursts of movement raise."""
    from scipy.signal import lfilter

    white = rng.standard_normal(count) * (1 + 1.5 * resampled(motion, count, CHEST_HZ))
    noise = lfilter([_EDA_NOISE_US * np.sqrt(1 - _EDA_NOISE_LAG**2)], [1, -_EDA_NOISE_LAG], white)
    return quantised(resampled(conductance, count, CHEST_HZ) + noise, EDA_SPAN_US, 0.0)


def make_resp(rng: np.random.Generator, belt: np.ndarray, motion: np.ndarray, count: int) -> np.ndarray:
    """(count,) % of belt range; movement pulls at the belt."""
    pulled = belt + 0.7 * np.minimum(motion, 2.5) * band_noise(rng, len(belt), BODY_HZ, 0.1, 3.0, slope=1.5)
    fine = resampled(pulled, count, CHEST_HZ) + 0.025 * rng.standard_normal(count)
    return quantised(fine, RESP_SPAN, -RESP_SPAN / 2)


def make_emg(
    rng: np.random.Generator, beats_s: np.ndarray, tension: np.ndarray, motion: np.ndarray, count: int
) -> np.ndarray:
    """(count,) mV: tone, bursts of movement and a trace of the heart."""
    level = 0.011 * float(np.exp(rng.normal(0, 0.3)))
    emg = muscle_noise(rng, count) * resampled(level * (0.6 + 0.4 * tension) + 0.05 * motion, count, CHEST_HZ)
    add_waves(emg, CHEST_HZ, beats_s, np.full(len(beats_s), rng.normal(0, 0.008)), 0.012)
    return quantised(emg, SPAN_MV, -SPAN_MV / 2)


def make_temperature(rng: np.random.Generator, duration_s: float, count: int) -> np.ndarray:
    """(count,) float32 degrees C: the skin warms slowly under the sensor, whose noise is even with rare spikes."""
    body = np.arange(int(duration_s * BODY_HZ) + 1) / BODY_HZ
    start, gain, tau = rng.normal(33.6, 0.6), rng.uniform(0.2, 1.2), rng.uniform(600, 1500)
    slow = (
        start + gain * (1 - np.exp(-body / tau)) + 0.08 * band_noise(rng, len(body), BODY_HZ, 0.0008, 0.02, slope=2.0)
    )
    noise = rng.uniform(-0.045, 0.045, count)
    noise += 0.06 * (rng.uniform(size=count) < 0.0005)
    return (resampled(slow, count, CHEST_HZ) + noise).astype(np.float32)


def make_acceleration(
    rng: np.random.Generator,
    beats_s: np.ndarray,
    drive: np.ndarray,
    motion: np.ndarray,
    posture: np.ndarray,
    count: int,
) -> np.ndarray:
    """(count, 3) g: gravity along the body axis, leaning, breath, the beat's recoil, movement and noise."""
    lean = np.array([0.0, rng.normal(0, 0.05), rng.normal(0.08, 0.12)])
    breath = np.array([0.002, 0.001, 0.006]) * rng.uniform(0.5, 1.8)
    noise = np.array([0.007, 0.006, 0.015])
    acceleration = np.empty((count, 3))
    tilt = lean + posture
    upright = np.sqrt(np.clip(1 - tilt[:, 1] ** 2 - tilt[:, 2] ** 2, 0.05, 1)) * rng.uniform(0.9, 0.97)
    recoil = np.zeros(count)
    add_waves(recoil, CHEST_HZ, beats_s + 0.12, np.full(len(beats_s), 1.0), 0.012)
    add_waves(recoil, CHEST_HZ, beats_s + 0.165, np.full(len(beats_s), -0.8), 0.015)
    for axis, still in enumerate((upright, tilt[:, 1], tilt[:, 2])):
        moving = 0.09 * motion * band_noise(rng, len(drive), BODY_HZ, 0.3, 6.0, slope=0.5)
        slow = still + breath[axis] * drive + moving
        acceleration[:, axis] = resampled(slow, count, CHEST_HZ) + noise[axis] * rng.standard_normal(count)
        acceleration[:, axis] += (0.012, 0.006, 0.035)[axis] * recoil
    return np.rint(acceleration / _ACC_STEP_G) * _ACC_STEP_G
