"""Scores with known answers: distances of known distributions, effects of known size, coupling of known sets."""

from dataclasses import replace

import numpy as np
import pytest

from making.windows import toy_windows
from physiosynth.families.wearable.features.features import COUPLINGS, FEATURES
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.judging.metrics import ks
from physiosynth.families.wearable.judging.registry import Context
from physiosynth.families.wearable.judging.scores_table import score_named
from physiosynth.families.wearable.scores.controls import pairing
from physiosynth.families.wearable.scores.coupling import aucs
from physiosynth.families.wearable.scores.physiology_scores import ANSWERING, MEASURED, contrasts, w1
from physiosynth.families.wearable.scores.simulators import neurokit_simulated, targets_of
from physiosynth.families.wearable.signals import CONDITIONS


@pytest.fixture(scope="module")
def real():
    return Judged.of(toy_windows(10, seed=5))


def value(name, real, synthetic, part=""):
    return score_named(name).values(real, synthetic, Context())[part]


def shifted(real, **change):
    """The same windows with EDA or Resp replaced, nothing measured anew."""
    return Judged.of(replace(real.windows, **change), features=real.features)


def test_a_set_is_exactly_like_itself(real):
    """Distances of values and measurements are 0 against the same windows."""
    for name in ("value_ks", "value_w1", "value_js", "feature_ks", "feature_w1", "coupling_ks", "coupling_auc_gap"):
        assert max(score_named(name).values(real, real, Context()).values()) == pytest.approx(0, abs=1e-9), name
    for name in ("sliced_w1", "beat_ks", "beat_template", "contrast_error"):
        assert value(name, real, real) == pytest.approx(0, abs=1e-9), name
    assert value("contrast_agreement", real, real) == 1


def test_a_shift_is_measured_in_its_unit(real):
    """EDA 0.7 uS higher is a Wasserstein distance of 0.7 uS, and of 0.7 over the SD in SDs."""
    higher = shifted(real, eda=real.windows.eda + 0.7)
    assert value("value_w1", real, higher, "EDA") == pytest.approx(0.7, abs=0.01)
    assert value("value_w1_sd", real, higher, "EDA") == pytest.approx(0.7 / real.windows.eda.std(), rel=0.02)
    assert value("value_w1", real, higher, "Resp") == pytest.approx(0, abs=1e-9)


def test_values_without_overlap_are_as_far_as_can_be(real):
    """EDA far above every real value: KS 1 and a divergence of 1 bit."""
    away = shifted(real, eda=real.windows.eda + 3 * np.ptp(real.windows.eda))
    assert value("value_ks", real, away, "EDA") == pytest.approx(1) and value("value_js", real, away, "EDA") > 0.99


def test_kolmogorov_smirnov_of_small_sets():
    """Known steps; NaN is a value of its own."""
    assert ks(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1
    assert ks(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 5.0, 6.0])) == 0.5
    assert ks(np.array([1.0, np.nan]), np.array([1.0, np.nan])) == 0
    assert ks(np.array([1.0, 2.0]), np.array([1.0, np.nan])) == 0.5
    assert w1(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 2 and np.isnan(w1(np.array([]), np.array([1.0])))


def test_a_shifted_measurement_is_measured_in_its_unit(real):
    """A heart 10 beats/min faster is 10 beats/min off."""
    values = dict(real.features.values) | {"heart_rate": real.features["heart_rate"] + 10}
    faster = Judged.of(replace(real.windows, source="synthetic"), features=replace(real.features, values=values))
    assert value("feature_w1", real, faster, "heart_rate") == pytest.approx(10)
    assert value("feature_w1_sd", real, faster, "heart_rate") == pytest.approx(10 / real.features["heart_rate"].std())
    assert value("feature_w1", real, faster, "rmssd") == 0


def test_windows_that_cannot_be_measured_count_against_a_set(real):
    """Half of the hearts lost: KS 0.5, and a distance that is not NaN."""
    lost = np.where(np.arange(len(real)) % 2, real.features["heart_rate"], np.nan)
    features = replace(real.features, values=dict(real.features.values) | {"heart_rate": lost})
    half = Judged.of(real.windows, features=features)
    assert value("feature_ks", real, half, "heart_rate") == pytest.approx(0.5)
    assert value("feature_w1_sd", real, half, "heart_rate") > 1 and value("sliced_w1", real, half) > 0.05


def test_what_stress_does_is_seen_with_its_sign(real):
    """Stress raises rate, breathing and responses in the toy windows; turned round, every effect has the other sign."""
    found = contrasts(real, real)
    assert set(found) == set(ANSWERING) and found["heart_rate"].real > 10 and found["rmssd"].real < -10
    assert found["heart_rate"].synthetic_d == found["heart_rate"].real_d > 1
    turn = {"stress": "baseline", "baseline": "stress"}
    names = [turn.get(state, state) for state in real.states.tolist()]
    turned = Judged.of(replace(real.windows, states=names), features=real.features)
    assert contrasts(real, turned)["heart_rate"].synthetic_d == pytest.approx(-found["heart_rate"].real_d)
    assert value("contrast_agreement", real, turned) == 0


def test_an_effect_without_spread_is_not_exaggerated(real):
    """A generator that repeats one window a state has the effect of that window, in real SDs."""
    first = [int(np.flatnonzero(real.states == state)[0]) for state in CONDITIONS for _ in range(10)]
    one = Judged.of(real.windows.take(first), features=real.features.take(first))
    rates = real.features["heart_rate"]
    found = contrasts(real, one)["heart_rate"]
    picked = [rates[real.states == state][0] for state in ("stress", "baseline")]
    assert found.synthetic == pytest.approx(picked[0] - picked[1])
    assert found.synthetic_d / found.real_d == pytest.approx(found.synthetic / found.real)


def test_coupled_sets_are_told_from_uncoupled_ones(real):
    """Coupled toy windows are far above one half in every coupling, those cut apart are about one half."""
    apart = aucs(Judged.of(toy_windows(16, seed=6, coupled=False)))
    together = aucs(real)
    assert all(together[name] > 0.65 for name in COUPLINGS) and together["resp_heart"] > 0.8
    assert all(abs(apart[name] - 0.5) < 0.12 for name in ("resp_heart", "resp_coherence", "edr_resp"))


def test_sets_without_beats_are_uncoupled(real):
    """No hearts, no coupling: one half, not unknown."""
    windows = real.windows
    dead = WindowSet(0 * windows.ecg, windows.eda, windows.resp, windows.states, windows.subjects, "synthetic")
    assert set(aucs(Judged.of(dead)).values()) == {0.5}


def test_the_named_measurements_exist():
    """Every part of the physiology scores is a feature, and none is a coupling."""
    assert set(MEASURED) | set(ANSWERING) <= set(FEATURES) and not set(MEASURED) & set(COUPLINGS)


def test_neurokit_has_the_rates_and_not_the_coupling(real):
    """NeuroKit2's simulators meet the states' heart and breathing rates, repeat with the seed, and couple nothing."""
    targets = targets_of(real.windows, real.features)
    counts = dict.fromkeys(CONDITIONS, 5)
    seen = []
    made = neurokit_simulated(counts, targets, seed=1, on_step=lambda done, total: seen.append((done, total)))
    assert len(made) == 20 and made.source == "neurokit2" and seen[-1] == (20, 20)
    judged = Judged.of(made)
    for state in CONDITIONS:
        here = judged.of_state(state).features
        assert np.median(here["heart_rate"]) == pytest.approx(targets[state].heart_rate[0], rel=0.15)
        assert np.median(here["breathing_rate"]) == pytest.approx(targets[state].breathing_rate[0], rel=0.25)
    found = aucs(judged)
    assert all(abs(found[name] - 0.5) < 0.18 for name in COUPLINGS)
    few = dict.fromkeys(CONDITIONS[:1], 2)
    first, again = (neurokit_simulated(few, targets, seed=1) for _ in range(2))
    assert first.sha256() == again.sha256() and np.array_equal(first.ecg, made.ecg[:2])


def test_partners_of_a_lone_window_are_not_counted(real):
    """A state with a single window has no shuffled pair, so no figure is made up for it."""
    alone = real.take([0])
    assert pairing(alone.states, 0).tolist() == [0]
    assert np.isnan(list(aucs(Judged.of(alone.windows)).values())).all()
