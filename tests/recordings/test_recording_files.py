"""A user's CSV, WFDB and EDF files."""

import sys

import numpy as np
import pytest

from physiosynth.errors import RecordingError, RequestError
from physiosynth.recordings.recording_files import read_signals

COLUMNS = ("ecg", "eda")


def written(tmp_path, text, name="rest.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "ecg,eda\n0.5,4.25\n-0.5,4.5\n",
        "ecg;eda\n0,5;4,25\n-0,5;4,5\n",
        "ecg\teda\n0.5\t4.25\n-0.5\t4.5\n",
        "ecg|eda\n0.5|4.25\n-0.5|4.5\n",
        "ecg eda\n0.5 4.25\n-0.5  4.5\n",
        '"ecg", "eda"\n0.5, 4.25\n-0.5, 4.5\n',
        "# device 7\n# ecg in mV\necg,eda\n0.5,4.25\n-0.5,4.5\n",
        "\ufeffecg,eda\r\n0.5,4.25\r\n-0.5,4.5\r\n",
    ],
    ids=["comma", "semicolon, decimal comma", "tab", "bar", "spaces", "quoted", "comments", "BOM"],
)
def test_any_delimiter_gives_the_same_columns(tmp_path, text):
    """Delimiter, decimal sign, comments, quotes and byte-order mark are found out."""
    found = read_signals(written(tmp_path, text), COLUMNS, 100.0)
    assert found["ecg"].values.tolist() == [0.5, -0.5] and found["eda"].values.tolist() == [4.25, 4.5]
    assert found["ecg"].rate_hz == 100


def test_columns_without_a_header_are_numbered(tmp_path):
    """Where the first line is numbers, columns are called 1, 2, ... and no sample is lost."""
    found = read_signals(written(tmp_path, "0.5;4\n0.25;5\n"), ("2",), 4.0)
    assert found["2"].values.tolist() == [4.0, 5.0]


def test_columns_may_have_rates_of_their_own(tmp_path):
    """With a rate for each column, a slower column ends where its cells become empty; gaps inside it stay gaps."""
    path = written(tmp_path, "ecg,eda\n1,7\n2,\n3,8\n4,\n5,\n6,\n")
    found = read_signals(path, COLUMNS, {"ecg": 200.0, "eda": 100.0})
    assert len(found["ecg"].values) == 6
    np.testing.assert_array_equal(found["eda"].values, [7, np.nan, 8])


@pytest.mark.parametrize(
    "times",
    ["{s:.3f}", "2024-05-01T10:00:{s:06.3f}Z", "2024-05-01 10:00:{s:06.3f}", "05/01/2024 10:00:{s:09.6f}"],
    ids=["seconds", "UTC stamps", "local stamps", "American stamps"],
)
def test_a_time_column_gives_the_rate(tmp_path, times):
    """Rounded seconds and timestamps give the true rate of 64 Hz, over the whole length."""
    rows = "".join(f"{times.format(s=index / 64)},{index}\n" for index in range(640))
    found = read_signals(written(tmp_path, "time,ecg\n" + rows), ("ecg",), time_column="time")
    assert found["ecg"].rate_hz == pytest.approx(64, rel=1e-4) and len(found["ecg"].values) == 640


def test_gaps_in_the_clock_become_missing_samples(tmp_path):
    """Two seconds without samples are nan on the even clock; what follows keeps its time."""
    seconds = [*np.arange(0, 5, 0.1), *np.arange(7, 10, 0.1)]
    path = written(tmp_path, "t,ecg\n" + "".join(f"{s:.1f},{s:.1f}\n" for s in seconds))
    ecg = read_signals(path, ("ecg",), time_column="t")["ecg"]
    assert ecg.rate_hz == pytest.approx(10) and len(ecg.values) == 100
    assert np.isnan(ecg.values[50:69]).all() and ecg.values[75] == pytest.approx(7.5)


@pytest.mark.parametrize(
    ("text", "settings", "error", "words"),
    [
        ("ecg,rsp\n1,2\n", {"rates_hz": 100.0}, RecordingError, "no column eda. It has ecg, rsp"),
        ("ecg,eda\n1,x\n", {"rates_hz": 100.0}, RecordingError, "column eda holds 'x', which is no number"),
        ("ecg,eda\n1,2\n", {}, RequestError, "either its rate in Hz or the name of its time column"),
        ("ecg,eda\n1,2\n", {"rates_hz": {"ecg": 5.0}}, RequestError, "eda needs a rate above 0"),
        ("ecg,eda\n1,2\n", {"rates_hz": -1.0}, RequestError, "rate above 0"),
        ("ecg,eda\n1,1\n0,2\n", {"time_column": "ecg"}, RecordingError, "rising seconds or timestamps"),
        ("ecg,eda\n1,Monday\n0,Tuesday\n", {"time_column": "eda"}, RecordingError, "column eda"),
        ("ecg,eda\n1,0\n0,1\n1,2\n1,900\n", {"time_column": "eda"}, RecordingError, "Cut the pauses out"),
        ("", {"rates_hz": 100.0}, RecordingError, "not a readable table"),
    ],
)
def test_tables_that_cannot_be_used_are_explained(tmp_path, text, settings, error, words):
    """Missing columns, words among numbers, missing rates, a clock that falls and an empty file have messages."""
    with pytest.raises(error, match=rf"rest\.csv.*{words}"):
        read_signals(written(tmp_path, text), COLUMNS, **settings)


def test_files_that_are_not_there_or_of_another_kind_are_named(tmp_path):
    """A missing file and an unknown ending are named, with the endings that are known."""
    with pytest.raises(RecordingError, match="no such file"):
        read_signals(tmp_path / "none.csv", COLUMNS, 100.0)
    with pytest.raises(RecordingError, match=r"\.csv.*\.hea.*\.edf"):
        read_signals(written(tmp_path, "", "rest.xlsx"), COLUMNS)


def test_wfdb_records_are_read_with_their_own_rates_and_units(tmp_path):
    """A WFDB record gives its signals in physical units, with or without the suffix in the path."""
    wfdb = pytest.importorskip("wfdb")
    signals = np.column_stack([np.sin(np.arange(500) / 20), 3 + np.arange(500) / 500])
    wfdb.wrsamp("rest", 250, ["mV", "uS"], ["ecg", "eda"], p_signal=signals, fmt=["16", "16"], write_dir=str(tmp_path))
    for name in ("rest.hea", "rest.dat", "rest"):
        found = read_signals(tmp_path / name, COLUMNS)
        np.testing.assert_allclose(found["ecg"].values, signals[:, 0], atol=1e-3)
        assert (found["eda"].rate_hz, found["eda"].unit) == (250, "uS")
    with pytest.raises(RecordingError, match=r"'rsp' is there nowhere\. It has ecg, eda"):
        read_signals(tmp_path / "rest.hea", ("rsp",))
    with pytest.raises(RequestError, match="its own rates"):
        read_signals(tmp_path / "rest.hea", COLUMNS, 100.0)
    (tmp_path / "rest.dat").unlink()
    with pytest.raises(RecordingError, match=r"not a readable WFDB record.*\.dat"):
        read_signals(tmp_path / "rest.hea", COLUMNS)


def test_edf_files_are_read_with_a_rate_for_each_signal(tmp_path):
    """An EDF file gives each signal at its own rate and unit; a damaged one is named."""
    edfio = pytest.importorskip("edfio")
    ecg, eda = np.sin(np.arange(2000) / 20), np.linspace(3, 4, 80)
    signals = [
        edfio.EdfSignal(ecg, 200, label="ecg", physical_dimension="mV"),
        edfio.EdfSignal(eda, 8, label="eda", physical_dimension="uS"),
    ]
    edfio.Edf(signals).write(tmp_path / "rest.edf")
    found = read_signals(tmp_path / "rest.edf", COLUMNS)
    np.testing.assert_allclose(found["ecg"].values, ecg, atol=1e-3)
    assert (found["eda"].rate_hz, found["eda"].unit, len(found["eda"].values)) == (8, "uS", 80)
    (tmp_path / "rest.edf").write_bytes(b"<html>")
    with pytest.raises(RecordingError, match=r"rest\.edf: not a readable EDF file"):
        read_signals(tmp_path / "rest.edf", COLUMNS)


@pytest.mark.parametrize(("name", "package"), [("rest.hea", "wfdb"), ("rest.edf", "edfio")])
def test_a_missing_reader_says_how_to_install_it(tmp_path, monkeypatch, name, package):
    """Without the optional package the message is the command that installs it."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RecordingError, match=r"pip install .\.\[formats\]"):
        read_signals(written(tmp_path, "", name), COLUMNS)
