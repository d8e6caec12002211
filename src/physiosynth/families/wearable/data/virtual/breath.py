"""Respiration: breath by breath, with wandering rate and depth, sighs, speech and laughter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.families.wearable.data.virtual.motion import thinned_events
from physiosynth.families.wearable.data.virtual.noise import band_noise
from physiosynth.families.wearable.data.virtual.protocol import BODY_HZ, Timeline
from physiosynth.families.wearable.signals import LABEL_IDS

_STRESS, _AMUSEMENT = LABEL_IDS["stress"], LABEL_IDS["amusement"]


@dataclass(frozen=True)
class BreathTraits:
    """How a subject breathes; arrays have one entry a state, in the order of STATES.

    rate: breaths/min; depth: peak to trough in % of belt range; rate_cv, depth_cv: breath-to-breath variation;
    inhalation: share of the breath spent inhaling; pause: share spent resting after exhaling; sighs: per minute;
    speech: share of breaths taken for speaking; laughter: per minute.
    """

    rate: np.ndarray
    depth: np.ndarray
    rate_cv: np.ndarray
    depth_cv: np.ndarray
    inhalation: np.ndarray
    pause: np.ndarray
    sighs: np.ndarray
    speech: np.ndarray
    laughter: np.ndarray


@dataclass(frozen=True)
class Breathing:
    """onset_s, peak_s: (k,) start of inhalation and its end; belt: (t,) % of belt range at BODY_HZ, about 0;
    drive: (t,) belt in units of half a typical resting breath, what heart and ECG feel; speaking: (k,) bool."""

    onset_s: np.ndarray
    peak_s: np.ndarray
    belt: np.ndarray
    drive: np.ndarray
    speaking: np.ndarray


def draw_breath_traits(z: dict[str, float], rng: np.random.Generator) -> BreathTraits:
    """Traits from the subject's normal scores `z` and its own generator.

    Rates and depths are set so that the cohort, as measured, matches the reference; meditation follows the literature
    on slow breathing (6 to 12 per minute), for which the reference has no chest figures.
    """
    rest = 15.7 + 2.4 * z["breath_rate"]
    rate = np.array(
        [
            rest + 0.5,
            rest,
            15.6 + 1.3 * z["breath_rate"] + 1.0 * rng.normal(),
            rest + 1.4 + 0.4 * z["breath_amused"],
            np.clip(9.0 + 1.7 * z["breath_slow"], 5.8, 12.2),
        ]
    )
    depth = 5.1 * np.exp(0.22 * z["breath_depth"]) * np.array([1.15, 1.0, 1.0, 1.0, 1.35])
    depth[_STRESS] *= 1.5 * np.exp(0.12 * z["breath_stress"])
    depth[_AMUSEMENT] *= 1.08 * np.exp(0.16 * z["breath_amused"])
    irregular = np.exp(0.25 * rng.normal())
    pause = float(np.clip(rng.normal(0.16, 0.08), 0.02, 0.32))
    return BreathTraits(
        rate=rate,
        depth=depth,
        rate_cv=irregular * np.array([0.2, 0.11, 0.28, 0.17, 0.06]),
        depth_cv=irregular * np.array([0.3, 0.2, 0.36, 0.28, 0.1]),
        inhalation=float(rng.uniform(0.34, 0.42)) * np.array([1.0, 1.0, 0.9, 1.0, 1.05]),
        pause=pause * np.array([0.7, 1.0, 0.3, 0.8, 1.1]),
        sighs=float(np.exp(0.4 * rng.normal())) * np.array([0.3, 0.17, 0.25, 0.2, 0.07]),
        speech=np.array([0.35, 0.0, 0.7, 0.02, 0.0]),
        laughter=float(np.exp(0.5 * rng.normal())) * np.array([0.1, 0.0, 0.0, 1.2, 0.0]),
    )


def make_breathing(rng: np.random.Generator, traits: BreathTraits, timeline: Timeline) -> Breathing:
    """Breaths one after the other through the session, and the belt signal they make."""
    breaths = _breath_list(rng, traits, timeline)
    start, inhale, total, depth, level, speaking, pause = (np.array(column) for column in zip(*breaths, strict=True))
    times = timeline.times_s
    belt = _belt_shape(times, start, inhale, total, depth, level, speaking.astype(bool), pause)
    weights = timeline.weights(5.0)
    belt += _laughter(rng, times, weights @ traits.laughter / 60)
    speech_ripple = np.interp(times, start, speaking)
    belt += 0.25 * speech_ripple * band_noise(rng, len(times), BODY_HZ, 0.8, 4.0, slope=1.0)
    belt += 0.25 * band_noise(rng, len(times), BODY_HZ, 0.005, 0.05, slope=1.0)
    centre = np.convolve(belt, np.ones(BODY_HZ * 40 + 1) / (BODY_HZ * 40 + 1), mode="same")
    drive = (belt - centre) / (0.5 * traits.depth[LABEL_IDS["baseline"]])
    inside = start + inhale < timeline.duration_s
    return Breathing(start[inside], (start + inhale)[inside], belt, drive, speaking[inside].astype(bool))


def _breath_list(rng: np.random.Generator, traits: BreathTraits, timeline: Timeline) -> list[tuple[float, ...]]:
    """(start, inhalation s, total s, depth, level at start, speaking, pause share) of each breath."""
    weights = timeline.weights(5.0)
    table = np.stack(
        [traits.rate, traits.depth, traits.rate_cv, traits.depth_cv, traits.inhalation, traits.pause, traits.sighs,
         traits.speech]
    )  # fmt: skip
    along = weights @ table.T
    at, slow_rate, slow_depth, level, speaking = -3.0, 0.0, 0.0, 0.0, False
    breaths: list[tuple[float, ...]] = []
    while at < timeline.times_s[-1] + 1:
        now = min(max(int(at * BODY_HZ), 0), len(along) - 1)
        rate, depth, rate_cv, depth_cv, inhalation, pause, sighs, speech = along[now]
        noise = rng.standard_normal(6)
        chance = rng.uniform(size=3)
        slow_rate = 0.9 * slow_rate + 0.436 * noise[0]
        slow_depth = 0.9 * slow_depth + 0.436 * noise[1]
        # Talk comes in runs: once begun it goes on for about ten breaths.
        speaking = bool(chance[0] < (0.9 + 0.1 * speech if speaking else 0.1 * speech / max(1 - speech, 0.1)))
        if speech < 0.05:
            speaking = speaking and chance[0] < speech
        total = 60 / rate * np.exp(rate_cv * (0.55 * slow_rate + 0.8 * noise[2]) - rate_cv**2 / 4)
        size = depth * np.exp(depth_cv * (0.5 * slow_depth + 0.85 * noise[3]) - depth_cv**2 / 2)
        inhale = total * inhalation * np.exp(0.08 * noise[4])
        if chance[1] < sighs * total / 60:
            size, total, inhale = size * (1.9 + 0.8 * chance[2]), total * 1.35, inhale * 1.3
        if speaking:
            inhale, pause = np.clip(0.65 * np.exp(0.25 * noise[4]), 0.35, 1.4), 0.05
        total = float(np.clip(total, 1.3, 14.0))
        inhale = float(np.clip(inhale, 0.35, 0.7 * total))
        breaths.append((at, inhale, total, float(size), level, float(speaking), float(pause)))
        # The end-expiratory level wanders with the depth and always comes back.
        level = float(0.6 * level + 0.12 * depth * noise[5] * (1 + 2 * depth_cv))
        at += total
    return breaths


def _belt_shape(
    times: np.ndarray, start: np.ndarray, inhale: np.ndarray, total: np.ndarray, depth: np.ndarray, level: np.ndarray,
    speaking: np.ndarray, pause: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """(t,) belt: a half cosine up; down a relaxing curve at rest, near a straight line when speaking; then a pause."""
    index = np.clip(np.searchsorted(start, times, side="right") - 1, 0, len(start) - 1)
    since = np.clip(times - start[index], 0, None)
    rising = since < inhale[index]
    up = 0.5 - 0.5 * np.cos(np.pi * np.clip(since / inhale[index], 0, 1))
    exhale = (total * (1 - pause) - inhale)[index]
    phase = np.clip((since - inhale[index]) / exhale, 0, 1)
    # Both end with no slope; the resting one falls fastest early, as a passive chest does.
    relaxing = (1 - phase) ** 2 * (1 + 2 * phase) * (1 - 0.45 * np.sin(np.pi * phase) * phase)
    talking = 0.5 * (1 - phase) + 0.5 * (0.5 + 0.5 * np.cos(np.pi * phase))
    down = np.where(speaking[index], talking, relaxing)
    peak, following = level + depth, np.append(level[1:], level[-1])
    low, high, after = level[index], peak[index], following[index]
    centre = 0.42 * np.median(depth)
    return np.where(rising, low + (high - low) * up, after + (high - after) * down) - centre


def _laughter(rng: np.random.Generator, times: np.ndarray, per_second: np.ndarray) -> np.ndarray:
    """(t,) quick jerks of the chest, four to five a second for one to three seconds."""
    ripple = np.zeros(len(times))
    for event in thinned_events(rng, times, per_second, gap_s=4.0):
        length, rate, size = rng.uniform(1.0, 3.0), rng.uniform(3.8, 5.2), rng.uniform(0.4, 1.4)
        near = slice(int(event * BODY_HZ), int((event + length) * BODY_HZ))
        phase = (times[near] - event) / length
        ripple[near] += size * np.sin(np.pi * np.clip(phase, 0, 1)) ** 2 * np.sin(2 * np.pi * rate * phase * length)
    return ripple
