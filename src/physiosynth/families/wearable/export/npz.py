"""NPZ: the arrays themselves, for numpy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from physiosynth.errors import RecordingError
from physiosynth.families.wearable.data.batch import SYNTHETIC, Provenance
from physiosynth.families.wearable.data.synthetic_recording import SyntheticRecording
from physiosynth.families.wearable.export.content import (
    EXACT,
    Piece,
    Signals,
    Stored,
    parts_of,
    provenance_of,
    settings_text,
)
from physiosynth.families.wearable.signals import (
    CONDITIONS,
    ECG_CHANNELS,
    ECG_HZ,
    FUSED_CHANNELS,
    LABEL_IDS,
    LOW_HZ,
    LOW_STEPS,
    UNITS,
)


def arrays_of(signals: Signals) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file; none needs pickle.

    ecg (n, 5250, 1) mV, low (n, 120, 2), eda and resp (n, 120), fused_preview (n, 120, 3), conditions, condition_ids
    (raw label ids), windows (numbers in the run), beat_times_s (n, k) padded with nan (k = 0 without beats), rates,
    channels, units, and settings: a JSON string. A recording has no axis of windows, no windows and no fused_preview,
    and one condition a second.
    """
    eda, resp = signals.low.select("EDA", "Resp")
    if isinstance(signals, SyntheticRecording):
        conditions = signals.states.tolist()
        own = {"ecg": signals.ecg[:, None], "beat_times_s": signals.beats}
    else:
        conditions = signals.conditions
        own = {
            "ecg": signals.ecg,
            "fused_preview": signals.fused(LOW_STEPS),
            "channels_fused": np.array(FUSED_CHANNELS),
            "windows": np.array(signals.indices, dtype=np.int64),
            "beat_times_s": _padded(signals.beats, len(signals)),
        }
    return {
        **own,
        "low": signals.low.values,
        "eda": eda,
        "resp": resp,
        "conditions": np.array(conditions, dtype=f"<U{max(map(len, CONDITIONS))}"),
        "condition_ids": np.array([LABEL_IDS[name] for name in conditions], dtype=np.int64),
        "ecg_hz": np.array(ECG_HZ),
        "low_hz": np.array(LOW_HZ),
        "channels_ecg": np.array(ECG_CHANNELS),
        "channels_low": np.array(signals.low.channels),
        "units_ecg": np.array([UNITS[name] for name in ECG_CHANNELS]),
        "units_low": np.array([UNITS[name] for name in signals.low.channels]),
        "settings": np.array(settings_text(signals.provenance)),
        "synthetic": np.array(SYNTHETIC),
        "notice": np.array(signals.provenance.notice),
    }


def write(signals: Signals, stream: BinaryIO) -> None:
    """numpy.load reads it with allow_pickle=False."""
    arrays: dict[str, Any] = arrays_of(signals)
    np.savez_compressed(stream, **arrays)


def read(path: Path) -> Stored:
    """See content.Stored."""
    with np.load(path, allow_pickle=False) as arrays:
        provenance = provenance_of(str(arrays["settings"]))
        names = ("ecg", "eda", "resp", "beat_times_s")
        return Stored(provenance, pieces_from(provenance, {name: arrays[name] for name in names}), EXACT)


def pieces_from(provenance: Provenance, arrays: Mapping[str, np.ndarray]) -> tuple[Piece, ...]:
    """Pieces out of ecg, eda, resp and beat_times_s. Raises RecordingError where they are not of this provenance."""
    parts = parts_of(provenance)
    if parts and parts[0].recording:
        ecg, eda, resp = arrays["ecg"][:, 0], arrays["eda"], arrays["resp"]
        return (Piece(parts[0], ecg, eda, resp, arrays["beat_times_s"]),)
    table = arrays["beat_times_s"]
    if {len(array) for array in arrays.values()} != {len(parts)}:
        raise RecordingError(f"Expected {len(parts)} windows, found {len(table)}.")
    beats = [row[np.isfinite(row)] if table.shape[1] else None for row in table]
    return tuple(
        Piece(part, arrays["ecg"][i, :, 0], arrays["eda"][i], arrays["resp"][i], beats[i])
        for i, part in enumerate(parts)
    )


def _padded(beats: tuple[np.ndarray, ...] | None, windows: int) -> np.ndarray:
    """(n, k) beat times in s; rows with fewer beats end in nan."""
    rows = beats or (np.zeros(0),) * windows
    table = np.full((windows, max(map(len, rows), default=0)), np.nan)
    for row, times in zip(table, rows, strict=True):
        row[: len(times)] = times
    return table
