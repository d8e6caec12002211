"""Movement: bursts that every sensor feels, and posture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.families.wearable.data.virtual.protocol import BODY_HZ, Timeline

# Bursts a minute by state: between states people walk about, in stress they stand and gesture.
_BURSTS_PER_MINUTE = np.array([2.0, 0.35, 1.2, 0.6, 0.12])


@dataclass(frozen=True)
class Motion:
    """Bursts: (k,) start and length in s, size (1: typical); envelope: (t,) at BODY_HZ; posture: (t, 3), in g."""

    start_s: np.ndarray
    length_s: np.ndarray
    size: np.ndarray
    envelope: np.ndarray
    posture: np.ndarray


def make_motion(rng: np.random.Generator, timeline: Timeline) -> Motion:
    """Bursts at each state's rate; every larger one leaves the posture a little changed."""
    times = timeline.times_s
    per_second = timeline.weights(5.0) @ _BURSTS_PER_MINUTE / 60
    starts = thinned_events(rng, times, per_second)
    lengths = np.clip(rng.lognormal(np.log(2.5), 0.5, len(starts)), 0.8, 10.0)
    sizes = rng.lognormal(0.0, 0.6, len(starts))
    envelope, posture = np.zeros(len(times)), np.zeros((len(times), 3))
    for start, length, size in zip(starts, lengths, sizes, strict=True):
        first, last = int(start * BODY_HZ), min(int((start + length) * BODY_HZ) + 2, len(times))
        phase = np.clip((times[first:last] - start) / length, 0, 1)
        envelope[first:last] += size * np.sin(np.pi * phase) ** 2
        step = rng.normal(0, 0.04, 3) * size
        posture[first:last] += np.outer(0.5 - 0.5 * np.cos(np.pi * phase), step)
        posture[last:] += step
    # People come back to about where they sat: steps fade over minutes instead of adding up.
    return Motion(starts, lengths, sizes, envelope, np.tanh(posture / 0.25) * 0.25)


def thinned_events(
    rng: np.random.Generator, times: np.ndarray, per_second: np.ndarray, gap_s: float = 0.0
) -> np.ndarray:
    """Times of a Poisson process of varying rate, none within gap_s of the one before (Lewis and Shedler, 1979)."""
    highest = float(per_second.max())
    if highest <= 0:
        return np.empty(0)
    duration = float(times[-1])
    # A fixed number is drawn, so that the stream goes on from the same place whatever the events.
    count = int(highest * duration + 6 * np.sqrt(highest * duration) + 20)
    candidates = np.cumsum(rng.exponential(1 / highest, count))
    accepted = rng.uniform(0, highest, count) < np.interp(candidates, times, per_second)
    kept: list[float] = []
    for event in candidates[accepted & (candidates < duration)]:
        if not kept or event - kept[-1] >= gap_s:
            kept.append(float(event))
    return np.array(kept)
