"""A bundle from a URL: downloaded once, its SHA-256 compared before anything is unpacked, kept by that hash."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urldefrag
from zipfile import is_zipfile

from physiosynth.bundles.archive import cache_folder, unpack, unpack_into
from physiosynth.bundles.downloading import DEFAULT_LIMITS, Download, Limits, OnProgress
from physiosynth.bundles.layout import INDEX, find_root
from physiosynth.bundles.partial_file import disk_error, told_of_disk
from physiosynth.bundles.transport import check_url, shown
from physiosynth.errors import BundleError, FetchCause, FetchError
from physiosynth.files import sha256_of, write_json

ALLOW_VARIABLE = "ALLOW_UNVERIFIED_BUNDLE"
RECEIPT = "fetched.json"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Receipt:
    """What stands in a fetched bundle's folder: the zip's SHA-256, whether it was the expected one, and the source."""

    sha256: str
    verified: bool
    source: str

    @classmethod
    def read(cls, root: Path) -> Receipt | None:
        """The receipt of a bundle's root; None where there is none that can be read."""
        try:
            return cls(**json.loads((root / RECEIPT).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, root: Path) -> None:
        write_json(root / RECEIPT, asdict(self))


def origin_notices(root: Path | None) -> list[str]:
    """What a user should know of how the bundle at `root` came here, one sentence each."""
    receipt = None if root is None else Receipt.read(root)
    if receipt is None or receipt.verified is True:
        return []
    return ["This bundle was downloaded without a SHA-256 to compare: nobody vouches for its weights."]


def unverified_allowed() -> bool:
    """Whether the environment allows a bundle without a hash: ALLOW_UNVERIFIED_BUNDLE=1."""
    return os.environ.get(ALLOW_VARIABLE) == "1"


def fetch_bundle(
    url: str,
    sha256: str | None = None,
    into: Path | str | None = None,
    allow_unverified: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    on_progress: OnProgress = lambda progress: None,
    verify: bool | str = True,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """Fetch, verify and unpack a bundle zip; the root of the bundle, which holds results/ and data/.

    url: https, http or file; "#sha256=..." at its end counts as sha256. sha256: 64 hex digits in either case, or None,
    which is refused unless allow_unverified. into: folder that is replaced as a whole, if it is empty or holds a
    bundle that was fetched or built; None: one in the cache. A bundle
    that is here already under its hash is given without a request; of two callers at once one downloads. verify, as
    of requests: True or a file of trusted certificates. Raises FetchError, whose cause has the exit code, and
    BundleError for a zip that is refused or holds no bundle.
    """
    url, expected = _address(url, sha256, allow_unverified)
    target = None if into is None else Path(into).expanduser().absolute()
    if kept := _kept(target, expected):
        return kept
    if target is not None:
        _check_replaceable(target)
    cache = _cache()
    key = expected or "url-" + hashlib.sha256(url.encode()).hexdigest()
    zipped = _writable(cache / "downloads") / f"{key}.zip"
    asked = time.time()
    with _only_one(zipped.with_suffix(".lock"), limits):
        if kept := _kept(target, expected):
            return kept
        found = sha256_of(zipped) if zipped.is_file() else None
        # Without a hash a zip is taken over only from a process that fetched it while this one waited.
        if found is None or (found != expected if expected else zipped.stat().st_mtime < asked):
            download = Download(url, zipped.with_suffix(".part"), limits, on_progress, verify, sleep)
            found = _downloaded(download, expected, zipped)
        return _unpacked(zipped, cache, target, Receipt(found, expected is not None, shown(url)))


def _address(url: str, sha256: str | None, allow_unverified: bool) -> tuple[str, str | None]:
    """The URL without its fragment, and the expected hash in lower case, from the fragment where it is not given."""
    check_url(url)
    url, fragment = urldefrag(url)
    named = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""
    hashes = {text.strip().lower() for text in (sha256 or "", named)} - {""}
    if any(not re.fullmatch("[0-9a-f]{64}", found) for found in hashes) or len(hashes) > 1:
        raise BundleError(
            "The bundle's SHA-256: expected 64 hex digits, the same wherever it is given, found another text. "
            "Copy it from where the bundle is published (or: sha256sum bundle.zip)."
        )
    if not hashes and not allow_unverified:
        raise FetchError(
            FetchCause.UNVERIFIED,
            f"{shown(url)}: expected the SHA-256 of the bundle, found none. Give it (BUNDLE_SHA256, --sha256), or set "
            f"{ALLOW_VARIABLE}=1 to run weights that nobody vouches for.",
        )
    return url, next(iter(hashes), None)


def _cache() -> Path:
    try:
        return cache_folder()
    except BundleError as error:
        raise FetchError(FetchCause.READ_ONLY, str(error)) from error


def _writable(folder: Path) -> Path:
    """The folder, made where it is missing. Raises FetchError before anything is fetched that could not be kept."""
    with told_of_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder


def _check_replaceable(target: Path) -> None:
    """Raise BundleError or FetchError where a bundle cannot be put without loss of something else."""
    _writable(target.parent)
    with told_of_disk(target):
        if not target.exists() or (target.is_dir() and not any(target.iterdir())):
            return
        with suppress(BundleError, NotADirectoryError):
            root = find_root(target, target)
            if Receipt.read(root) or (root / INDEX).is_file():
                return
    raise BundleError(
        f"{target}: expected an empty folder, or a bundle that was fetched or built before, found something else. "
        "It would be replaced as a whole; give another folder or empty this one."
    )


def _kept(target: Path | None, expected: str | None) -> Path | None:
    """The root of the bundle that is here already and was verified under this hash, or None."""
    if expected is None:
        return None
    folder = target or _cache() / "bundles" / expected[:32]
    try:
        root = find_root(folder, folder)
    except (BundleError, OSError):
        return None
    receipt = Receipt.read(root)
    return root if receipt and receipt.verified is True and receipt.sha256 == expected else None


@contextmanager
def _only_one(path: Path, limits: Limits) -> Iterator[None]:
    """Hold the lock of one download; the system lets go of it when its holder is killed."""
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    with told_of_disk(path.parent):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _LOG.warning("Another process is fetching this bundle; waiting for it.")
            try:
                lock.acquire(timeout=limits.total_s, poll_interval=0.1)
            except Timeout:
                raise FetchError(
                    FetchCause.TIMED_OUT, f"Another process holds {path} for {limits.total_s:.0f} s. End it or wait."
                ) from None
    try:
        yield
    finally:
        lock.release()


def _downloaded(download: Download, expected: str | None, zipped: Path) -> str:
    """The SHA-256 of the zip, now in place. Raises FetchError where it is not the expected one or no zip."""
    where = shown(download.url)
    for again in (True, False):
        part = download.run()
        found, pieced = part.sha256, part.pieced
        if expected in (None, found):
            if not is_zipfile(part.path):
                part.discard()
                raise FetchError(FetchCause.NOT_A_ZIP, f"{where}: expected a zip, found a damaged or cut file.")
            part.move(zipped)
            return found
        part.discard()
        if not (pieced and again):
            break
        _LOG.warning("%s: the pieces of several tries do not fit together. Starting over.", where)
    raise FetchError(
        FetchCause.WRONG_HASH,
        f"{where}: SHA-256 is {found}, expected {expected}. The file was removed; check the expected hash "
        "and where the file comes from.",
    )


def _unpacked(zipped: Path, cache: Path, target: Path | None, receipt: Receipt) -> Path:
    """The root of the unpacked zip, with its receipt. A verified zip is not needed any more and goes."""

    def check(contents: Path) -> None:
        receipt.write(find_root(contents, zipped))

    try:
        folder = unpack(zipped, check, cache) if target is None else unpack_into(zipped, target, check)
    except BundleError as error:
        if told := disk_error(error.__cause__, cache if target is None else target.parent):
            raise told from error
        zipped.unlink(missing_ok=True)
        raise
    root = find_root(folder, folder)
    if Receipt.read(root) != receipt:  # the same zip was here before, fetched another way
        receipt.write(root)
    if receipt.verified:
        zipped.unlink(missing_ok=True)
    return root
