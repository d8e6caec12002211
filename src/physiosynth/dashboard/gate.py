"""What stands before Streamlit: requests that the page never makes are turned away, and answers carry safe headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

READING = ("GET", "HEAD", "OPTIONS")
POLICY_VIOLATION = 1008  # of RFC 6455; before the handshake a server answers 403 with it
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"frame-ancestors 'self'; object-src 'none'; base-uri 'self'"),
)


class Gate:
    """ASGI middleware: other sites may open no connection, and nobody may write.

    The page has no uploads, and all it is told comes over its WebSocket; Streamlit's routes for uploads would take as
    many files as somebody sends. Streamlit itself compares origins too, but asks a server on the internet for its own
    address before it turns a stranger away. server.corsAllowedOrigins is kept.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not _own_origin(scope):
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        elif scope["type"] == "http" and scope["method"] not in READING:
            await _refuse(send)
        else:
            await self._app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)


def _own_origin(scope: Scope) -> bool:
    from streamlit import config

    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    if not origin:  # no browser: nobody's cookies are with it
        return True
    host = headers.get(b"host", b"").decode("latin-1")
    return urlsplit(origin).netloc == host or origin in config.get_option("server.corsAllowedOrigins")


async def _refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain"), *HEADERS]})
    await send({"type": "http.response.body", "body": b"This page takes no uploads.\n"})


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *HEADERS]
        await send(message)

    return sending
