"""Pickles of plain numpy arrays: read without running anything, and written as WESAD's are.

Reading never imports what a pickle names. The few names that numpy arrays of protocols 0 to 5 need are answered by
stand-ins of our own that collect shape, type and bytes; every other name is refused.
"""

from __future__ import annotations

import math
import pickle
import pickletools
import re
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from physiosynth.errors import RecordingError

MOST_OPERATIONS = 100_000  # a WESAD subject takes a few hundred
FORBIDDEN = {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER"}
DTYPE_CODE = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248]|[US]\d{1,4})")


class _Refused(Exception):
    """Something in the pickle that no array of numbers needs."""


class _DType:
    """Collects the state of a pickled numpy.dtype."""

    __slots__ = ("dtype",)

    def __init__(self, code: Any, *_copy_flags: Any) -> None:
        code = code.decode("ascii", "replace") if isinstance(code, bytes) else code
        if not isinstance(code, str) or not DTYPE_CODE.fullmatch(code):
            raise _Refused(f"values of type {str(code)[:40]!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        order: Any
        order, *composite = state[1:5]
        order = order.decode("ascii", "replace") if isinstance(order, bytes) else order
        if order not in ("<", ">", "=", "|") or any(part is not None for part in composite):
            raise _Refused("values of a composite type")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Collects the state of a pickled numpy.ndarray."""

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray | None = None) -> None:
        self.array = array

    def __setstate__(self, state: Any) -> None:
        _version, shape, dtype, fortran, data = state
        self.array = _array_of(data, dtype, shape, "F" if fortran else "C")


class _Admitted:
    """A name that a pickle may call, and nothing else may be done with."""

    __slots__ = ("call",)

    def __init__(self, call: Any) -> None:
        self.call = call

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise _Refused("a changed function")


def _array_of(data: Any, dtype: Any, shape: Any, order: str = "C", axes: Any = None) -> np.ndarray:
    """An array over the bytes themselves, without a copy where the pickle held bytes."""
    if not isinstance(dtype, _DType):
        raise _Refused("values of an unknown type")
    # Python 2 wrote bytes as text; latin-1 gives each byte back.
    data = data.encode("latin-1") if isinstance(data, str) else data
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise _Refused("an array of objects")
    shape = tuple(int(size) for size in shape)
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.dtype.itemsize != len(data):
        raise _Refused(f"{len(data)} bytes for an array of shape {shape}")
    array = np.frombuffer(data, dtype.dtype)
    if order == "K" and axes is not None:
        return array.reshape(shape).transpose(axes)
    return array.reshape(shape, order="F" if order == "F" else "C")


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "iso-8859-1"):
        raise _Refused("an encoding other than latin-1")
    return text.encode("latin-1")


def _empty_bytes(*arguments: Any) -> bytes:
    if arguments:
        raise _Refused("bytes made of something else")
    return b""


def _scalar(dtype: Any, data: Any = b"") -> Any:
    return _array_of(data, dtype, ()).item()


ADMITTED = {
    ("numpy", "ndarray"): _Admitted(lambda *_: _Array()),
    ("numpy", "dtype"): _Admitted(_DType),
    ("_codecs", "encode"): _Admitted(_encode),
    ("builtins", "bytes"): _Admitted(_empty_bytes),
    ("__builtin__", "bytes"): _Admitted(_empty_bytes),
    **{
        (f"numpy.{core}.{module}", name): _Admitted(call)
        for core in ("core", "_core")
        for module, name, call in (
            ("multiarray", "_reconstruct", lambda *_: _Array()),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", lambda *parts: _Array(_array_of(*parts))),
        )
    },
}


class _NumpyOnly(pickle.Unpickler):
    """An unpickler whose every name is one of ADMITTED."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise _Refused(f"the name {module}.{name}")
        return ADMITTED[module, name]


def _check_operations(stream: BinaryIO) -> None:
    """Read a pickle's operations without performing them.

    The memo's indices are checked because one index alone makes Python's unpickler reserve that much memory.
    """
    for count, (operation, argument, _) in enumerate(pickletools.genops(stream)):
        if operation.name in FORBIDDEN:
            raise _Refused(f"the operation {operation.name}")
        if count > MOST_OPERATIONS or (operation.name.endswith("PUT") and int(argument or 0) > MOST_OPERATIONS):
            raise _Refused(f"more than {MOST_OPERATIONS} operations")


def _plain(value: Any, depth: int = 0) -> Any:
    """The stand-ins replaced by their arrays, and keys by text."""
    if depth > 20:
        raise _Refused("dictionaries nested too deep")
    if isinstance(value, _Array):
        if value.array is None:
            raise _Refused("an array without values")
        return value.array
    if isinstance(value, dict):
        named = {(key.decode("latin-1") if isinstance(key, bytes) else key): item for key, item in value.items()}
        return {key: _plain(item, depth + 1) for key, item in named.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    if value is None or isinstance(value, (str, bytes, bool, int, float)):
        return value
    raise _Refused("something that is neither text, number nor array")


def read_numpy_pickle(path: Path | str) -> Any:
    """The dicts, lists, text, numbers and numeric arrays of a pickle; arrays read-only or not, as the file has them.

    Raises RecordingError, naming the file, for a pickle that is damaged, cut short, or holds anything else.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            _check_operations(stream)
            stream.seek(0)
            return _plain(_NumpyOnly(stream, encoding="latin1").load())
    except _Refused as error:
        raise RecordingError(
            f"{path.name}: expected numbers and text only, found {error}. The file was not opened further and nothing "
            "in it was run; get it again from where it was published."
        ) from error
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror}).") from error
    # The unpickler answers a damaged stream with nearly any exception, by no list that Python promises.
    except Exception as error:
        raise RecordingError(
            f"{path.name}: not a whole pickle (damaged or cut short: {error}). Copy or download the file again."
        ) from error


def write_numpy_pickle(stream: BinaryIO, value: dict | str | int | np.ndarray) -> None:
    """Write dicts of text, small numbers and numeric arrays as Python 2 wrote them: protocol 2, bytes as strings.

    So made, a file has the size of its arrays and is read by pickle.load(stream, encoding="latin1") in any Python.
    """
    stream.write(pickle.PROTO + b"\x02")
    _write(stream, value)
    stream.write(pickle.STOP)


def _write(stream: BinaryIO, value: Any) -> None:
    if isinstance(value, dict):
        stream.write(pickle.EMPTY_DICT + pickle.MARK)
        for key, item in value.items():
            _write(stream, key)
            _write(stream, item)
        stream.write(pickle.SETITEMS)
    elif isinstance(value, str):
        text = value.encode("utf-8")
        stream.write(pickle.BINUNICODE + struct.pack("<I", len(text)) + text)
    elif isinstance(value, np.ndarray):
        _write_array(stream, value)
    else:
        stream.write(pickle.BININT + struct.pack("<i", value))


def _write_array(stream: BinaryIO, array: np.ndarray) -> None:
    """The operations of ndarray.__reduce__: an empty array, then its state (version, shape, dtype, order, bytes)."""
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    code = f"{array.dtype.kind}{array.dtype.itemsize}".encode()
    shape = b"".join(pickle.BININT + struct.pack("<i", size) for size in array.shape)
    stream.write(b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R")
    stream.write(b"(K\x01(" + shape + b"t")
    stream.write(b"cnumpy\ndtype\nU" + bytes([len(code)]) + code + b"K\x00K\x01\x87R")
    stream.write(b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89")
    stream.write(pickle.BINSTRING + struct.pack("<i", array.nbytes))
    stream.write(array.reshape(-1).view(np.uint8).data)
    stream.write(b"tb")
