"""The tabs of the view: each draws its charts for the windows it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard import colours
from physiosynth.dashboard.view import heart_charts, paper_chart, signals_chart
from physiosynth.dashboard.view.drawing import draw
from physiosynth.dashboard.view.heart_charts import REFERENCE, SYNTHETIC
from physiosynth.dashboard.view.measured import mean_beat_of, of_state, readings_of
from physiosynth.dashboard.view.strips import Strip, describe, reference_strip, synthetic_strip
from physiosynth.families.wearable.signals import WINDOW_S

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.batch import SignalBatch
    from physiosynth.families.wearable.data.reference import RealWindows

GESTURES = (
    "Drag in the overview to select the seconds shown, drag a trace to pan, Shift + wheel (or pinch on a trackpad) to "
    "zoom, double-click to reset. Marked: R peaks ▼, inspiration onsets ▲, SCR peaks ◆."
)
TOO_FEW = "Too few beats: a mean beat takes at least three complete ones."


def signals(strip: Strip, other: Strip | None, beside: bool) -> None:
    """The three channels of a window; other: a reference window beside or under it."""
    sets = [[strip]] if other is None else [[strip], [other]] if beside else [[other, strip]]
    _signals(sets, describe(strip, readings_of(strip), other))


def pair(one: Strip, other: Strip) -> None:
    """Two synthetic windows beside each other."""
    _signals([[one], [other]], describe(one, readings_of(one), other))


def _signals(sets: list[list[Strip]], words: str) -> None:
    home = st.slider(
        "Seconds shown",
        0.0,
        float(WINDOW_S),
        (0.0, float(WINDOW_S)),
        0.5,
        format="%g s",
        key="seconds_shown",
        help="The part of the window that is shown; the arrow keys move its ends.",
    )
    home = (home[0], max(home[1], home[0] + 0.5)) if home[0] < WINDOW_S else (WINDOW_S - 0.5, float(WINDOW_S))
    rows = signals_chart.table([[(strip, readings_of(strip)) for strip in windows] for windows in sets])
    draw(rows, signals_chart.spec(sets, colours.current(), home), words, "chart_signals")
    st.caption(GESTURES)


def paper(strip: Strip, other: Strip | None) -> None:
    """The ECG on ruled paper; the reference window on a sheet of its own under it."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        whole = st.toggle("Whole window", key="paper_whole", help=f"All {WINDOW_S} s, in rows.")
        first = st.slider(
            "Start (s)",
            0,
            WINDOW_S - paper_chart.WIDE_S,
            0,
            key="paper_start",
            disabled=whole,
            width=320,
            help=f"{paper_chart.WIDE_S} s of the ECG, {paper_chart.NARROW_S} s on a narrow screen.",
        )
    strips = [strip] + ([other] if other is not None else [])
    where = f"all {WINDOW_S} s" if whole else f"from {first} s"
    words = f"{strip.title}: ECG on paper of 25 mm/s, {where}." + (f" Below it: {other.title}." if other else "")
    spec = paper_chart.spec(strips, colours.current(), first, whole)
    draw(paper_chart.table(strips), spec, words, "chart_paper")
    st.caption("A small square is 0.04 s wide, a large one 0.2 s; at 10 mm/mV they are 0.1 and 0.5 mV high.")


def heart(same: SignalBatch, strip: Strip, reference: RealWindows | None, other: Strip | None) -> None:
    """Tachogram of the window, and mean beats; same: the run's windows in the state of the one on show."""
    shown = {SYNTHETIC: strip} | ({REFERENCE: other} if other is not None else {})
    beats = {name: readings_of(each).beats_s for name, each in shown.items()}
    st.markdown("##### Tachogram", help="Each RR interval at the time of its second beat; the dashed line is the mean.")
    rows = heart_charts.tachogram_table(beats)
    words = "; ".join(
        f"{each.title}: {max(0, len(beats[name]) - 1)} RR intervals, RMSSD {readings_of(each).rmssd:.0f} ms"
        for name, each in shown.items()
    )
    draw(rows, heart_charts.tachogram_spec(rows, colours.current()), f"Tachogram. {words}.", "chart_tachogram")
    left, right = st.columns(2, gap="medium")
    with left:
        _beats("Mean beat of the windows shown", {name: (each,) for name, each in shown.items()}, "one")
    everything = {SYNTHETIC: tuple(synthetic_strip(same, i) for i in range(len(same)))}
    matching = of_state(reference, strip.condition)
    if len(matching):
        everything[REFERENCE] = tuple(reference_strip(reference, int(i)) for i in matching)
    with right:
        _beats(f"Mean beat of all {strip.condition} windows", everything, "all")


def _beats(title: str, windows: dict[str, tuple[Strip, ...]], key: str) -> None:
    st.markdown(f"##### {title}", help="Beats aligned at the R peak; at each time the band holds 90 % of them.")
    found = {name: mean_beat_of(strips) for name, strips in windows.items()}
    known = {name: beat for name, beat in found.items() if beat is not None}
    if SYNTHETIC not in known:
        st.info(TOO_FEW)
        return
    rows = heart_charts.beat_table(known)
    counts = ", ".join(f"{beat.beats} {name.lower()} beats" for name, beat in known.items())
    draw(
        rows,
        heart_charts.beat_spec(rows, colours.current()),
        f"{title} with its spread: {counts}.",
        f"chart_beat_{key}",
    )
    st.caption(f"{counts[0].upper()}{counts[1:]}; the band spans the 5th to the 95th percentile.")
