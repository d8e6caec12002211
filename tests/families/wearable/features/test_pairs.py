"""Coupling measures: signals made to move together are seen, at the right lag and sign, and others are not."""

import numpy as np
import pytest

from physiosynth.families.wearable.features.pairs import couplings, edr_resp, resp_coherence, resp_heart, scr_heart
from physiosynth.families.wearable.judging.metrics import auroc
from physiosynth.families.wearable.signals import LOW_HZ, LOW_STEPS

TIMES = np.arange(LOW_STEPS) / LOW_HZ


def breath(lag_s=0.0, per_minute=15.0, windows=4):
    """(windows, t) sines of different phase, later by lag_s."""
    phase = np.arange(windows)[:, None]
    return np.sin(2 * np.pi * per_minute / 60 * (TIMES - lag_s) + phase)


def test_a_rate_that_follows_the_breath_is_coupled():
    """A heart rate half a second behind the belt correlates almost fully; one that opposes it does not."""
    assert resp_heart(70 + 5 * breath(0.5), breath()).min() > 0.97
    assert resp_heart(70 - 5 * breath(0.0, 6), breath(0.0, 6)).max() < 0.6
    assert resp_coherence(70 + 5 * breath(0.5), breath()).min() > 0.97


def test_another_rate_is_not_coupled():
    """Breathing at 15 and a heart that swings at 22 a minute share little."""
    assert resp_heart(70 + breath(0, 22), breath()).max() < 0.4
    noise = np.random.default_rng(0).normal(size=(60, LOW_STEPS))
    assert np.median(resp_coherence(noise, breath(windows=60))) < 0.7


def test_r_height_counts_with_either_sign():
    """The heart's axis may turn towards or away from a lead: both are respiration."""
    assert edr_resp(1 - 0.1 * breath(), breath()) == pytest.approx(edr_resp(1 + 0.1 * breath(), breath()), abs=0.02)
    assert edr_resp(1 - 0.1 * breath(), breath()).min() > 0.97


def test_arousal_is_seen_in_skin_and_heart():
    """A heart that rises with the skin's responses correlates; one that rises 9 s later does not."""
    x = np.maximum(TIMES - 12, 0)
    eda = 2 + 0.5 * (np.exp(-x / 4) - np.exp(-x / 0.7))[None]

    def heart(lag):
        late = np.maximum(TIMES - 11.5 - lag, 0) / 2
        return 70 + 6 * (late**2 * np.exp(2 * (1 - late)))[None]

    assert scr_heart(heart(0), eda)[0] > 0.7 > scr_heart(heart(9), eda)[0] + 0.2


def test_what_is_missing_or_flat_is_unknown():
    """NaN rows and constant rows give nan, and leave other rows as they are."""
    rate = 70 + 5 * breath(0.5)
    rate[1] = np.nan
    rate[2] = 70.0
    found = resp_heart(rate, breath())
    assert np.isnan(found[1:3]).all() and found[[0, 3]].min() > 0.97
    assert all(len(column) == 0 for column in couplings(*(np.empty((0, LOW_STEPS)),) * 4).values())


def test_the_chance_that_a_pair_is_stronger():
    """1 when every pair is stronger, 0.5 for equal ones, ties counted half, NaN left out."""
    assert auroc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert auroc(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0.5
    assert auroc(np.array([1.0, np.nan]), np.array([0.0, 1.0, 2.0])) == pytest.approx(0.5)
    assert np.isnan(auroc(np.array([np.nan]), np.array([1.0])))
