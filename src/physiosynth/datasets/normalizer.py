"""Normalizer: the mean and scale of each named channel, fitted on training windows alone, and its file."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from physiosynth.errors import ChannelError, FoldError, brief
from physiosynth.files import write_npz
from physiosynth.signals import channel_name

SMALLEST_STD = 1e-6  # a constant channel is centred, not blown up
CHUNK_WINDOWS = 64
NUMBERS, NAMES = ("mean", "std", "min", "max", "scale", "bias"), ("channels", "units")
MOST_CHANNELS, MOST_BYTES = 64, 1 << 16  # of one array in a norm file
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class Normalizer:
    """Standardises the last axis: (x - mean) / std for each channel.

    channels: c names; mean, std: (c,) in the channels' units, std above 0; units: c texts, or none known.
    Raises ChannelError where these do not fit together or are not finite.
    """

    def __init__(
        self, channels: Sequence[str], mean: np.ndarray, std: np.ndarray, units: Sequence[str] | None = None
    ) -> None:
        self.channels = tuple(channel_name(name) for name in channels)
        self.mean = np.array(mean, dtype=np.float32).reshape(-1)
        self.std = np.array(std, dtype=np.float32).reshape(-1)
        self.units = tuple(units) if units is not None else ("",) * len(self.channels)
        sizes = {len(self.channels), len(self.mean), len(self.std), len(self.units)}
        if len(sizes) != 1 or len(set(self.channels)) != len(self.channels):
            raise ChannelError(
                f"A normalizer needs one mean, std and unit for each of {', '.join(self.channels)}, found "
                f"{len(self.mean)}, {len(self.std)} and {len(self.units)}."
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.std).all() and (self.std > 0).all()):
            raise ChannelError(f"Means must be finite and std above 0, found {self.mean} and {self.std}.")

    @classmethod
    def fit(cls, windows: np.ndarray, channels: Sequence[str], units: Sequence[str] | None = None) -> Normalizer:
        """Mean and SD over (n, t, c) training windows, read a few windows at a time so that n may exceed memory."""
        if windows.ndim != 3 or not len(windows):
            raise ChannelError(f"Expected at least one window as (window, time, channel), found {windows.shape}.")
        count = windows.shape[0] * windows.shape[1]
        mean = sum(part.sum(axis=(0, 1)) for part in _chunks(windows)) / count
        variance = sum(((part - mean) ** 2).sum(axis=(0, 1)) for part in _chunks(windows)) / count
        return cls(channels, mean, np.maximum(np.sqrt(variance), SMALLEST_STD), units)

    def select(self, *names: str) -> Normalizer:
        """The same for these channels, in this order. Raises ChannelError for a missing name."""
        wanted = [channel_name(name) for name in names]
        missing = [name for name in wanted if name not in self.channels]
        if missing:
            raise ChannelError(f"Expected {', '.join(missing)} in the normalizer, found {', '.join(self.channels)}.")
        at = [self.channels.index(name) for name in wanted]
        return Normalizer(wanted, self.mean[at], self.std[at], [self.units[index] for index in at])

    def apply(self, values: np.ndarray) -> np.ndarray:
        """(..., c) in units -> (..., c) float32 standardised. Raises ChannelError for another number of channels."""
        return (self._fitting(values) - self.mean) / self.std

    def invert(self, values: np.ndarray) -> np.ndarray:
        """(..., c) standardised -> (..., c) float32 in units. Raises ChannelError for another number of channels."""
        return self._fitting(values) * self.std + self.mean

    def save(self, path: Path | str) -> None:
        """Write mean, std, channels and units as .npz with plain text arrays."""
        write_npz(
            path, mean=self.mean, std=self.std, channels=np.array(self.channels), units=np.array(self.units, dtype=str)
        )

    def _fitting(self, values: np.ndarray) -> np.ndarray:
        values = np.asarray(values, dtype=np.float32)
        if values.ndim == 0 or values.shape[-1] != len(self.channels):
            raise ChannelError(f"Expected a last axis of {', '.join(self.channels)}, found shape {values.shape}.")
        return values


def _chunks(windows: np.ndarray) -> Iterable[np.ndarray]:
    for first in range(0, len(windows), CHUNK_WINDOWS):
        yield np.asarray(windows[first : first + CHUNK_WINDOWS], dtype=np.float64)


def read_norm(
    path: Path | str, default_channels: Sequence[str], fallback_channels: Sequence[str] | None = None
) -> tuple[Normalizer, tuple[str, ...]]:
    """A norm file in any known spelling, and notices for the user where something had to be assumed.

    Spellings: mean and std; min and max, which -1 and 1 stand for; scale and bias, x = scale z + bias. Order of trust
    for the channels: the file's own `channels`, then fallback_channels (channels_low of dataset_config.json), then
    default_channels with a notice. Nothing is unpickled. Raises FoldError, naming the file.
    """
    path = Path(path)
    arrays, notices = _read_arrays(path)
    mean, std, spelling = _mean_and_std(path, arrays)
    notices += spelling
    channels = arrays.get("channels")
    if channels is not None:
        names = [str(name) for name in np.atleast_1d(channels)]
    elif fallback_channels is not None:
        names = list(fallback_channels)
    else:
        names = list(default_channels)
        notices.append(f"{path.name} names no channels: taken as {', '.join(names)}, the order on file.")
    held = arrays.get("units")
    units = [str(unit) for unit in np.atleast_1d(held)] if held is not None and held.size == len(names) else None
    try:
        return Normalizer(names, mean, std, units), tuple(notices)
    except ChannelError as error:
        raise FoldError(f"{path}: {error} Write the fold again, or restore the file.") from error


def _read_arrays(path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """The arrays of a norm file by name, those with a meaning here; a notice for channels stored as objects."""
    if not path.is_file():
        raise FoldError(f"{path}: no such norm file. It belongs beside the windows or the weights it was made with.")
    arrays, notices = {}, []
    try:
        with zipfile.ZipFile(path) as content:
            for info in content.infolist():
                key = info.filename.removesuffix(".npy")
                if key not in (*NUMBERS, *NAMES):
                    continue
                array = _small_array(content, info)
                if array is not None:
                    arrays[key] = array
                elif key in NAMES:
                    notices.append(f"{path.name}: {key} is stored as Python objects and was not read.")
                else:
                    raise FoldError(f"{path}: {key} is stored as Python objects, which are never loaded.")
    # zipfile and numpy answer a damaged archive with exceptions that share no base of their own.
    except FoldError:
        raise
    except Exception as error:
        raise FoldError(
            f"{path}: not a readable .npz ({brief(error)}). Restore the file or write the fold again."
        ) from error
    return arrays, notices


def _small_array(content: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray | None:
    """One array of an .npz, after its header was found to claim what is there: numpy allocates what a header says.

    None for one of Python objects. Raises ValueError for one that is larger than any norm or cut short.
    """
    if info.file_size > MOST_BYTES:
        raise ValueError(f"{info.filename} has {info.file_size} bytes, expected at most {MOST_BYTES}")
    stream = io.BytesIO(content.read(info))
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"{info.filename} has version {version} of the format")
    shape, _, dtype = _HEADERS[version](stream)
    if dtype.hasobject:
        return None
    count, held = math.prod(shape), len(stream.getbuffer()) - stream.tell()
    if not dtype.itemsize or count > MOST_CHANNELS or count * dtype.itemsize != held:
        raise ValueError(
            f"{info.filename} has {held} bytes for {dtype} of shape {shape}, expected at most {MOST_CHANNELS} values"
        )
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def _mean_and_std(path: Path, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Offset and scale, (c,) float64 each, from whichever spelling is there, and notices."""
    numbers = {}
    for key in NUMBERS:
        if key in arrays:
            if arrays[key].dtype.kind not in "iuf":
                raise FoldError(f"{path}: {key} should hold numbers, found {arrays[key].dtype}.")
            numbers[key] = arrays[key].astype(np.float64).reshape(-1)
    for first, second in (("mean", "std"), ("min", "max"), ("scale", "bias")):
        if first in numbers and second in numbers and len(numbers[first]) != len(numbers[second]):
            raise FoldError(f"{path}: {first} and {second} differ in length.")
    if {"mean", "std"} <= numbers.keys():
        return numbers["mean"], numbers["std"], []
    if {"min", "max"} <= numbers.keys():
        low, high = numbers["min"], numbers["max"]
        return (low + high) / 2, (high - low) / 2, [f"{path.name}: min and max are read as what -1 and 1 stand for."]
    if {"scale", "bias"} <= numbers.keys():
        return numbers["bias"], numbers["scale"], [f"{path.name}: scale and bias are read as x = scale * z + bias."]
    found = ", ".join(arrays) or "nothing"
    raise FoldError(f"{path}: expected mean and std (or min and max, or scale and bias), found {found}.")
