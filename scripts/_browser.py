"""A server of the page and what a visitor does on it, for screenshots.py, the browser tests and the benchmarks."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WORDS = "Synthetic, trained on simulated data, not for clinical use"
PATIENCE_MS = 180_000


def chromium_path():
    """Where Chromium is; None leaves that to Playwright."""
    return os.environ.get("PHYSIOSYNTH_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def serving(log, **environment):
    """Serve the page from a process of its own; gives its address and the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "src/app.py", "--server.port", str(port)]
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [*command, "--server.address", "127.0.0.1"], cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )  # fmt: skip
    try:
        _wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", server, log)
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            raise


def _wait_until_up(url, server, log):
    for _ in range(1200):
        try:
            return urllib.request.urlopen(url, timeout=1).read()
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text()}")


def wait_until_ready(address):
    """Return when the served model has drawn a window, so that no visit shares the machine with the start."""
    for _ in range(3000):
        try:
            return urllib.request.urlopen(f"{address}/ready", timeout=5).close()
        except OSError:  # 503 until then
            time.sleep(0.2)
    raise AssertionError("the model drew no window within ten minutes")


def shown(tab):
    """The tab, once its page is drawn as far as the words that every page carries."""
    tab.get_by_text("not for clinical use").first.wait_for()
    return tab


def pick(page, *states):
    """Choose these states and no others."""
    row = page.get_by_role("toolbar", name="State")
    for state in (*states, *{"Baseline", "Stress", "Amusement", "Meditation"}.difference(states)):  # never none
        button = row.get_by_role("button", name=state, exact=True)
        if (button.get_attribute("aria-pressed") == "true") != (state in states):
            button.click()


def type_in(page, label, value):
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Enter")


def generate(page):
    page.get_by_role("button", name="Generate").click()


def made(page, words):
    """The heading of a finished run, such as "2 stress windows"."""
    return page.get_by_role("heading", name=words, exact=True)
