"""Files that visitors bring, sent to a real server as a browser sends them, and as one would not."""

import asyncio
import os
import socket
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
import requests
from websockets.sync.client import connect

from physiosynth.dashboard.server import uploads
from physiosynth.dashboard.server.uploads import FILES_A_SESSION, FILES_HELD, MB, Refused
from physiosynth.dashboard.settings import settings
from places import ROOT

FULL = bytes(MB - 1000)  # with what frames it still below the server's limit of 1 MB


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """The port of a server that takes files of up to 1 MB."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line = [sys.executable, "-m", "streamlit", "run", "tests/dashboard/upload_server.py"]
    line += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    log = tmp_path_factory.mktemp("uploads") / "log.txt"
    with log.open("wb") as stream:
        environment = {**os.environ, "PHYSIOSYNTH_MAX_UPLOAD_MB": "1"}
        server = subprocess.Popen(line, cwd=ROOT, env=environment, stdout=stream, stderr=stream)
    try:
        while True:
            try:
                requests.get(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
                break
            except requests.RequestException:
                assert server.poll() is None, log.read_text()
                time.sleep(0.02)
        yield port
    finally:
        server.kill()
        server.wait()


@dataclass
class Visitor:
    """An open page: its session and its XSRF token."""

    port: int
    session: str = ""
    files: list[str] = field(default_factory=list)
    http: requests.Session = field(default_factory=requests.Session)
    closed: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Visitor":
        from streamlit.proto.BackMsg_pb2 import BackMsg
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        at = f"127.0.0.1:{self.port}"
        self.http.get(f"http://{at}/_stcore/health")
        self.token = self.http.cookies["_streamlit_xsrf"]
        self.socket = self.closed.enter_context(
            connect(
                f"ws://{at}/_stcore/stream", origin=f"http://{at}", subprotocols=["streamlit", self.token],
                additional_headers={"Cookie": f"_streamlit_xsrf={self.token}"},
            )
        )  # fmt: skip
        rerun = BackMsg()
        rerun.rerun_script.SetInParent()
        self.socket.send(rerun.SerializeToString())
        while not self.session:
            message = ForwardMsg()
            message.ParseFromString(self.socket.recv(10))
            self.session = message.new_session.initialize.session_id
        return self

    def __exit__(self, *_) -> None:
        self.clear()
        self.closed.close()

    def clear(self) -> None:
        """Take the files away that were noted."""
        while self.files:
            self.ask("DELETE", file=self.files.pop())

    def ask(self, method: str = "PUT", data: bytes = b"x", chunked: bool = False, **changes) -> requests.Response:
        """Send a file, or something like it. changes: session, file, path, origin or token instead of the right one."""
        file, session = changes.get("file", str(uuid.uuid4())), changes.get("session", self.session)
        path = changes.get("path", f"/_stcore/upload_file/{session}/{file}")
        framed, kind = requests.models.RequestEncodingMixin._encode_files({"file": ("a.csv", data)}, {})
        headers = {
            "Content-Type": kind,
            "X-Xsrftoken": changes.get("token", self.token),
            "Origin": changes.get("origin", f"http://127.0.0.1:{self.port}"),
        }
        body = iter([framed[at : at + 65536] for at in range(0, len(framed), 65536)]) if chunked else framed
        return self.http.request(method, f"http://127.0.0.1:{self.port}{path}", data=body, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def open_page(port):
    """A visitor who stays."""
    with Visitor(port) as visitor:
        yield visitor


@pytest.fixture
def visitor(open_page):
    """The visitor, without files."""
    open_page.clear()
    return open_page


def brought(visitor: Visitor, data: bytes = b"x") -> int:
    """The status of one more file, which is noted."""
    visitor.files.append(str(uuid.uuid4()))
    return visitor.ask(data=data, file=visitor.files[-1]).status_code


def test_a_file_of_an_open_page_is_taken_and_taken_away_again(visitor):
    """As a browser sends it: in one piece with its length, with origin and token."""
    assert visitor.ask(file="one", data=FULL).status_code == 204
    assert visitor.ask("DELETE", file="one").status_code == 204


@pytest.mark.parametrize(
    "changes",
    [
        {"session": str(uuid.uuid4())},
        {"token": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"path": "/_stcore/upload_file"},
        {"path": "/_stcore/health"},
        {"file": "a/b"},
        {"method": "POST"},
        {"method": "DELETE", "session": str(uuid.uuid4())},
        {"method": "DELETE", "token": ""},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_whatever_else_writes_is_refused(visitor, changes):
    """Another session, site, token, route or method: each is 403, with the headers of every answer."""
    answer = visitor.ask(**changes)
    assert answer.status_code == 403 and answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_above_the_limit_is_refused_whether_or_not_it_says_its_length(visitor, chunked):
    """By its length before it is kept, and without one as soon as it is too long; the answer arrives either way."""
    assert visitor.ask(data=bytes(4 * MB), chunked=chunked).status_code == 413
    assert brought(visitor) == 204


REFUSALS = {
    "another site": ("PUT", "/_stcore/upload_file/{session}/a", {"Origin": "https://evil.example"}),
    "no token": ("PUT", "/_stcore/upload_file/{session}/a", {"X-Xsrftoken": ""}),
    "no such session": ("PUT", f"/_stcore/upload_file/{uuid.uuid4()}/a", {}),
    "no such route": ("POST", "/_stcore/health", {}),
}


@pytest.mark.parametrize("method, path, headers", REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_reaches_who_still_sends(visitor, port, method, path, headers):
    """Once the refusal is under way the rest of the body is sent all the same: it is read, and the words arrive."""
    headers = {"Host": f"127.0.0.1:{port}", "Content-Length": len(FULL), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"{method} {path.format(session=visitor.session)} HTTP/1.1\r\n{head}\r\n".encode())
        answer = connection.recv(65536)
        for at in range(0, len(FULL), 65536):
            connection.sendall(FULL[at : at + 65536])
        while b"\r\n\r\n" not in answer or not answer.partition(b"\r\n\r\n")[2].strip(b"0\r\n"):
            more = connection.recv(65536)
            assert more, "the connection ended before the words came"
            answer += more
    assert answer.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("bound", ["REST_BYTES", "REST_S"])
def test_what_a_refused_request_still_sends_is_read_within_bounds(monkeypatch, bound):
    """Beyond the bytes or the seconds the answer is given all the same."""
    monkeypatch.setattr(uploads, bound, 0.01)
    sent = []

    async def endless():
        if bound == "REST_S":
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message):
        sent.append(message)

    async def refuse():
        _, sending = uploads.read_to_the_end({"headers": []}, endless, send)
        await uploads.answer(sending, Refused(403, "No."))

    asyncio.run(refuse())
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


def test_a_session_holds_a_few_files_and_another_one_fits_when_one_goes(visitor):
    """One above the number is refused in words."""
    assert [brought(visitor) for _ in range(FILES_A_SESSION)] == [204] * FILES_A_SESSION
    full = visitor.ask()
    assert full.status_code == 429 and f"at most {FILES_A_SESSION} files" in full.text
    assert visitor.ask("DELETE", file=visitor.files[0]).status_code == 204
    assert brought(visitor) == 204


def test_all_visitors_files_together_are_bounded(visitor, port):
    """Sessions that each keep to their number do not fill the memory together."""
    with Visitor(port) as other:
        taken = [brought(visitor, FULL) for _ in range(FILES_A_SESSION)]
        taken += [brought(other, FULL) for _ in range(FILES_HELD - FILES_A_SESSION)]
        assert taken == [204] * FILES_HELD
        assert other.ask(data=FULL).status_code == 503


def status_of(method: str, path: str) -> int:
    """What is answered to a request without a body, by the middleware alone."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": []}
    asyncio.run(uploads.Uploads(None)(scope, None, send))
    return sent[0]["status"]


def test_an_operator_can_switch_uploads_off(monkeypatch):
    """With a limit of 0 no file is taken, of whatever size."""
    monkeypatch.setenv("PHYSIOSYNTH_MAX_UPLOAD_MB", "0")
    assert settings().max_upload_mb == 0
    assert status_of("PUT", f"/_stcore/upload_file/{uuid.uuid4()}/{uuid.uuid4()}") == 403


@pytest.mark.parametrize("limit", ["SILENT_S", "WHOLE_S"])
def test_a_file_that_comes_too_slowly_is_given_up(monkeypatch, limit):
    """Nobody keeps a place by sending nothing, or a byte now and then."""
    monkeypatch.setattr(uploads, limit, 0.01)

    async def nothing():
        await asyncio.Event().wait()

    async def read():
        await uploads._bounded(nothing, 10)()

    with pytest.raises(Refused) as refused:
        asyncio.run(read())
    assert refused.value.status == 408
