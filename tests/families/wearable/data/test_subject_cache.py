"""Preprocessing of a cohort: parallel, kept, resumed."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from making.recordings import session
from physiosynth.errors import RecordingError, RequestError
from physiosynth.families.wearable.data import subject_cache
from physiosynth.families.wearable.data.preprocess import PreprocessSettings
from physiosynth.families.wearable.data.subject_cache import prepare_subjects, read_windows
from physiosynth.families.wearable.data.wesad import write_subject

SETTINGS = PreprocessSettings()
NAMES = ("S2", "S3", "S10")
KILLED = """
import os, signal, sys
from physiosynth.families.wearable.data.preprocess import PreprocessSettings
from physiosynth.families.wearable.data.subject_cache import prepare_subjects
def on_step(done, total):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)
prepare_subjects(sys.argv[1], sys.argv[2], PreprocessSettings(), on_step=on_step)
"""


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    for number, name in enumerate(NAMES):
        write_subject(session(name, ((1, 50), (2, 45)), bpm=60 + 10 * number), folder / name / f"{name}.pkl")
    return folder


def contents(folders):
    return {
        f"{name}/{path.name}": path.read_bytes()
        for name, folder in folders.items()
        for path in sorted(folder.iterdir())
    }


def counting(monkeypatch):
    made = []
    original = subject_cache.prepare_one
    monkeypatch.setattr(subject_cache, "prepare_one", lambda name, *rest: made.append(name) or original(name, *rest))
    return made


def test_two_processes_make_the_same_windows_as_one(raw, tmp_path):
    """Parallel preprocessing gives the same bytes, and counts every subject once."""
    steps = []
    two = prepare_subjects(raw, tmp_path / "two", SETTINGS, jobs=2, on_step=lambda *step: steps.append(step))
    assert contents(two) == contents(prepare_subjects(raw, tmp_path / "one", SETTINGS, jobs=1))
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_killed_run_is_resumed_to_the_same_bytes(raw, tmp_path, monkeypatch):
    """A run killed after two subjects goes on with the third alone and ends as an undisturbed one does."""
    cache = tmp_path / "killed"
    done = subprocess.run([sys.executable, "-c", KILLED, str(raw), str(cache)], env=os.environ)
    assert done.returncode == -signal.SIGKILL
    # What a kill in the middle of a subject would leave: a folder without its last file, and a temporary one.
    (cache / "S10").mkdir()
    np.save(cache / "S10" / "ecg.npy", np.zeros(3))
    (cache / ".S10.abc.part").mkdir()
    made = counting(monkeypatch)
    resumed = prepare_subjects(raw, cache, SETTINGS)
    assert made == ["S10"]
    assert contents(resumed) == contents(prepare_subjects(raw, tmp_path / "whole", SETTINGS))


def test_a_callback_that_raises_stops_and_keeps_what_is_done(raw, tmp_path, monkeypatch):
    """Cancelling after the first subject leaves that subject, which is not made again."""

    def cancel(done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_subjects(raw, tmp_path, SETTINGS, on_step=cancel)
    assert [path.name for path in tmp_path.iterdir()] == ["S2"]
    made = counting(monkeypatch)
    prepare_subjects(raw, tmp_path, SETTINGS)
    assert made == ["S3", "S10"]


def test_other_settings_or_another_pickle_are_made_again(raw, tmp_path, monkeypatch):
    """Unchanged subjects are kept; new settings remake all of them, a new pickle that one."""
    prepare_subjects(raw, tmp_path, SETTINGS)
    made = counting(monkeypatch)
    prepare_subjects(raw, tmp_path, SETTINGS)
    assert made == []
    path = raw / "S3" / "S3.pkl"
    os.utime(path, ns=(1, 1))
    prepare_subjects(raw, tmp_path, SETTINGS)
    assert made == ["S3"]
    folders = prepare_subjects(raw, tmp_path, PreprocessSettings(eda="phasic"), only=("S10",))
    assert made == ["S3", "S10"] and list(folders) == ["S10"]
    assert abs(read_windows(folders["S10"]).low[..., 0].mean()) < 0.5


def test_windows_are_read_back_as_they_were_made(raw, tmp_path):
    """A subject's folder gives its name, source and windows, memory-mapped."""
    windows = read_windows(prepare_subjects(raw, tmp_path, SETTINGS, only=("S2",))["S2"])
    assert (windows.subject, windows.source, len(windows)) == ("S2", "virtual", 2)
    assert windows.labels.tolist() == [1, 2] and isinstance(windows.ecg, np.memmap)


def test_a_damaged_subject_is_named_by_a_worker_process(raw, tmp_path):
    """A pickle that cannot be read ends the run with an error that names it, from another process too."""
    spoilt = tmp_path / "raw"
    for name in NAMES:
        (spoilt / name).mkdir(parents=True)
        (spoilt / name / f"{name}.pkl").write_bytes((raw / name / f"{name}.pkl").read_bytes())
    (spoilt / "S3" / "S3.pkl").write_bytes(b"<html>")
    with pytest.raises(RecordingError, match=r"S3\.pkl: not a whole pickle"):
        prepare_subjects(spoilt, tmp_path / "cache", SETTINGS, jobs=2)
    with pytest.raises(RequestError, match="At least one process"):
        prepare_subjects(raw, tmp_path, SETTINGS, jobs=0)
