"""CSV and NPZ files of synthetic windows, with their settings and the word synthetic in them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from physiosynth.errors import RequestError
from physiosynth.files import replacing
from physiosynth.generate.batch import SYNTHETIC, SignalBatch
from physiosynth.signals import (
    CONDITIONS,
    ECG_CHANNELS,
    ECG_HZ,
    ECG_STEPS,
    FUSED_CHANNELS,
    LABEL_IDS,
    LOW_HZ,
    LOW_STEPS,
    UNITS,
)

CSV_COLUMNS = ("window", "condition", "time_s", "ECG_mV", "EDA_uS", "Resp_percent")
DECIMALS = {"time_s": 6, "ECG": 5, "EDA": 5, "Resp": 4}


def npz_arrays(batch: SignalBatch) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file; none needs pickle.

    ecg (n, 5250, 1) mV, low (n, 120, 2), eda and resp (n, 120), fused_preview (n, 120, 3), conditions, condition_ids
    (raw label ids), windows (numbers in the run), beat_times_s (n, k) padded with nan (k = 0 without beats), rates,
    channels, units, and settings: a JSON string.
    """
    eda, resp = batch.low.select("EDA", "Resp")
    return {
        "ecg": batch.ecg,
        "low": batch.low.values,
        "eda": eda,
        "resp": resp,
        "fused_preview": batch.fused(LOW_STEPS),
        "conditions": np.array(batch.conditions, dtype=_text_type(CONDITIONS)),
        "condition_ids": np.array([LABEL_IDS[name] for name in batch.conditions], dtype=np.int64),
        "windows": np.array(batch.indices, dtype=np.int64),
        "beat_times_s": _padded(batch.beats, len(batch)),
        "ecg_hz": np.array(ECG_HZ),
        "low_hz": np.array(LOW_HZ),
        "channels_ecg": np.array(ECG_CHANNELS),
        "channels_low": np.array(batch.low.channels),
        "channels_fused": np.array(FUSED_CHANNELS),
        "units_ecg": np.array([UNITS[name] for name in ECG_CHANNELS]),
        "units_low": np.array([UNITS[name] for name in batch.low.channels]),
        "settings": np.array(json.dumps(batch.provenance.to_dict())),
        "synthetic": np.array(SYNTHETIC),
        "notice": np.array(batch.provenance.notice),
    }


def npz_bytes(batch: SignalBatch) -> bytes:
    """The NPZ file as bytes; numpy.load reads it with allow_pickle=False."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **npz_arrays(batch))
    return stream.getvalue()


def csv_bytes(batch: SignalBatch) -> bytes:
    """The CSV file as UTF-8 bytes; pandas.read_csv(..., comment="#") reads it."""
    return "".join(_csv_parts(batch)).encode("utf-8")


def write_npz(batch: SignalBatch, path: Path | str) -> Path:
    """Write the NPZ file, whole or not at all. Raises RequestError for an extension other than .npz."""
    path = _checked(path, ".npz")
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **npz_arrays(batch))
    return path


def write_csv(batch: SignalBatch, path: Path | str) -> Path:
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


def write(batch: SignalBatch, path: Path | str) -> Path:
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


def _csv_parts(batch: SignalBatch) -> Iterator[str]:
    """The header, then one window at a time.

    A row holds a sample of each stream that has one at that time: ECG at 175 Hz, EDA and Resp at 4 Hz; the two meet
    once a second, and a cell without a sample is empty.
    """
    settings = json.dumps(batch.provenance.to_dict())
    yield f"# {SYNTHETIC}: {batch.provenance.notice}\n"
    yield f"# rates: ECG {ECG_HZ} Hz, EDA and Resp {LOW_HZ} Hz; a cell is empty where its stream has no sample\n"
    yield f"# settings: {settings}\n"
    yield ",".join(CSV_COLUMNS) + "\n"
    times, ecg_at, low_at = _merged_times()
    stamps = [f"{t:.{DECIMALS['time_s']}f}" for t in times]
    eda, resp = batch.low.select("EDA", "Resp")
    for i, condition in enumerate(batch.conditions):
        fast, slow = [""] * len(times), [","] * len(times)
        for place, value in zip(ecg_at, batch.ecg[i, :, 0].tolist(), strict=True):
            fast[place] = f"{value:.{DECIMALS['ECG']}f}"
        for place, e, r in zip(low_at, eda[i].tolist(), resp[i].tolist(), strict=True):
            slow[place] = f"{e:.{DECIMALS['EDA']}f},{r:.{DECIMALS['Resp']}f}"
        start = f"{batch.indices[i]},{condition},"
        yield "".join(f"{start}{t},{a},{b}\n" for t, a, b in zip(stamps, fast, slow, strict=True))


def _merged_times() -> tuple[np.ndarray, list[int], list[int]]:
    """All sample times in s, and the row of each ECG and each low sample."""
    ticks_ecg, ticks_low = np.arange(ECG_STEPS) * LOW_HZ, np.arange(LOW_STEPS) * ECG_HZ  # of 1 / (175 * 4) s
    ticks = np.union1d(ticks_ecg, ticks_low)
    at = np.searchsorted
    return ticks / (ECG_HZ * LOW_HZ), at(ticks, ticks_ecg).tolist(), at(ticks, ticks_low).tolist()
