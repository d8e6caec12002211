"""A user's own recording becomes a subject that the rest of the way accepts."""

from pathlib import Path

import numpy as np
import pytest

from physiosynth.errors import ChannelError, RecordingError, RequestError
from physiosynth.families.wearable.data.importing import ImportSettings, import_recording, read_labels, resampled
from physiosynth.families.wearable.data.preprocess import prepare
from physiosynth.families.wearable.data.wesad import read_subject, write_subject
from physiosynth.families.wearable.data.windows import cut_windows
from physiosynth.families.wearable.signals import CHEST_HZ, LOW_HZ
from physiosynth.physiology.detectors import heart_rate, r_peaks
from places import ROOT, shared_path

NEUROKIT = ROOT / "tests" / "fixtures" / "neurokit_rest_60s.csv"
COLUMNS = {"ECG": "ECG", "EDA": "EDA", "RESP": "RSP"}


def table(tmp_path, ecg, eda, resp, name="mine.csv"):
    path = tmp_path / name
    rows = np.column_stack([np.broadcast_to(column, len(ecg)) for column in (ecg, eda, resp)])
    np.savetxt(path, rows, delimiter=",", header="ECG,EDA,RSP", comments="")
    return path


def settings(**changed):
    return ImportSettings(**({"subject": "ME", "columns": COLUMNS, "rates_hz": 100.0} | changed))


def whole_way(path: Path, tmp_path: Path, **changed):
    """Import, write, read and window one recording."""
    recording = import_recording(path, settings(**changed), state="baseline")
    write_subject(recording, tmp_path / "ME.pkl")
    read = read_subject(tmp_path / "ME.pkl")
    assert read.source == "imported" and read.subject == "ME"
    return recording, cut_windows(prepare(read))


def assert_like_the_file(path: Path, windows, tmp_path: Path):
    """The windows' heart rate and EDA level are those of the file itself."""
    raw = np.genfromtxt(path, delimiter=",", names=True)
    beats = (windows.phase[:, -1] - windows.phase[:, 0]).mean() * 2  # of half a minute
    assert windows.beat_found.all()
    assert beats == pytest.approx(heart_rate(r_peaks(raw["ECG"], 100.0)), abs=2)
    at = int(windows.start_s[0]) * 100
    np.testing.assert_allclose(windows.low[0, :, 0], raw["EDA"][at : at + 3000 : 100 // LOW_HZ], atol=0.05)


def test_an_inverted_lead_is_told_and_flipped_only_when_asked(tmp_path):
    """A note says so; flipped, R has its height and beats are right within 3 ms; the upright one has no note."""
    beats, times = 0.5 + 0.973 * np.arange(31), np.arange(5250) / 175
    waves = ((0, 0.01, 1.0), (-0.03, 0.01, -0.1), (0.03, 0.01, -0.2), (-0.17, 0.025, 0.12), (0.25, 0.045, 0.3))
    lag = times - beats[:, None]
    ecg = sum(mv * np.exp(-0.5 * ((lag - at) / sd) ** 2).sum(axis=0) for at, sd, mv in waves)

    def imported(sign, **changed):
        path = table(tmp_path, sign * ecg, 3.0, np.sin(times))
        return import_recording(path, settings(rates_hz=175.0, units={"ECG": "mV"}, **changed), state="baseline")

    turned, upright, flipped = imported(-1), imported(1), imported(-1, flip=("ECG",))
    said = ["upside down" in " ".join(each.notes) for each in (turned, upright, flipped)]
    assert said == [True, False, False] and "ECG was flipped, as asked." in flipped.notes
    assert turned.chest["ECG"].values.min() < -0.9
    values = flipped.chest["ECG"].values
    assert values.max() == pytest.approx(0.985, abs=0.02)
    assert np.abs(r_peaks(values, CHEST_HZ) - beats).max() < 0.003
    with pytest.raises(ChannelError, match="Cannot flip EDA"):
        ImportSettings("ME", {"ECG": "ECG"}, needed=("ECG",), flip=("EDA",))


def test_a_real_recording_goes_the_whole_way(tmp_path):
    """An excerpt of NeuroKit2's resting recording gives windows with its heart rate and its EDA, in microsiemens."""
    recording, windows = whole_way(NEUROKIT, tmp_path, units={"ECG": "mV", "EDA": "uS"})
    assert recording.duration_s == 60.0 and len(windows) == 2
    assert_like_the_file(NEUROKIT, windows, tmp_path)
    assert any("Resp is kept as recorded" in note for note in recording.notes)


@pytest.mark.parametrize(("name", "count"), [("bio_resting_8min_100hz", 32), ("bio_eventrelated_100hz", 8)])
def test_the_two_shared_recordings_go_the_whole_way(tmp_path, name, count):
    """Both of NeuroKit2's recordings, in full, give as many windows as their length allows."""
    path = shared_path(f"data/neurokit/{name}.csv")
    _, windows = whole_way(path, tmp_path)
    assert len(windows) == count
    assert_like_the_file(path, windows, tmp_path)


@pytest.mark.parametrize("rate_hz", [4.0, 64.0, 100.0, 128.0, 129.7, 256.0, 700.0, 1000.0, 2048.0])
def test_resampling_keeps_time(rate_hz):
    """At any rate a 0.5 Hz tone keeps its size and its time within half an ECG sample, over ten minutes."""
    seconds = 600
    tone = np.sin(2 * np.pi * 0.5 * np.arange(round(seconds * rate_hz)) / rate_hz)
    out = resampled(tone, rate_hz)
    t = np.arange(len(out)) / CHEST_HZ
    assert abs(t[-1] - seconds) < 1 / rate_hz + 2 / CHEST_HZ
    inner = slice(5 * CHEST_HZ, -5 * CHEST_HZ)
    slope = 2 * np.pi * 0.5
    assert np.abs(out[inner] - np.sin(slope * t[inner])).max() < 0.5 / 175 * slope


def test_gaps_stay_gaps_when_the_rate_changes():
    """Missing seconds are missing afterwards, and do not spread."""
    values = np.ones(1000)
    values[400:500] = np.nan
    out = resampled(values, 100.0)
    missing = np.flatnonzero(np.isnan(out)) / CHEST_HZ
    assert missing.min() == pytest.approx(4.0, abs=0.01) and missing.max() == pytest.approx(5.0, abs=0.01)
    np.testing.assert_allclose(out[np.isfinite(out)], 1.0, atol=1e-6)


@pytest.mark.parametrize(
    ("channel", "unit", "value", "expected"),
    [
        ("ECG", "uV", 500.0, 0.5),
        ("ECG", "\u00b5V", 500.0, 0.5),
        ("ECG", "V", 0.0005, 0.5),
        ("EDA", "S", 4e-6, 4.0),
        ("EDA", "nS", 4000.0, 4.0),
        ("EDA", "kOhm", 250.0, 4.0),
        ("EDA", "M\u03a9", 0.25, 4.0),
    ],
)
def test_units_become_millivolt_and_microsiemens(tmp_path, channel, unit, value, expected):
    """Each unit is converted; a resistance becomes its conductance."""
    constant = {"ECG": 0.5, "EDA": 4.0} | {channel: value}
    path = table(tmp_path, np.full(500, constant["ECG"]), constant["EDA"], 1.0)
    recording = import_recording(path, settings(units={channel: unit}), state="stress")
    np.testing.assert_allclose(recording.chest[channel].values, expected, rtol=1e-6)
    assert recording.label.tolist() == [2] * 3500


def test_an_unlikely_span_is_noted(tmp_path):
    """Microvolts taken for millivolts are noticed by their size."""
    ecg = 500 * np.sin(np.arange(2000) / 10)
    recording = import_recording(table(tmp_path, ecg, 4.0, 1.0), settings(), state="baseline")
    assert any("ECG spans" in note and "check its unit" in note for note in recording.notes)


def test_labels_are_placed_to_the_sample(tmp_path):
    """Rows become ids at 700 Hz by name or number; time in no row is unlabelled, and a note says how much."""
    path = tmp_path / "labels.csv"
    path.write_text("start_s;end_s;state\n0;1,5;Baseline\n2;3;2\n3;4;7\n9,5;10,4;meditation\n")
    notes = []
    label = read_labels(path, 10 * CHEST_HZ, notes)
    runs = [(int(i), int((label == i).sum())) for i in np.unique(label)]
    assert runs == [(0, 10 * 700 - 1050 - 700 - 700 - 350), (1, 1050), (2, 700), (4, 350), (7, 700)]
    assert label[1049] == 1 and label[1050] == 0 and label[1400] == 2
    assert notes == ["60 % of the recording is in no row of labels.csv and stays unlabelled."]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("0,5,happy", "row 1: Unknown condition 'happy'.*baseline"),
        ("0,5,9", "row 1: Unknown condition 9"),
        ("0,5,stress\n4,6,baseline", "row 2: 4 to 6 s overlaps"),
        ("5,5,stress", "row 1: expected 0 <= start_s < end_s <= 10.0"),
        ("0,60,stress", "row 1: expected .* found 0 to 60"),
        ("-1,5,stress", "row 1: expected"),
        ("a,5,stress", "row 1: start_s and end_s should be seconds"),
    ],
)
def test_labels_that_cannot_be_are_explained(tmp_path, rows, words):
    """Each wrong row is named by its number, with what was found."""
    path = tmp_path / "labels.csv"
    path.write_text("start_s,end_s,state\n" + rows + "\n")
    with pytest.raises(RecordingError, match=rf"labels\.csv, {words}"):
        read_labels(path, 10 * CHEST_HZ, [])


def test_a_labels_file_without_its_columns_is_explained(tmp_path):
    """A missing file and other columns are named, with the columns that are needed."""
    with pytest.raises(RecordingError, match="no such labels file"):
        read_labels(tmp_path / "none.csv", 700, [])
    (tmp_path / "labels.csv").write_text("from,to,what\n0,1,stress\n")
    with pytest.raises(RecordingError, match="expected columns start_s, end_s, state, found from, to, what"):
        read_labels(tmp_path / "labels.csv", 700, [])


def test_requests_that_cannot_be_are_explained(tmp_path):
    """A missing channel, an unknown one, an unknown unit, a bad name and no labels each have a message."""
    with pytest.raises(ChannelError, match="Say where Resp is"):
        settings(columns={"ECG": "a", "EDA": "b"})
    with pytest.raises(ChannelError, match=r"Unknown channel BVP\. Known are ECG, EDA, Resp"):
        settings(columns=COLUMNS | {"BVP": "bvp"})
    with pytest.raises(RequestError, match="letters, digits"):
        settings(subject="../S2")
    path = table(tmp_path, np.ones(500), 4.0, 1.0)
    with pytest.raises(RequestError, match="EDA: unit 'stone' is not known"):
        import_recording(path, settings(units={"EDA": "stone"}), state="baseline")
    with pytest.raises(RequestError, match=r"labels file .* or one state"):
        import_recording(path, settings())


def test_channels_of_different_files_rates_end_together(tmp_path):
    """A channel that is longer than the rest is cut to them, and a note says by how much."""
    path = tmp_path / "mine.csv"
    rows = ["ECG,EDA,RSP"] + [f"1,{4 if i < 40 else ''},{2 if i < 60 else ''}" for i in range(1000)]
    path.write_text("\n".join(rows) + "\n")
    made = import_recording(path, settings(rates_hz={"ECG": 100.0, "EDA": 4.0, "Resp": 5.0}), state="baseline")
    assert made.duration_s == 10.0 and any("the last 2.0 s were left out" in note for note in made.notes)
