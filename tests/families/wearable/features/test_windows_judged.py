"""Windows to judge: read from folds, generators and files, taken apart and put together, or refused in plain words."""

import json

import numpy as np
import pytest

from making.windows import toy_windows
from physiosynth.errors import ChannelError, EvaluationError, FoldError
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.scores.inputs import from_file
from physiosynth.families.wearable.signals import CONDITIONS, ECG_STEPS, LOW_STEPS


@pytest.fixture(scope="module")
def windows():
    return toy_windows(4, subjects=("A", "B", "C"))


def fold_of(windows, folder, channels=("EDA", "Resp")):
    """Write windows as the test split of a fold directory whose low channels have this order."""
    folder.mkdir()
    np.save(folder / "test_X_ecg.npy", windows.ecg[..., None])
    np.save(folder / "test_X_low.npy", np.stack([windows.channel(name) for name in channels], axis=-1))
    np.save(folder / "test_cond.npy", np.array([CONDITIONS.index(s) + 1 for s in windows.states]))
    np.save(folder / "test_subject.npy", windows.subjects)
    config = {"channels_low": list(channels), "source": "virtual", "eda": "full", "test_subject": "A"}
    (folder / "dataset_config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("channels", [("EDA", "Resp"), ("Resp", "EDA")])
def test_a_fold_is_read_by_name_whatever_its_order(windows, tmp_path, channels):
    """EDA stays EDA and Resp stays Resp, whichever comes first on file; states, subjects and source come along."""
    read = WindowSet.from_fold(fold_of(windows, tmp_path / "fold", channels))
    assert np.array_equal(read.eda, windows.eda) and np.array_equal(read.resp, windows.resp)
    assert np.array_equal(read.ecg, windows.ecg)
    assert read.states.tolist() == windows.states.tolist() and read.subjects.tolist() == windows.subjects.tolist()
    assert (read.source, read.eda_kind, read.seen_subjects) == ("virtual", "full", frozenset())


def test_a_split_that_is_not_there_is_named(windows, tmp_path):
    """Asking a fold of test windows for training windows ends in an error that names the file."""
    with pytest.raises(FoldError, match="train_X_ecg"):
        WindowSet.from_fold(fold_of(windows, tmp_path / "fold"), ("train",))


@pytest.mark.parametrize("labels", ["states", "conditions", "condition_ids"])
def test_files_of_other_tools_are_read(windows, tmp_path, labels):
    """An NPZ of plain arrays is enough, with a channel axis or without, with names or ids of the states."""
    named = windows.states if labels != "condition_ids" else [CONDITIONS.index(s) + 1 for s in windows.states]
    path = tmp_path / "other.npz"
    np.savez(path, ecg=windows.ecg[..., None], eda=windows.eda, resp=windows.resp, **{labels: named})
    read = WindowSet.from_npz(path, seen_subjects=["A"])
    assert np.array_equal(read.ecg, windows.ecg) and read.states.tolist() == windows.states.tolist()
    assert set(read.subjects) == {"synthetic"} and read.source == "synthetic" and read.seen_subjects == {"A"}


def test_unreadable_and_incomplete_files_are_explained(windows, tmp_path):
    """Text, a pickled array, a missing channel, no states, and an unknown state each say what is wrong."""
    (tmp_path / "text.npz").write_text("no arrays")
    np.savez(tmp_path / "pickled.npz", ecg=np.array([{}, None], dtype=object))
    np.savez(tmp_path / "no_eda.npz", ecg=windows.ecg, resp=windows.resp, states=windows.states)
    np.savez(tmp_path / "no_states.npz", ecg=windows.ecg, eda=windows.eda, resp=windows.resp)
    np.savez(tmp_path / "odd.npz", ecg=windows.ecg, eda=windows.eda, resp=windows.resp, states=["joy"] * len(windows))
    np.save(tmp_path / "one.npy", windows.eda)
    for name, words in (
        ("text.npz", "not a readable NPZ"),
        ("pickled.npz", "not a readable NPZ"),
        ("one.npy", "not a readable NPZ"),
        ("absent.npz", "not a readable NPZ"),
        ("no_eda.npz", "no array eda"),
        ("no_states.npz", "states"),
        ("odd.npz", "joy"),
    ):
        with pytest.raises(EvaluationError, match=words):
            WindowSet.from_npz(tmp_path / name)


def test_repeated_windows_and_constant_channels_of_a_file_are_told(windows, tmp_path):
    """A note counts them; a file without either has none."""

    def notes(resp, at):
        chosen = windows.take(at)
        path = tmp_path / "made.npz"
        np.savez(path, ecg=chosen.ecg, eda=chosen.eda, resp=resp[at], states=chosen.states)
        return from_file(path, None, seen=())[1]

    each, count = np.arange(len(windows)), len(windows)
    assert notes(windows.resp, each) == ()
    assert notes(windows.resp, np.append(each, [0, 0])) == (f"2 of {count + 2} windows repeat another one exactly.",)
    assert notes(0 * windows.resp, each) == (f"Resp is constant in {count} of {count} windows.",)


def test_windows_that_do_not_fit_are_refused(windows):
    """Wrong lengths, NaN and too few states are named with what was expected."""
    good = {"ecg": windows.ecg, "eda": windows.eda, "resp": windows.resp, "states": windows.states}
    for change, words in (
        ({"ecg": windows.ecg[:, ::2]}, f"{ECG_STEPS} samples"),
        ({"eda": np.where(np.arange(LOW_STEPS) == 3, np.nan, windows.eda)}, "NaN"),
        ({"states": windows.states[:-1]}, "windows"),
    ):
        with pytest.raises(EvaluationError, match=words):
            WindowSet(**(good | change), subjects=windows.subjects, source="virtual")
    with pytest.raises(ChannelError, match="ECG, EDA, Resp"):
        windows.channel("EMG")


def test_random_halves_share_no_window_and_hold_the_same_states(windows):
    """Halves are disjoint, complete, balanced by state, and fixed by the seed."""
    first, second = windows.halves(seed=3)
    rows = np.concatenate([first.ecg[:, :50], second.ecg[:, :50]])
    assert len(np.unique(rows, axis=0)) == len(windows) == len(first) + len(second)
    for state in CONDITIONS:
        assert len(first.of_state(state)) == len(second.of_state(state)) == 2
    assert windows.halves(seed=3)[0].sha256() == first.sha256() != windows.halves(seed=4)[0].sha256()


def test_halves_by_subject_share_no_subject(windows):
    """A person is in one half only; one person alone cannot be split."""
    first, second = windows.halves(seed=0, by="subject")
    assert set(first.subjects) and not set(first.subjects) & set(second.subjects)
    assert len(first) + len(second) == len(windows)
    with pytest.raises(EvaluationError, match="two subjects"):
        windows.take(windows.subjects == "A").halves(0, by="subject")


def test_sets_are_joined_and_mixed_eda_is_not(windows):
    """Joined windows keep order and remember whom their generators saw; phasic EDA is not put beside full EDA."""
    seen = WindowSet(
        windows.ecg, windows.eda, windows.resp, windows.states, windows.subjects, "synthetic", "full", {"S2"}
    )
    both = windows.concat(seen)
    assert len(both) == 2 * len(windows) and both.seen_subjects == {"S2"} and both.source == "virtual+synthetic"
    phasic = WindowSet(windows.ecg, windows.eda, windows.resp, windows.states, windows.subjects, "synthetic", "phasic")
    with pytest.raises(EvaluationError, match="phasic"):
        windows.concat(phasic)


def test_the_hash_sees_every_part(windows):
    """One sample, one state or one subject changed gives another hash; the same windows give the same."""
    changed = windows.eda.copy()
    changed[0, 0] += 0.01
    parts = {"ecg": windows.ecg, "eda": windows.eda, "resp": windows.resp, "subjects": windows.subjects}
    again = WindowSet(**parts, states=windows.states, source=windows.source)
    assert again.sha256() == windows.sha256()
    others = [
        WindowSet(**(parts | {"eda": changed}), states=windows.states, source=windows.source),
        WindowSet(**parts, states=windows.states[::-1], source=windows.source),
        WindowSet(**(parts | {"subjects": ["Z"] * len(windows)}), states=windows.states, source=windows.source),
    ]
    assert len({windows.sha256(), *(other.sha256() for other in others)}) == 4


def test_what_is_computed_once_serves_every_view_of_the_windows():
    """A view asks for something of the whole set, another view gets the same object, another set its own."""
    whole, asked = Judged.of(toy_windows(2, 0, states=("stress",))), []

    def compute(windows):
        asked.append(len(windows))
        return object()

    first = whole.take([1]).once("thing", compute)
    assert whole.once("thing", compute) is first and asked == [2]
    assert Judged.of(toy_windows(2, 0, states=("stress",))).once("thing", compute) is not first
