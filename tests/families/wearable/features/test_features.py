"""Features: known windows give known figures, broken ones give NaN, and what was measured is kept."""

import sys
from collections import Counter

import numpy as np
import pytest

from making.windows import STATES, toy_windows
from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features import features as module
from physiosynth.families.wearable.features.features import FEATURES, window_features, with_pairing
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.scores.controls import pairing, shuffled_pairing, white_noise
from physiosynth.families.wearable.signals import ECG_HZ, ECG_STEPS, LOW_HZ, LOW_STEPS, WINDOW_S
from physiosynth.physiology import detectors as physiology
from physiosynth.physiology.beat_shape import AFTER_S, BEFORE_S, beat_shape, is_clean, template_steps

BEATS_S = np.arange(0.6, WINDOW_S - 0.2, 0.8)  # 75 beats/min


def ecg_of(beats_s, p=0.1, t=0.25, heights=None):
    """P 160 ms before, R of 1 mV and 11 ms SD, T 250 ms after every beat."""
    times = np.arange(ECG_STEPS) / ECG_HZ
    ecg = 0.004 * np.random.default_rng(0).normal(size=ECG_STEPS)
    for beat, height in zip(beats_s, heights if heights is not None else np.ones(len(beats_s)), strict=True):
        for size, at, width in ((p, -0.16, 0.025), (height, 0.0, 0.011), (t, 0.25, 0.045)):
            ecg += size * np.exp(-0.5 * ((times - beat - at) / width) ** 2)
    return ecg


def one_window(ecg=None, eda=None, resp=None):
    """A window set of a single baseline window; zeros where nothing is given."""
    rows = [
        np.zeros(steps) if row is None else row
        for row, steps in ((ecg, ECG_STEPS), (eda, LOW_STEPS), (resp, LOW_STEPS))
    ]
    return WindowSet(*(row[None] for row in rows), ["baseline"], ["T"], "virtual")


@pytest.fixture(scope="module")
def windows():
    return toy_windows(6)


@pytest.fixture(scope="module")
def features(windows):
    return window_features(windows)


def test_known_states_give_known_figures(windows, features):
    """Heart rate, breathing rate and level are those of the state that the window was made for."""
    for state, (bpm, _, breaths, tonic, _) in STATES.items():
        here = windows.states == state
        assert features["breathing_rate"][here].mean() == pytest.approx(breaths, rel=0.12)
        assert features["tonic_level"][here].mean() == pytest.approx(tonic, rel=0.35)
        assert bpm - 6 < features["heart_rate"][here].mean() < bpm + 12
    assert (
        features["scr_rate"][windows.states == "stress"].mean()
        > 1.5 * features["scr_rate"][windows.states == "meditation"].mean()
    )


def test_a_steady_heart_has_known_waves():
    """At 75 beats/min: rate 75, no variability, R of 1 mV, P and T as they were given, a QRS of 50 to 85 ms, clean."""
    found = window_features(one_window(ecg_of(BEATS_S)))
    assert found["heart_rate"][0] == pytest.approx(75, abs=0.2) and found["rmssd"][0] < 3
    assert found["r_amplitude"][0] == pytest.approx(1.0, abs=0.05)
    assert found["p_wave"][0] == pytest.approx(0.1, rel=0.2) and found["t_wave"][0] == pytest.approx(0.25, rel=0.2)
    assert 50 < found["qrs_width"][0] < 85 and found["template_correlation"][0] > 0.98
    assert found["clean"][0] == 1 and len(found.beats_of(0)) == len(BEATS_S)
    assert found.rate[0] == pytest.approx(np.full(LOW_STEPS, 75.0), abs=2)


def test_absent_and_inverted_waves_are_told():
    """Without a P wave its height is 0 or next to nothing; an inverted T is negative."""
    found = window_features(one_window(ecg_of(BEATS_S, p=0.0, t=-0.2)))
    assert abs(found["p_wave"][0]) < 0.01 and found["t_wave"][0] == pytest.approx(-0.2, rel=0.2)


def test_the_rule_of_a_clean_window():
    """A dropped beat, a low R, or one beat in ten of another shape makes a window not clean; a steady one is."""
    alike, even, tall = np.full(30, 0.99), np.full(29, 0.8), np.ones(30)
    assert is_clean(alike, even, tall)
    assert not is_clean(alike, np.r_[even[:14], 1.6, even[:14]], tall)
    assert not is_clean(alike, even, np.r_[0.55, tall[1:]])
    assert is_clean(np.r_[0.5, alike[1:]], even, tall) and not is_clean(np.r_[0.5, 0.5, 0.5, alike[3:]], even, tall)
    assert not is_clean(alike[:2], even[:1], tall[:2])


def test_a_gradual_change_of_rate_is_clean():
    """Breathing may move the rate from 60 to 90 over ten beats: only jumps are faults."""
    assert is_clean(np.full(31, 0.99), np.linspace(1.0, 0.66, 30), np.ones(31))


def test_shape_of_too_few_beats_is_unknown():
    """With two whole beats nothing is made up."""
    shape = beat_shape(ecg_of([5.0, 6.0]), np.array([5.0, 6.0]), ECG_HZ)
    assert np.isnan(shape.template).all() and np.isnan(shape.qrs_ms) and not shape.clean
    assert len(shape.template) == template_steps(ECG_HZ) == round(BEFORE_S * ECG_HZ) + round(AFTER_S * ECG_HZ) + 1


def test_a_dead_window_gives_nan_and_raises_nothing():
    """Flat channels: rates unknown, no responses, not clean, and couplings unknown."""
    found = window_features(one_window(eda=np.full(LOW_STEPS, 2.0)))
    for name in ("heart_rate", "rmssd", "qrs_width", "breathing_rate", "breath_depth", "resp_heart", "scr_heart"):
        assert np.isnan(found[name][0]), name
    assert found["clean"][0] == 0 and found["scr_rate"][0] == 0 and found["tonic_level"][0] == pytest.approx(2.0)


def test_noise_is_not_taken_for_a_heart(windows):
    """Beats found in white noise do not look like each other: no window is clean."""
    found = window_features(white_noise(windows, 0).take(np.arange(6)))
    assert found["clean"].max() == 0 and found["template_correlation"].max() < 0.7


def test_breaths_have_their_depth_and_regularity():
    """A sine of amplitude 3 is 6 deep and nearly all at its rate; noise is not."""
    times = np.arange(LOW_STEPS) / LOW_HZ
    sine = window_features(one_window(resp=3 * np.sin(2 * np.pi * 0.25 * times)))
    noise = window_features(one_window(resp=np.random.default_rng(0).normal(size=LOW_STEPS)))
    assert sine["breath_depth"][0] == pytest.approx(6, rel=0.05) and sine["breathing_rate"][0] == pytest.approx(
        15, rel=0.02
    )
    assert sine["breath_regularity"][0] > 0.95 and noise["breath_regularity"][0] < 0.5


def test_what_was_measured_is_kept(windows, features, tmp_path, monkeypatch):
    """With a cache the same windows are measured once; a damaged file is measured anew; others have their own."""
    few = windows.take(np.arange(3))
    first = window_features(few, tmp_path)
    calls = []
    monkeypatch.setattr(module, "_measure_rows", lambda *rows: calls.append(1) or real_rows(*rows))
    again = window_features(few, tmp_path)
    assert not calls
    assert all(np.array_equal(again[name], first[name], equal_nan=True) for name in FEATURES)
    assert np.array_equal(again.beat, first.beat) and np.array_equal(again.beats_s, first.beats_s, equal_nan=True)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    assert np.array_equal(window_features(few, tmp_path)["rmssd"], first["rmssd"]) and calls
    window_features(few.take([0]), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


real_rows = module._measure_rows


def test_processes_change_nothing(windows, features):
    """Two processes measure what one does, in the same order."""
    few = np.arange(0, len(windows), 12)
    together = window_features(windows.take(few), workers=2)
    assert all(np.allclose(together[name], features[name][few], equal_nan=True) for name in FEATURES)


def test_progress_counts_windows(windows):
    """The callback ends at the number of windows, and raising from it stops the work."""
    seen = []
    window_features(windows.take(np.arange(4)), on_step=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4) and [done for done, _ in seen] == sorted(done for done, _ in seen)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        window_features(windows, on_step=stop)


def test_re_paired_features_are_those_of_re_paired_windows(windows, features):
    """What is put together from measured parts equals what is measured of the shuffled windows."""
    shuffled = shuffled_pairing(windows, 4)
    quick = with_pairing(features, shuffled, pairing(windows.states, 4), pairing(windows.states, 5))
    some = np.arange(0, len(windows), 5)
    slow = window_features(shuffled.take(some))
    for name in FEATURES:
        assert np.allclose(quick[name][some], slow[name], equal_nan=True), name


def test_no_windows_give_empty_features(windows):
    """An empty set has empty columns and a table without rows."""
    found = window_features(windows.take(np.zeros(0, int)))
    assert len(found) == 0 and found.table().shape[0] == 0


def test_an_unknown_feature_is_named(features):
    """A misspelt feature lists those that are there."""
    with pytest.raises(EvaluationError, match="heart_rate"):
        features["pulse"]


def test_a_window_is_measured_once(windows):
    """The detectors, which take most of the time, see each signal of each window once."""
    few, calls = windows.take(np.arange(12)), Counter()

    def count(frame, event, arg):
        if event == "call" and frame.f_code.co_filename == physiology.__file__:
            calls[frame.f_code.co_name] += 1

    sys.setprofile(count)
    try:
        window_features(few)
    finally:
        sys.setprofile(None)
    assert [calls[name] for name in ("r_peaks", "breaths", "scrs")] == [12, 12, 12]
