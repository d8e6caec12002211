"""What a visitor waits for, and what a visit leaves behind: a real server, a real Chromium.

Prints the seconds from opening the page to the first windows on screen, the milliseconds from moving to the next window
to its chart, and with --cycles the server's memory over that many visits which each make windows and go. Run it while
nothing else runs. Needs the packages of the tests and a Chromium.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "browser")]
SETTLED = 5  # visits before the first reading of memory: libraries load, caches fill
CHART = "svg.marks"
# Resolves with the milliseconds from the press of a key to the drawn chart of another window.
NEXT_WINDOW = """() => new Promise(done => {
  const words = () => [...document.querySelectorAll("[alt], [aria-label]")]
    .map(e => e.getAttribute("alt") || e.getAttribute("aria-label")).filter(t => /window \\d+, 30 s/.test(t)).join();
  const before = words(), begin = performance.now();
  const look = () => words() !== before && document.querySelector("CHART")
    ? requestAnimationFrame(() => done(performance.now() - begin)) : requestAnimationFrame(look);
  requestAnimationFrame(look);
})""".replace("CHART", CHART)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="visits to time (5)")
    parser.add_argument("--cycles", type=int, default=0, help="visits to watch the memory over (0)")
    arguments = parser.parse_args()
    from driving import FLAGS, PATIENCE_MS, chromium_path, serving, wait_until_ready
    from playwright.sync_api import sync_playwright

    log = Path(tempfile.mkdtemp()) / "server.log"
    with serving(log) as (address, server), sync_playwright() as driver:
        wait_until_ready(address)
        browser = driver.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        browser_tab(browser, address, PATIENCE_MS).context.close()  # the first visit also loads libraries
        timed = [visit(browser, address, PATIENCE_MS) for _ in range(arguments.repeats)]
        figures = {
            "first_windows_s": [round(first, 2) for first, _ in timed],
            "first_windows_s_median": round(statistics.median(first for first, _ in timed), 2),
            "next_window_ms": [round(after) for _, after in timed],
            "next_window_ms_median": round(statistics.median(after for _, after in timed)),
        }
        print(json.dumps(figures, indent=1), flush=True)
        if arguments.cycles:
            print(json.dumps(cycles(browser, address, PATIENCE_MS, server.pid, arguments.cycles), indent=1))
        browser.close()


def browser_tab(browser, address: str, patience_ms: int):
    """A new visitor's tab with the first windows drawn."""
    tab = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    tab.set_default_timeout(patience_ms)
    tab.goto(address)
    tab.locator(CHART).first.wait_for()
    return tab


def visit(browser, address: str, patience_ms: int) -> tuple[float, float]:
    """Seconds from the address to the first chart, and milliseconds to the chart of the next window."""
    begin = time.perf_counter()
    tab = browser_tab(browser, address, patience_ms)
    first = time.perf_counter() - begin
    tab.wait_for_timeout(1000)
    slider = tab.locator('input[aria-label="Window"]')
    slider.focus()
    waiting = tab.evaluate_handle(f"({{seen: ({NEXT_WINDOW})()}})")
    slider.press("ArrowRight")
    after = waiting.evaluate("held => held.seen")
    tab.context.close()
    return first, after


def cycles(browser, address: str, patience_ms: int, process: int, count: int) -> dict[str, object]:
    """The server's resident memory in MB after each visit that makes windows of a seed of its own and goes."""
    held = []
    for cycle in range(count):
        tab = browser_tab(browser, f"{address}/?seed={1000 + cycle}", patience_ms)
        tab.get_by_role("button", name="Generate").click()
        tab.get_by_role("button", name="Cancel").wait_for(state="detached")
        tab.get_by_role("heading", name="made in").wait_for()
        tab.context.close()
        held.append(resident_mb(process))
    before, after = (statistics.median(part) for part in (held[SETTLED : 2 * SETTLED], held[-SETTLED:]))
    return {"resident_mb": held, "growth_percent": round(100 * (after / before - 1), 1)}


def resident_mb(process: int) -> int:
    """Resident memory of a process on Linux."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


if __name__ == "__main__":
    main()
