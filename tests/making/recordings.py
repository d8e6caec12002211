"""Small sessions made in memory, with known beats, tones and labels."""

import numpy as np

from physiosynth.families.wearable.data.windows import PHASE_EDGES, RATES, SubjectWindows
from physiosynth.families.wearable.signals import CHEST_HZ, ECG_STEPS, HOP_S, LOW_STEPS, UNITS
from physiosynth.recordings.recording import RecordedChannel, Recording


def clock(seconds):
    return np.arange(round(seconds * CHEST_HZ)) / CHEST_HZ


def chest(**values):
    return {name: RecordedChannel(name, array, float(CHEST_HZ), UNITS[name]) for name, array in values.items()}


def beats_at(seconds, bpm):
    """An ECG of R peaks 60 / bpm apart, each with a T wave after it, the first at 0.5 s; and the times of the peaks."""
    times, ecg = np.arange(0.5, seconds, 60 / bpm), np.zeros(round(seconds * CHEST_HZ))
    t = clock(seconds)
    for beat in times:
        here = slice(max(0, int((beat - 0.1) * CHEST_HZ)), int((beat + 0.5) * CHEST_HZ))
        ecg[here] += np.exp(-0.5 * ((t[here] - beat) / 0.012) ** 2)
        ecg[here] += 0.25 * np.exp(-0.5 * ((t[here] - beat - 0.25) / 0.04) ** 2)
    return ecg, times


def session(subject="S2", parts=((1, 60), (0, 10), (2, 60)), bpm=72, level=3.0, source="virtual"):
    """A recording whose label track follows parts (id, seconds)."""
    label = np.concatenate([np.full(round(s * CHEST_HZ), i, dtype=np.int32) for i, s in parts])
    t = np.arange(len(label)) / CHEST_HZ
    ecg, _ = beats_at(len(label) / CHEST_HZ, bpm)
    rng = np.random.default_rng(bpm)
    return Recording(
        subject=subject,
        chest=chest(
            ECG=ecg + 0.01 * rng.standard_normal(len(t)),
            EDA=level + 0.3 * np.sin(2 * np.pi * 0.05 * t),
            Resp=2 * np.sin(2 * np.pi * 0.25 * t),
        ),
        wrist={},
        label=label,
        label_hz=CHEST_HZ,
        source=source,
    )


def windows_of(subject, count=6, value=1.0, source="virtual", labels=(1, 2)):
    """Windows whose every sample is `value`, plus noise that the subject's name seeds."""
    rng = np.random.default_rng(sum(map(ord, subject)))
    return SubjectWindows(
        subject=subject,
        source=source,
        ecg=(value + rng.standard_normal((count, ECG_STEPS, 1))).astype(np.float32),
        low=(value + rng.standard_normal((count, LOW_STEPS, 2))).astype(np.float32),
        phase=np.tile(np.arange(PHASE_EDGES) * 0.3, (count, 1)).astype(np.float32),
        labels=np.resize(labels, count).astype(np.int64),
        start_s=np.arange(count) * float(HOP_S),
        beat_found=np.ones(count, dtype=bool),
        rates=np.full((count, len(RATES)), 72.0, dtype=np.float32),
    )
