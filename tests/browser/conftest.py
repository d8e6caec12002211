"""A real server with nothing configured, and a real headless Chromium for each file of browser tests."""

import pytest
from driving import FLAGS, PATIENCE_MS, chromium_path, generate, serving, shown


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """The address of the page, served by a process of its own from the project's folder."""
    with serving(tmp_path_factory.mktemp("server") / "log.txt") as (address, _):
        yield address


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium; skips with the reason where there is none.

    It ends with its file, and Playwright's event loop with it: within a running one no other test could start its own.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        except playwright.Error as error:
            pytest.skip(f"no Chromium starts here: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, address):
    """A function that opens an address of the page in a visitor's own tab, and says when it is ready."""
    contexts = []

    def open_tab(path="", width=1280, height=800, theme="light"):
        contexts.append(chromium.new_context(viewport={"width": width, "height": height}, color_scheme=theme))
        tab = contexts[-1].new_page()
        tab.set_default_timeout(PATIENCE_MS)
        tab.goto(f"{address}/{path}")
        return shown(tab)

    yield open_tab
    for context in contexts:
        context.close()


@pytest.fixture
def page(opened):
    """The page freshly opened in a tab of its own, with its first windows drawn."""
    tab = opened()
    made, welcome = tab.get_by_text("made in").first, tab.get_by_text("press Generate").first
    made.or_(welcome).first.wait_for()
    if welcome.is_visible():  # the run of a tab closed just now was still ending
        generate(tab)
    made.wait_for()
    return tab
