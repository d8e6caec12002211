"""The fold directory read: windows, conditions, norms and settings of one leave-one-subject-out split.

fold_writing.py writes the directory; published fold directories, which hold test windows alone, are read as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from physiosynth.datasets.normalizer import Normalizer, read_norm
from physiosynth.errors import FoldError, brief
from physiosynth.families.wearable.data.windows import PHASE_EDGES, RATES
from physiosynth.families.wearable.signals import (
    CONDITIONS,
    ECG_CHANNELS,
    ECG_STEPS,
    LABEL_IDS,
    LOW_CHANNELS,
    LOW_STEPS,
)
from physiosynth.files import read_json
from physiosynth.signals import channel_name

SPLITS = ("train", "val", "test")
FORMAT_VERSION = 1
CONFIG_NAME = "dataset_config.json"
STREAM_CHANNELS = {"low": LOW_CHANNELS, "ecg": ECG_CHANNELS}


@dataclass(frozen=True)
class SplitArrays:
    """One split, memory-mapped, in physical units as written.

    ecg: (n, ECG_STEPS, 1); low: (n, LOW_STEPS, c) in FoldDirectory.channels_low order; phase: (n, PHASE_EDGES) or None;
    conditions: (n,) int64 raw ids 1 to 4 or None where the fold has none; subject: (n,) text or None; start_s: (n,) or
    None; rates: (n, 3) windows.RATES in /min or None.
    """

    ecg: np.ndarray
    low: np.ndarray
    phase: np.ndarray | None
    conditions: np.ndarray | None
    subject: np.ndarray | None
    start_s: np.ndarray | None
    rates: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ecg)


@dataclass(frozen=True)
class FoldDirectory:
    """A fold directory: its settings, and its arrays on request.

    config: dataset_config.json, empty where there is none; norm_low, norm_ecg: None where the file is not
    there; notices: what had to be assumed, for the user.
    """

    path: Path
    config: dict[str, Any]
    channels_low: tuple[str, ...]
    norm_low: Normalizer | None
    norm_ecg: Normalizer | None
    notices: tuple[str, ...]

    @property
    def source(self) -> str:
        """'recorded', 'virtual', 'synthetic', or 'unknown' where the fold does not say."""
        return self.config.get("source", "unknown")

    @property
    def eda(self) -> str:
        """'full' or 'phasic'; folds that do not say are published ones, whose EDA is phasic."""
        return self.config.get("eda", "phasic")

    @property
    def test_subject(self) -> str | None:
        """The subject left out, where the fold says."""
        return self.config.get("test_subject")

    def splits(self) -> tuple[str, ...]:
        """The splits whose windows are there."""
        return tuple(name for name in SPLITS if (self.path / f"{name}_X_ecg.npy").is_file())

    def split(self, name: str) -> SplitArrays:
        """The arrays of "train", "val" or "test". Raises FoldError where one is missing or does not fit the rest."""
        ecg = self._array(name, "X_ecg", (ECG_STEPS, len(ECG_CHANNELS)))
        low = self._array(name, "X_low", (LOW_STEPS, len(self.channels_low)))
        phase = self._array_if_there(name, "X_phase", (PHASE_EDGES,))
        subject = self._array_if_there(name, "subject", (), kinds="USiu")
        start_s = self._array_if_there(name, "start_s", ())
        rates = self._array_if_there(name, "rates", (len(RATES),))
        condition_file = self.path / f"{name}_cond.npy"
        conditions = read_conditions(condition_file) if condition_file.is_file() else None
        parts = {"X_low": low, "X_phase": phase, "subject": subject, "start_s": start_s, "cond": conditions}
        parts["rates"] = rates
        for part, array in parts.items():
            if array is not None and len(array) != len(ecg):
                raise FoldError(
                    f"{self.path}: {name}_X_ecg.npy has {len(ecg)} windows, {name}_{part}.npy {len(array)}. "
                    "Write the fold again."
                )
        return SplitArrays(ecg, low, phase, conditions, subject, start_s, rates)

    def _array_if_there(self, split: str, part: str, shape: tuple[int, ...], kinds: str = "fiu") -> np.ndarray | None:
        there = (self.path / f"{split}_{part}.npy").is_file()
        return self._array(split, part, shape, kinds) if there else None

    def _array(self, split: str, part: str, shape: tuple[int, ...], kinds: str = "fiu") -> np.ndarray:
        path = self.path / f"{split}_{part}.npy"
        if not path.is_file():
            raise FoldError(f"{self.path}: no {path.name}. {_found_splits(self.splits())}")
        array = read_array(path)
        if not array.ndim or array.shape[1:] != shape:
            raise FoldError(f"{path}: expected windows of shape {shape}, found an array of {array.shape}.")
        if array.dtype.kind not in kinds:
            raise FoldError(f"{path}: expected {'numbers' if 'f' in kinds else 'names'}, found {array.dtype}.")
        return array


def _found_splits(names: tuple[str, ...]) -> str:
    return f"The fold has {', '.join(names)} windows." if names else "This is not a fold directory."


def read_array(path: Path | str) -> np.ndarray:
    """A .npy file, memory-mapped and never unpickled. Raises FoldError, naming the file."""
    try:
        return np.lib.format.open_memmap(path, mode="r")
    # The header is Python text, and numpy answers a hostile one with whatever Python's parser raises.
    except Exception as error:
        raise FoldError(
            f"{path}: not a readable array ({brief(error)}). Restore the file or write the fold again."
        ) from error


def load_fold(path: Path | str) -> FoldDirectory:
    """Open a fold directory, ours or a published one. Raises FoldError where it is not one or its files disagree."""
    path = Path(path)
    if not path.is_dir():
        raise FoldError(f"{path}: no such fold directory. Make one with `physiosynth preprocess`.")
    config = read_config(path / CONFIG_NAME)
    notices: list[str] = []
    norms: dict[str, Normalizer | None] = dict.fromkeys(STREAM_CHANNELS)
    for stream in STREAM_CHANNELS:
        if (path / f"norm_{stream}.npz").is_file():
            norms[stream], found = read_stream_norm(path / f"norm_{stream}.npz", stream, config)
            notices += found
    fold = FoldDirectory(
        path=path,
        config=config,
        channels_low=_channels_low(config.get("channels_low"), norms["low"], notices),
        norm_low=norms["low"],
        norm_ecg=norms["ecg"],
        notices=tuple(notices),
    )
    if not fold.splits():
        raise FoldError(f"{path}: holds no train_, val_ or test_X_ecg.npy. {_found_splits(())}")
    return fold


def _channels_low(configured: list[str] | None, norm: Normalizer | None, notices: list[str]) -> tuple[str, ...]:
    """The order of the low stream's channels on file, by the order of trust in read_norm."""
    if norm is not None:
        channels = norm.channels
    elif configured:
        channels = tuple(channel_name(name) for name in configured)
    else:
        notices.append(f"Nothing names the low stream's channels: taken as {', '.join(LOW_CHANNELS)}.")
        channels = LOW_CHANNELS
    if set(channels) != set(LOW_CHANNELS):
        raise FoldError(f"Expected the low stream's channels {', '.join(LOW_CHANNELS)}, found {', '.join(channels)}.")
    return channels


def read_stream_norm(path: Path, stream: str, config: Mapping[str, Any]) -> tuple[Normalizer, tuple[str, ...]]:
    """The norm of "low" or "ecg", its channels named by the file, else by the fold's settings; see read_norm."""
    channels = STREAM_CHANNELS[stream]
    return read_norm(path, channels, config.get("channels_low") if stream == "low" else channels)


def read_config(path: Path) -> dict[str, Any]:
    """dataset_config.json, {} where there is none. Raises FoldError where it is not one, or of a newer version."""
    if not path.is_file():
        return {}
    try:
        config = read_json(path)
    except ValueError as error:
        raise FoldError(f"{path}: not readable JSON ({error}). Restore the file or write the fold again.") from error
    version = config.get("format_version", FORMAT_VERSION) if isinstance(config, dict) else None
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise FoldError(f"{path}: written by a newer version of this project, or not a dataset_config.json.")
    channels = config.get("channels_low")
    if channels is not None and not (isinstance(channels, list) and all(isinstance(name, str) for name in channels)):
        raise FoldError(f"{path}: channels_low should be a list of names, found {brief(repr(channels))}.")
    return config


def read_conditions(source: Path | str | np.ndarray) -> np.ndarray:
    """(n,) int64 raw label ids, 1 to 4, from every form of test_cond.npy.

    source: a .npy file or array: (n,) or (n, 1) raw ids, or one-hot (n, K) or (n, t, K), in which index k stands for
    id k + 1 and the first step counts. Raises FoldError for anything else.
    """
    named = source if isinstance(source, (str, Path)) else "conditions"
    array = np.asarray(read_array(source) if isinstance(source, (str, Path)) else source)
    if array.dtype.kind not in "iufb" or array.ndim not in (1, 2, 3) or 0 in array.shape[1:]:
        raise FoldError(f"{named}: expected label ids or one-hot rows, found {array.dtype} of shape {array.shape}.")
    if array.ndim == 3:
        array = array[:, 0]
    if array.ndim == 2 and array.shape[1] > 1:
        one_hot = array.astype(np.float64)
        if array.shape[1] > len(CONDITIONS) or not (np.sort(one_hot, axis=1) == np.eye(array.shape[1])[-1]).all():
            raise FoldError(f"{named}: expected rows with a single 1 among at most {len(CONDITIONS)} columns.")
        return one_hot.argmax(axis=1).astype(np.int64) + 1
    ids = array.reshape(-1)
    if not np.isin(ids, list(LABEL_IDS.values())).all():
        found = ", ".join(f"{value:g}" for value in np.unique(ids)[:8])
        raise FoldError(f"{named}: expected label ids {', '.join(map(str, LABEL_IDS.values()))}, found {found}.")
    return ids.astype(np.int64)
