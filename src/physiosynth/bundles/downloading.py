"""Brings a file from a URL to disk: time-outs, retries, resuming, and nothing of the URL's secrets in any message."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from physiosynth.bundles.partial_file import BLOCK_BYTES, PartialFile
from physiosynth.bundles.transport import (
    Failure,
    broken_connections,
    check_status,
    kind_of,
    mark_of,
    new_session,
    next_address,
    quiet_transport,
    shown,
)
from physiosynth.errors import BundleError, FetchCause, FetchError

if TYPE_CHECKING:
    import requests

GAIN_BYTES = 1 << 20
SPEAK_S = 0.2
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """How long, how often and how much. seed: of the jitter; None differs from process to process."""

    connect_s: float = 10.0
    read_s: float = 30.0  # without a byte
    total_s: float = 7200.0  # all tries together, and the wait for another process's download
    tries: int = 6  # failures in a row; a try that brought a MiB does not count
    first_wait_s: float = 1.0  # doubled after each failure; jitter takes up to half of it away
    longest_wait_s: float = 30.0
    redirects: int = 5
    max_bytes: int = 4 << 30
    seed: int | None = None


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Progress:
    """How far a download is. total and seconds_left: None where the server does not say the size."""

    done: int
    total: int | None
    bytes_per_s: float
    seconds_left: float | None

    def __str__(self) -> str:
        of = "" if self.total is None else f" of {self.total / 1e6:.1f}"
        left = "" if self.seconds_left is None else f", {self.seconds_left:.0f} s left"
        return f"{self.done / 1e6:.1f}{of} MB, {self.bytes_per_s / 1e6:.1f} MB/s{left}"


OnProgress = Callable[[Progress], None]


class _Meter:
    """Tells how far a try is, a few times per second. start: bytes that were here before it."""

    def __init__(self, tell: OnProgress, start: int, total: int | None) -> None:
        self._tell, self._start, self._total = tell, start, total
        self._began = self._told = time.monotonic()

    def __call__(self, done: int, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once and now - self._told < SPEAK_S:
            return
        self._told = now
        speed = (done - self._start) / max(now - self._began, 1e-6)
        left = (self._total - done) / speed if self._total is not None and speed > 0 else None
        self._tell(Progress(done, self._total, speed, left))


@dataclass
class Download:
    """One file on its way from a URL to `path`. verify: as of requests, True or a file of trusted certificates."""

    url: str
    path: Path
    limits: Limits
    on_progress: OnProgress = lambda progress: None
    verify: bool | str = True
    sleep: Callable[[float], None] = time.sleep
    part: PartialFile = field(init=False)

    def run(self) -> PartialFile:
        """The finished file, closed, not yet in place. Raises FetchError; what was received stays for the next call."""
        self.part = PartialFile(self.path)
        self._end = time.monotonic() + self.limits.total_s
        try:
            with quiet_transport():
                self._from_file() if urlsplit(self.url).scheme == "file" else self._from_server()
        except FetchError as error:
            if error.cause in (FetchCause.TOO_LARGE, FetchCause.NOT_A_ZIP, FetchCause.DISK_FULL):
                self.part.discard()
            raise
        finally:
            self.part.close()
        return self.part

    def _from_file(self) -> None:
        from urllib.request import url2pathname

        parts = urlsplit(self.url)
        path = Path(url2pathname(parts.path))
        if parts.netloc not in ("", "localhost"):
            raise BundleError("The bundle's URL: expected file:///..., without a host, found one.")
        self.part.restart(None)
        try:
            with path.open("rb") as stream:
                self._receive(iter(lambda: stream.read(BLOCK_BYTES), b""), path.stat().st_size, shown(self.url))
        except Failure as failure:
            raise FetchError(failure.cause, f"{failure} Copy it again.") from None
        except OSError as error:
            raise FetchError(
                FetchCause.REFUSED, f"{path}: expected a bundle zip, found none that can be read ({error.strerror})."
            ) from error

    def _from_server(self) -> None:
        jitter = random.Random(self.limits.seed)
        failures, wait = 0, self.limits.first_wait_s
        with new_session() as session:
            while True:
                before = self.part.size
                try:
                    return self._try(session)
                except Failure as failure:
                    gained = self.part.size - before >= GAIN_BYTES
                    failures, wait = (1, self.limits.first_wait_s) if gained else (failures + 1, wait)
                    if failures >= self.limits.tries:
                        raise FetchError(
                            failure.cause, f"{failure} It was tried {failures} times; try again later."
                        ) from None
                    pause = min(self.limits.longest_wait_s, max(wait * jitter.uniform(0.5, 1.0), failure.wait_s))
                    wait *= 2
                    _LOG.warning("%s Trying again in %.1f s.", failure, pause)
                self.sleep(pause)
                self._check_time()

    def _try(self, session: requests.Session) -> None:
        part, headers = self.part, {"Accept-Encoding": "identity"}
        if part.size and part.mark:
            headers |= {"Range": f"bytes={part.size}-", "If-Range": part.mark}
        with self._open(session, headers) as response:
            where = shown(response.url)
            if response.status_code == 416 and part.size:
                part.restart(None)
                raise Failure(FetchCause.LOST, f"{where}: the file is shorter than what is here; starting over.")
            check_status(response, where)
            length = response.headers.get("Content-Length", "")
            total = int(length) if re.fullmatch(r"\d{1,19}", length) else None
            if response.status_code == 206:
                total = self._go_on(response, where)
            else:
                part.restart(mark_of(response))
            with broken_connections(where):
                self._receive(response.raw.stream(BLOCK_BYTES, decode_content=False), total, where)

    def _go_on(self, response: requests.Response, where: str) -> int | None:
        """The full size that a partial answer speaks of; starts over where it is not the rest of what is here."""
        found = re.fullmatch(r"bytes (\d{1,19})-\d{1,19}/(\d{1,19}|\*)", response.headers.get("Content-Range", ""))
        mark = mark_of(response)
        if not found or int(found[1]) != self.part.size or (mark and mark != self.part.mark):
            self.part.restart(None)
            raise Failure(FetchCause.LOST, f"{where}: the file changed between two tries; starting over.")
        self.part.pieced = True
        return None if found[2] == "*" else int(found[2])

    def _open(self, session: requests.Session, headers: dict[str, str]) -> requests.Response:
        """The answer behind all redirects, which are followed here so that https never becomes http."""
        from requests.utils import get_auth_from_url, urldefragauth

        url, named = urldefragauth(self.url), get_auth_from_url(self.url)
        auth = named if any(named) else None
        for _ in range(self.limits.redirects + 1):
            with broken_connections(shown(url)):
                response = session.get(
                    url, headers=headers, auth=auth, stream=True, allow_redirects=False, verify=self.verify,
                    timeout=(self.limits.connect_s, self.limits.read_s),
                )  # fmt: skip
            if not response.is_redirect:
                return response
            response.close()
            # Headers are read as Latin-1; what is not ASCII in an address is UTF-8.
            target = next_address(url, response.headers["Location"].encode("latin-1").decode("utf-8", "replace"))
            auth = None if session.should_strip_auth(url, target) else auth
            url = target
        raise FetchError(
            FetchCause.REDIRECT,
            f"{shown(self.url)}: more than {self.limits.redirects} redirects, perhaps a loop. Give another address.",
        )

    def _receive(self, blocks: Iterator[bytes], total: int | None, where: str) -> None:
        """Write the blocks; total: size of the whole file, None where nobody said."""
        part = self.part
        self._check_size(total or 0, where)
        part.expect((total or part.size) - part.size)
        tell = _Meter(self.on_progress, part.size, total)
        for block in blocks:
            if part.size == 0 and block[:2] != b"PK"[: len(block)]:
                raise FetchError(
                    FetchCause.NOT_A_ZIP, f"{where}: expected a zip, found {kind_of(block)}. Check the address."
                )
            self._check_size(part.size + len(block), where)
            part.write(block)
            self._check_time()
            tell(part.size)
        tell(part.size, at_once=True)
        if total is not None and part.size < total:
            raise Failure(FetchCause.LOST, f"{where}: the connection ended after {part.size} of {total} bytes.")
        if part.size == 0:
            raise FetchError(FetchCause.NOT_A_ZIP, f"{where}: expected a zip, found an empty file. Check the address.")

    def _check_size(self, size: int, where: str) -> None:
        if size > self.limits.max_bytes:
            raise FetchError(
                FetchCause.TOO_LARGE,
                f"{where}: expected at most {self.limits.max_bytes / 1e6:.1f} MB, found more. It is not fetched.",
            )

    def _check_time(self) -> None:
        if time.monotonic() > self._end:
            raise FetchError(
                FetchCause.TIMED_OUT,
                f"{shown(self.url)}: not here after {self.limits.total_s:.0f} s. The next call goes on from there.",
            )
