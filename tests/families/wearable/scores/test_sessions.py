"""Minutes of signals whose rates are known are measured as they were made, and compared by state."""

import numpy as np
import pytest

from physiosynth.families.wearable.data.batch import Provenance
from physiosynth.families.wearable.data.synthetic_recording import SyntheticRecording
from physiosynth.families.wearable.scores.sessions import (
    Session,
    compare_sessions,
    session_measures,
    synthetic_sessions,
)
from physiosynth.families.wearable.signals import LOW_CHANNELS, LOW_HZ
from physiosynth.signals import NamedSignals


def made(heart_hz=1.2, breath_hz=0.25, wave_hz=0.1, seconds=120, state="baseline"):
    """A heart that speeds up and slows down by 5 % at wave_hz, a steady breath, an EDA of 3 uS."""
    ecg_s, low_s = np.arange(seconds * 175) / 175, np.arange(seconds * 4) / 4
    phase = np.cumsum(heart_hz / 175 * (1 + 0.05 * np.sin(2 * np.pi * wave_hz * ecg_s)))
    ecg = np.exp(-(((phase % 1 - 0.5) / 0.02) ** 2))
    return Session(ecg, np.full(len(low_s), 3.0), np.sin(2 * np.pi * breath_hz * low_s), state)


def test_rates_and_the_band_of_a_wave_are_those_that_were_made():
    """72 beats and 15 breaths a minute; a wave of 0.1 Hz has its power in the low band, one of 0.25 Hz in the high."""
    slow, fast = session_measures(made()), session_measures(made(wave_hz=0.25))
    assert slow["heart rate /min"] == pytest.approx(72, abs=0.5)
    assert slow["breathing /min"] == pytest.approx(15, abs=0.3)
    assert slow["tonic EDA uS"] == 3.0 and slow["drift of EDA uS"] == 0.0
    assert slow["LF ms2"] > 10 * slow["HF ms2"] and fast["HF ms2"] > 10 * fast["LF ms2"]
    # 833 ms swing by 5 %: an SD of 29 ms, a variance of 870 ms2.
    assert slow["SDNN ms"] == pytest.approx(29.5, abs=2) and slow["LF ms2"] == pytest.approx(870, rel=0.15)


def test_the_same_sessions_are_no_distance_apart_and_faster_hearts_are_far():
    """States without enough sessions are left out."""
    real = [made(1.0 + 0.1 * i) for i in range(4)]
    same = {row.measure: row for row in compare_sessions(real, real)}
    assert all(row.ks == 0 for row in same.values() if np.isfinite(row.ks))
    other = {row.measure: row for row in compare_sessions(real, [made(1.6 + 0.02 * i) for i in range(4)])}
    assert other["heart rate /min"].ks == 1 and other["heart rate /min"].synthetic > other["heart rate /min"].real
    assert compare_sessions(real, real[:2]) == []


def test_sessions_of_a_recording_begin_after_its_changes_of_state():
    """Each stretch gives one session of its own state, some seconds after its beginning."""
    schedule = ({"condition": "baseline", "seconds": 100}, {"condition": "stress", "seconds": 60})
    provenance = Provenance("0" * 64, "virtual", "full", 0, 0, {}, ("baseline",), "0", "2026", schedule=schedule)
    low = np.stack([np.arange(640.0), np.zeros(640)], -1)
    recording = SyntheticRecording(
        np.arange(160.0 * 175), NamedSignals(low, LOW_CHANNELS, LOW_HZ), np.empty(0), provenance
    )
    first, second = synthetic_sessions([recording], 30, after_s=20)
    assert (first.state, second.state) == ("baseline", "stress")
    assert first.eda[0] == 20 * 4 and second.eda[0] == 120 * 4 and second.ecg[0] == 120 * 175
    assert len(first.ecg) == 30 * 175
    assert len(synthetic_sessions([recording], 60, after_s=20)) == 1
