"""Skin conductance: a tonic level and Bateman-shaped responses, at the chest and at the wrist."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.families.wearable.data.virtual.motion import thinned_events
from physiosynth.families.wearable.data.virtual.noise import band_noise
from physiosynth.families.wearable.data.virtual.protocol import BODY_HZ, Timeline
from physiosynth.families.wearable.signals import LABEL_IDS


@dataclass(frozen=True)
class SkinTraits:
    """A subject's sweat glands; arrays have one entry a state, in the order of STATES.

    chest_level, wrist_level: tonic uS; events: responses/min; size: typical response relative to the level;
    rise_s, recovery_s: time constants of the Bateman curve; habituation: share of the size lost through a state.
    """

    chest_level: np.ndarray
    wrist_level: np.ndarray
    events: np.ndarray
    size: np.ndarray
    rise_s: float
    recovery_s: float
    habituation: float


@dataclass(frozen=True)
class Sweating:
    """onset_s: (k,) responses; strength: (k,) relative to a typical one at rest; amplitudes in uS at both places;
    chest, wrist: (t,) conductance in uS at BODY_HZ without sensor noise."""

    onset_s: np.ndarray
    strength: np.ndarray
    chest_amplitude_us: np.ndarray
    wrist_amplitude_us: np.ndarray
    chest: np.ndarray
    wrist: np.ndarray


def draw_skin_traits(z: dict[str, float], rng: np.random.Generator) -> SkinTraits:
    """Traits from the subject's normal scores `z` and its own generator; levels are log-normal across subjects."""
    chest = 2.85 * np.exp(0.70 * z["skin_chest"])
    wrist = 0.72 * np.exp(1.05 * (0.5 * z["skin_chest"] + 0.866 * z["skin_wrist"]))
    react = np.exp(0.16 * z["skin_react"])
    chest_ratio = np.array([1.15, 1.0, 1.42 * react, 1.15, 1.02])
    wrist_ratio = np.array([1.3, 1.0, 2.5 * react**0.5 * np.exp(-0.1 * z["skin_wrist"]), 1.08, 1.08])
    often = 0.92 * np.exp(0.66 * z["skin_events"])
    return SkinTraits(
        chest_level=chest * chest_ratio,
        wrist_level=wrist * wrist_ratio,
        events=np.array(
            [
                3.5 * often,
                1.8 * often,
                7.4 * np.exp(0.8 * z["skin_react"] + 0.3 * z["skin_events"]),
                1.8 * often * np.exp(0.3 * rng.normal()),
                1.3 * often * np.exp(1.3 * z["skin_calm"]),
            ]
        ),
        size=0.057 * float(np.exp(0.3 * rng.normal())) * np.array([1.2, 1.0, 1.6, 1.1, 0.9]),
        rise_s=float(rng.uniform(0.55, 0.95)),
        recovery_s=float(np.clip(rng.lognormal(np.log(3.2), 0.3), 1.8, 7.0)),
        habituation=float(rng.uniform(0.2, 0.55)),
    )


def make_sweating(
    rng: np.random.Generator, traits: SkinTraits, timeline: Timeline, recovery_scale: float = 1.0
) -> Sweating:
    """Responses at each state's rate on a level that rises within half a minute and recovers more slowly after stress.

    recovery_scale: shortens the recovery of sessions whose minutes are scaled down.
    """
    times = timeline.times_s
    weights = timeline.weights(10.0)
    onset = thinned_events(rng, times, weights @ traits.events / 60, gap_s=1.2)
    at = np.minimum((onset * BODY_HZ).astype(int), len(times) - 1)
    # Sizes shrink through a state, most at its beginning, and the next state wakes them again.
    worn = 1 - traits.habituation * (1 - np.exp(-3 * timeline.progress[at])) / (1 - np.exp(-3))
    relative = np.exp(0.65 * rng.standard_normal(len(onset)) - 0.2) * worn
    size = (weights @ traits.size)[at] * relative
    slow = timeline.weights(25.0 * min(1.0, recovery_scale), 70.0 * min(1.0, recovery_scale))
    drift = 0.06 * band_noise(rng, len(times), BODY_HZ, 0.0008, 0.012, slope=2.0)
    sag = 1 + 0.06 * (0.5 - timeline.progress) * (timeline.target != LABEL_IDS["stress"])
    chest_tonic = slow @ traits.chest_level * np.exp(drift) * sag
    wrist_drift = 0.7 * drift + 0.05 * band_noise(rng, len(times), BODY_HZ, 0.0008, 0.012, slope=2.0)
    wrist_tonic = slow @ traits.wrist_level * np.exp(wrist_drift)
    chest_amplitude = size * (1.2 + 0.6 * chest_tonic[at])
    # The wrist answers to most but not all of them, and in its own measure.
    wrist_amplitude = 1.7 * size * wrist_tonic[at] * np.exp(0.3 * rng.standard_normal(len(onset)))
    wrist_amplitude[rng.uniform(size=len(onset)) < 0.08] = 0.0
    return Sweating(
        onset,
        relative,
        chest_amplitude,
        wrist_amplitude,
        chest_tonic + _responses(times, onset, chest_amplitude, traits),
        wrist_tonic + _responses(times, onset, wrist_amplitude, traits),
    )


def _responses(times: np.ndarray, onset: np.ndarray, amplitude: np.ndarray, traits: SkinTraits) -> np.ndarray:
    """(t,) sum of Bateman curves exp(-t/recovery) - exp(-t/rise) of given peak heights (Alexander et al., 2005)."""
    from scipy.signal import lfilter

    position = onset * BODY_HZ
    first = position.astype(int)
    share = position - first
    impulses = np.zeros(len(times) + 1)
    np.add.at(impulses, first, amplitude * (1 - share))
    np.add.at(impulses, first + 1, amplitude * share)
    slow, fast = np.exp(-1 / (BODY_HZ * traits.recovery_s)), np.exp(-1 / (BODY_HZ * traits.rise_s))
    peak_at = np.log(traits.recovery_s / traits.rise_s) * traits.rise_s * traits.recovery_s
    peak_at /= traits.recovery_s - traits.rise_s
    height = np.exp(-peak_at / traits.recovery_s) - np.exp(-peak_at / traits.rise_s)
    # The difference of two exponentials as one two-pole filter.
    curve = lfilter([0, slow - fast], [1, -(slow + fast), slow * fast], impulses[: len(times)])
    return curve / height
