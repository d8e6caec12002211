"""A fold's reference windows come out in the shape and with the labels of synthetic ones."""

import json

import numpy as np
import pytest

from physiosynth.errors import ConditionError, FoldError
from physiosynth.families.wearable.data.reference import RealWESADPreparer

IDS = np.array([1, 2, 2, 3, 4])
NAMES = ("baseline", "stress", "stress", "amusement", "meditation")
ONE_HOT = np.eye(4, dtype=np.float32)[IDS - 1]
FORMS = {
    "raw ids": IDS,
    "raw ids as floats": IDS.astype(np.float32),
    "one-hot": ONE_HOT,
    "one-hot at every step": np.repeat(ONE_HOT[:, None], 120, axis=1),
}


def write_fold(path, conditions=IDS, config=None, norm=None):
    """A published-format fold of five windows: EDA is the window's number, Resp a hundred more."""
    path.mkdir(parents=True)
    n = 5
    numbers = np.arange(n, dtype=np.float32)[:, None]
    np.save(path / "test_X_low.npy", np.stack([numbers + np.zeros((n, 120)), 100 + numbers + np.zeros((n, 120))], -1))
    ecg = np.sin(np.arange(5250) / 20) * (1 + numbers)
    np.save(path / "test_X_ecg.npy", ecg[..., None].astype(np.float32))
    if conditions is not None:
        np.save(path / "test_cond.npy", conditions)
    np.savez(path / "norm_low.npz", mean=np.zeros(2, np.float32), std=np.ones(2, np.float32), **(norm or {}))
    np.savez(path / "norm_ecg.npz", mean=np.zeros(1, np.float32), std=np.ones(1, np.float32))
    if config is not None:
        (path / "dataset_config.json").write_text(json.dumps(config))
    return path


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_labels_gives_the_same_names(tmp_path, form):
    """Raw ids, one-hot rows and one-hot sequences name the same states; one-hot labels are not shifted by one."""
    real = RealWESADPreparer(write_fold(tmp_path / "fold", FORMS[form])).load()
    assert real.conditions == NAMES


def test_windows_keep_their_channels_and_units(tmp_path):
    """Fused [ECG, Resp, EDA] at both lengths, from a fold of [EDA, Resp]."""
    real = RealWESADPreparer(write_fold(tmp_path / "fold")).load()
    assert real.fused.shape == (5, 5250, 3) and real.fused_at(120).shape == (5, 120, 3)
    for fused in (real.fused, real.fused_at(120)):
        np.testing.assert_allclose(fused[3, :, 1], 103, rtol=1e-6)
        np.testing.assert_allclose(fused[3, :, 2], 3, rtol=1e-6)
    np.testing.assert_allclose(real.fused[3, :, 0], 4 * np.sin(np.arange(5250) / 20), atol=1e-5)
    assert any("EDA, Resp" in notice for notice in real.notices)


def test_a_fold_that_names_another_order_is_read_by_it(tmp_path):
    """channels_low in the config, or channels in the norm file, say which channel is which."""
    config = {"channels_low": ["RESP", "EDA"], "source": "virtual", "eda": "full"}
    by_config = RealWESADPreparer(write_fold(tmp_path / "a", config=config)).load()
    norm = {"channels": np.array(["Resp", "EDA"])}
    by_norm = RealWESADPreparer(write_fold(tmp_path / "b", config={"channels_low": ["EDA", "RESP"]}, norm=norm)).load()
    for real in (by_config, by_norm):
        assert real.low.select("Resp")[0][2, 0] == 2 and real.low.select("EDA")[0][2, 0] == 102
    assert (by_config.source, by_config.eda) == ("virtual", "full")
    assert (by_norm.source, by_norm.eda) == ("unknown", "phasic")


def test_one_condition_is_selected_by_name_or_id(tmp_path):
    """select keeps the condition's windows of both streams; one that is not there is an error with what is."""
    real = RealWESADPreparer(write_fold(tmp_path / "fold", np.array([1, 2, 2, 3, 1]))).load()
    stress = real.select("Stress")
    assert len(stress) == 2 and stress.low.select("EDA")[0][:, 0].tolist() == [1, 2]
    assert np.array_equal(stress.ecg, real.select(2).ecg)
    with pytest.raises(ConditionError, match="no windows of meditation; it holds amusement, baseline, stress"):
        real.select("meditation")


def test_the_first_windows_alone_can_be_asked_for(tmp_path):
    """load(2) reads two windows."""
    real = RealWESADPreparer(write_fold(tmp_path / "fold")).load(2)
    assert len(real) == 2 and real.ecg.shape == (2, 5250, 1) and real.conditions == NAMES[:2]


def test_what_is_missing_or_broken_is_named(tmp_path):
    """A fold without labels, one with NaN and a folder that is not there have their own errors."""
    with pytest.raises(FoldError, match=r"no test_cond\.npy"):
        RealWESADPreparer(write_fold(tmp_path / "a", conditions=None)).load()
    broken = write_fold(tmp_path / "b")
    ecg = np.load(broken / "test_X_ecg.npy")
    ecg[3, 100] = np.nan
    np.save(broken / "test_X_ecg.npy", ecg)
    with pytest.raises(FoldError, match="test window 3 holds values that are not finite"):
        RealWESADPreparer(broken).load()
    with pytest.raises(FoldError, match="no such fold directory"):
        RealWESADPreparer(tmp_path / "none").load()
    with pytest.raises(FoldError, match=r"no train_X_ecg\.npy"):
        RealWESADPreparer(broken, "train").load()
