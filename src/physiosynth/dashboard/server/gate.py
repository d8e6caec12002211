"""What stands before Streamlit: requests that the page never makes are turned away, and answers carry safe headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from physiosynth.dashboard.server.uploads import (
    Message,
    Receive,
    Refused,
    Scope,
    Send,
    Uploads,
    answer,
    read_to_the_end,
)

READING = ("GET", "HEAD", "OPTIONS")
POLICY_VIOLATION = 1008  # of RFC 6455; before the handshake a server answers 403 with it
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"frame-ancestors 'self'; object-src 'none'; base-uri 'self'"),
)


class Gate:
    """ASGI middleware: other sites may open no connection and write nothing; what is written is an upload or refused.

    Streamlit itself compares origins of WebSockets too, but asks a server on the internet for its own address before
    it turns a stranger away. server.corsAllowedOrigins is kept.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app, self._uploads = app, Uploads(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            if _own_origin(scope):
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] in READING:
            await self._app(scope, receive, _with_headers(send))
        else:
            receive, send = read_to_the_end(scope, receive, _with_headers(send))
            if _own_origin(scope):
                await self._uploads(scope, receive, send)
            else:
                await answer(send, Refused(403, "Expected a request from this page."))


def _own_origin(scope: Scope) -> bool:
    from streamlit import config

    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    if not origin:  # no browser: nobody's cookies are with it
        return True
    host = headers.get(b"host", b"").decode("latin-1")
    return urlsplit(origin).netloc == host or origin in config.get_option("server.corsAllowedOrigins")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *HEADERS]
        await send(message)

    return sending
