"""Wait until a started image is ready, use its page, and stop it: drive_page.py ADDRESS WORDS PROCESS [turns].

WORDS: what the page has to say of its bundle. PROCESS: the container's; when it ends there is nothing to wait for.
turns: also two visitors at a time, of whom the first closes the tab.
"""

import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "browser")]
from driving import FLAGS, chromium_path, generate, made, pick, shown, type_in  # noqa: E402

READY_WITHIN_S, STOP_WITHIN_S = 600, 5


def main() -> None:
    address, words, process = sys.argv[1:4]
    statuses, seconds = wait_until_ready(address, int(process))
    assert 200 in statuses, f"never ready: {statuses}"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        use(browser, address, words)
        if sys.argv[4:] == ["turns"]:
            take_turns(browser, address)
        took = stop(browser, address, int(process))
        browser.close()
    assert took < STOP_WITHIN_S, f"stopped {took:.1f} s after SIGTERM, expected {STOP_WITHIN_S} s at most"
    print(f"ready after {seconds:.1f} s; a window was made; stopped {took:.1f} s after SIGTERM", file=sys.stderr)


def wait_until_ready(address: str, process: int) -> tuple[set[int], float]:
    began, statuses = time.monotonic(), set()
    while 200 not in statuses and time.monotonic() - began < READY_WITHIN_S:
        assert not ended(process), "it ended before it was ready"
        try:
            statuses.add(urllib.request.urlopen(f"{address}/ready", timeout=10).status)
        except urllib.error.HTTPError as error:
            statuses.add(error.code)
        except OSError:
            pass
        time.sleep(0.1)
    return statuses, time.monotonic() - began


def opened(browser, address: str):
    tab = browser.new_page(viewport={"width": 1280, "height": 800})
    tab.set_default_timeout(300_000)
    tab.goto(address)
    return shown(tab)


def ask_for(tab, windows: int, steps: int) -> None:
    tab.get_by_text("Sampling", exact=True).click()
    for label, value in (("ECG steps", steps), ("Slow-signal steps", steps), ("Windows", windows)):
        type_in(tab, label, value)
    generate(tab)


def begun(browser, address: str):
    """A tab with a run of minutes under way."""
    tab = opened(browser, address)
    ask_for(tab, windows=64, steps=500)
    tab.get_by_text("Step ").first.wait_for()
    return tab


def stop(browser, address: str, process: int) -> float:
    """Seconds from SIGTERM to the end, with a visitor there whose run is under way."""
    begun(browser, address)
    began = time.monotonic()
    os.kill(process, signal.SIGTERM)
    while not ended(process) and time.monotonic() - began < 60:
        time.sleep(0.05)
    return time.monotonic() - began


def ended(process: int) -> bool:
    """Whether a process is gone, or waits for its parent to notice that."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def take_turns(browser, address: str) -> None:
    """The second visitor sees the place in the queue, and has the turn soon after the first has closed the tab."""
    first, second = begun(browser, address), opened(browser, address)
    ask_for(second, windows=1, steps=4)
    second.get_by_text("Queued: 1 run ahead of yours").wait_for()
    first.close()
    made(second, "1 baseline window").wait_for()
    second.close()


def use(browser, address: str, words: str) -> None:
    """Make one stress window in a tab of its own, and read the whole page for what should not be there."""
    tab = opened(browser, address)
    tab.get_by_text(words).first.wait_for()
    pick(tab, "Stress")
    ask_for(tab, windows=1, steps=4)
    made(tab, "1 stress window").wait_for()
    tab.locator("[role=graphics-document][aria-label*='stress · window 1']:visible").first.wait_for()
    text = tab.content()
    for unwanted in ("Traceback", "/app/", "/opt/venv", "/cache/", "/tmp/", "s3cret", "hush"):
        assert unwanted not in text, f"the page shows {unwanted!r}"
    assert tab.get_by_text("Advanced: paths").count() == 0
    tab.close()


if __name__ == "__main__":
    main()
