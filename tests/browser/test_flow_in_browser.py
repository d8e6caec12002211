"""The way through the page in a real browser: first look, several states, progress, two visitors, the address."""

import json

import pytest
from driving import WORDS, generate, made, pick, shown, type_in


def test_the_first_windows_are_there_before_anybody_asks(page):
    """A newcomer sees windows of the first state and what they are not for, and can ask for others at once."""
    assert page.get_by_text(WORDS).is_visible()
    assert made(page, "4 baseline windows").is_visible()
    assert page.get_by_role("button", name="Generate").is_enabled()


def test_several_states_are_made_with_the_keyboard_alone(page):
    """Tab reaches the states and the button; Enter chooses and makes them."""
    reached = ""
    for _ in range(40):
        page.keyboard.press("Tab")
        reached = page.evaluate("document.activeElement.textContent")
        if "Baseline" in reached:
            page.keyboard.press("ArrowRight")
            page.keyboard.press("Enter")
        if "Generate" in reached and page.evaluate("document.activeElement.tagName") == "BUTTON":
            page.get_by_text("Stress: speaking").wait_for()
            page.keyboard.press("Enter")
            break
    made(page, "8 baseline and stress windows").wait_for()


def test_finished_windows_appear_while_the_rest_is_made_and_cancel_keeps_them(page):
    """A long run shows its step and time left, then windows; Cancel ends it and the next run works."""
    page.get_by_text("Sampling", exact=True).click()
    type_in(page, "Windows", 64)
    type_in(page, "Slow-signal steps", 4)
    type_in(page, "ECG steps", 60)
    generate(page)
    page.get_by_text("left").first.wait_for()
    page.get_by_text("of 64 baseline windows so far").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Stopped early").first.wait_for()
    type_in(page, "ECG steps", 4)
    type_in(page, "Windows", 1)
    generate(page)
    made(page, "1 baseline window").wait_for()


def test_two_visitors_take_turns_and_a_closed_tab_gives_its_turn_up(opened):
    """The second is told the place, sees nothing of the first's run, and is served when the first has gone."""
    first = opened()
    pick(first, "Stress")
    first.get_by_text("Sampling", exact=True).click()
    type_in(first, "Windows", 64)
    type_in(first, "ECG steps", 1000)
    generate(first)
    first.get_by_text("Step ").first.wait_for()
    second = opened("?windows=1")
    second.get_by_text("Queued: 1 run ahead of yours").wait_for()
    assert second.get_by_text("stress windows").count() == 0
    first.close()
    made(second, "1 baseline window").wait_for()


def test_an_address_restores_every_setting_and_the_same_windows(opened):
    """What was set is in the address, and a fresh tab at that address shows the same."""
    asked = "?state=Stress&state=Meditation&windows=2&seed=77&calibrate=true&ask_heart_rate=true&heart_rate=80"
    tab = opened(asked + "&low_guidance=2")
    made(tab, "4 stress and meditation windows").wait_for()
    assert tab.get_by_label("Seed", exact=True).input_value() == "77"
    assert tab.get_by_text("heart rate 80 bpm").is_visible()
    type_in(tab, "Seed", 78)
    tab.wait_for_url("**seed=78**")
    again = opened(tab.url.partition("/?")[2] and "?" + tab.url.partition("/?")[2])
    made(again, "4 stress and meditation windows").wait_for()
    assert again.get_by_label("Seed", exact=True).input_value() == "78"


def test_an_address_that_cannot_be_meant_is_told_in_words(opened):
    """A value out of range falls back and is named; nothing looks like an error of the program."""
    tab = opened("?windows=99999&state=Panic&seed=7")
    tab.get_by_text("cannot be used here").wait_for()
    assert tab.get_by_label("Windows", exact=True).input_value() == "4"
    assert tab.get_by_label("Seed", exact=True).input_value() == "7"
    assert "Traceback" not in tab.inner_text("body")


@pytest.mark.parametrize("damage", ["missing", "broken"])
def test_a_bundle_that_cannot_be_loaded_is_told_in_words_and_mended_with_one_button(page, tmp_path, damage):
    """The page says what it expected and what it found, on every page; the defaults come back."""
    folder = tmp_path / "milestones"
    if damage == "broken":
        folder.mkdir()
        (folder / "milestone_e001_best.json").write_text(json.dumps({"epoch": 1}))
        (folder / "ckpt_epoch_001_WEIGHTS.pt").write_bytes(b"no weights at all")
    page.get_by_text("Advanced: paths").click()
    type_in(page, "Checkpoint file", str(folder / "ckpt_epoch_001_WEIGHTS.pt") if damage == "broken" else "")
    type_in(page, "Checkpoint folder", str(folder))
    page.get_by_role("alert").first.wait_for()
    body = page.inner_text("body")
    assert "Traceback" not in body and "Error:" not in body and "not for clinical use" in body
    page.get_by_role("button", name="Reset to defaults").click()
    page.get_by_role("button", name="Generate").wait_for()


@pytest.mark.parametrize("theme, width", [("light", 1280), ("dark", 390)])
def test_no_page_has_a_serious_obstacle_for_anybody(opened, theme, width):
    """axe finds nothing serious or critical on any page, and nothing sticks out sideways."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    tab = opened(width=width, theme=theme)
    tab.get_by_text("30 s each, generated in").first.wait_for()
    for name in ("Target rates", "Sampling"):
        tab.get_by_text(name, exact=True).click()
    tab.get_by_text("ECG guidance").wait_for()
    for path in ("", "trust", "compare", "own-data"):
        if path:
            tab.goto(f"{tab.url.partition('?')[0].rsplit('/', 1)[0]}/{path}")
            shown(tab).wait_for_timeout(300)
        found = axe.Axe().run(tab).response["violations"]
        grave = [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")]
        assert grave == [], f"{path or 'generate'} in {theme}"
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
