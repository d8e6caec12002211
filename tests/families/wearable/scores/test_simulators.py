"""NeuroKit2's simulators are asked so that noise, spectrum and beat phase are what a recording would have."""

from functools import partial

import neurokit2 as nk
import numpy as np
import pytest
from scipy.signal import periodogram

from physiosynth.families.wearable.data.preprocess import decimate
from physiosynth.families.wearable.scores.simulators import StateTargets, neurokit_simulated
from physiosynth.families.wearable.signals import ECG_HZ, LOW_HZ, WINDOW_S
from physiosynth.physiology.detectors import r_peaks

ONE = {"ECG": 0.0, "EDA": 5.0, "Resp": 0.0}
TARGETS = {"stress": StateTargets((70.0, 1.0), (15.0, 1.0), 2.5, ONE, dict.fromkeys(ONE, 1.0))}


@pytest.fixture(scope="module")
def windows():
    """12 windows of one state."""
    return neurokit_simulated({"stress": 12}, TARGETS, seed=1)


def test_windows_begin_anywhere_within_a_beat(windows):
    """The first R peaks of 12 windows are spread over a beat."""
    assert np.std([r_peaks(ecg.astype(float), ECG_HZ)[0] for ecg in windows.ecg]) > 0.2


def test_the_simulators_noise_reaches_the_skin_conductance(windows, monkeypatch):
    """More noise, asked of the simulator, is another EDA."""
    monkeypatch.setattr(nk, "eda_simulate", partial(nk.eda_simulate, noise=0.5))
    noisy = neurokit_simulated({"stress": 1}, TARGETS, seed=1)
    assert np.abs(noisy.eda[0] - windows.eda[0]).max() > 0.01


def test_the_skin_conductance_has_the_spectrum_of_a_thinned_one(windows):
    """Power at 1.9 Hz lies within 3 dB of what 100 Hz thinned to 4 Hz holds."""

    def at_2_hz(rows):
        rows = (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True)
        frequency, power = periodogram(rows, LOW_HZ, window="hann")
        return power[:, np.abs(frequency - 1.9) < 0.06].mean()

    thinned = [
        decimate(nk.eda_simulate(duration=WINDOW_S, sampling_rate=100, scr_number=count, random_state=i)[:3000], (5, 5))
        for i, count in enumerate(np.random.default_rng(0).poisson(2.5, 24).clip(1))
    ]
    responding = windows.eda[windows.eda.std(axis=1) > 0]
    assert abs(10 * np.log10(at_2_hz(responding) / at_2_hz(np.array(thinned)))) < 3
