"""A real HTTP server on this machine that goes wrong as told, one answer a request."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = Callable[["Handler"], None]


@dataclass(frozen=True)
class Content:
    """A file as the server has it."""

    data: bytes
    etag: str | None = '"first"'


class FaultServer(ThreadingHTTPServer):
    """Gives answers[i] to request i, the last one to all that follow. seen: headers of each request."""

    daemon_threads, block_on_close = True, False

    def __init__(self, *answers: Answer, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.seen = answers, []
        self.asked, self.released = threading.Event(), threading.Event()
        self._counting = threading.Lock()
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self._at = f"http{'s' if certificate else ''}://127.0.0.1:{self.server_port}"

    def url(self, path: str = "/bundle.zip") -> str:
        return self._at + path

    def next_answer(self, headers: Mapping[str, str]) -> Answer:
        with self._counting:
            self.seen.append(headers)
            self.asked.set()
            return self.answers[min(len(self.seen), len(self.answers)) - 1]

    def __enter__(self) -> FaultServer:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address) -> None:
        """Clients that hang up are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.close_connection = True
        self.server.next_answer(self.headers)(self)

    def begin(self, status: int, **headers: str | int | None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, format: str, *args) -> None:
        """Says nothing."""


def good(content: Content, held: bool = False) -> Answer:
    """The file, or the rest of it where Range and If-Range ask for that. held: only after server.released is set."""

    def answer(handler: Handler) -> None:
        if held:
            handler.server.released.wait(30)
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if not asked or handler.headers.get("If-Range") != content.etag:
            return whole(content)(handler)
        rest(content)(handler)

    return answer


def whole(content: Content, length: int | None = -1, stop: int | None = None, end: str = "close") -> Answer:
    """The file from its beginning, whatever Range says. stop: bytes that are sent; end: "close", "reset" or "stall"."""

    def answer(handler: Handler) -> None:
        size = len(content.data) if length == -1 else length
        handler.begin(200, Content_Length=size, ETag=content.etag)
        handler.wfile.write(content.data[:stop])
        if end == "stall":
            handler.server.released.wait(30)
        if end == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()

    return answer


def rest(content: Content, etag: str | None = "its own", most: int | None = None) -> Answer:
    """What Range asks for of the file, whatever If-Range says. most: bytes that are sent."""

    def answer(handler: Handler) -> None:
        start, size = int(re.search(r"\d+", handler.headers["Range"])[0]), len(content.data)
        handler.begin(
            206,
            Content_Length=size - start,
            Content_Range=f"bytes {start}-{size - 1}/{size}",
            ETag=content.etag if etag == "its own" else etag,
        )
        handler.wfile.write(content.data[start:][:most])

    return answer


def plain(status: int, body: bytes = b"", **headers: str) -> Answer:
    """A status with a short body."""

    def answer(handler: Handler) -> None:
        handler.begin(status, Content_Length=len(body), **headers)
        handler.wfile.write(body)

    return answer
