"""Calibration reaches its targets, keeps what it must not touch, and says when it cannot."""

import json
from dataclasses import replace

import numpy as np
import pytest

from physiosynth.errors import CalibrationError
from physiosynth.generate.batch import Provenance, SignalBatch
from physiosynth.generate.calibration import WESADCalibrator
from physiosynth.signals import LOW_CHANNELS, LOW_HZ, NamedSignals

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
def calibrator():
    """Targets of the reference."""
    real = reference()
    return WESADCalibrator.from_real(real.fused(), real.conditions, "full", "a test's reference")


@pytest.fixture(scope="module")
def synthetic():
    """Windows that are too small in every way."""
    return batch_of(*signals(2, 0.5, 0.7, 1.0, 0.1))


def r_amplitude(ecg):
    """Median over windows of the peak above the window's median, in mV."""
    return np.median(np.quantile(ecg[..., 0], 0.999, axis=1) - np.median(ecg[..., 0], axis=1))


@pytest.mark.parametrize("rows", [slice(0, 6), slice(6, 12)])
def test_each_condition_reaches_its_own_targets(calibrator, synthetic, rows):
    """R amplitude, ECG and Resp quantiles, EDA mean and SD come to the reference's, for each condition by itself."""
    real, done = reference(), calibrator.apply(synthetic)
    assert r_amplitude(done.ecg[rows]) == pytest.approx(r_amplitude(real.ecg[rows]), rel=0.03)
    for q in (0.05, 0.5, 0.9, 0.99):
        centred = [x.ecg[rows, :, 0] - np.median(x.ecg[rows, :, 0], 1, keepdims=True) for x in (real, done)]
        assert np.quantile(centred[1], q) == pytest.approx(np.quantile(centred[0], q), abs=0.05)
    (eda_r, resp_r), (eda_d, resp_d) = real.low.select("EDA", "Resp"), done.low.select("EDA", "Resp")
    for q in (0.05, 0.5, 0.95):
        assert np.quantile(resp_d[rows], q) == pytest.approx(np.quantile(resp_r[rows], q), rel=0.1)
    assert eda_d[rows].mean() == pytest.approx(eda_r[rows].mean(), rel=0.02)
    assert eda_d[rows].std() == pytest.approx(eda_r[rows].std(), rel=0.05)


def test_the_beats_stay_where_they_were(calibrator, synthetic):
    """The maps are monotone: every beat's peak keeps its place, and EDA and Resp their order."""
    done = calibrator.apply(synthetic)
    assert np.array_equal(done.ecg[..., 0].argmax(axis=1), synthetic.ecg[..., 0].argmax(axis=1))
    for before, after in zip(synthetic.low.select("EDA", "Resp"), done.low.select("EDA", "Resp"), strict=True):
        assert np.corrcoef(before[0].argsort().argsort(), after[0].argsort().argsort())[0, 1] > 0.999


def test_calibrating_twice_changes_little_more(calibrator, synthetic):
    """What reached its targets stays there, but for the outermost values, of which a batch has too few."""
    once = calibrator.apply(synthetic)
    twice = calibrator.apply(once)
    assert np.quantile(np.abs(twice.ecg - once.ecg), 0.99) < 0.02
    assert np.quantile(np.abs(twice.low.values - once.low.values), 0.99) < 0.02


def test_the_result_says_that_it_was_calibrated(calibrator, synthetic):
    """Provenance names the reference; the original batch is left as it was."""
    before = synthetic.ecg.copy()
    assert "Calibrated to a test's reference." in calibrator.apply(synthetic).provenance.notice
    assert synthetic.provenance.calibrated is None
    assert np.array_equal(synthetic.ecg, before)


def test_a_phasic_eda_keeps_its_negative_half(synthetic):
    """Signed values are matched to a mean of 0 and never clipped; a tonic level is never negative."""
    real = reference("phasic", eda_mean=0.0)
    calibrator = WESADCalibrator.from_real(real.fused(), real.conditions, "phasic")
    phasic = replace(synthetic, provenance=replace(synthetic.provenance, eda="phasic"))
    eda = calibrator.apply(phasic).low.select("EDA")[0]
    assert 0.4 < (eda < 0).mean() < 0.6
    tonic = WESADCalibrator.from_real(real.fused(), real.conditions, "full").apply(synthetic)
    assert tonic.low.select("EDA")[0].min() == 0


def test_targets_of_another_kind_of_eda_are_refused(calibrator, synthetic):
    """A tonic level is not matched to phasic windows."""
    phasic = replace(synthetic, provenance=replace(synthetic.provenance, eda="phasic"))
    with pytest.raises(CalibrationError, match=r"EDA is phasic, the targets' is full"):
        calibrator.apply(phasic)


def test_missing_targets_are_said_and_nothing_is_changed(calibrator, synthetic, tmp_path):
    """A condition without targets, a file that is not there and a reference of no windows are errors, not silence."""
    del_stress = WESADCalibrator({"baseline": calibrator.targets["baseline"]}, "full")
    with pytest.raises(CalibrationError, match=r"hold baseline, none for stress\. Nothing was calibrated"):
        del_stress.apply(synthetic)
    with pytest.raises(CalibrationError, match=r"none\.json: expected calibration targets, found no such file"):
        WESADCalibrator.load(tmp_path / "none.json")
    with pytest.raises(CalibrationError, match="no labelled windows"):
        WESADCalibrator.from_real(np.zeros((0, 5250, 3)), [], "full")


def test_saved_targets_come_back(calibrator, synthetic, tmp_path):
    """Targets survive JSON: the loaded ones calibrate to the same values."""
    calibrator.save(tmp_path / "targets.json")
    loaded = WESADCalibrator.load(tmp_path / "targets.json")
    assert (loaded.eda, loaded.source) == ("full", "a test's reference")
    assert np.array_equal(loaded.apply(synthetic).ecg, calibrator.apply(synthetic).ecg)


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
def test_damaged_targets_are_named(calibrator, tmp_path, damage):
    """A JSON that is not what save wrote ends in an error that names the file."""
    path = tmp_path / "targets.json"
    calibrator.save(path)
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(CalibrationError, match=r"targets\.json|There are no calibration targets"):
        WESADCalibrator.load(path)


def test_reference_windows_of_another_form_are_refused():
    """The 4 Hz preview has no R peaks to measure; NaN is not measured either."""
    with pytest.raises(CalibrationError, match=r"Expected \(n, 5250, 3\) windows"):
        WESADCalibrator.from_real(np.zeros((2, 120, 3)), ["stress"] * 2, "full")
    with pytest.raises(CalibrationError, match="not finite"):
        WESADCalibrator.from_real(np.full((1, 5250, 3), np.nan), ["stress"], "full")


def test_constant_signals_are_moved_and_not_blown_up(calibrator):
    """A dead channel has no spread to scale: it stays finite."""
    flat = batch_of(np.zeros((12, 5250, 1), np.float32), np.zeros((12, 120, 2), np.float32))
    done = calibrator.apply(flat)
    assert np.isfinite(done.ecg).all() and np.isfinite(done.low.values).all()
    assert done.low.select("EDA")[0][0, 0] == pytest.approx(5.0, abs=0.05)
