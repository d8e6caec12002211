"""What the view draws of a run: its charts' content, its numbers, and what a visitor's choice changes."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from physiosynth.dashboard.colours import DARK, LIGHT, contrast
from physiosynth.dashboard.view import gallery, numbers, paper_chart, signals_chart
from physiosynth.dashboard.view.heart_charts import beat_spec, beat_table, tachogram_spec, tachogram_table
from physiosynth.dashboard.view.strips import Strip, describe, envelope
from physiosynth.families.wearable.data.batch import Provenance, SignalBatch
from physiosynth.families.wearable.data.reference import RealWindows
from physiosynth.families.wearable.features.readings import QUANTITIES, mean_beat, spread, window_readings
from physiosynth.families.wearable.signals import ECG_HZ, ECG_STEPS, LOW_HZ, LOW_STEPS
from physiosynth.signals import NamedSignals

FAST, SLOW = np.arange(ECG_STEPS) / ECG_HZ, np.arange(LOW_STEPS) / LOW_HZ


def signals(rate: float = 80.0, level: float = 2.0) -> dict[str, np.ndarray]:
    """A beat at `rate` /min, 15 breaths/min, one response on a level."""
    ecg = sum(np.exp(-(((FAST - beat) / 0.012) ** 2)) for beat in np.arange(0.5, 29.6, 60 / rate))
    rise = np.clip(SLOW - 10, 0, None)
    return {"ECG": ecg, "Resp": -np.cos(np.pi * SLOW / 2), "EDA": level + rise * np.exp(-rise / 1.5)}


def strip(rate: float = 80.0, level: float = 2.0, reference: bool = False) -> Strip:
    title = "Reference" if reference else "Synthetic · stress · window 1"
    return Strip(title, "stress", signals(rate, level), reference=reference)


def measured(each: Strip):
    return window_readings(*(each.signals[name] for name in ("ECG", "Resp", "EDA")))


def windows(rates, conditions):
    """ECG and low stream of windows with these heart rates."""
    made = [signals(rate) for rate in rates]
    ecg = np.stack([each["ECG"] for each in made])[..., None].astype(np.float32)
    low = np.stack([np.stack([each["EDA"], each["Resp"]], axis=-1) for each in made]).astype(np.float32)
    return ecg, NamedSignals(low, ("EDA", "Resp"), LOW_HZ), tuple(conditions)


def run_of(rates, conditions):
    ecg, low, names = windows(rates, conditions)
    how = {"ecg": {"steps": 2, "guidance": 0.0}, "low": {"steps": 2, "guidance": 0.0}}
    source = Provenance("0" * 64, "virtual", "full", 6, 0, how, names, "0", "now")
    return SimpleNamespace(batch=SignalBatch(ecg, low, names, source), key="run")


def opened(run, reference) -> AppTest:
    def script():
        import streamlit as st

        from physiosynth.dashboard import view

        view.show(st.session_state.run, st.session_state.held)

    page = AppTest.from_function(script, default_timeout=60)
    page.session_state["run"], page.session_state["held"] = run, reference
    return page.run()


@pytest.fixture(scope="module")
def reference():
    return RealWindows(*windows(range(70, 90, 2), ["stress"] * 10), source="virtual", eda="full")


def slider(page, label):
    return next(each for each in page.slider if each.label == label)


def charts(page) -> list[str]:
    return [element.proto.alt for element in page.get("vega_lite_chart")]


def test_all_three_traces_share_one_time_axis_and_every_sample_is_drawn():
    """Each pane takes its x from the one scale whose domain is the seconds shown; the ECG has all its samples."""
    spec = signals_chart.spec([[strip()]], LIGHT, (0, 30))
    panes = [mark for mark in spec["marks"] if mark["name"].startswith("pane")]
    assert len(panes) == 3 and all(pane["axes"][0]["scale"] == "x" for pane in panes)
    assert not any(scale["name"] == "x" for pane in panes for scale in pane["scales"])
    assert next(s for s in spec["scales"] if s["name"] == "x")["domain"] == {"signal": "span"}
    rows = signals_chart.table([[(strip(), measured(strip()))]])
    ecg = rows[rows["k"] == "ECG00"]
    assert np.array_equal(ecg["v"].to_numpy(), strip().signals["ECG"]) and np.array_equal(ecg["t"].to_numpy(), FAST)


def test_events_are_marked_where_they_are_with_words():
    """R peaks stand on the trace at their times; their words name the interval and the rate."""
    rows = signals_chart.table([[(strip(60), measured(strip(60)))]])
    beats = rows[rows["k"] == "ECG00e"]
    assert np.allclose(beats["t"], np.arange(0.5, 29.6), atol=0.01) and (beats["v"] > 0.9).all()
    assert re.search(r"R peak at 1\.5\d\d s; RR (999|1000|1001) ms \(60 bpm\)", beats["text"].iloc[1])
    assert len(rows[rows["k"] == "Resp00e"]) >= 6 and "0.5" not in rows[rows["k"] == "EDA00e"]["text"].iloc[0][:20]


def test_panes_beside_each_other_share_a_scale_and_eda_keeps_its_level():
    """ECG limits are the same for both windows; those of EDA are as far apart as the levels, and as high."""
    sets = [[strip()], [strip(level=9.0, reference=True)]]
    assert signals_chart.y_limits(sets, 0, "ECG") == signals_chart.y_limits(sets, 1, "ECG")
    (low, high), (low_b, high_b) = (signals_chart.y_limits(sets, i, "EDA") for i in (0, 1))
    assert high - low == pytest.approx(high_b - low_b) and low_b - low == pytest.approx(7)


def test_the_envelope_keeps_the_highest_and_the_lowest_value():
    """Decimation to few columns loses no peak."""
    ecg = strip().signals["ECG"]
    low, high = envelope(ecg, 50).T
    assert len(low) == 50 and low.min() == ecg.min() and high.max() == ecg.max() and (low <= high).all()


def test_paper_has_the_gain_of_a_machine_and_halves_it_for_high_signals():
    """Lines at 10 mm/mV begin and end at multiples of 0.5 mV; 20 mV are drawn with less."""
    gain, low, high = paper_chart.scale_of([strip()])
    assert gain == 10 and low % 0.5 == 0 and high % 0.5 == 0 and low < 0 and high > 1
    tall = Strip("", "", {**signals(), "ECG": 20 * signals()["ECG"]})
    assert paper_chart.scale_of([tall])[0] == 2.5


def test_tachogram_and_mean_beat_hold_synthetic_and_reference_apart():
    """Each has its colour from the theme, and the values of its own window."""
    beats = {"Synthetic": np.array([1, 1.8, 2.8]), "Reference": np.array([1.0, 2.0])}
    rows = tachogram_table(beats)
    assert rows.groupby("window")["rr"].max().round().to_dict() == {"Reference": 1000, "Synthetic": 1000}
    scale = tachogram_spec(rows, DARK)["layer"][1]["encoding"]["color"]["scale"]
    assert scale == {"domain": ["Synthetic", "Reference"], "range": [DARK.channels["ECG"], DARK.reference]}
    only = beat_table({"Synthetic": mean_beat([strip().signals["ECG"]], [measured(strip()).beats_s])})
    assert beat_spec(only, LIGHT)["layer"][0]["encoding"]["color"]["scale"]["domain"] == ["Synthetic"]
    assert only["mean"].max() == pytest.approx(1, abs=0.15)


def test_numbers_say_where_the_window_falls_and_when_nobody_can_tell():
    """150 /min is above a reference of 70 to 89; a flat ECG has no rate."""
    heart_rate, _, breathing = QUANTITIES[:3]
    others = [measured(strip(rate)) for rate in range(70, 90, 2)]
    card = numbers.card(heart_rate, measured(strip(150)), others[:3], others, LIGHT)
    assert ">150<" in card and "Reference 71 to 87: above" in card and "Run of 3: median 72" in card
    flat = window_readings(np.zeros(ECG_STEPS), np.zeros(LOW_STEPS), np.zeros(LOW_STEPS))
    assert numbers.TOO_FEW in numbers.card(heart_rate, flat, [flat], [], LIGHT)
    assert numbers.place_in_words(spread(others[:2], "breathing_rate"), 15.0, breathing).endswith(
        "fewer than 5 windows"
    )


def test_a_window_is_put_in_words():
    """Title, ranges with units, events and the reference."""
    text = describe(strip(), measured(strip()), strip(reference=True))
    for part in ("Synthetic · stress · window 1, 30 s: ECG (mV) from", "EDA (µS) from 2.00", "39 R peaks", "Reference"):
        assert part in text


def test_the_small_picture_differs_with_the_window_and_the_theme():
    """Another window is another picture; the other theme has other colours."""
    assert gallery.small(strip(60), LIGHT) != gallery.small(strip(90), LIGHT) != gallery.small(strip(90), DARK)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_colours_can_be_told_from_their_ground(theme):
    """Texts have a contrast of 4.5 or more, traces of 3 or more, on the page and on ECG paper."""
    titles = (theme.ink, theme.muted, *theme.channels.values())
    assert all(contrast(colour, theme.ground) >= 4.5 for colour in titles)
    assert contrast(theme.ink, theme.paper) >= 4.5
    traces = (theme.reference, theme.mark, theme.channels["ECG"])
    assert all(contrast(colour, ground) >= 3 for colour in traces for ground in (theme.ground, theme.paper))


def test_state_and_number_choose_the_window_on_show(reference):
    """Of a run of two states each window can be reached; one without reference windows stands alone."""
    page = opened(run_of([75, 85, 95], ["stress", "stress", "baseline"]), reference)
    assert (
        charts(page)[0].startswith("Synthetic · stress · window 1, 30 s") and "Shown with: Reference" in charts(page)[0]
    )
    slider(page, "Window").set_value(2).run()
    assert charts(page)[0].startswith("Synthetic · stress · window 2, 30 s")
    page.pills[0].set_value("baseline").run()
    assert charts(page)[0].startswith("Synthetic · baseline · window 1") and "Reference" not in charts(page)[0]
    assert not page.exception and not page.error


def test_pressing_a_window_of_the_gallery_puts_it_in_the_charts(reference):
    """The gallery holds every window with its rate; a press leads to the signals of that one."""
    page = opened(run_of([75, 85, 95], ["stress", "stress", "baseline"]), reference)
    page.session_state["view_tab"] = "All windows"
    page.run()
    named = {button.label: button for button in page.button}
    assert "stress · window 2 · 85 bpm" in named
    named["baseline · window 1 · 95 bpm"].click().run()
    assert charts(page)[0].startswith("Synthetic · baseline · window 1, 30 s")


def test_more_windows_of_a_run_under_way_leave_the_choice_alone(reference):
    """What grows keeps the window that is on show."""
    page = opened(run_of([75, 80, 85], ["stress"] * 3), reference)
    slider(page, "Window").set_value(2).run()
    page.session_state["run"] = run_of([75, 80, 85, 90], ["stress"] * 4)
    page.run()
    assert charts(page)[0].startswith("Synthetic · stress · window 2, 30 s") and slider(page, "Window").max == 4


@pytest.mark.parametrize("tab", ["ECG paper", "Heart", "Similarity"])
def test_every_tab_draws_a_run_with_and_without_a_reference(reference, tab):
    """No tab fails; the heart's charts and the paper say in words what they show."""
    for held in (reference, None) if tab != "Similarity" else (reference,):
        page = opened(run_of([75, 85], ["stress"] * 2), held)
        page.session_state["view_tab"] = tab
        page.run()
        assert not page.exception and not page.error
        assert tab == "Similarity" or all(charts(page))


def test_a_flat_window_is_drawn_and_told(reference):
    """No beats, no breaths: charts and numbers say so instead of failing."""
    run = run_of([75], ["stress"])
    run.batch.ecg[:], run.batch.low.values[:] = 0, 0
    page = opened(run, reference)
    for tab in ("Signals", "ECG paper", "Heart", "All windows"):
        page.session_state["view_tab"] = tab
        page.run()
        assert not page.exception and not page.error, tab
    assert any(numbers.TOO_FEW in element.proto.body for element in page.get("html"))
