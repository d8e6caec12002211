"""The judge of seams finds windows that were put end to end, and none in one continuous signal."""

import numpy as np
import pytest

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.data.batch import Provenance
from physiosynth.families.wearable.data.synthetic_recording import SyntheticRecording
from physiosynth.families.wearable.scores.seams import FOLDS, low_joints, seam_score
from physiosynth.families.wearable.signals import LOW_CHANNELS, LOW_HZ
from physiosynth.signals import NamedSignals

SECONDS = 210


def piece(rng, seconds):
    """(ecg, low, beats) of a body with a rate, a breath and a level of its own."""
    rate, breath, level = rng.uniform(1.0, 1.5), rng.uniform(0.2, 0.3), rng.uniform(2, 6)
    low_s, ecg_s = np.arange(seconds * 4) / 4, np.arange(seconds * 175) / 175
    wander = np.cumsum(rng.normal(size=seconds * 4)) * 0.01
    phase = np.cumsum(np.full(seconds * 175, rate / 175) * (1 + 0.05 * np.sin(ecg_s))) + rng.uniform()
    ecg = np.exp(-(((phase % 1 - 0.5) / 0.02) ** 2)) + 0.02 * rng.normal(size=len(ecg_s))
    low = np.stack([level + wander, np.sin(2 * np.pi * (breath * low_s + rng.uniform()))], -1)
    beats = np.flatnonzero(np.diff(np.floor(phase - 0.5)) > 0) / 175
    return ecg, low, beats


def recording(rng, pieces):
    seconds = SECONDS // pieces
    parts = [piece(rng, seconds) for _ in range(pieces)]
    ecg, low = (np.concatenate([part[k] for part in parts]).astype(np.float32) for k in (0, 1))
    beats = np.concatenate([part[2] + i * seconds for i, part in enumerate(parts)])
    schedule = ({"condition": "baseline", "seconds": SECONDS},)
    provenance = Provenance("0" * 64, "virtual", "full", 0, 0, {}, ("baseline",), "0", "2026", schedule=schedule)
    return SyntheticRecording(ecg, NamedSignals(low, LOW_CHANNELS, LOW_HZ), beats, provenance)


def test_windows_put_end_to_end_are_found_and_a_continuous_recording_is_not():
    """The same judge, the same places: an AUC near 1 for bare windows, near a half without joints."""
    rng = np.random.default_rng(0)
    joints = lambda seconds: low_joints(seconds)[1::2]  # noqa: E731 - every 30 s, where windows end
    found = seam_score([recording(rng, SECONDS // 30) for _ in range(6)], joints)
    none = seam_score([recording(rng, 1) for _ in range(6)], joints)
    assert found.auc > 0.95
    assert abs(none.auc - 0.5) < 0.2
    assert found.stretches > 40


def test_too_few_recordings_are_refused():
    """Recordings are held out by fifths."""
    with pytest.raises(EvaluationError, match=f"{FOLDS} or more recordings, found 1"):
        seam_score([recording(np.random.default_rng(1), 1)])
