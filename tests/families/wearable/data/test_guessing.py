"""What signals probably are, by name and unit."""

import numpy as np
import pytest

from physiosynth.families.wearable.data.guessing import guess_columns, guess_time, guess_unit
from physiosynth.recordings.recording_files import Listed


def listed(*names, unit="", rate_hz=None, start=(3.0, 1.0, 2.0)):
    return [Listed(name, unit, rate_hz, np.array(start)) for name in names]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("ECG", "RSP", "EDA", "PhotoSensor"), {"ECG": "ECG", "Resp": "RSP", "EDA": "EDA"}),
        (("time", "chest_ECG (mV)", "GSR [uS]"), {"ECG": "chest_ECG (mV)", "EDA": "GSR [uS]"}),
        (("MLII", "V5"), {"ECG": "MLII"}),
        (("Thor", "ekg1", "EKG 1"), {"ECG": "EKG 1", "Resp": "Thor"}),
        (("a", "b"), {}),
    ],
)
def test_channels_are_guessed_by_the_words_in_their_names(names, expected):
    """The first signal whose name holds a usual word."""
    assert guess_columns(listed(*names)) == expected


def test_units_are_those_stated_or_in_brackets():
    """What the file states goes first."""
    (stated,), (named,), (silent,) = listed("ECG (mV)", unit="uV"), listed("ECG (mV)"), listed("ECG")
    assert [guess_unit(each) for each in (stated, named, silent)] == ["uV", "mV", ""]


def test_a_clock_is_a_rising_column_called_time():
    """Milliseconds are no seconds, and a falling column is no clock."""
    rising = (0.0, 0.1, 0.2)
    assert guess_time(listed("ecg", "time_s", start=rising)) == "time_s"
    assert guess_time(listed("time", start=(0.0, 0.2, 0.1))) is None
    assert guess_time(listed("time_ms", start=rising)) is None
