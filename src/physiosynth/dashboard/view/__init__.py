"""What a run looks like: interactive signals, ECG paper, rhythm, all windows, and numbers beside the reference."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard import colours
from physiosynth.dashboard.messages import for_visitors
from physiosynth.dashboard.view import gallery, likeness, numbers, tabs
from physiosynth.dashboard.view.choosing import BESIDE, choose, choose_window, position_of
from physiosynth.dashboard.view.measured import of_state, readings_of, readings_of_batch, readings_of_reference
from physiosynth.dashboard.view.strips import reference_strip, synthetic_strip
from physiosynth.errors import PhysiosynthError
from physiosynth.running.jobs import UNEXPECTED

if TYPE_CHECKING:
    from physiosynth.dashboard.generate_page.runs import Run
    from physiosynth.families.wearable.data.reference import RealWindows

STYLE = Path(__file__).parents[1] / "view.css"
SIGNALS, PAPER, HEART, ALL, LIKENESS = "Signals", "ECG paper", "Heart", "All windows", "Similarity"
STREAM_TITLES = {"low": "Slow signals", "ecg": "ECG"}

ONE_PERSON = (
    "All reference windows are of one person, the synthetic ones of many: a level that differs between people, such as "
    "that of the EDA, may lie outside the range and still be plausible."
)


def show(run: Run, reference: RealWindows | None) -> None:
    """Draw a run, whole or as far as it is made, with the reference windows of its states.

    Only what is on show is computed; a choice made in here draws this part of the page again and no other.
    """
    st.html(STYLE)
    _view(run, reference)


@st.fragment
def _view(run: Run, reference: RealWindows | None) -> None:
    try:
        _parts(run, reference)
    except PhysiosynthError as error:
        st.error(for_visitors(str(error)))
    except Exception:  # drawn again by itself, this part is out of the page's own reach
        logging.getLogger(__name__).exception("The view failed.")
        st.error(UNEXPECTED)


def _parts(run: Run, reference: RealWindows | None) -> None:
    choice = choose(run, reference)
    batch, here = run.batch, synthetic_strip(run.batch, choice.position)
    other = None if choice.reference is None else reference_strip(reference, choice.reference)
    same, matching = batch.take(of_state(batch, here.condition).tolist()), of_state(reference, here.condition)
    if reference is not None and not len(matching):
        st.info(f"The reference has no {here.condition} windows, so there is nothing to compare with.")
    names = [SIGNALS, PAPER, HEART, ALL, *([LIKENESS] if len(matching) else [])]
    panels = st.tabs(names, key="view_tab", on_change="rerun")
    open_tab = next((name for name, panel in zip(names, panels, strict=True) if panel.open), SIGNALS)
    with panels[names.index(open_tab)]:
        if open_tab == SIGNALS:
            tabs.signals(here, other, choice.arrangement == BESIDE)
        elif open_tab == PAPER:
            tabs.paper(here, other)
        elif open_tab == HEART:
            tabs.heart(same, here, reference, other)
        elif open_tab == ALL:
            gallery.show(batch, run.key, choice.position, lambda i: _open(run, i))
        else:
            likeness.show(same, reference, matching)
    numbers.show(
        readings_of(here),
        readings_of_batch(same),
        readings_of_reference(reference, here.condition),
        colours.current(),
    )
    if len(matching) and reference.subjects is not None and len(set(reference.subjects)) == 1:
        st.caption(ONE_PERSON)
    provenance(run)


def _open(run: Run, position: int) -> None:
    """Show a window in the charts."""
    choose_window(run, position)
    st.session_state["view_tab"] = SIGNALS


def thumbnail(run: Run) -> None:
    """A small picture of the window of a run that is, or would be, on show."""
    position = position_of(run)
    strip = synthetic_strip(run.batch, position)
    st.html(STYLE)
    st.html(gallery.picture(strip, colours.current(), f"Thumbnail: {strip.title}"), width=232)


def side_by_side(run_a: Run, run_b: Run) -> None:
    """The windows on show of two runs in one chart with one time axis, and each run's numbers."""
    st.html(STYLE)
    pair = [synthetic_strip(run.batch, position_of(run)) for run in (run_a, run_b)]
    try:
        tabs.pair(*pair)
        for column, run, strip in zip(st.columns(2, gap="medium"), (run_a, run_b), pair, strict=True):
            same = run.batch.take(of_state(run.batch, strip.condition).tolist())
            with column:
                numbers.show(readings_of(strip), readings_of_batch(same), (), colours.current())
    except PhysiosynthError as error:
        st.error(for_visitors(str(error)))


def provenance(run: Run) -> None:
    """Where the windows come from, in a line."""
    source = run.batch.provenance
    streams = "; ".join(
        f"{STREAM_TITLES[name]}: {values['steps']} steps, guidance {values['guidance']:g}"
        for name, values in source.sampling.items()
    )
    st.caption(
        f"{source.notice} Seed {source.seed}. {streams}. Bundle {source.bundle_sha256[:12]}, physiosynth "
        f"{source.version}, {source.created}."
    )
