"""A user's own files, read as they are: columns of a CSV, signals of a WFDB record or of an EDF file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from physiosynth.datasets.recording import RecordedChannel
from physiosynth.errors import RecordingError, RequestError

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
WFDB_SUFFIXES = (".hea", ".dat")
EDF_SUFFIXES = (".edf", ".bdf")
DELIMITERS = (";", "\t", "|", ",", " ")
SNIFFED_LINES = 30
UNEVEN = 0.5  # a step that differs from the usual one by more than this share makes the clock uneven
GAP_STEPS = 5  # more missing samples than this are a gap, fewer are bridged


def read_signals(
    path: Path | str,
    names: Sequence[str],
    rates_hz: dict[str, float] | float | None = None,
    time_column: str | None = None,
) -> dict[str, RecordedChannel]:
    """The named signals of one file, each with its own rate and the unit the file states ("" where it states none).

    rates_hz: for CSV, one rate for all columns or one for each name (then each column may end earlier than the rest);
    time_column: for CSV in place of a rate, seconds or timestamps. Missing samples are nan. Raises RecordingError for
    a file or signal that is not there or not readable, RequestError where the rate is not known.
    """
    path = Path(path)
    if not path.is_file() and not path.with_suffix(".hea").is_file():
        raise RecordingError(f"{path}: no such file.")
    suffix = path.suffix.lower()
    if suffix in CSV_SUFFIXES:
        return _read_csv(path, names, rates_hz, time_column)
    if rates_hz is not None or time_column is not None:
        raise RequestError(f"{path.name} states its own rates: leave rates and the time column out.")
    if suffix in EDF_SUFFIXES:
        return _named(path, names, _read_edf(path))
    if suffix in WFDB_SUFFIXES or not suffix:
        return _named(path, names, _read_wfdb(path))
    known = ", ".join((*CSV_SUFFIXES, *WFDB_SUFFIXES, *EDF_SUFFIXES))
    raise RecordingError(f"{path.name}: expected a file that ends in one of {known}.")


def _named(path: Path, names: Sequence[str], signals: list[RecordedChannel]) -> dict[str, RecordedChannel]:
    """The signals asked for, by name. Raises RecordingError for a name that is missing or there twice."""
    found = [signal.name for signal in signals]
    for name in names:
        if found.count(name) != 1:
            how_often = "more than once" if name in found else "nowhere"
            raise RecordingError(f"{path.name}: a signal {name!r} is there {how_often}. It has {', '.join(found)}.")
    return {name: signals[found.index(name)] for name in names}


def _read_wfdb(path: Path) -> list[RecordedChannel]:
    try:
        import wfdb
    except ImportError as error:
        raise RecordingError("WFDB records need the wfdb package: pip install 'physiosynth[formats]'") from error
    try:
        record = wfdb.rdrecord(str(path.with_suffix("")), smooth_frames=False)
    # wfdb answers unreadable records with exceptions of no common base.
    except Exception as error:
        raise RecordingError(
            f"{path.name}: not a readable WFDB record ({error}). It needs both its .hea and its .dat files."
        ) from error
    return [
        RecordedChannel(name, np.asarray(values, dtype=np.float64), float(record.fs) * per_frame, unit or "")
        for name, values, per_frame, unit in zip(
            record.sig_name, record.e_p_signal, record.samps_per_frame, record.units, strict=True
        )
    ]


def _read_edf(path: Path) -> list[RecordedChannel]:
    try:
        import edfio
    except ImportError as error:
        raise RecordingError("EDF files need the edfio package: pip install 'physiosynth[formats]'") from error
    reader = edfio.read_bdf if path.suffix.lower() == ".bdf" else edfio.read_edf
    try:
        return [
            RecordedChannel(signal.label, signal.data, float(signal.sampling_frequency), signal.physical_dimension)
            for signal in reader(path).signals
        ]
    # edfio answers damaged files with exceptions of no common base.
    except Exception as error:
        raise RecordingError(f"{path.name}: not a readable EDF file ({error}). Export it again.") from error


def _read_csv(
    path: Path, names: Sequence[str], rates_hz: dict[str, float] | float | None, time_column: str | None
) -> dict[str, RecordedChannel]:
    if (rates_hz is None) == (time_column is None):
        raise RequestError(f"{path.name}: a CSV needs either its rate in Hz or the name of its time column.")
    table = read_table(path)
    wanted = [*names, time_column] if time_column else list(names)
    missing = [name for name in wanted if name not in table]
    if missing:
        raise RecordingError(f"{path.name}: no column {', '.join(missing)}. It has {', '.join(map(str, table))}.")
    values = {name: _numbers(path, name, table[name]) for name in names}
    if time_column:
        seconds = _seconds(path, time_column, table[time_column])
        values, rate = _evenly(path, seconds, values)
        return {name: RecordedChannel(name, values[name], rate, "") for name in names}
    by_name = rates_hz if isinstance(rates_hz, dict) else dict.fromkeys(names, rates_hz)
    unknown = [name for name in names if name not in by_name]
    if unknown or not all(0 < by_name[name] < np.inf for name in names):
        raise RequestError(f"{path.name}: each of {', '.join(names)} needs a rate above 0 Hz, found {by_name}.")
    if len({by_name[name] for name in names}) > 1:
        # Columns of different rates lie side by side, the slower ones ending in empty cells.
        values = {name: _without_tail(column) for name, column in values.items()}
    return {name: RecordedChannel(name, values[name], float(by_name[name]), "") for name in names}


def read_table(path: Path | str):
    """A CSV of any delimiter, with point or comma as the decimal sign, as a pandas table.

    A file without a header has columns named "1", "2", ... Lines that start with # are left out. Raises RecordingError.
    """
    import pandas as pd

    path = Path(path)
    encoding = "utf-8-sig"
    try:
        with path.open(encoding=encoding) as stream:
            head = stream.read(1 << 16)
    except UnicodeDecodeError:
        encoding = "latin-1"
        with path.open(encoding=encoding) as stream:
            head = stream.read(1 << 16)
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror}).") from error
    lines = [line for line in head.splitlines() if line.strip() and not line.startswith("#")][:SNIFFED_LINES]
    delimiter, decimal = _sniffed(lines)
    titled = any(_is_text(field, decimal) for field in _fields(lines[0], delimiter)) if lines else False
    try:
        table = pd.read_csv(
            path,
            sep=r"\s+" if delimiter == " " else delimiter,
            decimal=decimal,
            header=0 if titled else None,
            comment="#",
            encoding=encoding,
            skipinitialspace=True,
        )
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise RecordingError(f"{path.name}: not a readable table ({error}).") from error
    table.columns = [str(name).strip() if titled else str(index + 1) for index, name in enumerate(table.columns)]
    return table


def _sniffed(lines: list[str]) -> tuple[str, str]:
    """Delimiter and decimal sign: the first delimiter that splits all lines into equally many fields."""
    delimiter = ","
    for candidate in DELIMITERS:
        widths = {len(_fields(line, candidate)) for line in lines}
        if len(widths) == 1 and widths.pop() > 1:
            delimiter = candidate
            break
    comma = delimiter != "," and any(re.search(r"\d,\d", line) for line in lines[1:] or lines)
    return delimiter, "," if comma else "."


def _fields(line: str, delimiter: str) -> list[str]:
    return line.split() if delimiter == " " else line.split(delimiter)


def _is_text(field: str, decimal: str) -> bool:
    field = field.strip().strip('"').replace(decimal, ".")
    try:
        float(field or "nan")
    except ValueError:
        return True
    return False


def _numbers(path: Path, name: str, column) -> np.ndarray:
    """(n,) float64, nan where a cell is empty. Raises RecordingError for a cell that is no number."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    wrong = column[numbers.isna() & column.notna()]
    if len(wrong):
        raise RecordingError(f"{path.name}: column {name} holds {str(wrong.iloc[0])[:40]!r}, which is no number.")
    return numbers.to_numpy(dtype=np.float64)


def _seconds(path: Path, name: str, column) -> np.ndarray:
    """(n,) seconds from the first sample, of a column of seconds or of timestamps."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        seconds = column.to_numpy(dtype=np.float64)
    else:
        stamps = pd.to_datetime(column, errors="coerce", utc=True)
        seconds = (stamps - stamps.iloc[0]).dt.total_seconds().to_numpy(dtype=np.float64)
    if len(seconds) < 2 or not np.isfinite(seconds).all() or (np.diff(seconds) <= 0).any():
        raise RecordingError(f"{path.name}: column {name} should hold rising seconds or timestamps without gaps in it.")
    return seconds - seconds[0]


def _evenly(path: Path, seconds: np.ndarray, values: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], float]:
    """Columns on an even clock, and its rate in Hz; nan in gaps of more than GAP_STEPS samples."""
    steps = np.diff(seconds)
    step = float(np.median(steps))
    if (np.abs(steps - step) <= UNEVEN * step).all():
        # Rounded times give the rate best over the whole length.
        return values, (len(seconds) - 1) / float(seconds[-1])
    even = np.arange(round(seconds[-1] / step) + 1) * step
    before = np.clip(np.searchsorted(seconds, even, side="right") - 1, 0, len(steps) - 1)
    gap = steps[before] > GAP_STEPS * step
    filled = {name: np.where(gap, np.nan, np.interp(even, seconds, column)) for name, column in values.items()}
    return filled, 1 / step


def _without_tail(column: np.ndarray) -> np.ndarray:
    found = np.flatnonzero(np.isfinite(column))
    return column[: found[-1] + 1] if len(found) else column[:0]
