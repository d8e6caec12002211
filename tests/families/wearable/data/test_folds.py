"""Fold directories read, ours and published ones, and every form of their conditions."""

import json

import numpy as np
import pytest

from making.recordings import windows_of
from physiosynth.datasets.splits import Split
from physiosynth.errors import FoldError
from physiosynth.families.wearable.data.fold_writing import write_fold
from physiosynth.families.wearable.data.folds import load_fold, read_conditions
from physiosynth.families.wearable.data.preprocess import PreprocessSettings
from physiosynth.families.wearable.signals import ECG_STEPS, LOW_STEPS

IDS = np.array([1, 2, 3, 4, 2])


@pytest.fixture
def published(tmp_path):
    """A fold directory as the published project leaves it: test windows, norms without channels, a config."""
    path = tmp_path / "fold_S10"
    path.mkdir()
    np.save(path / "test_X_ecg.npy", np.zeros((5, ECG_STEPS, 1), dtype=np.float32))
    np.save(path / "test_X_low.npy", np.zeros((5, LOW_STEPS, 2), dtype=np.float32))
    np.savez(path / "norm_low.npz", mean=[0.0, 0.1], std=[0.088, 3.09])
    np.savez(path / "norm_ecg.npz", mean=[0.0], std=[0.2])
    (path / "dataset_config.json").write_text(json.dumps({"channels_low": ["EDA", "RESP"]}))
    return path


@pytest.fixture
def ours(tmp_path):
    names = ("S2", "S3", "S4")
    path = tmp_path / "fold_S4"
    split = Split(("S2",), ("S3",), ("S4",))
    write_fold({name: windows_of(name) for name in names}, split, path, PreprocessSettings())
    return path


@pytest.mark.parametrize(
    "form",
    [
        IDS,
        IDS.astype(np.float32),
        IDS[:, None],
        np.eye(4)[IDS - 1],
        np.eye(4, dtype=bool)[IDS - 1],
        np.repeat(np.eye(4)[IDS - 1][:, None], 120, axis=1),
    ],
    ids=["ids", "float ids", "column", "one-hot", "bool one-hot", "one-hot over time"],
)
def test_every_form_of_conditions_gives_raw_ids(form, tmp_path):
    """Raw ids stay, and one-hot index k stands for id k + 1, from an array as from a file."""
    np.testing.assert_array_equal(read_conditions(form), IDS)
    np.save(tmp_path / "test_cond.npy", form)
    np.testing.assert_array_equal(read_conditions(tmp_path / "test_cond.npy"), IDS)


def test_three_conditions_are_read_as_the_first_three():
    """One-hot rows of K = 3 are baseline, stress and amusement."""
    assert read_conditions(np.eye(3)).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "form",
    [
        np.array([0, 1, 2]),
        np.array([1, 5]),
        np.array([1.5, 2.0]),
        np.array([np.nan, 1.0]),
        np.zeros((3, 4)),
        np.ones((3, 4)),
        np.eye(5),
        np.full((2, 3), 1 / 3),
        np.array(["baseline"]),
        np.zeros((2, 2, 2, 2)),
    ],
)
def test_what_is_no_condition_is_refused(form):
    """Ids outside 1 to 4, rows without a single 1, five columns, text and NaN are refused."""
    with pytest.raises(FoldError, match="expected"):
        read_conditions(form)


def test_pickled_conditions_are_not_unpickled(tmp_path):
    """An object array ends in an error that names the file."""
    np.save(tmp_path / "test_cond.npy", np.array([1, "a"], dtype=object), allow_pickle=True)
    with pytest.raises(FoldError, match=r"test_cond\.npy"):
        read_conditions(tmp_path / "test_cond.npy")


def test_a_published_fold_is_read(published):
    """Test windows without conditions or subjects open, EDA first, phasic, source unknown, without a notice."""
    fold = load_fold(published)
    arrays = fold.split("test")
    assert fold.channels_low == ("EDA", "Resp") and fold.splits() == ("test",) and fold.notices == ()
    assert (fold.source, fold.eda, fold.test_subject) == ("unknown", "phasic", None)
    assert arrays.conditions is None and arrays.subject is None and arrays.phase is None and len(arrays) == 5


def test_the_order_of_low_channels_follows_the_order_of_trust(published):
    """The norm file wins over the config, the config over the default, and only the default is noticed."""
    np.savez(published / "norm_low.npz", mean=[0.0, 0.1], std=[1.0, 1.0], channels=np.array(["RESP", "EDA"]))
    assert load_fold(published).channels_low == ("Resp", "EDA")
    np.savez(published / "norm_low.npz", mean=[0.0, 0.1], std=[1.0, 1.0])
    (published / "dataset_config.json").write_text(json.dumps({"channels_low": ["RESP", "EDA"]}))
    assert load_fold(published).channels_low == ("Resp", "EDA")
    (published / "dataset_config.json").unlink()
    fold = load_fold(published)
    assert fold.channels_low == ("EDA", "Resp") and len(fold.notices) == 1


def test_arrays_are_memory_mapped(ours):
    """Opening a split reads no windows into memory."""
    arrays = load_fold(ours).split("train")
    assert isinstance(arrays.ecg, np.memmap) and isinstance(arrays.low, np.memmap)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p: (p / "train_X_low.npy").unlink(), r"no train_X_low\.npy"),
        (lambda p: np.save(p / "train_cond.npy", np.ones(3, int)), "6 windows, train_cond.npy 3"),
        (lambda p: np.save(p / "train_X_low.npy", np.zeros((6, 100, 2))), "expected windows of shape"),
        (lambda p: (p / "train_X_ecg.npy").write_bytes(b"<html>"), "not a readable array"),
        (lambda p: np.save(p / "train_subject.npy", np.array(["S2", 3], object)), "not a readable array"),
    ],
)
def test_a_fold_whose_files_disagree_is_explained(ours, spoil, words):
    """A missing, short, misshapen, damaged or pickled array has a message that names it."""
    spoil(ours)
    with pytest.raises(FoldError, match=words):
        load_fold(ours).split("train")


def test_what_is_no_fold_is_explained(tmp_path, published):
    """A missing folder, an empty one, a damaged config and one of the future each have a message."""
    with pytest.raises(FoldError, match=r"no such fold directory.*physiosynth preprocess"):
        load_fold(tmp_path / "nowhere")
    with pytest.raises(FoldError, match="not a fold directory"):
        load_fold(tmp_path)
    (published / "dataset_config.json").write_text('{"format_version": 99}')
    with pytest.raises(FoldError, match="newer version"):
        load_fold(published)
    (published / "dataset_config.json").write_text("{")
    with pytest.raises(FoldError, match="not readable JSON"):
        load_fold(published)
