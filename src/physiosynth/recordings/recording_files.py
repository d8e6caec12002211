"""A user's own files, read as they are: columns of a CSV, signals of a WFDB record or of an EDF file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from physiosynth.errors import RecordingError, RequestError, brief
from physiosynth.extras import install_hint
from physiosynth.recordings.csv_tables import read_columns, read_table
from physiosynth.recordings.record_headers import check_edf, check_wfdb
from physiosynth.recordings.recording import RecordedChannel

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
WFDB_SUFFIXES = (".hea", ".dat")
EDF_SUFFIXES = (".edf", ".bdf")
RATE_LIMITS_HZ = (0.5, 50_000.0)
LISTED_CELLS = 1_000_000  # of a table, to show what it holds
LISTED_S = 60.0


@dataclass(frozen=True)
class Listed:
    """A signal of a file before anything of it is used. unit: "" where the file states none; rate_hz: None for a CSV;
    start: (n,) float64, how it begins (LISTED_S seconds, or as many rows of a CSV as LISTED_CELLS allow), nan where a
    cell is no number; is_text: whether a CSV's column holds words."""

    name: str
    unit: str
    rate_hz: float | None
    start: np.ndarray
    is_text: bool = False


def list_signals(path: Path | str) -> tuple[Listed, ...]:
    """What a file holds. Raises RecordingError where it is not there or not readable."""
    path = Path(path)
    if path.suffix.lower() in CSV_SUFFIXES:
        return _listed_columns(path)
    found = []
    for signal in _signals(path):
        start = signal.values(LISTED_S)
        found.append(Listed(signal.name, signal.unit, signal.rate_hz, start))
    return tuple(found)


def read_signals(
    path: Path | str,
    names: Sequence[str],
    rates_hz: dict[str, float] | float | None = None,
    time_column: str | None = None,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> dict[str, RecordedChannel]:
    """The named signals of one file, each with its own rate and the unit the file states ("" where it states none).

    rates_hz: for CSV, one rate for all columns or one for each name (then each column may end earlier than the rest);
    time_column: for CSV in place of a rate, seconds or timestamps; on_rows gets the rows of a CSV read so far, and may
    raise to stop. Missing samples are nan. Raises RecordingError for a file or signal that is not there or not
    readable, RequestError where the rate is not known.
    """
    path = Path(path)
    if not path.is_file() and not path.with_suffix(".hea").is_file():
        raise RecordingError(f"{path}: no such file.")
    if path.suffix.lower() in CSV_SUFFIXES:
        return _at_known_rates(path, read_columns(path, names, rates_hz, time_column, on_rows))
    if rates_hz is not None or time_column is not None:
        raise RequestError(f"{path.name} states its own rates: leave rates and the time column out.")
    signals = _signals(path)
    found = [signal.name for signal in signals]
    for name in names:
        if found.count(name) != 1:
            how_often = "more than once" if name in found else "nowhere"
            raise RecordingError(f"{path.name}: a signal {name!r} is there {how_often}. It has {', '.join(found)}.")
    chosen = [signals[found.index(name)] for name in names]
    return _at_known_rates(
        path, {each.name: RecordedChannel(each.name, each.values(None), each.rate_hz, each.unit) for each in chosen}
    )


@dataclass(frozen=True)
class _Signal:
    """A signal whose samples are read when they are asked for. values(seconds): the first so many, or all for None."""

    name: str
    unit: str
    rate_hz: float
    values: Callable[[float | None], np.ndarray]


def _signals(path: Path) -> list[_Signal]:
    suffix = path.suffix.lower()
    if suffix in EDF_SUFFIXES:
        return _edf_signals(path)
    if suffix in WFDB_SUFFIXES or not suffix:
        return _wfdb_signals(path)
    known = ", ".join((*CSV_SUFFIXES, *WFDB_SUFFIXES, *EDF_SUFFIXES))
    raise RecordingError(f"{path.name}: expected a file that ends in one of {known}.")


def _at_known_rates(path: Path, channels: dict[str, RecordedChannel]) -> dict[str, RecordedChannel]:
    low, high = RATE_LIMITS_HZ
    for each in channels.values():
        if not low <= each.rate_hz <= high:
            raise RecordingError(
                f"{path.name}: {each.name} has {each.rate_hz:.3g} samples per second; expected {low:g} to {high:g}."
            )
    return channels


def _listed_columns(path: Path) -> tuple[Listed, ...]:
    import pandas as pd

    width = max(1, read_table(path, rows=1).shape[1])
    table = read_table(path, rows=LISTED_CELLS // width)
    found = []
    for place, name in enumerate(table.columns):
        column = table.iloc[:, place]
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
        found.append(Listed(str(name), "", None, numbers, bool(np.isnan(numbers).sum() > column.isna().sum())))
    return tuple(found)


def _wfdb_signals(path: Path) -> list[_Signal]:
    try:
        import wfdb
    except ImportError as error:
        raise RecordingError(install_hint("Reading WFDB", "wfdb")) from error
    check_wfdb(path.with_suffix(".hea"))
    record = str(path.with_suffix(""))

    def read(what: Callable[[], Any]) -> Any:
        try:
            return what()
        # wfdb answers unreadable records with exceptions of no common base.
        except Exception as error:
            remedy = "It needs both its .hea and its .dat files."
            raise _unreadable(path, "a readable WFDB record", error, remedy) from error

    def values_of(place: int, rate_hz: float) -> Callable[[float | None], np.ndarray]:
        def values(seconds: float | None) -> np.ndarray:
            frames = None if seconds is None or not header.sig_len else min(header.sig_len, round(seconds * header.fs))
            found = read(lambda: wfdb.rdrecord(record, sampto=frames, channels=[place], smooth_frames=False))
            return _first_of(found.e_p_signal[0], rate_hz)(seconds)

        return values

    header = read(lambda: wfdb.rdheader(record))
    rates = [float(header.fs) * per_frame for per_frame in header.samps_per_frame]
    return [
        _Signal(name or f"signal {place + 1}", unit or "", rate, values_of(place, rate))
        for place, (name, unit, rate) in enumerate(zip(header.sig_name, header.units, rates, strict=True))
    ]


def _edf_signals(path: Path) -> list[_Signal]:
    try:
        import edfio
    except ImportError as error:
        raise RecordingError(install_hint("Reading EDF", "edfio")) from error
    check_edf(path)
    reader = edfio.read_bdf if path.suffix.lower() == ".bdf" else edfio.read_edf
    try:
        return [
            _Signal(
                signal.label, signal.physical_dimension, float(signal.sampling_frequency), _samples_of(path, signal)
            )
            for signal in reader(path).signals
        ]
    # edfio answers damaged files with exceptions of no common base.
    except Exception as error:
        raise _unreadable(path, "a readable EDF file", error, "Export it again.") from error


def _first_of(values: Any, rate_hz: float) -> Callable[[float | None], np.ndarray]:
    return lambda seconds: np.asarray(
        values if seconds is None else values[: round(seconds * rate_hz)], dtype=np.float64
    )


def _samples_of(path: Path, signal: Any) -> Callable[[float | None], np.ndarray]:
    def values(seconds: float | None) -> np.ndarray:
        try:
            found = signal.data
        except Exception as error:
            raise _unreadable(path, "a readable EDF file", error, "Export it again.") from error
        return _first_of(found, float(signal.sampling_frequency))(seconds)

    return values


def _unreadable(path: Path, what: str, error: Exception, remedy: str) -> RecordingError:
    # What a library says may name the folder, which need not be the user's.
    said = brief(error).replace(f"{path.parent}/", "")
    return RecordingError(f"{path.name}: not {what} ({said}). {remedy}")
