"""Reads tensors out of .pt and .safetensors files without trusting them."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from physiosynth.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

SAFETENSORS = ".safetensors"
WEIGHT_SUFFIXES = (SAFETENSORS, ".pt", ".ckpt", ".pth")
METADATA_KEY = "settings"  # of a .safetensors file: a JSON object
MAX_DEPTH = 8
_ZIP_START, _PICKLE_START = b"PK", b"\x80"
_START_OF_OTHERS = {b"version https://git-lfs": "a Git LFS pointer", b"<": "a web page"}


@dataclass(frozen=True)
class WeightsFile:
    """What a weights file holds.

    tensors: every tensor by its dotted path; meta: settings stored with them; epoch: or None; keys: the file's
    top-level names, for messages.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    meta: Mapping[str, Any] = field(default_factory=dict)
    epoch: int | None = None
    keys: tuple[str, ...] = ()


def read_weights(path: Path | str) -> WeightsFile:
    """Read a .safetensors file, or a PyTorch checkpoint with weights_only=True.

    Raises CheckpointError, naming the file, where it is missing, damaged, cut short, or holds more than plain values.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: expected a weights file, found none. Check the path of the checkpoint.")
    _refuse_other_kinds(path)
    return _read_safetensors(path) if path.suffix == SAFETENSORS else _read_torch(path)


def _refuse_other_kinds(path: Path) -> None:
    with path.open("rb") as stream:
        start = stream.read(32)
    if not start:
        raise CheckpointError(f"{path.name}: the file is empty. Copy or fetch it again.")
    for head, kind in _START_OF_OTHERS.items():
        if start.lstrip().startswith(head):
            raise CheckpointError(f"{path.name}: expected weights, found {kind}. Fetch the file itself.")


def _read_safetensors(path: Path) -> WeightsFile:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            meta = _from_json((stream.metadata() or {}).get(METADATA_KEY, "{}"))
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path) from error
    return WeightsFile(path, tensors, meta, _epoch(meta), tuple(sorted(tensors)))


def _read_torch(path: Path) -> WeightsFile:
    import torch

    _check_container(path)
    try:
        with torch.serialization.safe_globals(_numpy_scalars()):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path.name}: the file is damaged, or holds Python objects other than tensors and plain values, which are "
            "never run here. Save the weights alone (state dicts) and use that file."
        ) from error
    # Torch's reader answers damaged bytes with exceptions that share no base of their own.
    except Exception as error:
        raise _damaged(path) from error
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path.name}: expected a dict of state dicts, found {type(content).__name__}.")
    meta = content.get("meta")
    meta = dict(meta) if isinstance(meta, Mapping) else {}
    keys = tuple(str(key) for key in content)
    return WeightsFile(path, dict(_flatten(content)), meta, _epoch(content), keys)


def _check_container(path: Path) -> None:
    """Refuse what is no zip of torch's, and one whose parts claim more than the file holds.

    torch.save compresses nothing. A bare pickle, which PyTorch wrote before 1.6, claims the sizes of its tensors
    itself, and memory would be taken at its word.
    """
    with path.open("rb") as stream:
        start = stream.read(2)
    if start[:1] == _PICKLE_START:
        raise CheckpointError(
            f"{path.name}: a bare pickle, or a checkpoint from before PyTorch 1.6, is not read. Save the state dicts "
            "again with a current PyTorch."
        )
    if start != _ZIP_START:
        raise CheckpointError(f"{path.name}: this is not a PyTorch checkpoint. Give the file of weights.")
    try:
        with zipfile.ZipFile(path) as content:
            members = content.infolist()
    # zipfile answers damaged bytes with exceptions that share no base of their own.
    except Exception as error:
        raise _damaged(path) from error
    packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
    if packed or sum(member.file_size for member in members) > path.stat().st_size:
        raise CheckpointError(
            f"{path.name}: holds compressed parts, or parts larger than itself, which torch.save does not write. "
            "Save the state dicts again."
        )


def _numpy_scalars() -> list:
    """What torch must admit to read a numpy number, such as the best loss in a scheduler's state: values, no code.

    numpy 1 and 2 name the constructor differently in what they write.
    """
    import numpy as np

    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(name)) for name in ("f8", "f4", "i8", "i4", "?")]
    return [np.dtype, *kinds, *((scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core"))]


def _flatten(content: Mapping, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    """(dotted path, tensor) for every tensor under string keys."""
    import torch

    for key, value in content.items():
        if not isinstance(key, str):
            continue
        name = f"{prefix}{key}"
        if isinstance(value, torch.Tensor):
            if type(value) not in (torch.Tensor, torch.nn.Parameter) or not _is_plain(value):
                raise CheckpointError(f"{name}: expected a tensor with its numbers in the file, found another kind.")
            yield name, value
        elif isinstance(value, Mapping) and depth < MAX_DEPTH:
            yield from _flatten(value, f"{name}.", depth + 1)


def _is_plain(tensor: Tensor) -> bool:
    """Whether every number of a tensor is stored: one repeated without end costs no bytes until it is copied."""
    import torch

    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized or tensor.is_nested:
        return False
    return tensor.untyped_storage().nbytes() >= tensor.numel() * tensor.element_size()


def _from_json(text: str) -> dict[str, Any]:
    """A JSON object, or nothing: settings that cannot be read are as good as none, the manifest holds them too."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _epoch(content: Mapping[str, Any]) -> int | None:
    epoch = content.get("epoch")
    return epoch if isinstance(epoch, int) and not isinstance(epoch, bool) else None


def _damaged(path: Path) -> CheckpointError:
    size = path.stat().st_size if path.exists() else 0
    return CheckpointError(f"{path.name}: the file is damaged or cut short ({size} bytes). Copy or fetch it again.")
