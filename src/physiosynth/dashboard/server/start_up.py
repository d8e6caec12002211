"""Before the server: a container's bundle is found and verified, then the server takes the place of this process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from physiosynth.bundles.layout import DIFFUSION, EMBEDDED, FOLDS
from physiosynth.dashboard.server.health import server_port
from physiosynth.dashboard.serving import become_server
from physiosynth.dashboard.settings import PREFIX, settings
from physiosynth.errors import BundleError, MountError, RequestError, VerificationError

URL, SHA256 = "WEIGHTS_ZIP_URL", "BUNDLE_SHA256"
ORDER = f"{URL}, then mounts, then the embedded model"
PROGRESS_EVERY_S = 2.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Start:
    """What the server starts on: the bundle's folder, a line for the log, and a sentence for the page."""

    bundle: Path
    line: str
    words: str


def prepare(home: Path, say: Say) -> Start:
    """Choose, fetch and verify the bundle; home is the folder the mounts are in.

    Raises RequestError for a variable that cannot be meant, FetchError, MountError, and VerificationError for a bundle
    that does not pass.
    """
    settings()
    server_port()
    start = _chosen(home, say)
    say(start.line)
    from physiosynth.bundles.verification import require_verified
    from physiosynth.families.table import checks_of

    try:
        checks = require_verified(start.bundle, checks_of)
    except BundleError as error:
        raise VerificationError(f"The bundle is not verified, so the page does not start. {error}") from error
    say(f"Bundle verified: {len(checks)} checks.")
    return start


def _chosen(home: Path, say: Say) -> Start:
    url, expected = (os.environ.get(name, "").strip() for name in (URL, SHA256))
    if url:
        return _fetched(url, expected or None, say)
    if expected:
        raise RequestError(f"{SHA256} is set and {URL} is not, so there is nothing to compare. Set both or neither.")
    if _mounted(home):
        return Start(home, f"Bundle: mounted below {home} (order: {ORDER}).", "Bundle: mounted into this container.")
    return Start(EMBEDDED, f"Bundle: the embedded model (order: {ORDER}).", "Bundle: the one that comes with the page.")


def _fetched(url: str, expected: str | None, say: Say) -> Start:
    from physiosynth.bundles.fetching import fetch_bundle, unverified_allowed
    from physiosynth.bundles.transport import shown

    said = [time.monotonic()]

    def on_progress(progress: object) -> None:
        if time.monotonic() - said[0] >= PROGRESS_EVERY_S:
            said[0] = time.monotonic()
            say(f"Fetching: {progress}")

    say(f"Fetching the bundle from {shown(url)} ...")
    root = fetch_bundle(url, expected, allow_unverified=unverified_allowed(), on_progress=on_progress)
    host = urlsplit(url).hostname or "a file"
    compared = "SHA-256 as expected" if expected or "#sha256=" in url else "NO SHA-256 to compare"
    return Start(root, f"Bundle: {URL}, {compared} (order: {ORDER}).", f"Bundle: fetched from {host}, {compared}.")


def _mounted(home: Path) -> bool:
    """Whether weights are mounted. Raises MountError for what cannot be meant: a wrong path mounts an empty folder."""
    weights, folds = home / DIFFUSION, home / FOLDS
    try:
        if weights.is_dir():
            if next(weights.iterdir(), None) is not None:
                return True
            raise MountError(f"{weights}: expected mounted weights, found an empty folder. Check the mount's source.")
        if folds.is_dir() and next(folds.glob("fold_*"), None) is not None:
            raise MountError(f"{folds}: a fold is mounted without weights. Mount those at {weights}, too.")
    except PermissionError as error:
        raise MountError(
            f"{error.filename}: cannot be read by user {os.getuid()}. Make the mounted files readable for everybody."
        ) from error
    return False


def serve(start: Start) -> NoReturn:
    """Become the server of the chosen bundle."""
    kept = {name: value for name, value in os.environ.items() if name not in (URL, SHA256)}  # a URL may hold a token
    kept |= {f"{PREFIX}BUNDLE": str(start.bundle), f"{PREFIX}BUNDLE_WORDS": start.words}
    become_server(os.environ.get("HOST") or "0.0.0.0", server_port(), kept)
