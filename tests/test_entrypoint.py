"""A container's start: which bundle it takes, what it refuses and with which exit code, and how it stops."""

import functools
import hashlib
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

from making.bundles import tiny_bundle
from physiosynth.dashboard.server import start_up as starting
from physiosynth.dashboard.server.readiness import FAILED, READY, Readiness
from physiosynth.errors import FetchCause, FetchError, MountError, RequestError, VerificationError
from places import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENTRYPOINT = ROOT / "scripts" / "entrypoint.py"
VARIABLES = ("WEIGHTS_ZIP_URL", "BUNDLE_SHA256", "ALLOW_UNVERIFIED_BUNDLE", "PORT")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A tiny bundle folder."""
    return tiny_bundle(tmp_path_factory.mktemp("start") / "bundle")


@pytest.fixture(scope="module")
def zipped(bundle):
    """The bundle as a zip."""
    return shutil.make_archive(str(bundle) + "_zip", "zip", bundle)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder to start in, with a cache of its own and none of the variables set."""
    for name in (*VARIABLES, *(name for name in os.environ if name.startswith("PHYSIOSYNTH_"))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PHYSIOSYNTH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "app"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def prepared(home) -> tuple[starting.Start, str]:
    lines = []
    return starting.prepare(home, lines.append), "\n".join(lines)


def sha256_of(path) -> str:
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def test_a_url_comes_before_mounts_and_is_said_without_its_token(home, bundle, zipped, monkeypatch):
    """With both, the URL is taken; log and page say so in a line each, and hold nothing of its secrets."""
    shutil.copytree(bundle, home, dirs_exist_ok=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=os.path.dirname(zipped))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}/{os.path.basename(zipped)}"
        monkeypatch.setenv("WEIGHTS_ZIP_URL", f"http://me:hush@{address}?token=s3cret")
        monkeypatch.setenv("BUNDLE_SHA256", sha256_of(zipped).upper())
        start, log = prepared(home)
        server.shutdown()
    assert start.bundle.is_relative_to(home.parent / "cache") and "Bundle verified" in log
    assert "WEIGHTS_ZIP_URL" in start.line and "fetched from 127.0.0.1, SHA-256 as expected" in start.words
    assert not any(secret in log + start.words for secret in ("hush", "s3cret"))


def test_mounts_come_before_the_embedded_model(home, bundle):
    """Weights below the folder it starts in are used, and said."""
    assert prepared(home)[0].bundle == starting.EMBEDDED
    shutil.copytree(bundle, home, dirs_exist_ok=True)
    start, _ = prepared(home)
    assert start.bundle == home and "mounted" in start.line and "mounted" in start.words


def test_a_wrong_hash_and_no_hash_do_not_start(home, zipped, monkeypatch):
    """Another file than the one that was meant is refused, and so is one that nobody vouched for; both by exit code."""
    monkeypatch.setenv("WEIGHTS_ZIP_URL", f"file://{zipped}")
    with pytest.raises(FetchError) as refused:
        prepared(home)
    assert refused.value.cause == FetchCause.UNVERIFIED
    monkeypatch.setenv("BUNDLE_SHA256", "0" * 64)
    with pytest.raises(FetchError) as refused:
        prepared(home)
    assert refused.value.cause == FetchCause.WRONG_HASH


def test_an_unverified_bundle_is_called_so_in_the_log_and_on_the_page(home, zipped, monkeypatch):
    """ALLOW_UNVERIFIED_BUNDLE=1 starts it, and hides nothing."""
    monkeypatch.setenv("WEIGHTS_ZIP_URL", f"file://{zipped}")
    monkeypatch.setenv("ALLOW_UNVERIFIED_BUNDLE", "1")
    start, log = prepared(home)
    assert "NO SHA-256" in start.words and "NO SHA-256" in log


def test_a_damaged_bundle_does_not_start(home, bundle):
    """Mounted weights that were cut short are named, with the exit code for it."""
    shutil.copytree(bundle, home, dirs_exist_ok=True)
    weights = next((home / "results/checkpoints/diffusion").glob("*.pt"))
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(VerificationError, match=re.escape(weights.name)) as refused:
        prepared(home)
    assert refused.value.exit_code == 30


@pytest.mark.parametrize(
    "folder, words",
    [("results/checkpoints/diffusion", "empty"), ("data/processed/two_stream/fold_S10", "without weights")],
)
def test_a_mount_of_the_wrong_folder_is_not_passed_over(home, folder, words):
    """A mistyped source mounts an empty folder, and half a bundle is none: neither falls back to another model."""
    (home / folder).mkdir(parents=True)
    with pytest.raises(MountError, match=words) as refused:
        prepared(home)
    assert refused.value.exit_code == 31


@pytest.mark.parametrize(
    "variable, text",
    [("PORT", "http"), ("PORT", "70000"), ("PHYSIOSYNTH_MAX_STEPS", "lots"), ("BUNDLE_SHA256", "0" * 64)],
)
def test_a_variable_that_cannot_be_meant_is_refused_by_name(home, monkeypatch, variable, text):
    """A hash without a URL would compare nothing; a number that is none would limit nothing."""
    monkeypatch.setenv(variable, text)
    with pytest.raises(RequestError, match=variable):
        prepared(home)


def test_the_command_ends_with_the_code_of_its_error(home, monkeypatch):
    """A start that fails says why in one line, without a traceback."""
    monkeypatch.setenv("BUNDLE_SHA256", "0" * 64)
    done = subprocess.run([sys.executable, ENTRYPOINT], cwd=home, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.startswith("error: BUNDLE_SHA256") and "Traceback" not in done.stderr


def test_it_is_not_ready_before_the_bundle_is_verified_and_the_model_has_answered(home, bundle, monkeypatch):
    """503 at first and for a bundle that does not verify, 200 after a window was drawn; no folder in either."""
    monkeypatch.setenv("PHYSIOSYNTH_BUNDLE", str(bundle))
    readiness = Readiness()
    assert readiness.answer(None).status_code == 503
    readiness.prepare()
    assert readiness.stage == READY and readiness.answer(None).status_code == 200
    monkeypatch.setenv("PHYSIOSYNTH_BUNDLE", str(home))
    broken = Readiness()
    broken.prepare()
    answer = broken.answer(None)
    assert broken.stage == FAILED and answer.status_code == 503 and str(home).encode() not in answer.body


def asked(port: int) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.timeout(240)
def test_a_start_becomes_the_server_turns_ready_and_stops_when_it_is_told_to(home, bundle):
    """The same process serves, answers 503 and then 200, has no token in its environment, and ends on SIGTERM."""
    shutil.copytree(bundle, home, dirs_exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PORT": str(port), "HOST": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    with (home.parent / "log.txt").open("wb") as log:
        server = subprocess.Popen([sys.executable, ENTRYPOINT], cwd=home, env=environment, stdout=log, stderr=log)
    try:
        statuses = []
        while 200 not in statuses:
            assert server.poll() is None, (home.parent / "log.txt").read_text()
            try:
                statuses.append(asked(port)[0])
            except OSError:
                time.sleep(0.05)
        assert 503 in statuses
        health = subprocess.run([sys.executable, ENTRYPOINT, "--health"], env=environment, timeout=60)
        assert health.returncode == 0
        server.terminate()
        server.wait(60)
    finally:
        server.kill()
    assert subprocess.run([sys.executable, ENTRYPOINT, "--health"], env=environment, timeout=60).returncode == 1


def test_the_bill_of_materials_lists_what_the_locks_install():
    """Every locked package is in sbom.cdx.json with its version, and nothing else; each locked one has its hash."""
    locks = [(ROOT / name).read_text() for name in ("requirements.lock", "requirements-torch.lock")]
    locked = {pair for text in locks for pair in re.findall(r"^([a-z0-9][^=\s]*)==([^\s;]+)", text, re.MULTILINE)}
    content = json.loads((ROOT / "sbom.cdx.json").read_text())
    assert content["bomFormat"] == "CycloneDX" and content["metadata"]["component"]["name"] == "physiosynth"
    assert {(each["name"], each["version"]) for each in content["components"]} == locked and len(locked) > 40
    assert all(each["purl"] == f"pkg:pypi/{each['name']}@{each['version']}" for each in content["components"])
    assert not any("externalReferences" in each for each in content["components"])
    for text in locks:
        entries = re.split(r"\n(?=\S)", text)
        assert all("--hash=sha256:" in entry for entry in entries if not entry.startswith("#"))


def test_the_locked_versions_are_within_the_tested_ranges():
    """A changed requirements.txt, or a changed extra of the image, needs scripts/lock.sh."""
    from packaging.requirements import Requirement

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted_lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted_lines += [line for name in ("app", "evaluation", "formats") for line in extras[name]]

    locks = (ROOT / "requirements.lock").read_text() + (ROOT / "requirements-torch.lock").read_text()
    for line in wanted_lines:
        if not line or line.startswith(("#", "physiosynth[")):
            continue
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"python_version": "3.11", "python_full_version": "3.11.9"}):
            found = re.search(rf"^{wanted.name}==([^\s;]+)", locks, re.MULTILINE)
            assert found and wanted.specifier.contains(found[1]), f"{line}: run scripts/lock.sh"
