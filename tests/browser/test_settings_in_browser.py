"""Fields, Link, address and what is drawn agree, whatever was chosen before; a number that cannot be meant is told."""

import itertools
from urllib.parse import parse_qs, urlsplit

import pytest
from driving import PATIENCE_MS, generate, made, shown, type_in
from playwright.sync_api import TimeoutError, expect

from physiosynth.dashboard.generate_page.presets import PRESETS
from physiosynth.families.wearable.export import read

BY_NAME = {preset.name: preset for preset in PRESETS}
SLIDERS = {"heart_rate": "Heart rate", "breathing_rate": "Respiratory rate", "scr_rate": "SCR rate"}
NUMBERS = {"windows": "Windows", "seed": "Seed", "low_guidance": "Slow-signal guidance"}
THREE = ("Calm adult", "Exam stress", "Athlete at rest")


def every_pair():
    """The names in an order in which each follows each other one exactly once: an Euler circuit."""
    left = {name: [other for other in BY_NAME if other != name] for name in BY_NAME}
    path, circuit = [next(iter(BY_NAME))], []
    while path:
        if left[path[-1]]:
            path.append(left[path[-1]].pop())
        else:
            circuit.append(path.pop())
    return circuit


def opened_up(tab):
    """The tab with all its fields in sight."""
    for name in ("Target rates", "Sampling"):
        tab.get_by_text(name, exact=True).click()
    tab.get_by_label("ECG guidance", exact=True).wait_for()
    return tab


def choose(tab, name):
    """Choose a preset as a person does, who opens the list again where a page drawn anew has closed it."""
    option = tab.get_by_role("option", name=f"{name}:")
    for _ in range(10):
        tab.get_by_role("combobox", name="Preset").click()
        try:
            return option.click(timeout=PATIENCE_MS / 10)
        except TimeoutError:
            tab.keyboard.press("Escape")
    raise AssertionError(f"{name} could not be chosen")


def wanted(name, seed="6"):
    """What a preset's fields hold, from its own definition."""
    preset = BY_NAME[name]
    guidance = 2.0 if preset.targets.given() else 0.0
    return {
        "state": set(preset.conditions), "windows": float(preset.windows), "seed": seed, "low_guidance": guidance,
        **preset.targets.given(),
    }  # fmt: skip


def in_fields(tab):
    """What the fields show; a list where a field is there twice, as while the page is drawn anew."""
    shown = tab.evaluate(
        """() => {
            const all = (css) => [...document.querySelectorAll(css)];
            const inputs = all('input[aria-label]:not([type=checkbox])').map(each => [each.ariaLabel, each.value]);
            return [all('[role=toolbar][aria-label=State] button[aria-pressed=true]').map(b => b.innerText), inputs];
        }"""
    )
    found = {"state": {text.strip().lower() for text in shown[0]}}
    for key, label in {**NUMBERS, **SLIDERS}.items():
        values = [value for name, value in shown[1] if name == label or name.startswith(f"{label}, ")]
        values = values if key == "seed" else [float(value) for value in values if value]
        if values:
            found[key] = values[0] if len(values) == 1 else values
    return found


def in_address(url):
    """What an address says, with the usual for what it leaves out."""
    said = {key: values for key, values in parse_qs(urlsplit(url).query).items()}
    rates = {key: float(said[key][-1]) for key in SLIDERS if key in said}
    return {
        "state": {text.lower() for text in said.get("state", ["baseline"])},
        "windows": float(said.get("windows", ["4"])[-1]), "seed": said.get("seed", ["6"])[-1],
        "low_guidance": float(said.get("low_guidance", [2.0 if rates else 0.0])[-1]), **rates,
    }  # fmt: skip


def link(tab):
    tab.get_by_role("button", name="Link").click()
    text = tab.get_by_test_id("stPopoverBody").get_by_test_id("stCode").inner_text().strip()
    tab.keyboard.press("Escape")
    tab.get_by_test_id("stPopoverBody").wait_for(state="detached")
    return text


def agreed(tab, expected):
    """The Link, once fields, address and Link all say what is expected."""
    for _ in range(300):
        found = in_fields(tab), in_address(tab.url)
        if found == (expected, expected):
            break
        tab.wait_for_timeout(100)
    assert found == (expected, expected)
    text = link(tab)
    assert in_address(text) == expected
    return text


@pytest.mark.slow
def test_every_preset_after_every_other_is_what_fields_link_and_address_say(opened):
    """All 42 ordered pairs of the seven presets in one visit; each preset's Link opens with the same settings."""
    tab, links = opened_up(opened()), {}
    for name in every_pair():
        choose(tab, name)
        links[name] = agreed(tab, wanted(name))
    assert set(links) == set(BY_NAME)
    for name, text in links.items():
        tab.goto(text)
        assert agreed(opened_up(shown(tab)), wanted(name)) == text


@pytest.mark.parametrize("order", itertools.permutations(THREE), ids=lambda order: "-".join(order))
def test_fields_link_and_address_agree_after_every_order_of_three_presets(opened, order):
    """In a fresh visit, each preset of an order is what all three say, whatever was chosen before."""
    tab = opened_up(opened())
    for name in order:
        choose(tab, name)
        agreed(tab, wanted(name))


@pytest.mark.parametrize("order", [THREE, THREE[::-1]], ids=lambda order: "-".join(order))
def test_what_is_drawn_after_three_presets_is_the_last_one(opened, order, tmp_path):
    """In a fresh visit: the file that is taken home says what fields, Link and address say."""
    tab = opened_up(opened())
    for name in order:
        choose(tab, name)
        agreed(tab, wanted(name))
    generate(tab)
    preset = BY_NAME[order[-1]]
    tab.get_by_text("Slow signals: 16 steps, guidance 2;").wait_for()  # what is on show is no longer what came unasked
    made(tab, f"4 {preset.conditions[0]} windows").wait_for()
    tab.get_by_role("button", name="Download", exact=True).locator("visible=true").click()
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name="NPZ", exact=True).click()
    path = tmp_path / "drawn.npz"
    waiting.value.save_as(path)
    drawn = read(path).provenance
    assert drawn.targets == preset.targets.given() and drawn.seed == 6 and set(drawn.conditions) == {*preset.conditions}
    assert drawn.sampling["low"]["guidance"] == 2.0


def test_a_link_names_a_rate_as_soon_as_its_slider_has_moved(opened):
    """Arrow keys on a slider: address and Link name the number that the slider shows, not the one before."""
    tab = opened_up(opened())
    choose(tab, "Calm adult")
    expected = wanted("Calm adult")
    agreed(tab, expected)
    slider = tab.get_by_role("slider", name="Heart rate, ")
    for _ in range(3):
        slider.press("ArrowRight")
        expected["heart_rate"] += 1
        agreed(tab, expected)


@pytest.mark.parametrize(
    "label, wrong, words, right",
    [
        ("Windows", "200", "Windows must be a whole number from 1 to 64. To generate more, use the command", "2"),
        ("Windows", "2.5", "Windows must be a whole number from 1 to 64.", "2"),
        ("Windows", "1e30", "Windows must be a whole number from 1 to 64.", "2"),
        ("ECG guidance", "50", "ECG guidance must be a number from 0 to 10.", "0"),
        ("Slow-signal steps", "0", "Slow-signal steps must be a whole number from 1 to 1000.", "8"),
        ("Seed", "-1", "Seed must be a whole number from 0 to 9223372036854775807.", "7"),
        ("Seed", "9223372036854775808", "Seed must be a whole number from 0 to 9223372036854775807.", "2147483648"),
    ],
)
def test_a_number_that_cannot_be_meant_is_told_and_nothing_is_drawn_with_another(opened, label, wrong, words, right):
    """The field keeps what was typed, a sentence in sight says what it takes, Generate is off until it is mended."""
    tab = opened_up(opened())
    made(tab, "4 baseline windows").wait_for()
    button = tab.get_by_role("button", name="Generate")
    type_in(tab, label, wrong)
    tab.get_by_text(words).wait_for()
    expect(button).to_be_disabled(timeout=PATIENCE_MS)  # the button and the Link may come after the sentence
    assert float(tab.get_by_label(label, exact=True).input_value()) == float(wrong)
    expect(tab.get_by_role("button", name="Link")).to_have_count(0, timeout=PATIENCE_MS)
    type_in(tab, label, right)
    tab.get_by_text(words).wait_for(state="detached")
    expect(button).to_be_enabled(timeout=PATIENCE_MS)


def test_a_press_in_the_same_breath_as_a_wrong_number_draws_nothing(opened):
    """Typing 200 and clicking Generate at once: the windows on show stay, and no others are drawn."""
    tab = opened()
    made(tab, "4 baseline windows").wait_for()
    heading = made(tab, "4 baseline windows").inner_text()
    tab.get_by_label("Windows", exact=True).fill("200")
    tab.get_by_role("button", name="Generate").click()
    tab.get_by_text("Windows must be a whole number from 1 to 64.").wait_for()
    tab.wait_for_timeout(1500)
    assert made(tab, "4 baseline windows").inner_text() == heading
    assert tab.get_by_role("button", name="Cancel").count() == 0


def test_a_seed_as_large_as_the_command_takes_is_drawn_to_the_last_digit(opened):
    """A number beyond what a browser counts exactly is kept as it was typed, in the address too."""
    seed = str(2**63 - 1)
    tab = opened(f"?windows=1&seed={seed}")
    made(tab, "1 baseline window").wait_for()
    tab.get_by_text(f"Seed {seed}").wait_for()
    assert tab.get_by_label("Seed", exact=True).input_value() == seed and f"seed={seed}" in link(tab)


def test_a_link_to_many_windows_draws_as_many(opened):
    """64 windows in the address are 64 windows on the page."""
    tab = opened("?windows=64&seed=3")
    made(tab, "64 baseline windows").wait_for()
    assert tab.get_by_label("Windows", exact=True).input_value() == "64"


def test_a_link_to_more_than_is_drawn_unasked_says_so(opened):
    """Where drawing all of it would take long, nothing is drawn, and the page says what Generate would."""
    tab = opened("?windows=64&ecg_steps=900&seed=3")
    tab.get_by_text("64 windows with these settings take a while: press Generate").wait_for()
    assert tab.get_by_text("30 s each, generated in").count() == 0


def test_back_in_the_browser_takes_a_change_back(opened):
    """The address before is what the fields then show."""
    tab = opened_up(opened())
    choose(tab, "Calm adult")
    agreed(tab, wanted("Calm adult"))
    choose(tab, "Exam stress")
    agreed(tab, wanted("Exam stress"))
    tab.go_back()
    agreed(tab, wanted("Calm adult"))
