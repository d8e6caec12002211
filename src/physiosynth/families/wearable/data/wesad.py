"""WESAD subject pickles: found, read into a Recording, and written.

Layout as published with Schmidt et al., 2018: {"signal": {"chest": {...}, "wrist": {...}}, "label", "subject"}.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from physiosynth.errors import RecordingError
from physiosynth.families.wearable.signals import CHEST_HZ, ECG_CHANNELS, LOW_CHANNELS, UNITS, WRIST_HZ
from physiosynth.files import replacing
from physiosynth.recordings.numpy_pickle import read_numpy_pickle, write_numpy_pickle
from physiosynth.recordings.recording import SOURCES, RecordedChannel, Recording

CHEST_UNITS = {"ACC": "g", "ECG": UNITS["ECG"], "EMG": "mV", "EDA": UNITS["EDA"], "Temp": "degC", "Resp": UNITS["Resp"]}
WRIST_UNITS = {"ACC": "1/64 g", "BVP": "au", "EDA": UNITS["EDA"], "TEMP": "degC"}
NEEDED = ECG_CHANNELS + LOW_CHANNELS
FLOAT32_CHANNELS = ("Temp",)


def find_subjects(root: Path | str) -> dict[str, Path]:
    """Subject name to pickle, from ROOT/S2/S2.pkl or ROOT/S2.pkl, in the order S2, S3, ..., S10.

    Raises RecordingError where there is no such folder, no subject in it, or one subject twice.
    """
    root = Path(root)
    if not root.is_dir():
        raise RecordingError(f"{root}: no such folder. Give the folder that holds S2/S2.pkl, or S2.pkl.")
    flat = sorted(root.glob("*.pkl"))
    nested = [path for path in sorted(root.glob("*/*.pkl")) if path.stem == path.parent.name]
    found: dict[str, Path] = {}
    for path in (*flat, *nested):
        if path.stem in found:
            raise RecordingError(f"Subject {path.stem} is there twice: {found[path.stem]} and {path}. Keep one.")
        found[path.stem] = path
    if not found:
        raise RecordingError(f"{root}: no subject found. Expected S2/S2.pkl (or S2.pkl) and so on in this folder.")
    return {name: found[name] for name in sorted(found, key=_natural)}


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key in which S2 comes before S10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def read_subject(path: Path | str) -> Recording:
    """Read one subject pickle without running anything in it; arrays are used as they lie in the file's bytes.

    Chest ECG, EDA and Resp and the label track are needed; other channels may be missing, which the notes then say.
    Raises RecordingError, naming the file, for anything that is not a subject.
    """
    path = Path(path)
    content = read_numpy_pickle(path)
    signal = content.get("signal") if isinstance(content, dict) else None
    chest = signal.get("chest") if isinstance(signal, dict) else None
    if not isinstance(signal, dict) or not isinstance(chest, dict) or "label" not in content:
        found = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise RecordingError(f"{path.name}: expected a WESAD subject with signal, chest and label, found {found}.")
    wrist = signal.get("wrist")
    notes: list[str] = []
    label = _labels(path, content["label"])
    recording = Recording(
        subject=str(content.get("subject") or path.stem),
        chest=_channels(path, "chest", chest, {name: CHEST_HZ for name in CHEST_UNITS}, CHEST_UNITS, notes),
        wrist=_channels(path, "wrist", wrist if isinstance(wrist, dict) else {}, WRIST_HZ, WRIST_UNITS, notes),
        label=label,
        label_hz=CHEST_HZ,
        source=_source(path, content),
    )
    _check(path, recording)
    return Recording(**{**vars(recording), "notes": tuple(notes)})


def _labels(path: Path, label: Any) -> np.ndarray:
    """(n,) int32 label track. Raises RecordingError."""
    if not isinstance(label, np.ndarray) or label.dtype.kind not in "iuf" or label.size != max(label.shape, default=0):
        raise RecordingError(f"{path.name}: expected one label per sample, found {_kind(label)}.")
    if label.dtype.kind == "f" and not np.array_equal(label, np.round(label)):
        raise RecordingError(f"{path.name}: expected whole-numbered labels, found fractions or NaN.")
    return np.ascontiguousarray(label.reshape(-1), dtype=np.int32)


def _channels(
    path: Path, device: str, found: dict, rates: dict, units: dict, notes: list[str]
) -> dict[str, RecordedChannel]:
    """The channels of one device that WESAD knows. Adds notes on missing channels and missing values."""
    channels = {}
    for name, unit in units.items():
        values = found.get(name)
        if values is None:
            continue
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf" or values.ndim not in (1, 2):
            raise RecordingError(f"{path.name}: {device} {name} should be numbers over time, found {_kind(values)}.")
        values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
        if name != "ACC" and values.ndim == 2:
            raise RecordingError(f"{path.name}: {device} {name} should have one column, found shape {values.shape}.")
        channels[name] = RecordedChannel(name, values, float(rates[name]), unit)
        # A sum is finite only where every value is; it needs no second array.
        missing = 0 if np.isfinite(values.sum(dtype=np.float64)) else int((~np.isfinite(values)).sum())
        if missing:
            notes.append(f"{device} {name} has {missing} missing values.")
    absent = [name for name in units if name not in channels]
    if absent:
        notes.append(f"No {device} {', '.join(absent)}.")
    return channels


def _check(path: Path, recording: Recording) -> None:
    """Raise RecordingError where a needed channel is missing or a chest channel and the labels differ in length."""
    absent = [name for name in NEEDED if name not in recording.chest]
    if absent:
        raise RecordingError(
            f"{path.name}: expected the chest channels {', '.join(NEEDED)}; {', '.join(absent)} is missing "
            f"(found {', '.join(recording.chest) or 'none'})."
        )
    lengths = {"label": len(recording.label)} | {name: len(c.values) for name, c in recording.chest.items()}
    if len(set(lengths.values())) != 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise RecordingError(f"{path.name}: chest channels and labels should be equally long, found {listed} samples.")
    if not lengths["label"]:
        raise RecordingError(f"{path.name}: the recording is empty.")


def _source(path: Path, content: dict) -> str:
    """Where a subject comes from: the pickle's own word, else the truth file beside it, else recorded."""
    source = content.get("source")
    truth = path.with_name(f"{path.stem}_truth.npz")
    if source is None and truth.is_file():
        try:
            with np.load(truth, allow_pickle=False) as arrays:
                source = str(arrays["source"]) if "source" in arrays else None
        except (OSError, ValueError, EOFError) as error:
            raise RecordingError(f"{truth.name}: cannot be read ({error}). Make the virtual subject again.") from error
    if source is None:
        return "recorded"
    if source not in SOURCES:
        raise RecordingError(f"{path.name}: source is {source!r}, expected one of {', '.join(SOURCES)}.")
    return source


def _kind(value: Any) -> str:
    return f"an array of {value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


def write_subject(recording: Recording, path: Path | str) -> None:
    """Write a recording as a WESAD subject pickle: protocol 2, whole or not at all.

    Chest channels are (n, 1) or (n, 3) float64 (Temp float32), wrist channels (m, 1) or (m, 3) float64, label (n,)
    int32. A key "source" is added unless the recording is "recorded". Raises RecordingError for a recording that
    read_subject would refuse.
    """
    path = Path(path)
    _check(path, recording)
    content: dict[str, Any] = {
        "signal": {
            device: {name: _column(channel) for name, channel in channels.items()}
            for device, channels in (("chest", recording.chest), ("wrist", recording.wrist))
            if channels
        },
        "label": np.asarray(recording.label, dtype=np.int32),
        "subject": recording.subject,
    }
    if recording.source != "recorded":
        content["source"] = recording.source
    with replacing(path) as temporary, temporary.open("wb") as stream:
        write_numpy_pickle(stream, content)


def _column(channel: RecordedChannel) -> np.ndarray:
    dtype = np.float32 if channel.name in FLOAT32_CHANNELS else np.float64
    values = np.asarray(channel.values, dtype=dtype)
    return values if values.ndim == 2 else values[:, None]
