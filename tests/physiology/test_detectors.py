"""Detectors against signals whose beats, breaths and responses were set."""

import numpy as np
import pytest

from physiosynth.errors import ChannelError
from physiosynth.families.wearable.data.preprocess import decimate
from physiosynth.families.wearable.signals import ECG_HZ, ECG_STEPS, LOW_HZ, LOW_STEPS, WINDOW_S
from physiosynth.physiology import detectors as physiology


def ecg_of(beats_s, seconds=WINDOW_S, rate_hz=ECG_HZ):
    """A QRS of 0.9 mV and a broad T of 0.2 mV at every beat, on noise of 0.01 mV."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    ecg = np.random.default_rng(0).normal(0, 0.01, len(times))
    for beat in beats_s:
        ecg += 0.9 * np.exp(-(((times - beat) / 0.012) ** 2)) + 0.2 * np.exp(-(((times - beat - 0.28) / 0.05) ** 2))
    return ecg


def eda_of(onsets_s, amplitude_us=0.3, seconds=120, tonic_us=4.0):
    """Responses with a rise of about 1.5 s and a recovery of 3 s on a constant level."""
    times = np.arange(seconds * LOW_HZ) / LOW_HZ
    shape = [np.where(t > 0, np.exp(-t / 3) - np.exp(-t / 0.7), 0) for t in (times - onset for onset in onsets_s)]
    return tonic_us + amplitude_us * np.sum(shape, axis=0) / 0.54


WAVES = ((0, 0.010, 1.0), (-0.03, 0.010, -0.1), (0.03, 0.010, -0.2), (-0.17, 0.025, 0.12), (0.25, 0.045, 0.3))


def full_ecg_of(beats_s):
    """P, Q, R, S and T waves (time from R in s, SD in s, height in mV) at every beat, without noise."""
    times = np.arange(ECG_STEPS) / ECG_HZ
    lag = times - np.asarray(beats_s)[:, None]
    return sum(mv * np.exp(-0.5 * ((lag - at) / sd) ** 2).sum(axis=0) for at, sd, mv in WAVES)


def response(onset_s, height_us=1.0):
    """A skin conductance response of that height, 30 s at 4 Hz: a rise of 1.5 s and a recovery of 4 s."""
    late = np.maximum(np.arange(LOW_STEPS) / LOW_HZ - onset_s, 0)
    highest = 4 * 0.75 * np.log(4 / 0.75) / (4 - 0.75)
    return (
        height_us
        * np.subtract(*np.exp(-np.divide.outer(late, [4, 0.75])).T)
        / np.subtract(*np.exp(-np.divide(highest, [4, 0.75])))
    )


@pytest.mark.parametrize("rate", [45, 72, 110, 160])
def test_beats_are_found_where_they_were_put(rate):
    """Every beat of a known rate is found within 5 ms, and the heart rate is that rate."""
    beats = np.arange(0.7, WINDOW_S - 0.5, 60 / rate)
    found = physiology.r_peaks(ecg_of(beats), ECG_HZ)
    assert len(found) == len(beats)
    assert np.abs(found - beats).max() < 0.005
    assert physiology.heart_rate(found) == pytest.approx(rate, abs=0.3)


def test_the_first_beat_of_a_window_is_found():
    """A beat whose R peak lies a quarter of a second after the start is found, as are the 34 after it, within 3 ms."""
    beats = 0.25 + 0.85 * np.arange(35)
    found = physiology.r_peaks(full_ecg_of(beats), ECG_HZ)
    assert len(found) == 35
    assert np.abs(found - beats).max() < 0.003


@pytest.mark.parametrize("slowest", [55, 150])
def test_windows_cut_anywhere_lose_no_beat_and_gain_none(slowest):
    """All beats with R from 0.03 to 29.97 s are found and nothing else, in windows with noise and baseline wander."""
    rng, times, early = np.random.default_rng(7), np.arange(ECG_STEPS) / ECG_HZ, 0
    for _ in range(40):
        interval = 60 / rng.uniform(slowest, slowest + 40)
        beats = np.cumsum(interval * (1 + 0.03 * rng.standard_normal(130))) - 2 - interval * rng.uniform()
        wander = 0.1 * np.sin(2 * np.pi * (0.25 * times + rng.uniform()))
        found = physiology.r_peaks(full_ecg_of(beats) + wander + rng.normal(0, 0.01, ECG_STEPS), ECG_HZ)
        inside = beats[(beats >= 0.03) & (beats <= 29.97)]
        early += (inside < 0.3).sum()
        assert np.abs(inside[:, None] - found).min(axis=1).max() < 0.01
        assert np.abs(beats[:, None] - found).min(axis=0).max() < 0.01
    assert early > 5


@pytest.mark.parametrize("rate", [195, 210, 220, 240])
def test_a_very_fast_heart_is_not_halved(rate):
    """Every beat counts at rates that children and athletes reach."""
    found = physiology.r_peaks(full_ecg_of(np.arange(0.25, 31, 60 / rate)), ECG_HZ)
    assert physiology.heart_rate(found) == pytest.approx(rate, abs=0.3)


def test_an_ecg_recorded_upside_down_is_recognised():
    """40 of 40 upright windows are upright and 40 of 40 turned ones are not; a flat one is upright."""
    rng, times = np.random.default_rng(11), np.arange(ECG_STEPS) / ECG_HZ
    for rate in np.linspace(50, 160, 40):
        wander = 0.1 * np.sin(2 * np.pi * (0.25 * times + rng.uniform())) + rng.normal(0, 0.02, ECG_STEPS)
        ecg = full_ecg_of(np.arange(rng.uniform(), 31, 60 / rate)) + wander
        assert not physiology.is_inverted(ecg, ECG_HZ)
        assert physiology.is_inverted(-ecg, ECG_HZ)
    assert not physiology.is_inverted(np.zeros(ECG_STEPS), ECG_HZ)


def test_a_deep_s_wave_is_not_an_inverted_lead():
    """An S wave deeper than R, with an upright T wave, is how some leads look."""
    beats = np.arange(0.5, 31, 0.8)
    lag = np.arange(ECG_STEPS) / ECG_HZ - beats[:, None]
    assert not physiology.is_inverted(
        full_ecg_of(beats) - 0.8 * np.exp(-0.5 * ((lag - 0.03) / 0.01) ** 2).sum(axis=0), ECG_HZ
    )


def test_a_tall_t_wave_is_no_beat():
    """T waves of 0.9 of the R wave, a quarter of a second after it, are not counted."""
    beats = np.arange(0.5, 30, 0.9)
    times = np.arange(ECG_STEPS) / ECG_HZ
    taller = full_ecg_of(beats) + sum(0.6 * np.exp(-0.5 * ((times - beat - 0.25) / 0.045) ** 2) for beat in beats)
    assert len(physiology.r_peaks(taller, ECG_HZ)) == len(beats)


def test_beats_of_a_700_hz_recording():
    """The detector takes the chest rate of a raw recording as well."""
    beats = np.arange(0.5, 19.5, 0.8)
    assert np.abs(physiology.r_peaks(ecg_of(beats, 20, 700), 700) - beats).max() < 0.005


@pytest.mark.parametrize("signal", [np.zeros(ECG_STEPS), np.full(ECG_STEPS, 0.3), np.empty(0), np.zeros(5)])
def test_a_flat_signal_has_no_events(signal):
    """A dead electrode gives no beats, breaths or responses, and rates that are not numbers, and raises nothing."""
    assert (
        len(physiology.r_peaks(signal, ECG_HZ))
        == len(physiology.breaths(signal, LOW_HZ))
        == len(physiology.scrs(signal, LOW_HZ))
        == 0
    )
    assert np.isnan(physiology.heart_rate(physiology.r_peaks(signal, ECG_HZ)))
    assert np.isnan(physiology.breathing_rate(signal, LOW_HZ))


def test_gaps_and_wrong_shapes_are_named():
    """A NaN or a second channel ends in an error that says which signal and what to do."""
    with pytest.raises(ChannelError, match="ECG: 1 of"):
        physiology.r_peaks(np.where(np.arange(ECG_STEPS) == 7, np.nan, 0.0), ECG_HZ)
    with pytest.raises(ChannelError, match="one row"):
        physiology.breaths(np.zeros((LOW_STEPS, 2)), LOW_HZ)


def test_interval_statistics_of_known_intervals():
    """RMSSD and SDNN of alternating 800 and 900 ms are 100 ms and the sample SD of that list."""
    intervals = np.tile([0.8, 0.9], 5)
    peaks = np.concatenate([[0.4], 0.4 + np.cumsum(intervals)])
    assert physiology.rmssd(peaks) == pytest.approx(100)
    assert physiology.sdnn(peaks) == pytest.approx(1000 * np.std(intervals, ddof=1))
    assert physiology.heart_rate(peaks) == pytest.approx(np.mean(60 / intervals))
    assert np.isnan(physiology.rmssd(peaks[:2])) and np.isnan(physiology.sdnn(peaks[:2]))
    assert np.isnan(physiology.heart_rate(peaks[:1]))


@pytest.mark.parametrize("rate", [6, 8, 12, 16, 24, 30])
def test_breathing_rate_of_a_known_rhythm(rate):
    """Slow and fast breathing are both counted right in 30 s at 4 samples a second, with drift and noise."""
    times = np.arange(LOW_STEPS) / LOW_HZ
    resp = 2 * np.sin(2 * np.pi * rate / 60 * times + 1) + 0.03 * times
    resp += np.random.default_rng(1).normal(0, 0.1, len(times))
    assert physiology.breathing_rate(resp, LOW_HZ) == pytest.approx(rate, rel=0.04)


def test_breath_times_are_the_inhalation_peaks():
    """A breath is the top of the belt signal, to a tenth of a second."""
    times = np.arange(60 * LOW_HZ) / LOW_HZ
    found = physiology.breaths(np.cos(2 * np.pi * (times - 2.0) / 4.0), LOW_HZ)
    assert np.abs(found[1:-1] - np.arange(6.0, 54.1, 4.0)).max() < 0.1


def test_responses_are_found_with_their_size():
    """Five separate responses on a drifting level are found once each, near their onset, and larger ones are larger."""
    onsets = [15, 35, 60, 80, 100]
    drift = 0.1 * np.sin(np.arange(120 * LOW_HZ) / LOW_HZ / 60)
    found = physiology.scrs(eda_of(onsets) + drift, LOW_HZ)
    assert len(found) == 5
    assert np.abs(found.onset_s - onsets).max() < 1.5
    assert (found.peak_s > found.onset_s).all()
    assert np.mean(physiology.scrs(eda_of(onsets, 0.6), LOW_HZ).amplitude_us) > 1.8 * np.mean(found.amplitude_us)
    assert physiology.scr_rate(eda_of(onsets), LOW_HZ) == pytest.approx(2.5)


SECONDS = np.arange(LOW_STEPS) / LOW_HZ
ARTEFACTS = {
    "step up": 1.0 * (SECONDS >= 15.25),
    "step down": -1.0 * (SECONDS >= 15.25),
    "step over two samples": 0.6 * (SECONDS >= 15) + 0.4 * (SECONDS >= 15.25),
    "one sample up": 1.0 * (SECONDS == 15),
    "one sample down": -1.0 * (SECONDS == 15),
    "bump of 0.7 s": np.exp(-0.5 * ((SECONDS - 15) / 0.297) ** 2),
    "bump between samples": np.exp(-0.5 * ((SECONDS - 15.1) / 0.297) ** 2),
    "step as the preparation leaves it": decimate(1.0 * (np.arange(21000) >= 15.1 * 700), (7, 5, 5)),
}


@pytest.mark.parametrize("name", ARTEFACTS)
def test_an_artefact_is_no_response(name):
    """A movement of the electrode, up or down, is not counted, and it hides no response beside it."""
    assert len(physiology.scrs(5 + ARTEFACTS[name], LOW_HZ)) == 0
    beside = physiology.scrs(5 + ARTEFACTS[name] + response(22), LOW_HZ)
    assert len(beside) == 1
    assert beside.onset_s[0] == pytest.approx(22, abs=0.3) and beside.amplitude_us[0] == pytest.approx(0.93, abs=0.05)


def test_responses_of_every_size_and_close_ones_are_counted():
    """Sizes from 1 to 10 uS, two responses 2 s apart, and one that the window cuts."""
    for height in (1, 3, 10):
        found = physiology.scrs(5 + response(15, height), LOW_HZ)
        assert found.amplitude_us == pytest.approx([0.93 * height], rel=0.01)
    assert len(physiology.scrs(5 + response(10) + response(12), LOW_HZ)) == 2
    assert physiology.scrs(5 + response(28), LOW_HZ).amplitude_us == pytest.approx([0.63], abs=0.01)


def test_responses_under_the_minimum_are_left_out():
    """The smallest amplitude is absolute, in uS."""
    assert len(physiology.scrs(eda_of([30, 60], 0.008), LOW_HZ)) == 0
    assert len(physiology.scrs(eda_of([30, 60], 0.3), LOW_HZ, min_amplitude_us=0.5)) == 0


def test_tonic_level_is_the_median():
    """Responses on a level of 4 uS leave the tonic level close to 4."""
    assert physiology.tonic_level(eda_of([30, 60])) == pytest.approx(4.0, abs=0.02)


def test_the_phase_of_a_steady_rhythm_is_a_straight_line():
    """At a steady 75 beats/min every quarter second advances by 0.3125 beats, beyond the first and last beat too."""
    phase = physiology.beat_phase(np.arange(2.0, 27.0, 0.8), np.arange(LOW_STEPS + 1) / LOW_HZ)
    assert np.diff(phase) == pytest.approx(np.full(LOW_STEPS, 0.3125))


def test_the_phase_is_whole_at_every_beat():
    """The phase passes through k at peak k, grows always, and too few peaks give no numbers."""
    peaks = np.cumsum(np.random.default_rng(2).uniform(0.5, 1.2, 60)) - 3
    assert physiology.beat_phase(peaks, peaks) == pytest.approx(np.arange(60))
    assert (np.diff(physiology.beat_phase(peaks, np.arange(0, WINDOW_S, 0.01))) > 0).all()
    assert np.isnan(physiology.beat_phase(np.array([3.0]), np.arange(4.0))).all()


@pytest.mark.parametrize("noise_us", [0.0, 0.02, 1.0])
def test_responses_are_the_pairs_that_neurokit2_finds(noise_us):
    """Onsets and peaks are NeuroKit2's, in clean and in noisy signals, where nothing is left out for its size."""
    import neurokit2 as nk
    from scipy.signal import butter, sosfiltfilt

    eda = eda_of([5, 20, 31, 60, 64, 100]) + np.random.default_rng(1).normal(0, noise_us, 120 * LOW_HZ)
    smooth = sosfiltfilt(butter(4, 1.0, fs=LOW_HZ, output="sos"), eda)
    phasic = sosfiltfilt(butter(2, 0.05, "highpass", fs=LOW_HZ, output="sos"), smooth)
    wanted = nk.eda_findpeaks(phasic, sampling_rate=LOW_HZ, method="neurokit", amplitude_min=0)
    pairs = {(onset, peak) for onset, peak in zip(wanted["SCR_Onsets"], wanted["SCR_Peaks"], strict=True)}
    found = physiology.scrs(eda, LOW_HZ)
    assert len(found) >= 5
    assert {(a * LOW_HZ, b * LOW_HZ) for a, b in zip(found.onset_s, found.peak_s, strict=True)} <= pairs
