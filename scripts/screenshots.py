"""Take the pictures of the documentation: serve the page, visit it in Chromium, and write docs/screenshots/*.webp.

Every page is taken light and dark at 1280 pixels, the Generate page at 390 pixels, too. Needs the packages of the tests
(pip install -e '.[test]') and a Chromium.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _browser import FLAGS, chromium_path, generate, made, pick, serving, shown, type_in, wait_until_ready
from physiosynth.commands.main import guarded

ROOT = Path(__file__).parents[1]
WIDE, NARROW, TALLEST = 1280, 390, 2100  # pixels
QUALITY = 78  # of WebP
PATIENCE_MS = 400_000  # judging takes minutes on a busy machine
RECORDING = ROOT / "tests" / "fixtures" / "neurokit_rest_60s.csv"
SAMPLE = "?state=Stress&windows=8&seed=4"
STILL = {"animations": "disabled", "style": "* { caret-color: transparent !important; }"}
BUSY = "[data-testid=stStatusWidget], [data-testid=stSkeleton], [data-stale=true]"


def main() -> int:
    options = parse()
    from physiosynth.errors import RequestError

    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise RequestError("Pictures need Playwright, and it is not installed: pip install -e '.[test]'.") from error
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        except Error as error:
            raise RequestError(
                "Pictures need a Chromium, and none starts here. Install one (apt-get install chromium), or name it in "
                f"PHYSIOSYNTH_CHROMIUM. {str(error).splitlines()[0]}"
            ) from error
        with serving(Path(tempfile.mkdtemp()) / "server.log") as (address, _):
            wait_until_ready(address)
            for theme in options.themes:
                for name, size in pictures(browser, address, theme, options):
                    print(f"{name}: {size / 1000:.0f} kB", flush=True)
        browser.close()
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots", help="folder (docs/screenshots)")
    parser.add_argument("--only", nargs="+", choices=[*PAGES], default=[*PAGES], metavar="PAGE", help=", ".join(PAGES))
    parser.add_argument("--themes", nargs="+", choices=("light", "dark"), default=["light", "dark"])
    return parser.parse_args()


def pictures(browser, address: str, theme: str, options: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """Take the pictures of one theme; gives the name and bytes of each file that was written."""
    from playwright.sync_api import TimeoutError

    from physiosynth.errors import RequestError

    for page in options.only:
        width = NARROW if page == "narrow" else WIDE
        with visit(browser, address, theme, width) as tab:
            try:
                for part in PAGES[page](tab, address):
                    path = options.out / f"{part}-{theme}.webp"
                    yield path.name, save(tab, path, width)
            except TimeoutError as error:
                said = " ".join(tab.get_by_test_id("stMain").inner_text().split())[:500]
                raise RequestError(f"The {page} page did not come to where it should. It says: {said}") from error


@contextmanager
def visit(browser, address: str, theme: str, width: int):
    """A visitor's own tab of this width and theme, opened on nothing yet."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    tab = context.new_page()
    tab.set_default_timeout(PATIENCE_MS)
    try:
        yield tab
    finally:
        context.close()


def save(tab, path: Path, width: int) -> int:
    """Write the whole page as it is drawn now, when it has come to rest; gives the bytes."""
    from PIL import Image

    from physiosynth.files import replacing

    tab.mouse.move(2, 2)  # a pointer over a chart brings its toolbar out
    rest(tab)
    height = tab.evaluate("(document.querySelector('[data-testid=stMainBlockContainer]')?.scrollHeight || 800) + 20")
    tab.set_viewport_size({"width": width, "height": int(min(height, TALLEST))})
    rest(tab)
    picture = Image.open(io.BytesIO(tab.screenshot(**STILL))).convert("RGB")
    with replacing(path) as part:
        picture.save(part, "WEBP", quality=QUALITY, method=6)
    tab.set_viewport_size({"width": width, "height": 900})
    return path.stat().st_size


def rest(tab) -> None:
    """Return when nothing is being drawn any more."""
    tab.wait_for_function(f"!document.querySelector(`{BUSY}`)")
    before, until = b"", time.monotonic() + 20
    while (now := tab.screenshot(**STILL)) != before and time.monotonic() < until:
        before = now
        tab.wait_for_timeout(700)


def signals(tab, address: str) -> Iterator[str]:
    """The tabs of the Generate page for a run of stress."""
    opened(tab, f"{address}/{SAMPLE}")
    first_windows(tab)
    for name, words in GENERATE_TABS.items():
        tab.get_by_role("tab", name=words).click()
        yield name


def narrow(tab, address: str) -> Iterator[str]:
    """The Generate page on a telephone."""
    opened(tab, f"{address}/{SAMPLE}")
    first_windows(tab)
    yield "narrow"


def trust(tab, address: str) -> Iterator[str]:
    """The Trust page, which judges by itself."""
    opened(tab, f"{address}/trust")
    tab.get_by_text("Each score between reference and negative control").wait_for()
    yield "trust"


def compare(tab, address: str) -> Iterator[str]:
    """Two runs in the history and beside each other, and a small sweep."""
    opened(tab, f"{address}/{SAMPLE}")
    first_windows(tab)
    pick(tab, "Meditation")
    type_in(tab, "Seed", 6)
    generate(tab)
    made(tab, "8 meditation windows").wait_for()
    tab.get_by_role("link", name="Compare").click()
    tab.get_by_role("button", name="Score the runs").click()
    tab.get_by_role("button", name="Score the runs").wait_for(state="detached")
    yield "compare-runs"
    tab.get_by_role("tab", name="Two side by side").click()
    yield "compare-pair"
    tab.get_by_role("tab", name="Sweep").click()
    tab.get_by_role("button", name="Sweep", exact=True).click()
    tab.get_by_text("All 6 cells are done.").wait_for()
    yield "compare-sweep"


def own_data(tab, address: str) -> Iterator[str]:
    """A recording that was brought and has become the reference."""
    opened(tab, f"{address}/own-data")
    tab.locator("input[type=file]").first.set_input_files(RECORDING)
    tab.get_by_role("button", name="Use as reference").click()
    toast = tab.get_by_test_id("stToast")
    toast.wait_for()
    toast.wait_for(state="detached")
    yield "own-data"


def first_windows(tab) -> None:
    """Return when the first windows are there; asks for them where the tab before was still sampling."""
    drawn, welcome = made(tab, "8 stress windows"), tab.get_by_text("press Generate")
    drawn.or_(welcome).first.wait_for()
    if not drawn.is_visible():
        generate(tab)
    drawn.wait_for()


def opened(tab, address: str) -> None:
    tab.goto(address)
    shown(tab)


GENERATE_TABS = {"signals": "Signals", "paper": "ECG paper", "heart": "Heart", "gallery": "All windows",
                 "likeness": "Similarity"}  # fmt: skip
PAGES = {"generate": signals, "narrow": narrow, "trust": trust, "compare": compare, "own-data": own_data}

if __name__ == "__main__":
    sys.exit(guarded(main))
