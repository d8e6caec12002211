"""Files that visitors bring: let in through Streamlit's own route alone, each of them and all together bounded."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from physiosynth.dashboard.settings import settings
from physiosynth.errors import RequestError

if TYPE_CHECKING:
    from streamlit.runtime import Runtime
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MB = 1 << 20
FILES_A_SESSION = 6  # a record of two or three files and its labels, while the one before it is still there
FILES_HELD = 8  # of the largest size: what all visitors' files together may take
SILENT_S, WHOLE_S = 30.0, 600.0  # an upload ends when nothing comes for so long, or when it takes longer than that
REST_BYTES, REST_S = 64 * MB, 10.0  # of a refused request: what is still read, so that its sender reads the answer
_ROUTE = re.compile(r"/_stcore/upload_file/(?P<session>[0-9a-f-]{36})/[0-9A-Za-z-]{1,64}")


class Refused(Exception):
    """A request that is turned away: status, and words for whoever sent it."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, eq=False)
class _Coming:
    session: str
    size: int


class Uploads:
    """ASGI middleware for requests that write: uploads of a live session go on to Streamlit, all else is refused.

    Streamlit compares the XSRF token and takes the file apart. What it leaves open is bounded here: how many files a
    session holds, how much all sessions hold, how long an upload may take, and files of sessions that have ended.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app, self._coming = app, []
        with suppress(RequestError):  # the page tells of a setting that cannot be meant
            _tell_streamlit(settings().max_upload_mb)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answered = False

        async def sending(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            runtime, session = _addressee(scope)
            if scope["method"] == "DELETE":
                await self._app(scope, receive, sending)
            else:
                await self._take(runtime, session, scope, receive, sending)
        except Refused as refused:
            if not answered:
                await answer(send, refused)

    async def _take(self, runtime: Runtime, session: str, scope: Scope, receive: Receive, send: Send) -> None:
        manager = runtime.uploaded_file_mgr
        coming = _Coming(session, _size(scope))
        self._check_room(manager, coming)
        self._coming.append(coming)
        try:
            await self._app(scope, _bounded(receive, coming.size), send)
        finally:
            self._coming.remove(coming)
            if not runtime.is_active_session(session):  # nobody would remove its files any more
                manager.remove_session_files(session)

    def _check_room(self, manager: MemoryUploadedFileManager, new: _Coming) -> None:
        own = len(manager.file_storage.get(new.session, ())) + sum(each.session == new.session for each in self._coming)
        if own >= FILES_A_SESSION:
            raise Refused(429, f"Expected at most {FILES_A_SESSION} files per visitor. Remove one first.")
        held = sum(stat.byte_length for stats in manager.get_stats().values() for stat in stats)
        if held + new.size + sum(each.size for each in self._coming) > FILES_HELD * _limit():
            raise Refused(503, "The server has no room for more files at the moment. Try again later.")


def _addressee(scope: Scope) -> tuple[Runtime, str]:
    """The server and the session that a file is for. Raises Refused for whatever else somebody wants to write."""
    from streamlit import config
    from streamlit.runtime import exists, get_instance

    base = config.get_option("server.baseUrlPath").strip("/")
    found = _ROUTE.fullmatch(scope["path"].removeprefix(f"/{base}" if base else ""))
    if found is None or scope["method"] not in ("PUT", "DELETE") or not _limit():
        raise Refused(403, "This page does not accept such requests.")
    if not exists() or not get_instance().is_active_session(found["session"]):
        raise Refused(403, "Expected an open session. Reload the page.")
    return get_instance(), found["session"]


def _size(scope: Scope) -> int:
    """Bytes that a request says it has; the limit where it does not say. Raises Refused for more than the limit."""
    said = dict(scope["headers"]).get(b"content-length", b"").decode("latin-1")
    if said and not re.fullmatch(r"[0-9]{1,18}", said):
        raise Refused(400, "Expected a length in bytes.")
    if said and int(said) > _limit():
        raise _too_large()
    return int(said) if said else _limit()


def _bounded(receive: Receive, size: int) -> Receive:
    """The same body, refused once it is longer than it said or comes too slowly."""
    came, end = 0, time.monotonic() + WHOLE_S

    async def receiving() -> Message:
        nonlocal came
        try:
            message = await asyncio.wait_for(receive(), max(0.0, min(SILENT_S, end - time.monotonic())))
        except asyncio.TimeoutError:
            raise Refused(408, "The upload was too slow. Try again.") from None
        came += len(message.get("body", b""))
        if came > size:
            raise _too_large()
        return message

    return receiving


def read_to_the_end(scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """The same request and answer; the answer ends once the request has been read, within REST_BYTES and REST_S.

    A client reads the answer when it has sent everything. Closing the connection on a body that nobody read resets it
    (RFC 9112, 9.6), and the answer is lost. Who waits for "100 Continue" is answered before anything is sent.
    """
    whole = any(name == b"expect" for name, _ in scope["headers"])

    async def receiving() -> Message:
        nonlocal whole
        message = await receive()
        whole = not message.get("more_body", False)
        return message

    async def rest() -> None:
        left = REST_BYTES
        while not whole and left > 0:
            left -= len((await receiving()).get("body", b""))

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(rest(), REST_S)
        await send(message)

    return receiving, sending


async def answer(send: Send, refused: Refused) -> None:
    """Say why in a line of text; the connection ends with it, in case the body went on beyond all bounds."""
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{refused}\n".encode()})


def _limit() -> int:
    return settings().max_upload_mb * MB


def _too_large() -> Refused:
    return Refused(413, f"Expected at most {settings().max_upload_mb} MB.")


def _tell_streamlit(limit_mb: int) -> None:
    """Have its own check, and what its widget tells visitors, agree with ours."""
    from streamlit import config

    config.set_option("server.maxUploadSize", limit_mb)
