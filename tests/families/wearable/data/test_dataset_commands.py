"""The two commands of this room, as a user runs them."""

import subprocess
import sys

import numpy as np
import pytest

from making.recordings import session
from physiosynth.families.wearable.data.folds import load_fold
from physiosynth.families.wearable.data.wesad import write_subject
from places import ROOT


def command(name, *arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *map(str, arguments)], capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    for number in (2, 3, 4):
        write_subject(session(f"S{number}", ((1, 50), (2, 45)), bpm=60 + 5 * number), folder / f"S{number}.pkl")
    return folder


def test_folds_of_everyone_are_written_and_named(raw, tmp_path):
    """'all' writes one fold for each subject and prints where; the settings are those asked for."""
    done = command(
        "preprocess_wesad.py", "--raw", raw, "--out", tmp_path, "--test-subject", "all", "--eda", "phasic",
        "--resp-band", 0.1, 0.35, "--jobs", 1,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / f"fold_S{number}") for number in (2, 3, 4)]
    for number in (2, 3, 4):
        fold = load_fold(tmp_path / f"fold_S{number}")
        assert fold.test_subject == f"S{number}" and fold.eda == "phasic"
        assert fold.config["filters"]["resp_band_hz"] == [0.1, 0.35]
        assert np.unique(fold.split("test").subject).tolist() == [f"S{number}"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--raw", "nowhere", "--test-subject", "S2"), "nowhere: no such folder"),
        (("--raw", "EMPTY", "--test-subject", "S2"), "no subject found"),
        (("--raw", "RAW", "--test-subject", "S99"), "No subject S99. There are S2, S3, S4"),
        (("--raw", "RAW", "--test-subject", "S2", "--val-subjects", "S2"), "S2 to several"),
        (("--raw", "RAW", "--test-subject", "S2", "--val-subjects", "2"), "0 of 3 subjects are left"),
        (("--raw", "RAW", "--test-subject", "S2", "--resp-band", "1", "0.1"), "two rising edges"),
    ],
)
def test_mistakes_end_in_one_message(raw, tmp_path, arguments, words):
    """A user's mistake is one line that says what was found, exit code 2, no traceback, no fold."""
    (tmp_path / "empty").mkdir()
    places = {"RAW": raw, "EMPTY": tmp_path / "empty"}
    done = command("preprocess_wesad.py", "--out", tmp_path / "out", *(places.get(word, word) for word in arguments))
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.glob("out/fold_*"))


def test_an_imported_recording_becomes_a_reference_fold(tmp_path):
    """Import and preprocessing with --reference turn a CSV into test windows, and the notes are shown."""
    labels = tmp_path / "labels.csv"
    labels.write_text("start_s,end_s,state\n0,60,baseline\n")
    done = command(
        "import_recording.py", ROOT / "tests/fixtures/neurokit_rest_60s.csv", "--subject", "ME", "--out", tmp_path,
        "--channels", "ECG=ECG,EDA=EDA,Resp=RSP", "--units", "ECG=mV,EDA=uS", "--rate", 100, "--labels", labels,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "note: Resp is kept as recorded" in done.stdout and "ME.pkl: 60.0 s" in done.stdout
    done = command(
        "preprocess_wesad.py", "--raw", tmp_path, "--out", tmp_path / "out", "--test-subject", "ME", "--reference"
    )
    assert done.returncode == 0, done.stderr
    fold = load_fold(tmp_path / "out" / "fold_ME")
    assert fold.source == "recorded" and fold.split("test").conditions.tolist() == [1, 1]


def test_import_mistakes_end_in_one_message(tmp_path):
    """A column that is not there ends in one line with exit code 2."""
    done = command(
        "import_recording.py", ROOT / "tests/fixtures/neurokit_rest_60s.csv", "--subject", "ME", "--out", tmp_path,
        "--channels", "ECG=ekg,EDA=EDA,Resp=RSP", "--rate", 100, "--state", "baseline",
    )  # fmt: skip
    assert done.returncode == 2 and "no column ekg. It has ECG, RSP, EDA" in done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())
