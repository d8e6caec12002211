"""Files: written whole or not at all, hashed, and read without trust."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from physiosynth.errors import RequestError

AT_FDCWD, EXCHANGE = -100, 2  # fcntl.h and linux/fs.h
MOST_JSON_BYTES = 4 << 20  # settings are a few kB; Python's objects take thirty times the text


def check_writable(path: Path | str) -> None:
    """Make the folder of `path` and try to write into it, before hours of work go there. Raises RequestError."""
    path = Path(path)
    if path.is_dir():
        raise RequestError(f"{path}: expected the name of a file, found a folder. Give a name within it.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise RequestError(f"{path}: it cannot be written there ({error.strerror}). Choose another place.") from error


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it there when the block ends well, remove it when it does not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part" + path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _make_readable(temporary, 0o666)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path | str) -> Iterator[Path]:
    """Give a temporary folder beside `path`; put it in place when the block ends well, remove it when it does not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        yield temporary
        _make_readable(temporary, 0o777)
        swap_in(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def swap_in(folder: Path, target: Path) -> None:
    """Put a finished folder where `target` is, in one move where the system can; what was there is removed.

    Both on one file system. Whoever is killed here leaves the old or the new folder in place; where folders cannot be
    exchanged in one move (outside Linux), the old one stands beside `folder` for the moment between two moves.
    """
    if not target.exists():
        os.replace(folder, target)
        return
    if not _exchange(folder, target):
        retired = folder.with_name(f"{folder.name}.old")
        os.replace(target, retired)
        try:
            os.replace(folder, target)
        except OSError:
            os.replace(retired, target)
            raise
        folder = retired
    shutil.rmtree(folder, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one move by Linux's renameat2; False where there is none."""
    try:
        renameat2 = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return renameat2(AT_FDCWD, os.fsencode(one.absolute()), AT_FDCWD, os.fsencode(other.absolute()), EXCHANGE) == 0


def _make_readable(temporary: Path, mode: int) -> None:
    """Temporary files and folders are private; written results are as readable as the user's umask allows."""
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(mode & ~mask)


def write_json(path: Path | str, content: Any) -> None:
    """Write JSON with two spaces of indent, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path | str) -> Any:
    """Settings in JSON, with or without a byte order mark. Raises ValueError, saying why, where they cannot be read."""
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MOST_JSON_BYTES + 1)
        if len(content) > MOST_JSON_BYTES:
            raise ValueError(f"larger than {MOST_JSON_BYTES} bytes")
        return json.loads(content.decode("utf-8-sig"))
    except (OSError, RecursionError) as error:
        raise ValueError(str(error)) from error


def write_npy(path: Path | str, array: np.ndarray) -> None:
    """Write one array as .npy, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def write_npz(path: Path | str, **arrays: Any) -> None:
    """Write named arrays as a compressed .npz, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def sha256_of(path: Path | str) -> str:
    """SHA-256 of a file, in lower-case hex."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
