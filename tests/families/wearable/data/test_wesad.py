"""WESAD subjects are found, read and written."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from making.recordings import session
from physiosynth.errors import RecordingError
from physiosynth.families.wearable.data.wesad import (
    CHEST_UNITS,
    WRIST_UNITS,
    find_subjects,
    read_subject,
    write_subject,
)
from physiosynth.families.wearable.signals import CHEST_HZ, WRIST_HZ
from physiosynth.recordings.recording import RecordedChannel, Recording
from places import shared_path

READ_AND_REPORT = """
import resource, sys, time
from physiosynth.families.wearable.data.wesad import read_subject
started = time.perf_counter()
recording = read_subject(sys.argv[1])
assert len(recording.chest) == 6 and len(recording.wrist) == 4
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, time.perf_counter() - started)
"""


def full_recording(seconds, dtype=np.float64):
    """Every channel of both devices, as WESAD has them."""
    rng = np.random.default_rng(0)

    def made(units, rates):
        return {
            name: RecordedChannel(
                name,
                rng.standard_normal((seconds * rates[name], 3) if name == "ACC" else seconds * rates[name]),
                float(rates[name]),
                unit,
            )
            for name, unit in units.items()
        }

    label = np.ones(seconds * CHEST_HZ, dtype=np.int32)
    return Recording(
        "S2", made(CHEST_UNITS, dict.fromkeys(CHEST_UNITS, CHEST_HZ)), made(WRIST_UNITS, WRIST_HZ), label, CHEST_HZ
    )


def changed(tmp_path, change):
    """A written subject whose content `change` has altered."""
    path = tmp_path / "S2.pkl"
    write_subject(session(parts=((1, 2),)), path)
    with path.open("rb") as stream:
        content = pickle.load(stream, encoding="latin1")  # our own file, written above
    change(content)
    path.write_bytes(pickle.dumps(content, protocol=2))
    return path


def test_the_genuine_head_of_s16_is_read():
    """The published subject's channels, units and labels come out as its notes say, without a wrist."""
    recording = read_subject(shared_path("data/wesad_s16_head/S16_head_raw.pkl"))
    assert recording.subject == "S16" and recording.source == "recorded"
    assert list(recording.chest) == ["ACC", "ECG", "EMG", "EDA", "Temp", "Resp"]
    assert recording.chest["ACC"].values.shape == (37100, 3)
    assert recording.chest["ECG"].values.shape == (37100,)
    assert recording.chest["ECG"].values.max() == pytest.approx(1.49995, abs=1e-4)
    assert recording.duration_s == 53.0 and set(recording.label) == {7}
    assert recording.wrist == {} and any("wrist" in note for note in recording.notes)


def test_written_subjects_have_wesads_layout(tmp_path):
    """Keys, shapes and types are those that readers of WESAD expect, under pickle.load with latin1."""
    path = tmp_path / "S2" / "S2.pkl"
    write_subject(full_recording(8), path)
    with path.open("rb") as stream:
        content = pickle.load(stream, encoding="latin1")  # our own file, written above
    assert list(content) == ["signal", "label", "subject"]
    shapes = {name: (array.shape, str(array.dtype)) for name, array in content["signal"]["chest"].items()}
    assert shapes == {
        "ACC": ((5600, 3), "float64"),
        "ECG": ((5600, 1), "float64"),
        "EMG": ((5600, 1), "float64"),
        "EDA": ((5600, 1), "float64"),
        "Temp": ((5600, 1), "float32"),
        "Resp": ((5600, 1), "float64"),
    }
    wrist = {name: array.shape for name, array in content["signal"]["wrist"].items()}
    assert wrist == {"ACC": (256, 3), "BVP": (512, 1), "EDA": (32, 1), "TEMP": (32, 1)}
    assert content["label"].dtype == np.int32 and content["label"].shape == (5600,)


@pytest.mark.parametrize("source", ["recorded", "imported", "virtual"])
def test_writing_and_reading_gives_the_same_recording(tmp_path, source):
    """Values, labels, subject and source survive the way through a file exactly."""
    made = session(parts=((1, 3), (2, 3)), source=source)
    write_subject(made, tmp_path / "S2.pkl")
    read = read_subject(tmp_path / "S2.pkl")
    assert (read.subject, read.source) == ("S2", source)
    np.testing.assert_array_equal(read.label, made.label)
    for name in made.chest:
        np.testing.assert_array_equal(read.chest[name].values, made.chest[name].values)


def test_a_truth_file_marks_a_virtual_subject(tmp_path):
    """A pickle in WESAD's exact layout counts as virtual where its truth file says so."""
    write_subject(session(source="recorded", parts=((1, 2),)), tmp_path / "S2.pkl")
    assert read_subject(tmp_path / "S2.pkl").source == "recorded"
    np.savez(tmp_path / "S2_truth.npz", source=np.array("virtual"))
    assert read_subject(tmp_path / "S2.pkl").source == "virtual"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["signal"]["chest"].pop("Resp"), "Resp is missing"),
        (lambda c: c["signal"]["chest"].update(ECG=np.zeros((5, 1))), "equally long, found .*ECG 5"),
        (lambda c: c.update(label=c["label"][:-1]), "label 1399, ECG 1400"),
        (lambda c: c["signal"]["chest"].update(EDA="none"), "EDA should be numbers over time, found str"),
        (lambda c: c["signal"]["chest"].update(ECG=np.zeros((1400, 2))), "one column"),
        (lambda c: c.update(label=np.full(1400, np.nan)), "fractions or NaN"),
        (lambda c: c.pop("signal"), "expected a WESAD subject"),
        (lambda c: c.update(source="dreamt"), "dreamt"),
    ],
)
def test_a_subject_that_does_not_fit_is_explained(tmp_path, change, words):
    """Each way of not being a subject has a message that names the file and what was found."""
    with pytest.raises(RecordingError, match=rf"S2\.pkl.*{words}"):
        read_subject(changed(tmp_path, change))


def test_missing_values_are_noted(tmp_path):
    """NaN does not stop reading; a note says how many there are and where."""
    path = changed(tmp_path, lambda c: c["signal"]["chest"]["EDA"].__setitem__(slice(10, 15), np.nan))
    assert "chest EDA has 5 missing values." in read_subject(path).notes


def test_subjects_are_found_in_both_layouts_in_natural_order(tmp_path):
    """S2/S2.pkl and S10.pkl are both found, S2 first; other files are not subjects."""
    for name in ("S10.pkl", "S2/S2.pkl", "S2/S2_quest.pkl", "S3/other.pkl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(find_subjects(tmp_path)) == ["S2", "S10"]
    (tmp_path / "S2.pkl").touch()
    with pytest.raises(RecordingError, match="S2 is there twice"):
        find_subjects(tmp_path)


def test_a_folder_without_subjects_is_explained(tmp_path):
    """A wrong folder and an empty one each get their own message."""
    with pytest.raises(RecordingError, match="no such folder"):
        find_subjects(tmp_path / "nowhere")
    with pytest.raises(RecordingError, match=r"no subject found.*S2/S2\.pkl"):
        find_subjects(tmp_path)


@pytest.mark.parametrize("protocol", ["as published", 5])
def test_an_hour_of_both_devices_is_read_within_3_gb(tmp_path, protocol):
    """A full-size subject (3600 s at 700 Hz, chest and wrist) is read by a fresh process within 3 GB of memory."""
    path = tmp_path / "S2.pkl"
    recording = full_recording(3600)
    if protocol == 5:
        chest = {name: channel.values for name, channel in recording.chest.items()}
        wrist = {name: channel.values for name, channel in recording.wrist.items()}
        content = {"signal": {"chest": chest, "wrist": wrist}, "label": recording.label, "subject": "S2"}
        with path.open("wb") as stream:
            pickle.dump(content, stream, protocol=5)
    else:
        write_subject(recording, path)
    done = subprocess.run(
        [sys.executable, "-c", READ_AND_REPORT, str(path)], capture_output=True, text=True, env=os.environ, check=True
    )
    gigabytes, seconds = map(float, done.stdout.split())
    print(f"read in {seconds:.2f} s, {gigabytes:.2f} GB")
    assert gigabytes < 3.0
