"""HDF5: the arrays of the NPZ file as datasets, with units, rates and axes as their attributes."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from physiosynth.families.wearable.export.content import EXACT, RATES_HZ, Signals, Stored, labels, provenance_of
from physiosynth.families.wearable.export.npz import arrays_of, pieces_from
from physiosynth.families.wearable.signals import UNITS

CHANNEL_OF = {"ecg": "ECG", "eda": "EDA", "resp": "Resp"}
KEPT = ("ecg", "eda", "resp", "beat_times_s")
TEXTS = ("conditions", "settings")


def write(signals: Signals, stream: BinaryIO) -> None:
    """Datasets ecg, eda, resp, beat_times_s, conditions, condition_ids, windows and settings (JSON); see npz.arrays_of.

    A signal's attributes: channel, unit, sampling_rate_hz, axes. h5py, MATLAB's h5read, rhdf5 and Julia read it.
    """
    import h5py

    arrays = arrays_of(signals)
    axes = ["time"] if arrays["eda"].ndim == 1 else ["window", "time"]
    with h5py.File(stream, "w") as file:
        file.attrs.update(labels(signals.provenance))
        for name in (*KEPT, "condition_ids", "windows"):
            if name in arrays:
                packed = {"compression": "gzip", "shuffle": True} if arrays[name].size else {}
                file.create_dataset(name, data=arrays[name], **packed)
        for name in TEXTS:
            file.create_dataset(name, data=arrays[name].astype(object), dtype=h5py.string_dtype("utf-8"))
        for name, channel in CHANNEL_OF.items():
            told = {"channel": channel, "unit": UNITS[channel], "sampling_rate_hz": RATES_HZ[channel]}
            file[name].attrs.update({**told, "axes": [*axes, "channel"] if name == "ecg" else axes})
        file["beat_times_s"].attrs["unit"] = "s"


def read(path: Path) -> Stored:
    """See content.Stored."""
    import h5py

    with h5py.File(path, "r") as file:
        provenance = provenance_of(file["settings"][()])
        return Stored(provenance, pieces_from(provenance, {name: np.asarray(file[name]) for name in KEPT}), EXACT)
