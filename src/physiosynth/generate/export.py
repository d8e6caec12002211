"""CSV and NPZ files of synthetic windows and recordings, with their settings and the word synthetic in them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import numpy as np

from physiosynth.errors import RequestError
from physiosynth.files import replacing
from physiosynth.generate.batch import SYNTHETIC, Provenance, SignalBatch
from physiosynth.generate.recording import SyntheticRecording
from physiosynth.signals import (
    CONDITIONS,
    ECG_CHANNELS,
    ECG_HZ,
    FUSED_CHANNELS,
    LABEL_IDS,
    LOW_HZ,
    LOW_STEPS,
    UNITS,
    WINDOW_S,
    NamedSignals,
)

CSV_COLUMNS = ("window", "condition", "time_s", "ECG_mV", "EDA_uS", "Resp_percent")
DECIMALS = {"time_s": 6, "ECG": 5, "EDA": 5, "Resp": 4}

Signals = SignalBatch | SyntheticRecording


def npz_arrays(batch: Signals) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file; none needs pickle.

    ecg (n, 5250, 1) mV, low (n, 120, 2), eda and resp (n, 120), fused_preview (n, 120, 3), conditions, condition_ids
    (raw label ids), windows (numbers in the run), beat_times_s (n, k) padded with nan (k = 0 without beats), rates,
    channels, units, and settings: a JSON string. A recording has no axis of windows, no windows and no fused_preview,
    and one condition a second.
    """
    eda, resp = batch.low.select("EDA", "Resp")
    if isinstance(batch, SyntheticRecording):
        conditions = batch.states.tolist()
        own = {"ecg": batch.ecg[:, None], "beat_times_s": batch.beats}
    else:
        conditions = batch.conditions
        own = {
            "ecg": batch.ecg,
            "fused_preview": batch.fused(LOW_STEPS),
            "channels_fused": np.array(FUSED_CHANNELS),
            "windows": np.array(batch.indices, dtype=np.int64),
            "beat_times_s": _padded(batch.beats, len(batch)),
        }
    return {
        **own,
        "low": batch.low.values,
        "eda": eda,
        "resp": resp,
        "conditions": np.array(conditions, dtype=_text_type(CONDITIONS)),
        "condition_ids": np.array([LABEL_IDS[name] for name in conditions], dtype=np.int64),
        "ecg_hz": np.array(ECG_HZ),
        "low_hz": np.array(LOW_HZ),
        "channels_ecg": np.array(ECG_CHANNELS),
        "channels_low": np.array(batch.low.channels),
        "units_ecg": np.array([UNITS[name] for name in ECG_CHANNELS]),
        "units_low": np.array([UNITS[name] for name in batch.low.channels]),
        "settings": np.array(json.dumps(batch.provenance.to_dict())),
        "synthetic": np.array(SYNTHETIC),
        "notice": np.array(batch.provenance.notice),
    }


def npz_bytes(batch: Signals) -> bytes:
    """The NPZ file as bytes; numpy.load reads it with allow_pickle=False."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **npz_arrays(batch))
    return stream.getvalue()


def csv_bytes(batch: Signals) -> bytes:
    """The CSV file as UTF-8 bytes; pandas.read_csv(..., comment="#") reads it."""
    return "".join(_csv_parts(batch)).encode("utf-8")


def write_npz(batch: Signals, path: Path | str) -> Path:
    """Write the NPZ file, whole or not at all. Raises RequestError for an extension other than .npz."""
    path = _checked(path, ".npz")
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **npz_arrays(batch))
    return path


def write_csv(batch: Signals, path: Path | str) -> Path:
    """Write the CSV file, whole or not at all. Raises RequestError for an extension other than .csv."""
    path = _checked(path, ".csv")
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(_csv_parts(batch))
    return path


WRITERS = {".npz": write_npz, ".csv": write_csv}


def check_format(path: Path | str) -> Path:
    """The path, if its extension names a format that can be written. Raises RequestError."""
    path = Path(path)
    if path.suffix.lower() not in WRITERS:
        raise RequestError(f"{path.name}: expected a file name that ends in {' or '.join(WRITERS)}.")
    return path


def write(batch: Signals, path: Path | str) -> Path:
    """Write the format that the extension names. Raises RequestError for an unknown one."""
    path = check_format(path)
    return WRITERS[path.suffix.lower()](batch, path)


def _checked(path: Path | str, suffix: str) -> Path:
    path = Path(path)
    if path.suffix.lower() != suffix:
        raise RequestError(f"{path.name}: expected a file name that ends in {suffix}.")
    return path


def _text_type(names: tuple[str, ...]) -> str:
    return f"<U{max(map(len, names))}"


def _padded(beats: tuple[np.ndarray, ...] | None, windows: int) -> np.ndarray:
    """(n, k) beat times in s; rows with fewer beats end in nan."""
    rows = beats or ((),) * windows
    table = np.full((windows, max(map(len, rows), default=0)), np.nan)
    for row, times in zip(table, rows, strict=True):
        row[: len(times)] = times
    return table


def _csv_parts(batch: Signals) -> Iterator[str]:
    """The header, then one window, or one stretch of a recording, at a time.

    A row holds a sample of each stream that has one at that time: ECG at 175 Hz, EDA and Resp at 4 Hz; the two meet
    once a second, and a cell without a sample is empty. A recording is one window that lasts longer.
    """
    yield from _csv_header(batch.provenance)
    if isinstance(batch, SyntheticRecording):
        lengths = [part["seconds"] for part in batch.provenance.schedule]
        for part, stop in zip(batch.provenance.schedule, accumulate(lengths), strict=True):
            start = stop - part["seconds"]
            low = replace(batch.low, values=batch.low.values[start * LOW_HZ : stop * LOW_HZ])
            yield _csv_rows(f"0,{part['condition']},", start, batch.ecg[start * ECG_HZ : stop * ECG_HZ], low)
        return
    for i, condition in enumerate(batch.conditions):
        low = replace(batch.low, values=batch.low.values[i])
        yield _csv_rows(f"{batch.indices[i]},{condition},", 0, batch.ecg[i, :, 0], low)


def _csv_header(provenance: Provenance) -> Iterator[str]:
    yield f"# {SYNTHETIC}: {provenance.notice}\n"
    yield f"# rates: ECG {ECG_HZ} Hz, EDA and Resp {LOW_HZ} Hz; a cell is empty where its stream has no sample\n"
    yield f"# settings: {json.dumps(provenance.to_dict())}\n"
    yield ",".join(CSV_COLUMNS) + "\n"


def _csv_rows(first_cells: str, start_s: int, ecg: np.ndarray, low: NamedSignals) -> str:
    """The rows of (175 s,) ECG and (4 s, 2) low, the first at start_s."""
    times, ecg_at, low_at = _merged_times(len(ecg) // ECG_HZ)
    fast, slow = [""] * len(times), [","] * len(times)
    for place, value in zip(ecg_at, ecg.tolist(), strict=True):
        fast[place] = f"{value:.{DECIMALS['ECG']}f}"
    eda, resp = low.select("EDA", "Resp")
    for place, e, r in zip(low_at, eda.tolist(), resp.tolist(), strict=True):
        slow[place] = f"{e:.{DECIMALS['EDA']}f},{r:.{DECIMALS['Resp']}f}"
    stamps = [f"{t + start_s:.{DECIMALS['time_s']}f}" for t in times.tolist()]
    return "".join(f"{first_cells}{t},{a},{b}\n" for t, a, b in zip(stamps, fast, slow, strict=True))


@lru_cache(maxsize=4)
def _merged_times(seconds: int = WINDOW_S) -> tuple[np.ndarray, list[int], list[int]]:
    """All sample times in s, and the row of each ECG and each low sample."""
    # Both in ticks of 1 / (175 * 4) s.
    ticks_ecg, ticks_low = np.arange(seconds * ECG_HZ) * LOW_HZ, np.arange(seconds * LOW_HZ) * ECG_HZ
    ticks = np.union1d(ticks_ecg, ticks_low)
    at = np.searchsorted
    return ticks / (ECG_HZ * LOW_HZ), at(ticks, ticks_ecg).tolist(), at(ticks, ticks_low).tolist()
