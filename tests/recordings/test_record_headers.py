"""Headers that lie are told in a sentence before a reader believes them."""

import numpy as np
import pytest

from physiosynth.errors import RecordingError
from physiosynth.recordings.record_headers import LARGEST_HEADER
from physiosynth.recordings.recording_files import list_signals

LINE = "rest.dat 16 200(0)/mV 16 0 0 0 0 ecg"


def record(tmp_path, header, size=2000):
    (tmp_path / "rest.dat").write_bytes(bytes(size))
    (tmp_path / "rest.hea").write_text(header)
    return tmp_path / "rest.hea"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (f"rest 1 250 1000\n{LINE.replace('rest.dat', '../rest.dat')}\n", "by a path or URL"),
        (f"rest 1 250 1000\n{LINE.replace('rest.dat', '/etc/passwd')}\n", "by a path or URL"),
        (f"rest 1 250 1000\n{LINE.replace('rest.dat', 'https://evil.example/a.dat')}\n", "by a path or URL"),
        (f"rest 1 250 1000\n{LINE.replace('rest.dat', '~')}\n", "by a path or URL"),
        (f"rest 1 250 1000\n{LINE.replace('rest.dat', 'other.dat')}\n", "names other.dat, which is not beside it"),
        (f"rest 1 250 900000000000\n{LINE}\n", "take 1800000000000 bytes, rest.dat has 2000"),
        (f"rest 1 250 1000\n{LINE.replace(' 16 ', ' 16x999999999 ', 1)}\n", "cannot be meant"),
        (f"rest 1 250 1000\n{LINE.replace(' 16 ', ' 516 ', 1)}\n", "another format"),
        (f"rest 999999999 250 1000\n{LINE}\n", "1 to 256 signals"),
        (f"rest/9 1 250 1000\n{LINE}\n", "several segments"),
        (f"rest 1 0 1000\n{LINE}\n", "expected a rate"),
        ("<html>", "expected the header of a WFDB record"),
        ("#" * (LARGEST_HEADER + 1), "header of at most"),
    ],
)
def test_a_wfdb_header_that_lies_or_points_elsewhere_is_refused(tmp_path, header, words):
    """Paths, URLs, missing files, sizes beyond the file's, compressed formats and segments are named."""
    pytest.importorskip("wfdb")
    with pytest.raises(RecordingError, match=words):
        list_signals(record(tmp_path, header))


def edf(tmp_path):
    edfio = pytest.importorskip("edfio")
    path = tmp_path / "rest.edf"
    signal = edfio.EdfSignal(np.sin(np.arange(2000) / 20), 200, label="ecg", physical_dimension="mV")
    edfio.Edf([signal]).write(path)
    return path


@pytest.mark.parametrize(
    ("at", "bytes_", "words"),
    [
        (236, b"99999999", "says 99999999 data records, there are 10"),
        (252, b"9999", "header is damaged"),
        (252, b"-1  ", "header is damaged"),
        (184, b"99999999", "header is damaged"),
        (244, b"0       ", "data records of some seconds"),
        (244, b"nan     ", "data records of some seconds"),
        (256 + 216, b"99999999", "data records of some seconds"),
        (256 + 216, b"0       ", "data records of some seconds"),
        (192, b"EDF+D", "with pauses"),
    ],
)
def test_an_edf_header_that_lies_is_refused(tmp_path, at, bytes_, words):
    """Counts, sizes and durations that do not fit the file, and recordings with pauses."""
    path = edf(tmp_path)
    content = bytearray(path.read_bytes())
    content[at : at + len(bytes_)] = bytes_
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=words):
        list_signals(path)


def test_an_edf_file_that_was_cut_off_is_refused(tmp_path):
    """Half of the data is missing: the header says more than there is."""
    path = edf(tmp_path)
    path.write_bytes(path.read_bytes()[:2600])
    with pytest.raises(RecordingError, match=r"says 10 data records, there are 5"):
        list_signals(path)


def test_listing_gives_names_units_rates_and_the_beginning(tmp_path):
    """What a page shows before anything is chosen."""
    (signal,) = list_signals(edf(tmp_path))
    assert (signal.name, signal.unit, signal.rate_hz, len(signal.start)) == ("ecg", "mV", 200, 2000)
    path = tmp_path / "rest.csv"
    path.write_text("ecg,what\n1,a\n,b\n3,c\n")
    numbers, words = list_signals(path)
    assert numbers.rate_hz is None and not numbers.is_text and words.is_text
    np.testing.assert_array_equal(numbers.start, [1, np.nan, 3])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b",".join([b"1"] * 1_000_000), "one of 65536 characters"),
        (b",".join([b"1"] * 5000) + b"\n", "at most 1000 columns, found 5000"),
        (b"PK\x03\x04" + bytes(500), "expected a table of numbers as text"),
        (b"\x80\x04\x95" + bytes(20) + b"builtins\x94", "expected a table of numbers as text"),
        (b"ecg,eda\n1,2,3\n4,5,6\n", "more fields than its first line"),
        (b"ecg,eda\n1,2\n3,4,5\n", "not a readable table"),
        (b"", "not a readable table"),
        (b"\xff\xfe\x00", "as text"),
    ],
    ids=["a million columns", "columns", "a zip", "a pickle", "shifted", "ragged", "empty", "half a letter"],
)
def test_what_is_no_table_is_refused(tmp_path, content, words):
    """Whatever was renamed to .csv: nothing is unpacked or unpickled, and columns never shift silently."""
    path = tmp_path / "rest.csv"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=words):
        list_signals(path)
