"""Heart rate from respiration, 0.1 Hz waves, slow drift and arousal; beats by integrating it (IPFM)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.families.wearable.data.virtual.breath import Breathing
from physiosynth.families.wearable.data.virtual.noise import band_noise
from physiosynth.families.wearable.data.virtual.protocol import BODY_HZ, Timeline
from physiosynth.families.wearable.data.virtual.skin import Sweating
from physiosynth.families.wearable.signals import LABEL_IDS

_MOST_CHANGE = 0.3  # of the R-R interval, by breath, waves and drift together


@dataclass(frozen=True)
class HeartTraits:
    """A subject's heart; arrays have one entry a state, in the order of STATES.

    rate: beats/min; rsa_ms: R-R amplitude of a typical resting breath; wave_ms: SD of the 0.1 Hz waves; drift_ms:
    SD of the slow drift; wave_hz: where the waves lie; delay_s, smoothing_s: how respiration reaches the sinus node;
    arousal_bpm: rate answering to a typical skin conductance response; jitter_ms: what is left of beat to beat.
    """

    rate: np.ndarray
    rsa_ms: np.ndarray
    wave_ms: np.ndarray
    drift_ms: np.ndarray
    wave_hz: float
    delay_s: float
    smoothing_s: float
    arousal_bpm: float
    jitter_ms: float


def draw_heart_traits(z: dict[str, float], rng: np.random.Generator) -> HeartTraits:
    """Traits from the subject's normal scores `z` and its own generator.

    The stress rate lies between the reference's chest and wrist values, whose difference is a detector's artefact.
    """
    rest = float(np.clip(71.4 + 9.9 * z["heart_rate"], 50, 98))
    rate = np.array(
        [
            rest + 4,
            rest,
            rest + np.clip(17.2 + 11.5 * z["heart_stress"], 3, None),
            rest + 0.8 + 1.8 * rng.normal(),
            70.6 + 0.7 * (rest - 71.4) + 1.5 * rng.normal(),
        ]
    )
    vagal = np.clip(np.exp(0.55 * z["heart_vagal"]), 0.2, 2.4)
    slow = np.exp(0.36 * (0.6 * z["heart_vagal"] + 0.8 * z["heart_slow"]))
    # A faster heart varies less, between people and between states (Monfredi et al., 2014).
    room = (72.0 / rate) ** 1.5
    return HeartTraits(
        rate=rate,
        rsa_ms=64 * vagal * room * np.array([0.9, 1.0, 0.8 * np.exp(0.35 * rng.normal()), 0.95, 1.3]),
        wave_ms=37 * slow * room * np.array([1.0, 1.0, 1.1, 1.05, 0.7]),
        drift_ms=40 * slow * room * np.array([1.1, 1.0, 1.15, 1.2, 0.7]),
        wave_hz=float(rng.uniform(0.085, 0.115)),
        delay_s=float(rng.uniform(0.1, 0.5)),
        smoothing_s=float(rng.uniform(0.35, 0.6)),
        arousal_bpm=float(rng.uniform(3.0, 6.0)),
        jitter_ms=float(rng.uniform(2.0, 6.0)),
    )


def make_beats(
    rng: np.random.Generator, traits: HeartTraits, timeline: Timeline, breathing: Breathing, sweating: Sweating
) -> np.ndarray:
    """(k,) beat times in s through the session."""
    rate = instantaneous_rate(rng, traits, timeline, breathing, sweating)
    # Integral pulse frequency modulation (Bayly, 1968): a beat whenever the integral of the rate gains one.
    gained = (rate[1:] + rate[:-1]) / 2 / 60 / BODY_HZ
    phase = np.concatenate([[0.0], np.cumsum(gained)]) + rng.uniform(0, 1)
    beats = np.interp(np.arange(1, int(phase[-1]) + 1), phase, timeline.times_s)
    beats += traits.jitter_ms / 1000 / np.sqrt(2) * np.clip(rng.standard_normal(len(beats)), -2.5, 2.5)
    return beats[(beats > 0) & (beats < timeline.duration_s)]


def instantaneous_rate(
    rng: np.random.Generator, traits: HeartTraits, timeline: Timeline, breathing: Breathing, sweating: Sweating
) -> np.ndarray:
    """(t,) heart rate in beats/min at BODY_HZ."""
    count, weights = len(timeline.times_s), timeline.weights(10.0)
    tone = np.exp(0.2 * band_noise(rng, count, BODY_HZ, 0.003, 0.04, slope=1.0))
    respiratory = weights @ traits.rsa_ms * tone * _vagal_drive(traits, breathing.drive)
    swell = np.exp(0.3 * band_noise(rng, count, BODY_HZ, 0.004, 0.03, slope=1.0))
    waves = weights @ traits.wave_ms * swell
    waves *= band_noise(rng, count, BODY_HZ, traits.wave_hz - 0.025, traits.wave_hz + 0.025)
    drift = weights @ traits.drift_ms * band_noise(rng, count, BODY_HZ, 0.004, 0.06, slope=1.0)
    rate = weights @ traits.rate
    stress = LABEL_IDS["stress"]
    # The beginning of a stressor is its worst part.
    rise = traits.rate[stress] - traits.rate[LABEL_IDS["baseline"]]
    rate = rate + weights[:, stress] * (timeline.target == stress) * 0.25 * rise * (0.5 - timeline.progress)
    rate = rate + traits.arousal_bpm * _arousal(timeline, sweating)
    interval_ms = 60_000 / rate
    change = -(respiratory + waves + drift) / interval_ms
    return rate / (1 + _MOST_CHANGE * np.tanh(change / _MOST_CHANGE))


def _vagal_drive(traits: HeartTraits, drive: np.ndarray) -> np.ndarray:
    """(t,) respiration as the sinus node feels it: saturating, delayed, and weaker the faster it goes."""
    from scipy.signal import lfilter

    keep = np.exp(-1 / (BODY_HZ * traits.smoothing_s))
    soft = 1.6 * np.tanh(drive / 1.6)
    delayed = np.concatenate([np.full(round(traits.delay_s * BODY_HZ), soft[0]), soft])[: len(soft)]
    return lfilter([1 - keep], [1, -keep], delayed)


def _arousal(timeline: Timeline, sweating: Sweating) -> np.ndarray:
    """(t,) a rise of the rate with each response: it peaks 2 s after its cause, which comes 1.5 s before the skin's."""
    from scipy.signal import fftconvolve

    kernel_s = np.arange(0, 15, 1 / BODY_HZ)
    kernel = (kernel_s / 2.0) ** 2 * np.exp(2 * (1 - kernel_s / 2.0))
    at = np.clip(((sweating.onset_s - 1.5) * BODY_HZ).astype(int), 0, len(timeline.times_s) - 1)
    impulses = np.bincount(at, np.minimum(sweating.strength, 3.0), len(timeline.times_s))
    return fftconvolve(impulses, kernel)[: len(impulses)]
