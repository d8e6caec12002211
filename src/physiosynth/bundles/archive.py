"""Unpacks a bundle zip that nobody vouches for, into a cache folder or in place of an older bundle."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import time
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from physiosynth.errors import BundleError
from physiosynth.files import sha256_of, swap_in

CACHE_VARIABLE = "PHYSIOSYNTH_CACHE"
SMALL_BYTES = 256 << 20  # what unpacks to less than this is no bomb, whatever its ratio
COPY_BYTES = 1 << 20
UNPACKING, HELD = ".unpacking-", "held"
SETTLED_S = 60.0  # a workplace younger than this may not have its lock yet
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1 | 0x40  # bits of a member's flags


@dataclass(frozen=True)
class UnpackLimits:
    """What a zip may unpack to. ratio: unpacked bytes over the zip's own, judged above SMALL_BYTES."""

    files: int = 20_000
    total_bytes: int = 16 << 30
    ratio: float = 200.0

    def allowed(self, packed: int) -> int:
        """The bytes that a zip of `packed` bytes may unpack to."""
        return min(self.total_bytes, max(SMALL_BYTES, int(self.ratio * packed)))


DEFAULT_LIMITS = UnpackLimits()


def cache_folder() -> Path:
    """Where unpacked bundles are kept: $PHYSIOSYNTH_CACHE, else the user's cache folder, else the temporary folder.

    Raises BundleError where the named one cannot be written to, or the temporary one is another user's.
    """
    named = os.environ.get(CACHE_VARIABLE)
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "physiosynth"
    try:
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=base):
            return base
    except OSError:
        if named:
            raise BundleError(f"{CACHE_VARIABLE}={named}: expected a folder that can be written to.") from None
    return _private(Path(tempfile.gettempdir()))


def _private(shared: Path) -> Path:
    """A folder of this user's own below one that others write to: whoever made it first could plant weights in it."""
    user = os.getuid() if hasattr(os, "getuid") else None
    folder = shared / f"physiosynth-{'user' if user is None else user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise BundleError(f"{folder}: no cache can be kept there ({error}). Set {CACHE_VARIABLE}.") from error
    others = stat.S_IWGRP | stat.S_IWOTH
    if not stat.S_ISDIR(found.st_mode) or (user is not None and (found.st_uid != user or found.st_mode & others)):
        raise BundleError(f"{folder}: others can write to it. Set {CACHE_VARIABLE} to a folder of your own.")
    return folder


def unpack(
    archive: Path, check: Callable[[Path], object], cache: Path | None = None, limits: UnpackLimits = DEFAULT_LIMITS
) -> Path:
    """The folder that holds the zip's contents, unpacked once for each SHA-256 of the zip.

    Members with absolute paths, "..", drive letters, links or repeated names are refused; backslashes count as
    slashes. A zip whose one file is another zip is unpacked through. check(folder) may raise to refuse the contents,
    which are then not kept. Raises BundleError, naming the archive.
    """
    target = (cache or cache_folder()) / "bundles" / sha256_of(archive)[:32]
    if target.is_dir():
        return target
    with unpacked_below(target.parent, archive, check, limits) as contents:
        try:
            os.replace(contents, target)
        except OSError:
            if not target.is_dir():  # else another process was quicker, with the same contents
                raise
    return target


def unpack_into(
    archive: Path, target: Path, check: Callable[[Path], object], limits: UnpackLimits = DEFAULT_LIMITS
) -> Path:
    """Unpack a zip in place of whatever `target` holds, which stays until the new contents are whole and checked.

    See unpack for the rest.
    """
    with unpacked_below(target.parent, archive, check, limits) as contents:
        swap_in(contents, target)
    return target


@contextmanager
def unpacked_below(
    parent: Path, archive: Path, check: Callable[[Path], object], limits: UnpackLimits = DEFAULT_LIMITS
) -> Iterator[Path]:
    """The zip's contents, checked, in a folder below `parent` that is there until the block ends. See unpack."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with _workplace(parent) as place:
            contents, packed = place / "contents", archive.stat().st_size
            _extract(archive, contents, limits, packed)
            inner = [path for path in contents.rglob("*") if path.is_file()]
            if len(inner) == 1 and inner[0].suffix.lower() == ".zip":
                _extract(inner[0], place / "inner", limits, packed)
                contents = place / "inner"
            check(contents)
            yield contents
    except OSError as error:
        raise BundleError(f"{archive.name}: cannot be unpacked into {parent} ({error}).") from error


@contextmanager
def _workplace(parent: Path) -> Iterator[Path]:
    """A folder of its own in `parent`, removed at the end; those that killed processes left are removed first."""
    from filelock import FileLock

    for left in parent.glob(f"{UNPACKING}*"):
        _remove_if_left(left)
    with tempfile.TemporaryDirectory(prefix=UNPACKING, dir=parent) as name, FileLock(Path(name) / HELD):
        yield Path(name)


def _remove_if_left(folder: Path) -> None:
    """Remove a workplace whose lock nobody holds: the system lets go of a killed process's."""
    from filelock import FileLock, Timeout

    # It may be just being made or removed, or be on a file system without locks.
    with suppress(OSError, Timeout, NotImplementedError):
        if time.time() - folder.stat().st_mtime > SETTLED_S:
            with FileLock(folder / HELD, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)


def _extract(archive: Path, folder: Path, limits: UnpackLimits, packed: int) -> None:
    """Check every member, then write them all below `folder`. packed: the size of the outermost zip."""
    try:
        zipped = zipfile.ZipFile(archive)
    # zipfile answers damaged bytes with exceptions that share no base of their own; so do the decompressors below.
    except Exception as error:
        raise _damaged(archive.name, error) from error
    with zipped:
        members = _checked_members(zipped, archive, limits)
        folder.mkdir(parents=True)
        left = limits.allowed(packed)
        declared = sum(info.file_size for info in members.values())
        if declared > left:
            raise _too_large(archive.name, left, limits)
        free = shutil.disk_usage(folder).free
        if declared > free:
            raise BundleError(
                f"{archive.name}: unpacks to {declared / 1e9:.1f} GB; {free / 1e9:.1f} GB are free in {folder.parent}."
            ) from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        for name, info in members.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as sink:
                for block in _blocks(zipped, info, archive.name):
                    left -= len(block)
                    if left < 0:
                        raise _too_large(archive.name, limits.allowed(packed), limits)
                    sink.write(block)


def _blocks(zipped: zipfile.ZipFile, info: zipfile.ZipInfo, archive: str) -> Iterator[bytes]:
    """A member's contents, which must be as long as the zip says and have its checksum."""
    found = 0
    try:
        with zipped.open(info) as source:
            while block := source.read(COPY_BYTES):
                found += len(block)
                yield block
    except Exception as error:
        raise _damaged(archive, error) from error
    if found != info.file_size:
        raise BundleError(f"{archive}: a member's size is not what the zip says; the zip is refused.")


def _checked_members(
    zipped: zipfile.ZipFile, archive: Path, limits: UnpackLimits
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Files by their normalised path. Raises BundleError for a member that could land elsewhere or cannot be read."""
    infos = zipped.infolist()
    if len(infos) > limits.files:
        raise BundleError(f"{archive.name}: holds {len(infos)} files, expected at most {limits.files}. No bundle does.")
    if min((info.header_offset for info in infos), default=0) > 0:
        # The end of a zip that is cut short can be that of a smaller zip inside it.
        raise _damaged(archive.name, "its beginning is missing")
    if sum(info.compress_size for info in infos) > archive.stat().st_size:
        raise BundleError(f"{archive.name}: its members lie over each other, as in a zip bomb; the zip is refused.")
    members: dict[PurePosixPath, zipfile.ZipInfo] = {}
    spelled: dict[str, str] = {}
    for info in infos:
        name = info.orig_filename.replace("\\", "/")
        path = PurePosixPath(name)
        _check_member(info, name, path, archive.name)
        if name.endswith("/") or not path.parts:
            continue
        alike = _alike(path)
        if alike in spelled:
            raise BundleError(
                f"{archive.name}: member {info.orig_filename!r} is there twice, or differs from {spelled[alike]!r} in "
                "a way that not every system tells apart; the zip is refused."
            )
        spelled[alike] = info.orig_filename
        members[path] = info
    for path in members:
        if any(_alike(parent) in spelled for parent in path.parents):
            raise BundleError(
                f"{archive.name}: a folder of member {str(path)!r} is a file as well; the zip is refused."
            )
    return members


def _check_member(info: zipfile.ZipInfo, name: str, path: PurePosixPath, archive: str) -> None:
    # zipfile cuts names at a null and, on Windows, changes backslashes; the stored name is the one to judge.
    kind = stat.S_IFMT(info.external_attr >> 16)
    outside = path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name
    if outside or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BundleError(f"{archive}: member {info.orig_filename!r} is a link or leads outside; the zip is refused.")
    if info.flag_bits & ENCRYPTED:
        raise BundleError(
            f"{archive}: member {info.orig_filename!r} is encrypted. Unpack the zip with its password and give the "
            "folder."
        )
    if info.compress_type not in METHODS:
        raise BundleError(
            f"{archive}: member {info.orig_filename!r} is compressed by method {info.compress_type}, expected stored "
            "or deflated. Pack the bundle again as a plain zip, or unpack it and give the folder."
        )


def _alike(path: PurePosixPath) -> str:
    """One text for all spellings of a path that are one file on Windows or macOS."""
    parts = [unicodedata.normalize("NFC", part).casefold().rstrip(". ") for part in path.parts]
    return "/".join(parts)


def _too_large(archive: str, allowed: int, limits: UnpackLimits) -> BundleError:
    why = "the limit" if allowed == limits.total_bytes else f"{limits.ratio:g} times its size, as a zip bomb does"
    return BundleError(f"{archive}: unpacks to more than {allowed / 1e6:,.1f} MB, {why}; the zip is refused.")


def _damaged(archive: str, why: object) -> BundleError:
    return BundleError(f"{archive}: the zip is damaged or cut short ({why}). Copy or fetch it again.")
