"""The part of a download that is already on disk: hashed as it grows, and gone on with after a break."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from physiosynth.errors import FetchCause, FetchError
from physiosynth.files import write_json

# EFBIG is a limit on file sizes (ulimit -f); EDQUOT a user's quota.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# EBUSY is a mount point that would have to be replaced.
UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EBUSY, errno.EIO)
BLOCK_BYTES = 1 << 16


@contextmanager
def told_of_disk(folder: Path) -> Iterator[None]:
    """Turn what the disk refuses inside the block into FetchError: DISK_FULL or READ_ONLY."""
    try:
        yield
    except OSError as error:
        told = disk_error(error, folder)
        if told is None:
            raise
        raise told from error


def disk_error(error: BaseException | None, folder: Path) -> FetchError | None:
    """The FetchError for a full disk or a folder that cannot be written to; None for anything else."""
    if not isinstance(error, OSError):
        return None
    if error.errno in FULL:
        return FetchError(
            FetchCause.DISK_FULL,
            f"{folder}: the disk is full, or a limit on file sizes was met. Make room and try again.",
        )
    if error.errno in UNWRITABLE:
        return FetchError(
            FetchCause.READ_ONLY,
            f"{folder}: expected a folder that can be written to, found none ({error.strerror}). Give another one.",
        )
    return None


class PartialFile:
    """Bytes received so far, their SHA-256, and the server's mark (If-Range) of the version they belong to.

    The mark stands in a JSON file beside the part, written before the first byte of its version, so that a kill at any
    moment leaves a true pair.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = path.with_name(path.name + ".json")
        self.mark: str | None = None
        self.size = 0
        self.pieced = False  # whether more than one answer was put together
        self._hash = hashlib.sha256()
        with told_of_disk(path.parent):
            self._take_up()
            # Unbuffered: what was received is on disk when the process is killed.
            self._file = path.open("r+b" if self.size else "wb", buffering=0)
            self._file.seek(self.size)

    def _take_up(self) -> None:
        """Rehash what is there, if a server can be asked to go on with it."""
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
            if not isinstance(state["mark"], str):
                return
            with self.path.open("rb") as stream:
                while block := stream.read(1 << 20):
                    self._hash.update(block)
                    self.size += len(block)
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return
        self.mark = state["mark"]

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def restart(self, mark: str | None) -> None:
        """Drop every byte; what follows belongs to the version `mark`."""
        with told_of_disk(self.path.parent):
            self._file.seek(0)
            self._file.truncate()
            self.mark, self.size, self.pieced, self._hash = mark, 0, False, hashlib.sha256()
            write_json(self._state, {"mark": mark})

    def expect(self, left: int) -> None:
        """Raise DISK_FULL where `left` more bytes do not fit."""
        free = shutil.disk_usage(self.path.parent).free
        if left > free:
            raise FetchError(
                FetchCause.DISK_FULL,
                f"{self.path.parent}: {left / 1e6:.1f} MB are still to come, {free / 1e6:.1f} MB are free. Make room.",
            )

    def write(self, block: bytes) -> None:
        with told_of_disk(self.path.parent):
            left = memoryview(block)
            while left:
                left = left[self._file.write(left) :]
        self._hash.update(block)
        self.size += len(block)

    def close(self) -> None:
        self._file.close()

    def discard(self) -> None:
        """Remove the part and its mark."""
        self.close()
        self.path.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)

    def move(self, target: Path) -> None:
        """Put the finished file in place."""
        self.close()
        with told_of_disk(target.parent):
            os.replace(self.path, target)
            self._state.unlink(missing_ok=True)
