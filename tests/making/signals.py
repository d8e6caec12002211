"""Windows and a recording whose values tell window, channel and time apart."""

from __future__ import annotations

import numpy as np

from physiosynth.families.wearable.data.batch import Provenance, SignalBatch
from physiosynth.families.wearable.data.synthetic_recording import SyntheticRecording
from physiosynth.families.wearable.signals import LOW_CHANNELS, LOW_HZ
from physiosynth.signals import NamedSignals

SETTINGS = {"low": {"steps": 12, "guidance": 0.5}, "ecg": {"steps": 8, "guidance": 0.0}}
CREATED = "2026-01-01T00:00:00+00:00"
SCHEDULE = ({"condition": "baseline", "seconds": 50}, {"condition": "stress", "seconds": 40, "heart_rate": 95.0})


def make_batch(windows=3, beats=True, eda="full", first=5):
    """Windows numbered from `first`; an ECG of 1 + i Hz, an EDA that rises from 2 + i, a respiration of 1 rad/s."""
    ecg_s, low_s = np.arange(5250) / 175, np.arange(120) / 4
    ecg = np.stack([np.sin(2 * np.pi * (1 + i) * ecg_s) for i in range(windows)])[..., None].astype(np.float32)
    low = np.stack([np.stack([2 + i + 0.01 * low_s, np.cos(low_s)], -1) for i in range(windows)]).astype(np.float32)
    conditions = tuple(("stress", "baseline", "amusement")[i % 3] for i in range(windows))
    provenance = Provenance("ab" * 32, "virtual", eda, 42, first, SETTINGS, conditions, "0.1.0", CREATED)
    times = tuple(np.arange(20 + i) * 0.9 + 0.1 / 3 for i in range(windows)) if beats else None
    return SignalBatch(ecg, NamedSignals(low, LOW_CHANNELS, LOW_HZ), conditions, provenance, times)


def make_recording():
    """90 s through two states."""
    rng = np.random.default_rng(0)
    ecg, low = rng.normal(size=90 * 175), np.stack([5 + rng.random(360), 8 * rng.normal(size=360)], -1)
    names = tuple(part["condition"] for part in SCHEDULE)
    provenance = Provenance("ab" * 32, "virtual", "full", 42, 0, SETTINGS, names, "0.1.0", CREATED, schedule=SCHEDULE)
    low = NamedSignals(low.astype(np.float32), LOW_CHANNELS, LOW_HZ)
    return SyntheticRecording(ecg.astype(np.float32), low, np.arange(1, 100) * 0.9, provenance)
