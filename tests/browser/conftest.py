"""A real server with nothing configured, and a real headless Chromium for each file of browser tests."""

import pytest
from driving import FLAGS, PATIENCE_MS, chromium_path, serving, shown, wait_until_ready


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """The address of the page, served by a process of its own from the project's folder and ready."""
    with serving(tmp_path_factory.mktemp("server") / "log.txt") as (address, _):
        wait_until_ready(address)
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

    def blank(width=1280, height=800, theme="light"):
        contexts.append(chromium.new_context(viewport={"width": width, "height": height}, color_scheme=theme))
        tab = contexts[-1].new_page()
        tab.set_default_timeout(PATIENCE_MS)
        return tab

    def open_tab(path="", **look):
        tab = blank(**look)
        tab.goto(f"{address}/{path}")
        return shown(tab)

    open_tab.blank = blank
    yield open_tab
    for context in contexts:
        context.close()


@pytest.fixture
def several(opened, address):
    """A function that opens the same address of the page in many tabs within a moment."""

    def open_tabs(count, path):
        tabs = [opened.blank() for _ in range(count)]
        for tab in tabs:
            tab.goto(f"{address}/{path}", wait_until="commit")
        return [shown(tab) for tab in tabs]

    return open_tabs


@pytest.fixture
def page(opened):
    """The page freshly opened in a tab of its own, with its first windows drawn."""
    tab = opened()
    tab.get_by_text("30 s each, generated in").first.wait_for()
    return tab
