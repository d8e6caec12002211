"""CSV: one tidy table with each sample at its time; what it is stands in comment lines above."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np

from physiosynth.errors import RecordingError
from physiosynth.families.wearable.data.batch import SYNTHETIC, Provenance
from physiosynth.families.wearable.export.content import (
    BEATS,
    Piece,
    Signals,
    Stored,
    beats_from,
    parts_of,
    pieces_of,
    provenance_of,
    settings_text,
)
from physiosynth.families.wearable.signals import ECG_HZ, LOW_HZ, WINDOW_S

COLUMNS = ("window", "condition", "time_s", "ECG_mV", "EDA_uS", "Resp_percent")
DECIMALS = {"ECG": 5, "EDA": 5, "Resp": 4, BEATS: 6, "time_s": 6}
SETTINGS, BEAT_TIMES = "# settings: ", "# beat_times_s of each window: "


def write(signals: Signals, stream: BinaryIO) -> None:
    """UTF-8 text; pandas.read_csv(..., comment="#") reads it. Values are rounded to DECIMALS."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    text.writelines(_lines(signals))
    text.detach()


def read(path: Path) -> Stored:
    """See content.Stored. Raises RecordingError where the settings are missing."""
    import pandas as pd

    said: dict[str, str] = {}
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            if not line.startswith("#"):
                break
            said |= {start: line.removeprefix(start) for start in (SETTINGS, BEAT_TIMES) if line.startswith(start)}
    if len(said) != 2:
        raise RecordingError("It holds no settings and beat times in its comment lines.")
    provenance = provenance_of(said[SETTINGS])
    table = pd.read_csv(path, comment="#", usecols=COLUMNS[3:], dtype=np.float64)
    columns = [table[name].to_numpy() for name in COLUMNS[3:]]
    tolerance = {name: 0.5 * 10.0**-places for name, places in DECIMALS.items() if name != "time_s"}
    return Stored(provenance, pieces_from(provenance, columns, said[BEAT_TIMES]), tolerance)


def pieces_from(provenance: Provenance, columns: list[np.ndarray], beats: str | bytes) -> tuple[Piece, ...]:
    """Pieces out of the (rows,) ECG, EDA and Resp columns of a tidy table. Raises RecordingError."""
    parts = parts_of(provenance)
    lengths = [len(merged_times(part.seconds)[0]) for part in parts]
    if {len(column) for column in columns} != {sum(lengths)}:
        raise RecordingError(f"Expected {sum(lengths)} rows, found {len(columns[0])}.")
    pieces, start = [], 0
    for part, length, times in zip(parts, lengths, beats_from(beats, len(parts)), strict=True):
        _, ecg_at, low_at = merged_times(part.seconds)
        ecg, eda, resp = (column[start : start + length] for column in columns)
        pieces.append(Piece(part, ecg[ecg_at], eda[low_at], resp[low_at], times))
        start += length
    return tuple(pieces)


@lru_cache(maxsize=4)
def merged_times(seconds: int = WINDOW_S) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All sample times in s, and the row of each ECG and each low sample. The two rates meet once a second."""
    # Both in ticks of 1 / (175 * 4) s.
    ticks_ecg, ticks_low = np.arange(seconds * ECG_HZ) * LOW_HZ, np.arange(seconds * LOW_HZ) * ECG_HZ
    ticks = np.union1d(ticks_ecg, ticks_low)
    return ticks / (ECG_HZ * LOW_HZ), np.searchsorted(ticks, ticks_ecg), np.searchsorted(ticks, ticks_low)


def _lines(signals: Signals) -> Iterator[str]:
    """The header, then one window, or one stretch of a recording, at a time."""
    rounded = [
        None if piece.beats is None else np.round(piece.beats, DECIMALS[BEATS]).tolist() for piece in pieces_of(signals)
    ]
    yield f"# {SYNTHETIC}: {signals.provenance.notice}\n"
    yield f"# rates: ECG {ECG_HZ} Hz, EDA and Resp {LOW_HZ} Hz; a cell is empty where its stream has no sample\n"
    yield f"{SETTINGS}{settings_text(signals.provenance)}\n"
    yield f"{BEAT_TIMES}{json.dumps(rounded)}\n"
    yield ",".join(COLUMNS) + "\n"
    for piece in pieces_of(signals):
        for condition, start, seconds in piece.part.stretches:
            yield _rows(f"{piece.part.number},{condition},", piece, start, seconds)


def _rows(first_cells: str, piece: Piece, start_s: int, seconds: int) -> str:
    """The rows of a stretch: one per sample time, at which either stream has a sample."""
    times, ecg_at, low_at = merged_times(seconds)
    fast, slow = [""] * len(times), [","] * len(times)
    ecg = piece.ecg[start_s * ECG_HZ : (start_s + seconds) * ECG_HZ]
    low = slice(start_s * LOW_HZ, (start_s + seconds) * LOW_HZ)
    for place, value in zip(ecg_at.tolist(), ecg.tolist(), strict=True):
        fast[place] = f"{value:.{DECIMALS['ECG']}f}"
    for place, e, r in zip(low_at.tolist(), piece.eda[low].tolist(), piece.resp[low].tolist(), strict=True):
        slow[place] = f"{e:.{DECIMALS['EDA']}f},{r:.{DECIMALS['Resp']}f}"
    stamps = [f"{t + start_s:.{DECIMALS['time_s']}f}" for t in times.tolist()]
    return "".join(f"{first_cells}{t},{a},{b}\n" for t, a, b in zip(stamps, fast, slow, strict=True))
