"""What the signals of a stranger's file probably are, by their names and units: guesses for a person to confirm."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from physiosynth.recordings.recording_files import Listed

_WORDS = {
    "ECG": r"ecg|ekg|lead|mlii|ml2|ii|v[1-6]",
    "EDA": r"eda|gsr|scl|sc|eda\d|galvanic|conductance|electrodermal",
    "Resp": r"resp\w*|rsp|breath\w*|rip|belt|thor\w*|chest|abd\w*|airflow",
}
_TIME = r"time\w*|timestamp\w*|t|sec\w*|seconds|date\w*|clock"
_UNIT = re.compile(r"[(\[]\s*(?P<unit>[^()\[\]]{1,12}?)\s*[)\]]")
_MILLISECONDS = r"ms|msec\w*|millis\w*"


def guess_columns(listed: Sequence[Listed]) -> dict[str, str]:
    """Names of the file's signals by channel ("ECG", "EDA", "Resp"), where a name says so; the first of several."""
    found: dict[str, str] = {}
    for channel, words in _WORDS.items():
        for signal in listed:
            if not signal.is_text and signal.name not in found.values() and _holds(signal.name, words):
                found[channel] = signal.name
                break
    return found


def guess_time(listed: Sequence[Listed]) -> str | None:
    """The column of a CSV that is its clock in seconds or timestamps, or None."""
    for signal in listed:
        rising = signal.is_text or (len(signal.start) > 1 and bool((np.diff(signal.start) > 0).all()))
        if signal.rate_hz is None and rising and _holds(signal.name, _TIME) and not _holds(signal.name, _MILLISECONDS):
            return signal.name
    return None


def guess_unit(signal: Listed) -> str:
    """The unit that the file states or that stands in brackets in the signal's name; "" where there is none."""
    if signal.unit.strip():
        return signal.unit.strip()
    found = _UNIT.search(signal.name)
    return found["unit"] if found else ""


def _holds(name: str, words: str) -> bool:
    """Whether one of the words stands in the name: "chest_ECG (mV)" holds "ecg"."""
    return any(re.fullmatch(words, part) for part in re.split(r"[^a-z0-9]+", name.lower()) if part)
