"""The page as a newcomer meets it: a real server with nothing configured, driven in a real headless Chromium."""

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pandas as pd
import pytest

from physiosynth.signals import ECG_STEPS, LOW_STEPS
from places import ROOT

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WORDS = "Synthetic, trained on simulated data, not for clinical use"
PATIENCE_MS = 90_000


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of the page, served by a process of its own from the project's folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "src/app.py", "--server.port", str(port)]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [*command, "--server.address", "127.0.0.1"], cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            raise


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium; skips with the reason where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("PHYSIOSYNTH_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        except playwright.Error as error:
            pytest.skip(f"no Chromium starts here: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, address):
    """The page freshly opened in a tab of its own, ready to be used."""
    tab = chromium.new_page(viewport={"width": 1280, "height": 800})
    tab.set_default_timeout(PATIENCE_MS)
    tab.goto(address)
    tab.get_by_role("button", name="Generate").wait_for()
    yield tab
    tab.close()


def _wait_until_up(url, server, log):
    for _ in range(1200):
        try:
            return urllib.request.urlopen(url, timeout=1).read()
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
    pytest.fail(f"the server did not start: {log.read_text()}")


def pick(page, state):
    page.get_by_role("radio", name=state).or_(page.get_by_role("button", name=state, exact=True)).first.click()


def type_in(page, label, value):
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Enter")


def traces(page, text):
    return page.locator(f"img[alt*='{text}']:visible")


def downloaded(page, name):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=f"Download {name}").click()
    with open(waiting.value.path(), "rb") as stream:
        return waiting.value.suggested_filename, stream.read()


def test_a_newcomer_makes_stress_windows_and_takes_them_home(page):
    """Pick stress, generate, see three traces beside a reference, and read both files with the usual tools."""
    assert page.get_by_text(WORDS).is_visible()
    pick(page, "Stress")
    type_in(page, "Windows", 2)
    page.get_by_role("button", name="Generate").click()
    picture = traces(page, "Synthetic · stress · window 1, 30 s: ECG")
    picture.wait_for()
    words = picture.get_attribute("alt")
    assert all(part in words for part in ("ECG from", "respiration from", "EDA from", "mV", "%", "uS", "Reference"))
    assert picture.bounding_box()["width"] > 600

    name, content = downloaded(page, "NPZ")
    assert name == "synthetic_stress_2windows_seed6.npz"
    with np.load(io.BytesIO(content), allow_pickle=False) as held:
        assert held["ecg"].shape == (2, ECG_STEPS, 1) and held["low"].shape == (2, LOW_STEPS, 2)
        assert np.isfinite(held["ecg"]).all() and held["ecg"].std() > 0
        assert "synthetic" in str(held["synthetic"]) and set(held["conditions"]) == {"stress"}
        settings = json.loads(str(held["settings"]))
        assert settings["seed"] == 6 and settings["synthetic"] is True
        ecg = held["ecg"][1, :, 0]

    name, content = downloaded(page, "CSV")
    table = pd.read_csv(io.BytesIO(content), comment="#")
    second = table[table["window"] == 1]["ECG_mV"].dropna().to_numpy()
    assert name.endswith(".csv") and b"synthetic" in content[:200]
    assert set(table["condition"]) == {"stress"} and np.allclose(second, ecg, atol=1e-4)


def test_cancel_ends_a_long_run_and_the_page_lives(page):
    """A run of minutes stops within seconds; the next one works in the same tab."""
    page.get_by_text("Sampling", exact=True).click()
    type_in(page, "Windows", 64)
    type_in(page, "ECG steps", 1000)
    page.get_by_role("button", name="Generate").click()
    page.get_by_text("Step ").first.wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel").wait_for(state="detached", timeout=15_000)
    type_in(page, "ECG steps", 4)
    type_in(page, "Windows", 1)
    page.get_by_role("button", name="Generate").click()
    traces(page, "Synthetic · baseline · window 1").wait_for()


def test_a_wrong_path_is_told_in_words_and_mended_with_one_button(page):
    """The page names the path and shows no traceback; the defaults come back."""
    page.get_by_text("Advanced: paths").click()
    type_in(page, "Milestones folder", "/nowhere/milestones")
    page.get_by_text("/nowhere/milestones: expected").wait_for()
    body = page.inner_text("body")
    assert "Traceback" not in body and "Error:" not in body and "not for clinical use" in body
    page.get_by_role("button", name="Back to the defaults").click()
    page.get_by_role("button", name="Generate").wait_for()
    page.get_by_text(WORDS).wait_for()


def test_a_hasty_click_while_the_page_is_still_coming_up_loses_nothing(chromium, address):
    """The state is picked the moment it can be; Generate then works, in every one of four fresh tabs."""
    for _ in range(4):
        tab = chromium.new_page(viewport={"width": 1280, "height": 800})
        tab.set_default_timeout(PATIENCE_MS)
        tab.goto(address)
        tab.get_by_text("Stress", exact=True).first.click()
        tab.get_by_role("button", name="Generate").click()
        traces(tab, "Synthetic · stress · window 1, 30 s: ECG").wait_for()
        tab.close()


def command(name, *arguments):
    """Run one of the project's commands."""
    subprocess.run(
        [sys.executable, ROOT / "scripts" / f"{name}.py", *arguments], check=True, capture_output=True, timeout=120
    )


def test_a_real_recording_of_ones_own_stands_beside_the_synthetic_windows(page, tmp_path):
    """A CSV is imported and preprocessed by the commands; the page shows it as the reference, as recorded."""
    command(
        "import_recording", ROOT / "tests/fixtures/neurokit_rest_60s.csv", "--subject", "ME", "--out", tmp_path,
        "--channels", "ECG=ECG,EDA=EDA,Resp=RSP", "--units", "ECG=mV,EDA=uS", "--rate", "100", "--state", "baseline",
    )  # fmt: skip
    command("preprocess_wesad", "--raw", tmp_path, "--out", tmp_path / "folds", "--test-subject", "ME", "--reference")
    page.get_by_text("Advanced: paths").click()
    type_in(page, "Reference fold", tmp_path / "folds" / "fold_ME")
    type_in(page, "Windows", 1)
    page.get_by_role("button", name="Generate").click()
    picture = traces(page, "Synthetic · baseline · window 1, 30 s: ECG")
    picture.wait_for()
    assert "Reference (recorded) · ME · baseline" in picture.get_attribute("alt")


def test_a_narrow_screen_gets_its_own_picture(page):
    """At 390 pixels the picture is upright, as wide as the screen allows, and nothing sticks out sideways."""
    page.set_viewport_size({"width": 390, "height": 844})
    type_in(page, "Windows", 1)
    page.get_by_role("button", name="Generate").click()
    picture = traces(page, "Synthetic · baseline · window 1, 30 s: ECG")
    picture.wait_for()
    box = picture.bounding_box()
    assert 300 < box["width"] <= 390 and box["height"] > box["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
