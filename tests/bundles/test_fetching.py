"""A bundle's way from a URL to the disk: every fault there is, against a real server or a real file."""

import hashlib
import io
import logging
import os
import resource
import shutil
import subprocess
import sys
import threading
import traceback
import zipfile
from pathlib import Path

import numpy as np
import pytest

from making.fault_server import Content, FaultServer, good, plain, rest, whole
from physiosynth.bundles.downloading import Limits
from physiosynth.bundles.fetching import fetch_bundle, origin_notices
from physiosynth.errors import BundleError, FetchCause, FetchError
from places import ROOT

QUICK = Limits(read_s=20, tries=3, first_wait_s=0.0, seed=0)
PLACE = "results/checkpoints/diffusion/milestones/milestone.json"
FILLER_BYTES = 300_000
SECRET = "hunter2"


def bundle_zip(version: int, filler: int = FILLER_BYTES) -> Content:
    """A zip in a bundle's layout, some blocks long; its ETag names the version."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as file:
        file.writestr(PLACE, str(version))
        file.writestr("data/filler.bin", np.random.default_rng(version).bytes(filler))
    return Content(sink.getvalue(), f'"version {version}"')


ZIP, NEWER = bundle_zip(1), bundle_zip(2)


def sha(content: Content) -> str:
    return hashlib.sha256(content.data).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Every test has its own cache, and no proxy stands between it and its server."""
    monkeypatch.setenv("PHYSIOSYNTH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.delenv("ALLOW_UNVERIFIED_BUNDLE", raising=False)
    return tmp_path / "cache"


def fetched(server: FaultServer, content: Content = ZIP, limits: Limits = QUICK, **options) -> Path:
    root = fetch_bundle(server.url(), sha(content), limits=limits, **options)
    assert (root / "data/filler.bin").stat().st_size == FILLER_BYTES
    return root


def old_bundle(folder: Path) -> Path:
    """A bundle that was built here before."""
    (folder / PLACE).parent.mkdir(parents=True)
    (folder / PLACE).write_text("old")
    (folder / "bundle.json").touch()
    return folder


def refusal(server: FaultServer, sha256: str | None = sha(ZIP), limits: Limits = QUICK, **options) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch_bundle(server.url(), sha256, limits=limits, **options)
    assert caught.value.exit_code == caught.value.cause
    return caught.value


def command(url: str, into: Path) -> subprocess.Popen:
    """The real command in a process of its own."""
    words = [sys.executable, ROOT / "scripts/fetch_bundle.py", "--sha256", sha(ZIP).upper(), "--into", into]
    environment = {**os.environ, "WEIGHTS_ZIP_URL": url}
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 160 kB, or where mounting is not allowed a limit on the size of files."""
    folder = tmp_path / "small"
    folder.mkdir()
    if mount(folder, "size=160k"):
        yield folder
        subprocess.run(["umount", folder], check=True)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (160 << 10, hard))
    yield folder
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def read_only(tmp_path):
    """A folder that cannot be written to, by root either."""
    folder = tmp_path / "read_only"
    folder.mkdir()
    if os.getuid():
        folder.chmod(0o555)
        yield folder
        return
    if not mount(folder, "ro"):
        pytest.skip("root writes everywhere, and a read-only file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def mount(folder: Path, options: str) -> bool:
    words = ["mount", "-t", "tmpfs", "-o", options, "none", folder]
    return (
        os.getuid() == 0 and bool(shutil.which("mount")) and not subprocess.run(words, capture_output=True).returncode
    )


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate of 127.0.0.1 with its key, in one file."""
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes the certificate, is not on this machine")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    words = [
        *words.split(),
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        path,
        "-out",
        path.with_suffix(".crt"),
    ]
    subprocess.run(words, check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


# What arrives well


@pytest.mark.parametrize("spell", [str.lower, str.upper])
def test_a_bundle_arrives_whole_under_either_spelling_of_its_hash(spell):
    """The root that is given holds the layout, and no part or zip is left."""
    told = []
    with FaultServer(good(ZIP)) as server:
        root = fetch_bundle(server.url(), spell(sha(ZIP)), limits=QUICK, on_progress=told.append)
    assert (root / PLACE).read_text() == "1"
    assert (told[-1].done, told[-1].total) == (len(ZIP.data), len(ZIP.data))
    assert "0.3 of 0.3 MB" in str(told[-1])
    assert origin_notices(root) == []


def test_a_second_start_makes_no_request(tmp_path):
    """Neither with the cache nor with a folder of one's own; a folder with another bundle is replaced."""
    own = old_bundle(tmp_path / "own")
    with FaultServer(good(ZIP)) as server:
        first = fetched(server)
        assert fetched(server) == first and len(server.seen) == 1
        assert fetched(server, into=own) == own
        assert (own / PLACE).read_text() == "1"
        assert fetched(server, into=own) == own and len(server.seen) == 2


def test_a_file_url_is_verified_like_any_other(tmp_path):
    """file:// needs the hash, takes it from the fragment, and is refused under another."""
    path = tmp_path / "with space.zip"
    path.write_bytes(ZIP.data)
    assert (fetch_bundle(f"{path.as_uri()}#sha256={sha(ZIP)}") / PLACE).is_file()
    for url, expected, cause in [
        (path.as_uri(), sha(NEWER), FetchCause.WRONG_HASH),
        ((tmp_path / "none.zip").as_uri(), sha(NEWER), FetchCause.REFUSED),
        (path.as_uri(), None, FetchCause.UNVERIFIED),
    ]:
        with pytest.raises(FetchError) as caught:
            fetch_bundle(url, expected)
        assert caught.value.cause == cause


def test_without_a_hash_only_who_allows_it_is_served_and_the_page_says_so(tmp_path, monkeypatch):
    """The notice stands among the generator's, and goes when the same zip is fetched under its hash."""
    from making.bundles import tiny_bundle
    from physiosynth.bundles.bundle import resolve_bundle
    from physiosynth.families.wearable.generator.loading import load

    sink = shutil.make_archive(str(tmp_path / "tiny"), "zip", tiny_bundle(tmp_path / "b"))
    tiny = Content(Path(sink).read_bytes())
    with FaultServer(good(tiny)) as server:
        assert refusal(server, None).cause == FetchCause.UNVERIFIED and server.seen == []
        with pytest.raises(FetchError, match="ALLOW_UNVERIFIED_BUNDLE"):
            resolve_bundle(server.url())
        monkeypatch.setenv("ALLOW_UNVERIFIED_BUNDLE", "1")
        bundle = resolve_bundle(server.url())
        assert any("nobody vouches" in notice for notice in load(bundle.milestones).info.notices)
        verified = resolve_bundle(f"{server.url()}#sha256={sha(tiny)}")
    assert not any("nobody vouches" in notice for notice in load(verified.milestones).info.notices)


# What a second try mends


@pytest.mark.parametrize(
    "fault",
    [plain(500), plain(503, Retry_After="0"), plain(429), whole(ZIP, stop=150_000), whole(ZIP, stop=9, end="reset")],
    ids=["500", "503", "429", "truncated", "reset"],
)
def test_a_fault_that_passes_is_tried_again(fault):
    """One more request brings the whole file."""
    with FaultServer(fault, good(ZIP)) as server:
        fetched(server)
    assert len(server.seen) == 2


def test_a_stalled_server_is_left_and_the_rest_fetched_from_where_it_stopped():
    """The second request asks for what is missing, of the same version."""
    with FaultServer(whole(ZIP, stop=150_000, end="stall"), good(ZIP)) as server:
        fetched(server, limits=Limits(read_s=0.3, first_wait_s=0.0))
    assert server.seen[1]["Range"] == f"bytes={2 << 16}-" and server.seen[1]["If-Range"] == ZIP.etag


@pytest.mark.parametrize(
    "second",
    [good(NEWER), whole(NEWER), rest(NEWER), rest(NEWER, etag=None)],
    ids=["changed", "range ignored", "another version's rest", "rest of unknown version"],
)
def test_a_file_that_changed_between_two_tries_is_fetched_from_its_beginning(second):
    """Whether the server says so or sends the rest of another version: no mixture is kept."""
    with FaultServer(whole(ZIP, stop=150_000), second, good(NEWER)) as server:
        fetched(server, NEWER)
    assert len(server.seen) <= 3


def test_a_server_that_ignores_what_is_asked_for_is_read_from_the_beginning():
    """The whole file in place of its rest is taken as what it is."""
    with FaultServer(whole(ZIP, stop=150_000), whole(ZIP)) as server:
        fetched(server)
    assert server.seen[1]["Range"] and len(server.seen) == 2


def test_a_file_that_became_shorter_than_what_is_here_is_fetched_anew():
    """A server that has nothing where the rest should be (416) is asked for the whole."""
    with FaultServer(whole(ZIP, stop=150_000), plain(416), good(ZIP)) as server:
        fetched(server)
    assert server.seen[1]["Range"] and server.seen[2]["Range"] is None


def test_two_versions_are_not_mixed_where_no_hash_would_tell():
    """The rest of a version that names itself another one is left."""
    with FaultServer(whole(ZIP, stop=150_000), rest(NEWER), good(NEWER)) as server:
        root = fetch_bundle(server.url(), allow_unverified=True, limits=QUICK)
    assert (root / "data/filler.bin").read_bytes() in NEWER.data


def test_a_server_without_a_mark_of_its_version_is_not_asked_for_the_rest():
    """Nothing could tell whether the rest belongs to what is here."""
    nameless = Content(ZIP.data, None)
    with FaultServer(whole(nameless, stop=150_000), whole(nameless)) as server:
        fetched(server)
    assert server.seen[1]["Range"] is None


def test_a_try_that_brought_much_does_not_count():
    """A line that breaks every few MB brings the whole file, however few failures in a row are allowed."""
    large = bundle_zip(3, 4 << 20)
    with FaultServer(whole(large, stop=1_500_000), rest(large, most=1_500_000), rest(large)) as server:
        root = fetch_bundle(server.url(), sha(large), limits=Limits(tries=2, first_wait_s=0.0))
    assert (root / PLACE).is_file() and len(server.seen) == 3


def test_waits_grow_jitter_and_follow_the_seed():
    """Each wait is up to twice the one before, at least half of it jittered away at most, never above the longest."""
    waits = {0: [], 1: [], 2: []}
    with FaultServer(plain(500)) as server:
        for at, seed in enumerate((3, 3, 4)):
            limits = Limits(tries=5, first_wait_s=1.0, longest_wait_s=3.0, seed=seed)
            assert refusal(server, limits=limits, sleep=waits[at].append).cause == FetchCause.SERVER_FAILED
    assert waits[0] == waits[1] != waits[2]
    assert all(low <= wait <= high for wait, low, high in zip(waits[0], (0.5, 1, 2, 3), (1, 2, 3, 3), strict=True))


# What is refused


@pytest.mark.parametrize(
    ("fault", "cause", "requests"),
    [
        (plain(404), FetchCause.REFUSED, 1),
        (plain(500), FetchCause.SERVER_FAILED, 3),
        (whole(ZIP, stop=9), FetchCause.LOST, 3),
        (whole(ZIP, stop=9, end="reset"), FetchCause.LOST, 3),
        (whole(NEWER), FetchCause.WRONG_HASH, 1),
        (plain(200, b"<!DOCTYPE html><title>Log in</title>"), FetchCause.NOT_A_ZIP, 1),
        (plain(200), FetchCause.NOT_A_ZIP, 1),
        (whole(ZIP, length=5 << 30, stop=9), FetchCause.TOO_LARGE, 1),
        (plain(302, Location="/bundle.zip"), FetchCause.REDIRECT, 6),
        (plain(302, Location="file:///etc/passwd"), FetchCause.REDIRECT, 1),
        (plain(302, Location="http://[nowhere"), FetchCause.REDIRECT, 1),
    ],
    ids=["404", "500", "cut", "reset", "hash", "page", "empty", "large", "loop", "to a file", "to nowhere"],
)
def test_what_cannot_be_mended_is_refused_by_its_own_code_and_nothing_is_unpacked(fault, cause, requests, tmp_path):
    """The old bundle stays as it was."""
    own = old_bundle(tmp_path / "own")
    with FaultServer(fault) as server:
        assert refusal(server, into=own).cause == cause
    assert len(server.seen) == requests
    assert (own / PLACE).read_text() == "old"


def test_a_page_in_place_of_the_rest_is_no_zip():
    """A login that ran out between two tries is told as one, and nothing of it is joined to what is here."""
    with FaultServer(whole(ZIP, stop=150_000), plain(200, b"<!DOCTYPE html><title>Log in</title>")) as server:
        assert refusal(server).cause == FetchCause.NOT_A_ZIP


def test_a_file_that_grows_past_the_limit_is_refused_while_it_comes(cache):
    """A server that does not say the size is stopped by what it sent; nothing stays."""
    with FaultServer(whole(ZIP, length=None)) as server:
        assert refusal(server, limits=Limits(max_bytes=100_000)).cause == FetchCause.TOO_LARGE
    assert not list(cache.glob("downloads/*.part"))


def test_a_silent_server_times_out():
    """A stall in every try ends in its own code."""
    with FaultServer(whole(ZIP, stop=9, end="stall")) as server:
        error = refusal(server, limits=Limits(read_s=0.1, tries=2, first_wait_s=0.0))
    assert error.cause == FetchCause.TIMED_OUT and "tried 2 times" in str(error)


def test_a_download_ends_when_its_whole_time_is_over():
    """However many tries are left."""
    with FaultServer(plain(500)) as server:
        assert refusal(server, limits=Limits(total_s=0.0, first_wait_s=0.0)).cause == FetchCause.TIMED_OUT


def test_a_server_that_is_not_there_is_said_to_be_out_of_reach():
    """Nothing listens on the port of a closed server."""
    server = FaultServer(good(ZIP))
    server.server_close()
    assert refusal(server).cause == FetchCause.UNREACHABLE


def test_https_is_verified_and_never_left_for_http(certificate, tmp_path):
    """An unknown certificate is refused; with a known one the file comes; a redirect to http is not followed."""
    trusted = str(certificate.with_suffix(".crt"))
    with FaultServer(good(ZIP)) as clear, FaultServer(good(ZIP), certificate=certificate) as tls:
        assert refusal(tls).cause == FetchCause.UNTRUSTED
        fetched(tls, verify=trusted)
        with FaultServer(plain(302, Location=clear.url()), certificate=certificate) as leading_out:
            assert refusal(leading_out, sha(NEWER), verify=trusted).cause == FetchCause.REDIRECT
        assert clear.seen == []
        with FaultServer(plain(302, Location=tls.url())) as leading_in:
            fetched(leading_in, into=tmp_path / "own", verify=trusted)


def test_the_body_of_a_redirect_is_not_waited_for():
    """A server that announces more than it sends there holds nobody up."""

    def redirect(handler):
        handler.begin(302, Location="/there.zip", Content_Length=9)
        handler.server.released.wait(60)

    with FaultServer(redirect, good(ZIP)) as server:
        fetched(server)
        assert len(server.seen) == 2 and not server.released.is_set()


def test_a_disk_that_fills_up_is_named_and_left_empty(small_disk, monkeypatch):
    """Also where the server does not say the size beforehand."""
    monkeypatch.setenv("PHYSIOSYNTH_CACHE", str(small_disk))
    with FaultServer(whole(ZIP, length=None)) as server:
        error = refusal(server)
    assert error.cause == FetchCause.DISK_FULL and str(small_disk) in str(error)
    assert not list(small_disk.glob("downloads/*.part"))


def test_a_disk_that_fills_up_while_unpacking_is_named(small_disk, tmp_path):
    """A small zip with much in it: the same code as while fetching."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(PLACE, bytes(400_000))
    swelling = Content(sink.getvalue())
    with FaultServer(good(swelling)) as server:
        assert refusal(server, sha(swelling), into=small_disk / "own").cause == FetchCause.DISK_FULL


def test_a_folder_that_is_no_bundle_is_not_replaced(tmp_path):
    """Whoever names his home gets words, not an empty home; a zip's own path does not become a folder either."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter").touch()
    with FaultServer(good(ZIP)) as server:
        for named in (tmp_path / "home", tmp_path / "home" / "letter"):
            with pytest.raises(BundleError, match="expected an empty folder"):
                fetched(server, into=named)
    assert server.seen == []


def test_a_file_that_cannot_fit_is_not_begun():
    """A size that the disk has no room for is refused before the first byte."""
    with FaultServer(whole(ZIP, length=1 << 60)) as server:
        assert refusal(server, limits=Limits(max_bytes=1 << 61, tries=1)).cause == FetchCause.DISK_FULL


@pytest.mark.parametrize("what", ["target", "cache"])
def test_a_place_that_cannot_be_written_to_is_told_before_the_first_request(read_only, monkeypatch, what):
    """Nothing is fetched that could not be kept."""
    if what == "cache":
        monkeypatch.setenv("PHYSIOSYNTH_CACHE", str(read_only))
    with FaultServer(good(ZIP)) as server:
        error = refusal(server, into=read_only / "bundle" if what == "target" else None)
    assert error.cause == FetchCause.READ_ONLY and str(read_only) in str(error) and server.seen == []


@pytest.mark.parametrize("url", ["bundle.zip", "ftp://host/b.zip", "http://", "http://host:port/", "file://host/b.zip"])
def test_what_is_no_address_is_told_in_words(url):
    """So is a hash that is none, or that is given twice differently."""
    with pytest.raises(BundleError, match="expected"):
        fetch_bundle(url, sha(ZIP))
    with pytest.raises(BundleError, match="64 hex digits"):
        fetch_bundle(f"http://127.0.0.1/#sha256={sha(ZIP)}", sha(NEWER))


@pytest.mark.parametrize(
    "fault",
    [
        plain(404), plain(500), whole(NEWER), whole(ZIP, stop=9, end="reset"), good(ZIP),
        plain(302, Location=f"//{SECRET}@/{SECRET}"),
        plain(302, Location=f"http://{SECRET}:{SECRET}@127.0.0.1:1/{SECRET}?{SECRET}"),
    ],
    ids=["404", "500", "hash", "reset", "good", "to nowhere", "to a closed port"],
)  # fmt: skip
def test_no_secret_of_a_url_is_told_anywhere(fault, caplog, cache):
    """Not in an error, its trace, a log of any level, or a file that stays."""
    caplog.set_level(logging.DEBUG)
    told = ""
    with FaultServer(fault) as server:
        url = server.url(f"/{SECRET}/bundle.zip?token={SECRET}").replace("//", f"//user:{SECRET}@")
        try:
            fetch_bundle(url, sha(ZIP), limits=QUICK)
        except BundleError as error:
            told = str(error) + "".join(traceback.format_exception(error))
    kept = [path for path in cache.rglob("*") if path.suffix in (".json", ".lock") and path.name != "milestone.json"]
    assert SECRET not in told + caplog.text + "".join(str(path) + path.read_text() for path in kept)
    assert server.seen[0]["Authorization"].startswith("Basic ")


def test_a_password_stays_with_its_host():
    """A redirect to another host does not carry it along."""
    with FaultServer(good(ZIP)) as other, FaultServer(plain(302, Location=other.url())) as first:
        fetch_bundle(first.url().replace("//127.0.0.1", f"//user:{SECRET}@localhost"), sha(ZIP), limits=QUICK)
    assert first.seen[0]["Authorization"] and other.seen[0]["Authorization"] is None


# Several at once


def test_two_threads_share_one_download():
    """Two pages of one process that ask at once get the same folder for one request."""
    roots = []
    with FaultServer(good(ZIP, held=True)) as server:
        threads = [threading.Thread(target=lambda: roots.append(fetched(server))) for _ in range(2)]
        threads[0].start()
        assert server.asked.wait(60)
        threads[1].start()
        server.released.set()
        for thread in threads:
            thread.join(60)
    assert len(roots) == 2 and roots[0] == roots[1] and len(server.seen) == 1


def test_of_two_starters_one_downloads_and_both_have_the_bundle(tmp_path):
    """The second waits for the first and makes no request."""
    with FaultServer(good(ZIP, held=True)) as server:
        first = command(server.url(), tmp_path / "own")
        assert server.asked.wait(60)
        second = command(server.url(), tmp_path / "own")
        assert "Another process" in second.stderr.readline()
        server.released.set()
        answers = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert answers == [f"{tmp_path / 'own'}\n"] * 2 and len(server.seen) == 1


def test_after_a_kill_the_next_start_goes_on_and_the_old_bundle_stood_meanwhile(tmp_path, cache):
    """The killed process's lock holds nobody up; its bytes are rehashed, not fetched again."""
    own = old_bundle(tmp_path / "own")
    with FaultServer(whole(ZIP, stop=150_000, end="stall"), good(ZIP)) as server:
        process = command(server.url(), own)
        part = cache / "downloads" / f"{sha(ZIP)}.part"
        tick = threading.Event()
        while not (part.is_file() and part.stat().st_size >= 2 << 16) and process.poll() is None:
            tick.wait(0.01)
        process.kill()
        process.communicate()
        assert (own / PLACE).read_text() == "old"
        fetched(server, into=own)
    assert [headers["Range"] for headers in server.seen] == [None, f"bytes={2 << 16}-"]
    assert (own / PLACE).read_text() == "1"


def test_the_command_ends_with_the_code_of_its_cause(tmp_path):
    """And one line of words."""
    with FaultServer(plain(404)) as server:
        process = command(server.url(), tmp_path / "own")
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (FetchCause.REFUSED, "")
    assert errors.startswith("error: http://127.0.0.1") and errors.count("\n") == 1
