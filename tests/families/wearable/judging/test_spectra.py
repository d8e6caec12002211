"""Likeness figures: known answers, and controls that must score clearly lower."""

import numpy as np
import pytest

from physiosynth.errors import RequestError
from physiosynth.families.wearable.judging.spectra import (
    acf_similarity,
    compare,
    log_spectral_distance,
    psd_similarity,
    split_half,
)
from physiosynth.families.wearable.signals import ECG_HZ, ECG_STEPS, LOW_HZ, LOW_STEPS


def pulses(windows: int, seed: int, bpm: float = 70.0) -> np.ndarray:
    """(windows, time) ECG-like pulse trains at 175 Hz, with a varying rate and random onset."""
    rng = np.random.default_rng(seed)
    time = np.arange(ECG_STEPS) / ECG_HZ
    out = np.zeros((windows, ECG_STEPS))
    for row in out:
        beats = rng.uniform(0, 1) + np.cumsum(rng.normal(60 / bpm, 0.03, 60))
        for beat in beats[beats < time[-1] + 1]:
            row += np.exp(-(((time - beat) / 0.02) ** 2)) + 0.3 * np.exp(-(((time - beat - 0.25) / 0.05) ** 2))
    return out + 0.02 * rng.normal(size=out.shape)


def breathing(windows: int, seed: int, per_minute: float = 15.0) -> np.ndarray:
    """(windows, time) breathing-like waves at 4 Hz."""
    rng = np.random.default_rng(seed)
    time = np.arange(LOW_STEPS) / LOW_HZ
    rate = rng.normal(per_minute / 60, 0.01, (windows, 1))
    phase = 2 * np.pi * (rate * time + rng.uniform(size=(windows, 1)))
    return np.sin(phase) + 0.05 * rng.normal(size=phase.shape)


def skin(windows: int, seed: int) -> np.ndarray:
    """(windows, time) skin-conductance-like slow walks at 4 Hz."""
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(size=(windows, LOW_STEPS)), axis=1)


CASES = {"ECG": (pulses, ECG_HZ), "Resp": (breathing, LOW_HZ), "EDA": (skin, LOW_HZ)}


@pytest.mark.parametrize("make, rate", CASES.values(), ids=CASES)
def test_a_set_is_exactly_like_itself(make, rate):
    """The same windows score 1, 1 and 0 dB."""
    likeness = compare(make(4, 0), make(4, 0), rate)
    assert (likeness.psd, likeness.acf, likeness.spectral_db) == (pytest.approx(1), pytest.approx(1), 0)


@pytest.mark.parametrize("make, rate", CASES.values(), ids=CASES)
def test_white_noise_scores_clearly_lower_than_a_second_draw(make, rate):
    """Windows of the same kind are alike; noise of the same variance is not, in any figure."""
    real, again = make(12, 1), make(12, 2)
    noise = np.random.default_rng(3).normal(size=real.shape) * real.std()
    good, bad = compare(real, again, rate), compare(real, noise, rate)
    assert good.psd > 0.8 and good.acf > 0.9
    assert bad.psd < good.psd - 0.2 and bad.acf < 0.3 and bad.spectral_db > good.spectral_db + 2


def test_swapped_channels_score_clearly_lower():
    """Resp judged as EDA, and EDA as Resp, falls in both similarities."""
    for real, right, wrong in (
        (breathing(12, 4), breathing(12, 5), skin(12, 6)),
        (skin(12, 4), skin(12, 5), breathing(12, 6)),
    ):
        good, bad = compare(real, right, LOW_HZ), compare(real, wrong, LOW_HZ)
        assert bad.psd < good.psd - 0.3 and bad.acf < good.acf - 0.3


def test_a_flat_line_is_like_nothing():
    """A generator that gives a constant shares no power and no autocorrelation."""
    flat = np.full((3, LOW_STEPS), 7.3)
    likeness = compare(breathing(3, 0), flat, LOW_HZ)
    assert likeness.psd == 0 and abs(likeness.acf) < 1e-9 and likeness.spectral_db > 20


def test_a_breathing_rate_that_is_off_lowers_both_similarities():
    """Breathing at 24 instead of 12 a minute shares hardly any power and opposes in autocorrelation."""
    real, fast = breathing(8, 0, 12), breathing(8, 1, 24)
    assert psd_similarity(real, fast, LOW_HZ) < 0.3
    assert acf_similarity(real, fast, LOW_HZ) < 0.3


def test_twice_the_amplitude_is_six_decibels_and_the_same_shape():
    """20 log10 2 = 6.02 dB in log-spectral distance, no change in the shape figures."""
    real = pulses(3, 0)
    assert log_spectral_distance(real, 2 * real, ECG_HZ) == pytest.approx(20 * np.log10(2), abs=0.02)
    assert psd_similarity(real, 2 * real, ECG_HZ) == pytest.approx(1)
    assert acf_similarity(real, 2 * real, ECG_HZ) == pytest.approx(1)


def test_autocorrelation_is_blind_to_phase_and_says_so():
    """Shuffled phases keep spectrum and autocorrelation nearly as they were: the documented limit of these figures."""
    real = breathing(8, 0)
    spectrum = np.fft.rfft(real, axis=1)
    angle = np.exp(2j * np.pi * np.random.default_rng(1).uniform(size=spectrum.shape))
    shuffled = np.fft.irfft(np.abs(spectrum) * angle, LOW_STEPS, axis=1)
    assert acf_similarity(real, shuffled, LOW_HZ) > 0.9


def test_slow_streams_get_enough_frequencies():
    """The published mistake, two bins for breathing, cannot return: a window too short to judge is refused."""
    with pytest.raises(RequestError, match="too few to compare"):
        psd_similarity(breathing(2, 0)[:, :12], breathing(2, 1)[:, :12], LOW_HZ)


def test_two_halves_of_a_set_give_the_ruler():
    """The split-half figure is high for one kind of signal, and absent where there are too few windows."""
    assert split_half(breathing(16, 0), LOW_HZ).psd > 0.8
    assert split_half(breathing(3, 0), LOW_HZ) is None


@pytest.mark.parametrize(
    "real, synthetic, words",
    [
        (np.zeros((0, 120)), np.zeros((2, 120)), "at least one"),
        (np.zeros((2, 120)), np.full((2, 120), np.nan), "not numbers"),
        (np.ones((2, 120)), np.ones((2, 100)), "one length"),
    ],
)
def test_windows_that_cannot_be_compared_are_refused_in_plain_words(real, synthetic, words):
    """Empty sets, NaN and unequal lengths are a user's to mend."""
    with pytest.raises(RequestError, match=words):
        compare(real, synthetic, LOW_HZ)
