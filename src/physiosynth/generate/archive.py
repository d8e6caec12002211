"""Unpacks a bundle zip that nobody vouches for into a cache folder."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from physiosynth.errors import BundleError
from physiosynth.files import sha256_of

CACHE_VARIABLE = "PHYSIOSYNTH_CACHE"
MAX_UNPACKED_BYTES = 16 << 30
MAX_MEMBERS = 20_000
COPY_BYTES = 1 << 20


def cache_folder() -> Path:
    """Where unpacked bundles are kept: $PHYSIOSYNTH_CACHE, else the user's cache folder, else the temporary folder."""
    named = os.environ.get(CACHE_VARIABLE)
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "physiosynth"
    try:
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=base):
            return base
    except OSError:
        if named:
            raise BundleError(f"{CACHE_VARIABLE}={named}: expected a folder that can be written to.") from None
    return Path(tempfile.gettempdir()) / f"physiosynth-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


def unpack(archive: Path, check: Callable[[Path], object], cache: Path | None = None) -> Path:
    """The folder that holds the zip's contents, unpacked once for each SHA-256 of the zip.

    Members with absolute paths, "..", drive letters, links or repeated names are refused; backslashes count as
    slashes. A zip whose one file is another zip is unpacked through. check(folder) may raise to refuse the contents,
    which are then not kept. Raises BundleError, naming the archive.
    """
    target = (cache or cache_folder()) / "bundles" / sha256_of(archive)[:32]
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=target.parent) as temporary:
            contents = Path(temporary) / "contents"
            _extract(archive, contents)
            inner = [path for path in contents.rglob("*") if path.is_file()]
            if len(inner) == 1 and inner[0].suffix.lower() == ".zip":
                _extract(inner[0], Path(temporary) / "inner")
                contents = Path(temporary) / "inner"
            check(contents)
            try:
                os.replace(contents, target)
            except OSError:
                if not target.is_dir():  # else another process was quicker, with the same contents
                    raise
    except OSError as error:
        raise BundleError(f"{archive.name}: cannot be unpacked into {target.parent} ({error}).") from error
    return target


def _extract(archive: Path, folder: Path) -> None:
    """Check every member, then write them all below `folder`."""
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = _checked_members(zipped, archive.name)
            folder.mkdir(parents=True)
            _check_space(sum(info.file_size for info in members.values()), folder, archive.name)
            for name, info in members.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(info) as source, path.open("xb") as sink:
                    _copy(source, sink, info.file_size, archive.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise BundleError(
            f"{archive.name}: the zip is damaged or cut short ({error}). Copy or fetch it again."
        ) from error
    except (FileExistsError, NotADirectoryError, UnicodeError) as error:
        raise BundleError(f"{archive.name}: two of its names are the same file here ({error}).") from error


def _checked_members(zipped: zipfile.ZipFile, archive: str) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Files by their normalised path. Raises BundleError for a member that could land elsewhere."""
    if len(zipped.infolist()) > MAX_MEMBERS:
        raise BundleError(f"{archive}: holds {len(zipped.infolist())} files, expected at most {MAX_MEMBERS}.")
    if min((info.header_offset for info in zipped.infolist()), default=0) > 0:
        # The end of a zip that is cut short can be that of a smaller zip inside it.
        raise BundleError(f"{archive}: the zip is damaged or cut short. Copy or fetch it again.")
    members: dict[PurePosixPath, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for info in zipped.infolist():
        # zipfile cuts names at a null and, on Windows, changes backslashes; the stored name is the one to judge.
        name = info.orig_filename.replace("\\", "/")
        path = PurePosixPath(name)
        kind = stat.S_IFMT(info.external_attr >> 16)
        outside = path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name
        if outside or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise BundleError(
                f"{archive}: member {info.orig_filename!r} is a link or leads outside; the zip is refused."
            )
        if name.endswith("/") or not path.parts:
            continue
        if str(path).lower() in seen:
            raise BundleError(f"{archive}: member {info.orig_filename!r} is there twice; the zip is refused.")
        seen.add(str(path).lower())
        members[path] = info
    return members


def _check_space(size: int, folder: Path, archive: str) -> None:
    free = shutil.disk_usage(folder).free
    if size > min(MAX_UNPACKED_BYTES, free):
        raise BundleError(
            f"{archive}: unpacks to {size / 1e9:.1f} GB; at most {min(MAX_UNPACKED_BYTES, free) / 1e9:.1f} GB fit here."
        )


def _copy(source, sink, size: int, archive: str) -> None:
    """Copy exactly as many bytes as the zip's directory says."""
    left = size
    while block := source.read(min(COPY_BYTES, left + 1)):
        left -= len(block)
        if left < 0:
            break
        sink.write(block)
    if left:
        raise BundleError(f"{archive}: a member's size is not what the zip says; the zip is refused.")
