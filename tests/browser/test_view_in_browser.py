"""The charts as only a browser shows them: gestures on the time axis, and the layout of a narrow screen."""

import pytest

SHOWN = "[...document.querySelectorAll('svg.marks text')].map(t => t.textContent).find(t => t.includes('Shown: '))"
LINES = "[...document.querySelectorAll('svg.marks g.mark-line path')].map(p => p.getAttribute('d'))"
OVERVIEW_Y, ECG_Y = 35, 150  # inside the chart, in pixels


@pytest.fixture
def chart(page):
    """The main chart of the first look: its left edge, top and width on the screen."""
    drawing = page.locator("svg.marks").first
    drawing.scroll_into_view_if_needed()
    return drawing.bounding_box()


def shown(page):
    """The seconds on the time axis, as the chart says them."""
    first, last = page.evaluate(SHOWN).removesuffix(" s").split("Shown: ")[1].split(" to ")
    return float(first), float(last)


def drag(page, chart, start, stop, y):
    """Press at one share of the chart's width and let go at another."""
    page.mouse.move(chart["x"] + start * chart["width"], chart["y"] + y)
    page.mouse.down()
    page.mouse.move(chart["x"] + stop * chart["width"], chart["y"] + y, steps=4)
    page.mouse.up()


def until(page, condition):
    page.wait_for_function(f"(() => {{ const shown = {SHOWN}; return shown && {condition}; }})()")


def test_a_brush_in_the_overview_zooms_all_traces_together(page, chart):
    """Every trace is drawn anew for the seconds chosen; a drag moves them, a double-click brings all of them back."""
    before = page.evaluate(LINES)
    assert shown(page) == (0, 30) and len(before) >= 3
    drag(page, chart, 0.4, 0.6, OVERVIEW_Y)
    first, last = shown(page)
    assert 9 < first < 13 and 16 < last < 20
    assert all(old != new for old, new in zip(before, page.evaluate(LINES), strict=True))
    drag(page, chart, 0.3, 0.2, ECG_Y)
    moved = shown(page)
    assert moved[0] > first and moved[1] - moved[0] == pytest.approx(last - first, abs=0.11)
    page.mouse.dblclick(chart["x"] + 0.3 * chart["width"], chart["y"] + ECG_Y)
    until(page, "shown.includes('0.0 to 30.0')")
    assert page.evaluate(LINES) == before


def test_the_wheel_scrolls_the_page_and_zooms_with_shift_alone(page, chart):
    """Over a trace the page still scrolls; with Shift held the axis shrinks around the pointer."""
    scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"
    page.mouse.move(chart["x"] + 0.3 * chart["width"], chart["y"] + ECG_Y)
    before = page.evaluate(scrolled)
    page.mouse.wheel(0, 40)
    page.wait_for_function(f"{scrolled} > {before}")
    assert shown(page) == (0, 30)
    page.keyboard.down("Shift")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Shift")
    until(page, "!shown.includes('0.0 to 30.0')")
    first, last = shown(page)
    assert last - first < 25


def test_the_seconds_shown_can_be_set_from_the_keyboard(page, chart):
    """An arrow key on the slider's end moves the axis by half a second."""
    page.get_by_role("slider", name="Seconds shown").first.press("ArrowRight")
    until(page, "shown.includes('0.5 to 30.0')")


def test_on_a_narrow_screen_the_reference_stands_under_the_window(opened):
    """At 390 pixels panes are stacked, texts keep their size, and nothing sticks out sideways."""
    page = opened(width=390, height=844)
    page.locator("svg.marks").first.wait_for()
    titles = page.locator("svg.marks text", has_text="ECG (mV)")
    one, other = titles.nth(0).bounding_box(), titles.nth(1).bounding_box()
    assert other["y"] > one["y"] + 300 and abs(other["x"] - one["x"]) < 2 and one["height"] >= 12
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
