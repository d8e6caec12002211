"""Amplitude matching reaches its targets, keeps what it must not touch, and says when it cannot."""

import json
from dataclasses import replace

import numpy as np
import pytest

from making.bundles import tiny_bundle
from physiosynth.errors import CalibrationError
from physiosynth.families.wearable.data.batch import Provenance, Sampling, SignalBatch
from physiosynth.families.wearable.generator.amplitude_matching import PILOT_WINDOWS, AmplitudeMatcher
from physiosynth.families.wearable.generator.generator import WESADGenerator
from physiosynth.families.wearable.signals import LOW_CHANNELS, LOW_HZ
from physiosynth.signals import NamedSignals

CONDITIONS = ("baseline",) * 6 + ("stress",) * 6


def signals(seed, r_mv, resp_sd, eda_mean, eda_sd):
    """(ecg, low): ECG of beats once a second with the R amplitude, and low channels with these moments."""
    rng = np.random.default_rng(seed)
    n = len(CONDITIONS)
    phase = (np.arange(5250) / 175 + rng.random((n, 1))) % 1
    beats = np.exp(-(((phase - 0.5) / 0.015) ** 2)) + 0.2 * np.exp(-(((phase - 0.75) / 0.05) ** 2))
    ecg = r_mv * beats + 0.02 * rng.normal(size=beats.shape) + 0.1 * rng.normal(size=(n, 1))
    eda = eda_mean + eda_sd * rng.normal(size=(n, 120))
    resp = resp_sd * rng.gamma(2.0, size=(n, 120))
    return ecg[..., None].astype(np.float32), np.stack([eda, resp], -1).astype(np.float32)


def batch_of(ecg, low, eda="full"):
    provenance = Provenance("0" * 64, "virtual", eda, 0, 0, {}, CONDITIONS, "0", "2026-01-01T00:00:00+00:00")
    return SignalBatch(ecg, NamedSignals(low, LOW_CHANNELS, LOW_HZ), CONDITIONS, provenance)


def reference(eda="full", eda_mean=5.0):
    """Reference windows: R 1.2 mV, EDA 5 +- 0.4 uS; those of stress have all of it larger by half."""
    ecg, low = signals(1, 1.2, 2.0, eda_mean, 0.4)
    for values in (ecg, low):
        values[6:] *= 1.5
    return batch_of(ecg, low, eda)


@pytest.fixture(scope="module")
def matcher():
    """Targets of the reference."""
    real = reference()
    return AmplitudeMatcher.from_real(real.fused(), real.conditions, "full", "a test's reference")


@pytest.fixture(scope="module")
def synthetic():
    """Windows that are too small in every way."""
    return batch_of(*signals(2, 0.5, 0.7, 1.0, 0.1))


def matched(matcher, batch):
    """The batch, taken for all that the model draws."""
    return matcher.mapped(batch, matcher.maps_from(batch))


def r_amplitude(ecg):
    """Median over windows of the peak above the window's median, in mV."""
    return np.median(np.quantile(ecg[..., 0], 0.999, axis=1) - np.median(ecg[..., 0], axis=1))


@pytest.mark.parametrize("rows", [slice(0, 6), slice(6, 12)])
def test_each_condition_reaches_its_own_targets(matcher, synthetic, rows):
    """R amplitude, ECG and Resp quantiles, EDA mean and SD come to the reference's, for each condition by itself."""
    real, done = reference(), matched(matcher, synthetic)
    assert r_amplitude(done.ecg[rows]) == pytest.approx(r_amplitude(real.ecg[rows]), rel=0.03)
    for q in (0.05, 0.5, 0.9, 0.99):
        centred = [x.ecg[rows, :, 0] - np.median(x.ecg[rows, :, 0], 1, keepdims=True) for x in (real, done)]
        assert np.quantile(centred[1], q) == pytest.approx(np.quantile(centred[0], q), abs=0.05)
    (eda_r, resp_r), (eda_d, resp_d) = real.low.select("EDA", "Resp"), done.low.select("EDA", "Resp")
    for q in (0.05, 0.5, 0.95):
        assert np.quantile(resp_d[rows], q) == pytest.approx(np.quantile(resp_r[rows], q), rel=0.1)
    assert eda_d[rows].mean() == pytest.approx(eda_r[rows].mean(), rel=0.02)
    assert eda_d[rows].std() == pytest.approx(eda_r[rows].std(), rel=0.05)


def test_the_beats_stay_where_they_were(matcher, synthetic):
    """The maps are monotone: every beat's peak keeps its place, and EDA and Resp their order."""
    done = matched(matcher, synthetic)
    assert np.array_equal(done.ecg[..., 0].argmax(axis=1), synthetic.ecg[..., 0].argmax(axis=1))
    for before, after in zip(synthetic.low.select("EDA", "Resp"), done.low.select("EDA", "Resp"), strict=True):
        assert np.corrcoef(before[0].argsort().argsort(), after[0].argsort().argsort())[0, 1] > 0.999


def test_matching_what_is_matched_changes_little_more(matcher, synthetic):
    """What reached its targets stays there, but for the outermost values, of which a batch has too few."""
    once = matched(matcher, synthetic)
    twice = matched(matcher, once)
    assert np.quantile(np.abs(twice.ecg - once.ecg), 0.99) < 0.02
    assert np.quantile(np.abs(twice.low.values - once.low.values), 0.99) < 0.02


def test_the_result_says_that_it_was_matched(matcher, synthetic):
    """Provenance names the reference; the original batch is left as it was."""
    before = synthetic.ecg.copy()
    assert "Amplitudes matched to a test's reference." in matched(matcher, synthetic).provenance.notice
    assert synthetic.provenance.calibrated is None
    assert np.array_equal(synthetic.ecg, before)


def test_a_phasic_eda_keeps_its_negative_half(synthetic):
    """Signed values are matched to a mean of 0 and never clipped; a tonic level is never negative."""
    real = reference("phasic", eda_mean=0.0)
    matcher = AmplitudeMatcher.from_real(real.fused(), real.conditions, "phasic")
    phasic = replace(synthetic, provenance=replace(synthetic.provenance, eda="phasic"))
    eda = matched(matcher, phasic).low.select("EDA")[0]
    assert 0.4 < (eda < 0).mean() < 0.6
    tonic = matched(AmplitudeMatcher.from_real(real.fused(), real.conditions, "full"), synthetic)
    assert tonic.low.select("EDA")[0].min() == 0


def test_targets_of_another_kind_of_eda_are_refused(matcher, synthetic):
    """A tonic level is not matched to phasic windows."""
    phasic = replace(synthetic, provenance=replace(synthetic.provenance, eda="phasic"))
    with pytest.raises(CalibrationError, match=r"EDA is phasic, the targets' is full"):
        matched(matcher, phasic)


def test_missing_targets_are_said_and_nothing_is_changed(matcher, synthetic, tmp_path):
    """A condition without targets, a file that is not there and a reference of no windows are errors, not silence."""
    del_stress = AmplitudeMatcher({"baseline": matcher.targets["baseline"]}, "full")
    with pytest.raises(CalibrationError, match=r"hold baseline, none for stress\. Nothing was matched"):
        matched(del_stress, synthetic)
    with pytest.raises(CalibrationError, match=r"none\.json: expected amplitude targets, found no such file"):
        AmplitudeMatcher.load(tmp_path / "none.json")
    with pytest.raises(CalibrationError, match="no labelled windows"):
        AmplitudeMatcher.from_real(np.zeros((0, 5250, 3)), [], "full")


def test_saved_targets_come_back(matcher, synthetic, tmp_path):
    """Targets survive JSON: the loaded ones lead to the same values."""
    matcher.save(tmp_path / "targets.json")
    loaded = AmplitudeMatcher.load(tmp_path / "targets.json")
    assert (loaded.eda, loaded.source) == ("full", "a test's reference")
    assert np.array_equal(matched(loaded, synthetic).ecg, matched(matcher, synthetic).ecg)


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c.update(format="other"),
        lambda c: c.pop("conditions"),
        lambda c: c.update(conditions={}),
        lambda c: c.update(conditions=[1]),
        lambda c: c["conditions"]["stress"].update(eda_sd_us=float("nan")),
        lambda c: c["conditions"]["stress"].update(surprise=1),
        lambda c: c["conditions"]["stress"].pop("resp_quantiles"),
        lambda c: c["conditions"]["stress"]["resp_quantiles"].pop(),
        lambda c: c["conditions"].update(stress=3),
    ],
)
def test_damaged_targets_are_named(matcher, tmp_path, damage):
    """A JSON that is not what save wrote ends in an error that names the file."""
    path = tmp_path / "targets.json"
    matcher.save(path)
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(CalibrationError, match=r"targets\.json|There are no amplitude targets"):
        AmplitudeMatcher.load(path)


def test_reference_windows_of_another_form_are_refused():
    """The 4 Hz preview has no R peaks to measure; NaN is not measured either."""
    with pytest.raises(CalibrationError, match=r"Expected \(n, 5250, 3\) windows"):
        AmplitudeMatcher.from_real(np.zeros((2, 120, 3)), ["stress"] * 2, "full")
    with pytest.raises(CalibrationError, match="not finite"):
        AmplitudeMatcher.from_real(np.full((1, 5250, 3), np.nan), ["stress"], "full")


def test_constant_signals_are_moved_and_not_blown_up(matcher):
    """A dead channel has no spread to scale: it stays finite."""
    flat = batch_of(np.zeros((12, 5250, 1), np.float32), np.zeros((12, 120, 2), np.float32))
    done = matched(matcher, flat)
    assert np.isfinite(done.ecg).all() and np.isfinite(done.low.values).all()
    assert done.low.select("EDA")[0][0, 0] == pytest.approx(5.0, abs=0.05)


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """Tiny coupled networks that take a heart rate in stress."""
    root = tiny_bundle(tmp_path_factory.mktemp("match") / "bundle", target_ranges={"stress": {"heart_rate": [60, 120]}})
    return WESADGenerator.from_bundle(root, "cpu")


def assert_same_window(one, i, other, k):
    """Window i of one batch is window k of the other, bit for bit."""
    assert np.array_equal(one.ecg[i], other.ecg[k]) and np.array_equal(one.low.values[i], other.low.values[k])


def test_a_matched_window_is_the_same_whatever_its_company(matcher, generator):
    """Window 3 of 16, of 4, of two states and alone are one array, which is not the model's own."""
    drawn = generator.sample("stress", 16, seed=5)
    many = matcher.apply(drawn, generator)
    few = matcher.apply(generator.sample("stress", 4, seed=5), generator)
    mixed = matcher.apply(generator.sample({"baseline": 2, "stress": 4}, seed=5), generator)
    alone = matcher.apply(drawn.take([3]), generator)
    for other, place in ((few, 3), (mixed, 5), (alone, 0)):
        assert_same_window(many, 3, other, place)
    assert not np.array_equal(many.ecg[3], drawn.ecg[3])


def test_a_batch_of_many_windows_comes_close_to_its_targets(matcher, generator):
    """The map is measured on other windows of the model than those it moves; both have the model's amplitudes."""
    done = matcher.apply(generator.sample("stress", 64, seed=9), generator)
    target = matcher.targets["stress"]
    assert r_amplitude(done.ecg) == pytest.approx(target.r_amplitude_mv, rel=0.1)
    eda, resp = done.low.select("EDA", "Resp")
    assert eda.mean() == pytest.approx(target.eda_mean_us, abs=0.5 * target.eda_sd_us)
    assert np.quantile(resp, 0.5) == pytest.approx(np.median(target.resp_quantiles), rel=0.2)


def test_windows_keep_what_tells_them_apart(matcher, generator):
    """One window is not pulled to the targets' mean window: two of them keep the difference of their levels."""
    drawn = generator.sample("stress", 2, seed=5)
    levels = [matcher.apply(drawn.take([i]), generator).low.select("EDA")[0].mean() for i in (0, 1)]
    own = drawn.low.select("EDA")[0].mean(axis=1)
    assert abs(levels[0] - levels[1]) > 1e-3 and (levels[0] > levels[1]) == (own[0] > own[1])


def test_the_models_amplitudes_are_measured_once_per_state_and_settings(matcher, generator):
    """The first call draws them and counts its steps; rates that are requested change nothing about it."""
    calls = []
    sampling = Sampling(low_steps=3, ecg_steps=2, low_guidance=2.0)
    batch = generator.sample({"baseline": 1, "stress": 1}, seed=5, sampling=sampling)
    matcher.apply(batch, generator, lambda *step: calls.append(step))
    done, total = zip(*calls, strict=True)
    assert done[-1] == total[-1] and list(done) == sorted(done) and len(set(total)) == 1
    calls.clear()
    asked = generator.sample("stress", 1, seed=7, sampling=sampling, heart_rate=100.0)
    again = matcher.apply(asked, generator, lambda *step: calls.append(step))
    assert not calls
    matcher.apply(generator.sample("stress", 1, sampling=Sampling(low_steps=4)), generator, lambda *s: calls.append(s))
    assert calls and again.provenance.calibration["maps"]["stress"]["drawn"]["windows"] == PILOT_WINDOWS


def test_windows_that_are_matched_already_or_of_another_model_are_refused(matcher, generator, tmp_path):
    """A map leads from the model's own amplitudes: on others it would be wrong."""
    batch = generator.sample("stress", 1)
    with pytest.raises(CalibrationError, match="matched already, to a test's reference"):
        matcher.apply(matcher.apply(batch, generator), generator)
    other = WESADGenerator.from_bundle(tiny_bundle(tmp_path / "other", seed=9), "cpu")
    with pytest.raises(CalibrationError, match="drawn with another bundle"):
        matcher.apply(batch, other)


def test_a_published_name_of_the_matcher_remains():
    """Code that was written for version 0.1.0 imports it."""
    from physiosynth.families.wearable.generator.calibration import WESADCalibrator

    assert WESADCalibrator is AmplitudeMatcher
