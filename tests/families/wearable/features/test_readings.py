"""Readings of windows whose rates and events were set."""

import numpy as np
import pytest

from physiosynth.families.wearable.features.readings import QUANTITIES, mean_beat, spread, tachogram, window_readings
from physiosynth.families.wearable.signals import ECG_HZ, ECG_STEPS, LOW_HZ, LOW_STEPS

FAST, SLOW = np.arange(ECG_STEPS) / ECG_HZ, np.arange(LOW_STEPS) / LOW_HZ
STEADY = np.arange(0.5, 29.5, 0.75)


def ecg(beats_s) -> np.ndarray:
    """A narrow R and a broad T at each beat."""
    return sum(
        np.exp(-(((FAST - b) / 0.012) ** 2)) + 0.25 * np.exp(-(((FAST - b - 0.28) / 0.05) ** 2)) for b in beats_s
    )


def measured(beats_s=STEADY, breaths_a_minute=15, scr_at=(8.0, 18.0)):
    eda = 2 + sum(0.4 * np.clip(SLOW - t, 0, None) * np.exp(-np.clip(SLOW - t, 0, None) / 1.5) for t in scr_at)
    return window_readings(ecg(beats_s), -np.cos(2 * np.pi * breaths_a_minute / 60 * SLOW), eda)


def test_rates_and_counts_are_those_that_were_set():
    """80 beats and 15 breaths a minute, no variability, two skin conductance responses."""
    found = measured()
    assert found.heart_rate == pytest.approx(80, abs=0.2) and found.rmssd < 3
    assert found.breathing_rate == pytest.approx(15, abs=0.2)
    assert found.scr_count == 2 and found.eda_median == pytest.approx(2, abs=0.1)


def test_an_inspiration_begins_at_the_narrowest_chest():
    """-cos is narrowest at 4, 8, 12 ... s; the first sample is where the window begins, not a breath."""
    onsets = measured().inspirations_s
    assert np.allclose(onsets, np.arange(4, 27, 4), atol=0.15)


def test_what_cannot_be_told_is_nan():
    """Flat signals have no events and no rates, but a level."""
    flat = window_readings(np.zeros(ECG_STEPS), np.zeros(LOW_STEPS), np.full(LOW_STEPS, 3.0))
    assert np.isnan([flat.heart_rate, flat.rmssd, flat.breathing_rate]).all()
    assert flat.scr_count == 0 and flat.eda_median == 3


def test_a_value_is_placed_among_the_windows():
    """Twenty windows of 61 to 80 /min: 60 is low, 70 usual, 90 high; four windows are too few to say."""
    windows = [measured(np.arange(0.5, 29, 60 / rate)) for rate in range(61, 81)]
    usual = spread(windows, "heart_rate")
    assert usual.median == pytest.approx(70.5, abs=0.5) and usual.known == usual.windows == 20
    assert [usual.place(value) for value in (60, 70, 90, float("nan"))] == ["low", "usual", "high", ""]
    assert spread(windows[:4], "heart_rate").place(60) == ""
    assert all(hasattr(windows[0], quantity.name) for quantity in QUANTITIES)


def test_the_tachogram_holds_each_interval_where_it_ends():
    """R peaks at 1, 1.8 and 2.8 s are intervals of 800 and 1000 ms."""
    times, intervals = tachogram(np.array([1, 1.8, 2.8]))
    assert times.tolist() == [1.8, 2.8] and np.allclose(intervals, [800, 1000])


def test_the_mean_beat_is_the_beat_and_its_spread_is_what_differs():
    """One beat repeated has no spread; a second window of twice the height has all of it."""
    beats = np.arange(1, 29, 0.8)
    same = mean_beat([ecg(beats)], [beats])
    assert same.beats > 30 and same.lag_s[same.mean_mv.argmax()] == pytest.approx(0, abs=0.006)
    assert np.max(same.high_mv - same.low_mv) < 0.2
    mixed = mean_beat([ecg(beats), 2 * ecg(beats)], [beats, beats])
    assert np.max(mixed.high_mv - mixed.low_mv) == pytest.approx(1, abs=0.2)
    assert mean_beat([ecg([2, 3])], [np.array([2.0, 3.0])]) is None
