"""What a fold directory holds, and what never crosses its splits."""

import json
from dataclasses import replace

import numpy as np
import pytest

from making.recordings import session, windows_of
from physiosynth.datasets.splits import Split, split_for
from physiosynth.errors import FoldError
from physiosynth.families.wearable.data.fold_writing import write_fold, write_reference
from physiosynth.families.wearable.data.folds import SPLITS, load_fold
from physiosynth.families.wearable.data.preprocess import PreprocessSettings, prepare
from physiosynth.families.wearable.data.windows import cut_windows
from physiosynth.families.wearable.signals import WINDOW_S

SPLIT = Split(("S2", "S3"), ("S4",), ("S5",))
SETTINGS = PreprocessSettings()


def cohort(**changed):
    made = {name: windows_of(name, value=float(at)) for at, name in enumerate(("S2", "S3", "S4", "S5"))}
    return made | changed


def test_no_subject_and_no_overlap_crosses_a_split(tmp_path):
    """In every fold of a small cohort no subject, no moment and no window of one split is in another."""
    subjects = {
        f"S{number}": cut_windows(prepare(session(f"S{number}", ((1, 75), (0, 4), (1, 55)), bpm=60 + 5 * number)))
        for number in range(2, 6)
    }
    for split in (split_for(tuple(subjects), name) for name in subjects):
        write_fold(subjects, split, tmp_path / "fold", SETTINGS)
        fold = load_fold(tmp_path / "fold")
        moments, contents = {}, {}
        for name in SPLITS:
            arrays = fold.split(name)
            assert set(arrays.subject) == set(getattr(split, name))
            spans = zip(arrays.subject, arrays.start_s, strict=True)
            moments[name] = {(who, int(start) + second) for who, start in spans for second in range(WINDOW_S)}
            contents[name] = {window.tobytes() for window in arrays.ecg}
            assert len(contents[name]) == len(arrays)
        for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
            assert not moments[one] & moments[other] and not contents[one] & contents[other]


def test_norms_see_training_windows_alone(tmp_path):
    """Changing test and validation windows changes no norm; changing a training window does."""

    def norms(windows):
        write_fold(windows, SPLIT, tmp_path / "fold", SETTINGS)
        return [(tmp_path / "fold" / f"norm_{part}.npz").read_bytes() for part in ("low", "ecg")]

    before = norms(cohort())
    assert norms(cohort(S4=windows_of("S4", value=99.0), S5=windows_of("S5", value=-99.0))) == before
    assert norms(cohort(S2=windows_of("S2", value=99.0))) != before


def test_arrays_norms_and_settings_are_as_documented(tmp_path):
    """Shapes, types, units, plain text and counts of a fold directory are the documented ones."""
    write_fold(cohort(), SPLIT, tmp_path / "fold_S5", SETTINGS, seed=7)
    shapes = {}
    for part in ("X_ecg", "X_low", "X_phase", "cond", "subject", "start_s"):
        array = np.load(tmp_path / "fold_S5" / f"train_{part}.npy", mmap_mode="r", allow_pickle=False)
        shapes[part] = (array.shape, array.dtype.kind)
    assert shapes == {
        "X_ecg": ((12, 5250, 1), "f"),
        "X_low": ((12, 120, 2), "f"),
        "X_phase": ((12, 121), "f"),
        "cond": ((12,), "i"),
        "subject": ((12,), "U"),
        "start_s": ((12,), "f"),
    }
    with np.load(tmp_path / "fold_S5" / "norm_low.npz", allow_pickle=False) as norm:
        assert norm["channels"].tolist() == ["EDA", "Resp"] and norm["units"].tolist() == ["uS", "%"]
    config = json.loads((tmp_path / "fold_S5" / "dataset_config.json").read_text())
    assert config["subjects"] == {"train": ["S2", "S3"], "val": ["S4"], "test": ["S5"]}
    assert config["counts"]["train"] == {"baseline": 6, "stress": 6, "amusement": 0, "meditation": 0, "all": 12}
    assert (config["ecg_hz"], config["low_hz"], config["window_s"], config["seed"]) == (175, 4, 30, 7)
    assert (config["source"], config["eda"], config["test_subject"]) == ("virtual", "full", "S5")
    assert config["channels_low"] == ["EDA", "Resp"] and config["filters"]["resp_band_hz"] == [0.05, 1.0]


def test_windows_are_written_in_units_and_in_order(tmp_path):
    """What is on file is what was cut, unnormalised, subject after subject."""
    made = cohort()
    write_fold(made, SPLIT, tmp_path / "fold", SETTINGS)
    train = load_fold(tmp_path / "fold").split("train")
    np.testing.assert_array_equal(train.ecg, np.concatenate([made["S2"].ecg, made["S3"].ecg]))
    np.testing.assert_array_equal(train.conditions, np.concatenate([made["S2"].labels, made["S3"].labels]))
    assert train.subject.tolist() == ["S2"] * 6 + ["S3"] * 6


def test_windows_without_beats_are_counted(tmp_path):
    """The settings say how many windows of each split have no usable R peaks."""
    lost = replace(windows_of("S4"), beat_found=np.array([True] * 4 + [False] * 2))
    write_fold(cohort(S4=lost), SPLIT, tmp_path / "fold", SETTINGS)
    assert load_fold(tmp_path / "fold").config["beat_not_found"] == {"train": 0, "val": 2, "test": 0}


def test_recorded_and_virtual_subjects_are_not_mixed(tmp_path):
    """A fold of both is refused, with the names; one of recorded and imported subjects counts as recorded."""
    with pytest.raises(FoldError, match=r"recorded subjects \(S5\) and virtual subjects \(S2, S3, S4\)"):
        write_fold(cohort(S5=windows_of("S5", source="imported")), SPLIT, tmp_path / "fold", SETTINGS)
    real = {name: windows_of(name, source="imported" if name == "S5" else "recorded") for name in cohort()}
    write_fold(real, SPLIT, tmp_path / "fold", SETTINGS)
    assert load_fold(tmp_path / "fold").source == "recorded"


def test_a_split_without_windows_is_explained(tmp_path):
    """A test subject without windows is an error; a training subject without any is carried along."""
    with pytest.raises(FoldError, match=r"No windows for test \(S5\).*30 s"):
        write_fold(cohort(S5=windows_of("S5", count=0)), SPLIT, tmp_path / "fold", SETTINGS)
    write_fold(cohort(S3=windows_of("S3", count=0)), SPLIT, tmp_path / "fold", SETTINGS)
    assert len(load_fold(tmp_path / "fold").split("train")) == 6


def test_a_stopped_fold_leaves_the_old_one_whole(tmp_path):
    """Stopping half-way keeps the earlier fold and leaves nothing else behind."""
    write_fold(cohort(), SPLIT, tmp_path / "fold", SETTINGS)
    before = {path.name: path.read_bytes() for path in (tmp_path / "fold").iterdir()}

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_fold(cohort(S2=windows_of("S2", value=50.0)), SPLIT, tmp_path / "fold", SETTINGS, on_step=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["fold"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "fold").iterdir()} == before


def test_a_reference_holds_test_windows_alone(tmp_path):
    """A user's own subject becomes a fold with test windows, no norms, and the order of its channels."""
    write_reference(windows_of("ME", source="imported"), tmp_path / "fold_ME", SETTINGS)
    fold = load_fold(tmp_path / "fold_ME")
    assert fold.splits() == ("test",) and fold.channels_low == ("EDA", "Resp") and fold.norm_low is None
    assert fold.source == "recorded" and len(fold.split("test")) == 6 and fold.notices == ()
