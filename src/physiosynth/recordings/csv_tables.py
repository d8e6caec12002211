"""Tables of samples as CSV: delimiter and decimal sign found out, columns read in pieces that stay small."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from physiosynth.errors import RecordingError, RequestError, brief
from physiosynth.recordings.recording import RecordedChannel

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = (";", "\t", "|", ",", " ")
SNIFFED_LINES = 30
HEAD_CHARACTERS = 1 << 16
MOST_COLUMNS = 1000
ROWS_AT_ONCE = 100_000
UNEVEN = 0.5  # a step that differs from the usual one by more than this share makes the clock uneven
GAP_STEPS = 5  # more missing samples than this are a gap, fewer are bridged
MOST_GAPS = 20  # times as many samples on the even clock as there are rows


def read_columns(
    path: Path,
    names: Sequence[str],
    rates_hz: dict[str, float] | float | None,
    time_column: str | None,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> dict[str, RecordedChannel]:
    """The named columns; see recording_files.read_signals. on_rows gets the rows read so far, and may raise to stop."""
    if (rates_hz is None) == (time_column is None):
        raise RequestError(f"{path.name}: a CSV needs either its rate in Hz or the name of its time column.")
    layout = _layout(path)
    held = [str(name) for name in read_table(path, rows=1)]
    wanted = [*names, time_column] if time_column else list(names)
    missing = [name for name in wanted if name not in held]
    if missing:
        raise RecordingError(f"{path.name}: no column {', '.join(missing)}. It has {brief(', '.join(held))}.")
    at = sorted(held.index(name) for name in wanted)
    values, seconds = _collected(_pieces(path, layout, at, ROWS_AT_ONCE), path, names, time_column, on_rows)
    if time_column:
        values, rate = _evenly(path, _rising(path, time_column, seconds), values)
        return {name: RecordedChannel(name, values[name], rate, "") for name in names}
    by_name: dict[str, Any] = dict(rates_hz) if isinstance(rates_hz, dict) else dict.fromkeys(names, rates_hz)
    unknown = [name for name in names if name not in by_name]
    if unknown or not all(0 < by_name[name] < np.inf for name in names):
        raise RequestError(f"{path.name}: each of {', '.join(names)} needs a rate above 0 Hz, found {by_name}.")
    if len({by_name[name] for name in names}) > 1:
        # Columns of different rates lie side by side, the slower ones ending in empty cells.
        values = {name: _without_tail(column) for name, column in values.items()}
    return {name: RecordedChannel(name, values[name], float(by_name[name]), "") for name in names}


def read_table(path: Path | str, rows: int | None = None) -> pd.DataFrame:
    """A CSV of any delimiter, with point or comma as the decimal sign, as a pandas table; its first rows, or all.

    A file without a header has columns named "1", "2", ... Lines that start with # are left out. Raises RecordingError.
    """
    path = Path(path)
    return next(_pieces(path, _layout(path), None, None, rows))


@dataclass(frozen=True)
class _Layout:
    """How a file is written: what pandas needs to know, and whether its first line is titles."""

    encoding: str
    delimiter: str
    decimal: str
    titled: bool


def _layout(path: Path) -> _Layout:
    encoding, head = "utf-8-sig", ""
    try:
        with path.open("rb") as stream:
            marks = stream.read(2)
        if marks in (b"\xff\xfe", b"\xfe\xff"):
            encoding = "utf-16"
        try:
            head = _head(path, encoding)
        except UnicodeDecodeError:
            encoding = "latin-1"
            head = _head(path, encoding)
    except UnicodeError as error:
        raise RecordingError(f"{path.name}: expected text, found something else. Save the table as UTF-8.") from error
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror}).") from error
    if "\0" in head:
        raise RecordingError(f"{path.name}: expected a table of numbers as text, found something else.")
    if len(head) == HEAD_CHARACTERS and "\n" not in head and "\r" not in head:
        raise RecordingError(f"{path.name}: expected lines of text, found one of {HEAD_CHARACTERS} characters or more.")
    lines = [line for line in head.splitlines() if line.strip() and not line.startswith("#")][:SNIFFED_LINES]
    delimiter, decimal = _sniffed(lines)
    columns = len(_fields(lines[0], delimiter)) if lines else 0
    if columns > MOST_COLUMNS:
        raise RecordingError(f"{path.name}: expected at most {MOST_COLUMNS} columns, found {columns}.")
    titled = any(_is_text(field, decimal) for field in _fields(lines[0], delimiter)) if lines else False
    return _Layout(encoding, delimiter, decimal, titled)


def _head(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding) as stream:
        return stream.read(HEAD_CHARACTERS)


def _pieces(
    path: Path, layout: _Layout, at: list[int] | None, at_once: int | None, rows: int | None = None
) -> Iterator[pd.DataFrame]:
    """The table, or the columns at these positions, in pieces of so many rows."""
    import pandas as pd

    try:
        found = pd.read_csv(
            path,
            sep=r"\s+" if layout.delimiter == " " else layout.delimiter,
            decimal=layout.decimal,
            header=0 if layout.titled else None,
            comment="#",
            encoding=layout.encoding,
            skipinitialspace=True,
            usecols=at,
            chunksize=at_once,
            nrows=rows,
        )
        for piece in [found] if at_once is None else found:
            if not isinstance(piece.index, pd.RangeIndex):
                raise ValueError("its rows have more fields than its first line")
            piece.columns = [str(name).strip() if layout.titled else str(name + 1) for name in piece.columns]
            yield piece
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise RecordingError(f"{path.name}: not a readable table ({brief(error).strip()}).") from error


def _collected(
    pieces: Iterator[pd.DataFrame],
    path: Path,
    names: Sequence[str],
    time_column: str | None,
    on_rows: Callable[[int], None],
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns as numbers, and the time column as seconds from its first row."""
    kept: dict[str, list[np.ndarray]] = {name: [] for name in names}
    clock: list[np.ndarray] = []
    first, rows = None, 0
    for piece in pieces:
        for name in names:
            kept[name].append(_numbers(path, name, piece[name]))
        if time_column:
            stamps = _stamps(path, time_column, piece[time_column])
            first = stamps[0] if first is None and len(stamps) else first
            clock.append((stamps - first) / np.timedelta64(1, "s") if stamps.dtype.kind == "M" else stamps - first)
        rows += len(piece)
        on_rows(rows)
    empty = [np.empty(0)]
    return {name: np.concatenate(parts or empty) for name, parts in kept.items()}, np.concatenate(clock or empty)


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


def _numbers(path: Path, name: str, column: pd.Series) -> np.ndarray:
    """(n,) float64, nan where a cell is empty. Raises RecordingError for a cell that is no number."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    wrong = column[numbers.isna() & column.notna()]
    if len(wrong):
        raise RecordingError(f"{path.name}: column {name} holds {str(wrong.iloc[0])[:40]!r}, which is no number.")
    values = numbers.to_numpy(dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _stamps(path: Path, name: str, column: pd.Series) -> np.ndarray:
    """(n,) float64 seconds, or datetime64, of a column of seconds or of timestamps."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=np.float64)
    from pandas.tseries.api import guess_datetime_format

    stamps = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
    if stamps.isna().all():
        # Of one form, told by the first: pandas would otherwise take minutes to look at each by itself.
        form = guess_datetime_format(str(column.iloc[0]))
        stamps = pd.to_datetime(column, errors="coerce", utc=True, format=form) if form else stamps
    if stamps.isna().any():
        raise _no_clock(path, name)
    return stamps.dt.tz_localize(None).to_numpy()


def _rising(path: Path, name: str, seconds: np.ndarray) -> np.ndarray:
    if len(seconds) < 2 or not np.isfinite(seconds).all() or (np.diff(seconds) <= 0).any():
        raise _no_clock(path, name)
    return seconds


def _no_clock(path: Path, name: str) -> RecordingError:
    return RecordingError(
        f"{path.name}: column {name} should hold rising seconds or timestamps without gaps in it, such as "
        "2024-05-01 10:00:00.250."
    )


def _evenly(path: Path, seconds: np.ndarray, values: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], float]:
    """Columns on an even clock, and its rate in Hz; nan in gaps of more than GAP_STEPS samples."""
    steps = np.diff(seconds)
    step = float(np.median(steps))
    if (np.abs(steps - step) <= UNEVEN * step).all():
        # Rounded times give the rate best over the whole length.
        return values, (len(seconds) - 1) / float(seconds[-1])
    if seconds[-1] > MOST_GAPS * len(seconds) * step:
        raise RecordingError(
            f"{path.name}: its clock spans {seconds[-1]:.0f} s, of which less than 1 in {MOST_GAPS} hold samples. Cut "
            "the pauses out."
        )
    even = np.arange(round(seconds[-1] / step) + 1) * step
    before = np.clip(np.searchsorted(seconds, even, side="right") - 1, 0, len(steps) - 1)
    gap = steps[before] > GAP_STEPS * step
    filled = {name: np.where(gap, np.nan, np.interp(even, seconds, column)) for name, column in values.items()}
    return filled, 1 / step


def _without_tail(column: np.ndarray) -> np.ndarray:
    found = np.flatnonzero(np.isfinite(column))
    return column[: found[-1] + 1] if len(found) else column[:0]
