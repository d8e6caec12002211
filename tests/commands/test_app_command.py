"""`physiosynth app` from any folder: the page of an installed package."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from physiosynth.commands.main import main
from physiosynth.dashboard.serving import SCRIPT
from places import ROOT

APP = [sys.executable, "-m", "physiosynth", "app"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port, path):
    """Status and body of an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_page_is_served_from_another_folder_with_its_own_settings(tmp_path):
    """Its script comes with the package, and so do the settings beside it and the answer to /ready."""
    port = free_port()
    log = (tmp_path / "log.txt").open("wb")
    server = subprocess.Popen([*APP, "--port", str(port)], cwd=tmp_path, stdout=log, stderr=log, env=os.environ)
    try:
        while True:
            assert server.poll() is None, (tmp_path / "log.txt").read_text()
            try:
                status, body = get(port, "/_stcore/host-config")
                break
            except OSError:
                time.sleep(0.2)
        assert status == 200 and json.loads(body)["allowedOrigins"] == []
        status, body = get(port, "/ready")
        assert status in (200, 503) and "stage" in json.loads(body)
    finally:
        server.terminate()
        server.wait(30)
    assert f"http://localhost:{port}" in (tmp_path / "log.txt").read_text()


def test_a_port_that_is_taken_is_one_line(capsys):
    """It says which other one to take."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["app", "--port", port]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(f"error: Port {port} on 127.0.0.1 cannot be used") and shown.count("\n") == 1


@pytest.mark.parametrize("host, paths", [("127.0.0.1", None), ("0.0.0.0", "off")])
def test_other_machines_do_not_choose_among_this_ones_folders(host, paths, monkeypatch):
    """Where the page listens to all, PHYSIOSYNTH_PATHS is off unless it is set."""
    became = {}
    monkeypatch.delenv("PHYSIOSYNTH_PATHS", raising=False)
    monkeypatch.setattr("physiosynth.dashboard.serving.os.execve", lambda *words: became.update(words[2]))
    assert main(["app", "--port", free_port(), "--host", host]) == 0
    assert became.get("PHYSIOSYNTH_PATHS") == paths and became["OMP_WAIT_POLICY"]


def test_the_script_of_a_checkout_is_the_one_of_the_package():
    """src/app.py differs from it by its first line alone, and the settings are one file."""
    ours, theirs = ((ROOT / "src/app.py").read_text(), SCRIPT.read_text())
    assert ours.partition("\n")[2] == theirs.partition("\n")[2]
    assert (ROOT / ".streamlit/config.toml").resolve() == SCRIPT.parent / ".streamlit/config.toml"
