"""The page against visitors who mean harm: limits, folders, other sites, and what it lets them know."""

import asyncio
import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from making.bundles import TINY_MANIFEST, checkpoint_of, tiny, weights_of, write_bundle
from physiosynth.dashboard.generate_page.runs import Request, check
from physiosynth.dashboard.loading import Paths, load_generator, load_reference
from physiosynth.dashboard.messages import for_visitors
from physiosynth.dashboard.server.gate import Gate
from physiosynth.dashboard.settings import settings
from physiosynth.errors import PhysiosynthError, RequestError
from physiosynth.families.wearable.data.batch import Sampling
from physiosynth.running.jobs import DONE, RUNNING, WAITING, Job
from places import ROOT

DEFAULTS = Sampling(low_steps=4, ecg_steps=4, low_guidance=0.0, ecg_guidance=0.0)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A tiny bundle in the published places."""
    networks = tiny()
    manifest = {**TINY_MANIFEST, "architecture": networks.to_dict()}
    root = tmp_path_factory.mktemp("hardening") / "root"
    return write_bundle(root, checkpoint_of(weights_of(networks), epoch=7), manifest)


@pytest.fixture
def as_container(bundle, monkeypatch):
    """The page as it is set up in the container: one bundle, no paths."""
    monkeypatch.setenv("PHYSIOSYNTH_BUNDLE", str(bundle))
    monkeypatch.setenv("PHYSIOSYNTH_BUNDLE_WORDS", "Bundle: mounted into this container.")
    monkeypatch.setenv("PHYSIOSYNTH_PATHS", "off")
    return bundle


def opened() -> AppTest:
    """The page in a new session, without the first look that it takes by itself."""
    page = AppTest.from_file(str(ROOT / "src" / "app.py"), default_timeout=60)
    page.session_state["looked"] = True
    return page.run()


def all_words(page: AppTest) -> str:
    shown = [*page.markdown, *page.caption, *page.error, *page.warning, *page.info]
    return "\n".join(str(each.value) for each in shown)


def test_the_protections_of_streamlit_are_on():
    """XSRF and CORS protection, no details of errors, no usage statistics, nothing served from folders."""
    lines = (ROOT / ".streamlit/config.toml").read_text().splitlines()
    for line in (
        "enableXsrfProtection = true", "enableCORS = true", 'showErrorDetails = "none"', "gatherUsageStats = false",
        "maxUploadSize = 50", "maxMessageSize = 32", "enableStaticServing = false",
    ):  # fmt: skip
        assert lines.count(line) == 1


def test_without_paths_a_visitor_sees_none_and_chooses_none(as_container):
    """No field for a path is drawn, and paths put into the session by other means are not used."""
    page = opened()
    assert (
        not any(each.key.startswith("path_") for each in page.text_input)
        and not page.exception
        and "Bundle: mounted into this container." in all_words(page)
    )
    assert str(as_container) not in all_words(page)
    page.session_state["paths"] = Paths("/etc", "/etc/passwd", "/etc")
    page.run()
    assert not page.error and "/etc" not in all_words(page)


def test_without_paths_an_error_tells_no_folder(as_container, monkeypatch, tmp_path):
    """What is missing is named, and where the server keeps it is not."""
    monkeypatch.setenv("PHYSIOSYNTH_BUNDLE", str(tmp_path / "gone" / "bundle.zip"))
    page = opened()
    told = "\n".join(error.value for error in page.error)
    assert "bundle.zip: expected" in told and str(tmp_path) not in all_words(page) and not page.exception


@pytest.mark.parametrize(
    "text, told",
    [
        ("/app/results/x.json: expected it.", "x.json: expected it."),
        ("neither in '/a/b/c' nor (/d/e)", "neither in 'c' nor (e)"),
        (r"C:\Users\me\x.zip is damaged", "x.zip is damaged"),
        ("https://me:secret@host/w.zip?sig=abc failed", "https://host/w.zip failed"),
        ("12 /min, 4/s", "12 /min, 4/s"),
    ],
)
def test_words_for_visitors_hold_no_folders_and_no_secrets(text, told, monkeypatch):
    """Folders go, names stay; a URL keeps neither who logs in nor what may be a signature."""
    monkeypatch.setenv("PHYSIOSYNTH_PATHS", "off")
    assert for_visitors(text) == told


def test_a_path_outside_the_allowed_folders_is_refused_whether_or_not_it_exists(bundle, monkeypatch, tmp_path):
    """The refusal is the same for a file that is there and one that is not, so that nobody can feel their way."""
    monkeypatch.setenv("PHYSIOSYNTH_BUNDLE", str(bundle))
    monkeypatch.setenv("PHYSIOSYNTH_ROOTS", str(tmp_path))
    refusals = []
    for path in ("/etc", "/nothing-there", str(tmp_path / ".." / ".."), "/etc/\0"):
        with pytest.raises(RequestError) as refused:
            load_reference(path)
        refusals.append(str(refused.value).replace(path, "PATH"))
        with pytest.raises(RequestError):
            load_generator(Paths(path, "", ""))
    assert len(set(refusals[:3])) == 1 and "one outside" in refusals[0]


def test_a_link_does_not_lead_out_of_the_allowed_folders(bundle, monkeypatch, tmp_path):
    """A link below an allowed folder counts as what it points at; an address is no path at all."""
    monkeypatch.setenv("PHYSIOSYNTH_BUNDLE", str(bundle))
    monkeypatch.setenv("PHYSIOSYNTH_ROOTS", str(tmp_path / "allowed"))
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "link").symlink_to("/etc")
    with pytest.raises(RequestError, match="one outside"):
        load_reference(tmp_path / "allowed" / "link")
    with pytest.raises(PhysiosynthError):
        load_generator(Paths("https://example.org/bundle.zip", "", ""))


@pytest.mark.parametrize("windows, steps", [(9, 4), (0, 4), (4, 51), (4, 0), (10**12, 4)])
def test_more_than_the_limits_is_refused_though_no_field_lets_one_type_it(windows, steps, monkeypatch):
    """A browser can send any number: the server compares it again."""
    monkeypatch.setenv("PHYSIOSYNTH_MAX_WINDOWS", "8")
    monkeypatch.setenv("PHYSIOSYNTH_MAX_STEPS", "50")
    check(Request(("stress",), 8, 0, Sampling(50, 50)), DEFAULTS)
    with pytest.raises(RequestError, match="Expected 1 to"):
        check(Request(("stress",), windows, 0, Sampling(low_steps=4, ecg_steps=steps)), DEFAULTS)


@pytest.mark.parametrize(
    "variable, text", [("MAX_WINDOWS", "many"), ("MAX_STEPS", "0"), ("MAX_WAITING", "-1"), ("PATHS", "perhaps")]
)
def test_a_setting_that_cannot_be_meant_is_refused_by_name(variable, text):
    """A misspelt limit is an error at the start, never no limit."""
    with pytest.raises(RequestError, match=f"PHYSIOSYNTH_{variable}.*{text}"):
        settings({f"PHYSIOSYNTH_{variable}": text})


def test_runs_take_turns_in_order_and_each_knows_its_place():
    """Of three runs the later ones see how many come first; a place given up moves those behind it."""
    go, order = threading.Event(), []

    def work(name):
        def steps(on_step, on_part):
            assert go.wait(60)
            order.append(name)
            on_step(1, 1)

        return steps

    first, second, third, fourth = (Job(work(name)).start() for name in "abcd")
    while first.state != RUNNING:
        pass
    assert [job.progress().ahead for job in (first, second, third, fourth)] == [0, 1, 2, 3]
    second.cancel()
    assert second.wait(60)
    assert (third.state, third.progress().ahead, fourth.progress().ahead) == (WAITING, 1, 2)
    go.set()
    assert first.wait(60) and third.wait(60) and fourth.wait(60)
    assert order == ["a", "c", "d"] and first.state == third.state == fourth.state == DONE


def test_a_visitor_sees_how_many_come_first_and_neither_stops_the_other(as_container):
    """While another page's run has its turn, this one tells its place; both then have their result."""
    go = threading.Event()
    other = Job(lambda on_step, on_part: go.wait(60)).start()
    page = opened()
    page.button(key="generate").click().run()
    job = page.session_state["generate_job"][0]
    assert "Queued: 1 run ahead of yours" in "".join(bar.proto.text for bar in page.get("progress"))
    go.set()
    assert other.wait(60) and job.wait(60) and (other.state, job.state) == (DONE, DONE)
    assert len(page.run().session_state["runs"][-1].batch) == 4


def test_a_full_queue_refuses_and_goes_on():
    """One run more than may wait is turned away in words; those before it are not disturbed."""
    go = threading.Event()
    jobs = [Job(lambda on_step, on_part: go.wait(60)).start(most_waiting=1) for _ in range(2)]
    with pytest.raises(RequestError, match="Try again later"):
        Job(lambda on_step, on_part: None).start(most_waiting=1)
    go.set()
    assert all(job.wait(60) and job.state == DONE for job in jobs)


def through_the_gate(kind: str, method: str = "GET", **headers: str) -> tuple[list[dict], bool]:
    """What the gate answers, and whether the request came through to the page."""
    sent, reached = [], []

    async def page(scope, receive, send):
        reached.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    asyncio.run(Gate(page)({**scope, **({"method": method} if kind == "http" else {})}, None, send))
    return sent, bool(reached)


def test_another_site_opens_no_connection():
    """A WebSocket is taken from the page's own origin alone; of what writes, test_uploads.py has the tests."""
    assert through_the_gate("websocket", host="localhost:8501", origin="http://localhost:8501")[1]
    for origin in ("https://evil.example", "http://localhost:9999", "null", "http://localhost:8501.evil.example"):
        sent, reached = through_the_gate("websocket", host="localhost:8501", origin=origin)
        assert sent == [{"type": "websocket.close", "code": 1008}] and not reached


def test_answers_carry_headers_against_framing_and_guessing():
    """Other sites cannot frame the page, and types are not guessed."""
    sent, reached = through_the_gate("http")
    headers = dict(sent[0]["headers"])
    assert reached and headers[b"x-content-type-options"] == b"nosniff"
    assert b"frame-ancestors 'self'" in headers[b"content-security-policy"]


def test_the_usual_folders_are_never_the_whole_disk(monkeypatch):
    """A user whose home is / does not open everything."""
    monkeypatch.setenv("HOME", "/")
    monkeypatch.chdir("/")
    assert Path("/") not in settings({}).roots
