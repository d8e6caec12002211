"""The Generate page: controls on the left, signals on the right; a result stays until the next run has windows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard import session, view
from physiosynth.dashboard.generate_page import downloads, rates
from physiosynth.dashboard.generate_page.controls import Form, path_fields, settings_form
from physiosynth.dashboard.generate_page.runs import Request, check, finish, partial, start
from physiosynth.dashboard.messages import for_visitors
from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.sharing import Seat, SharedJobs
from physiosynth.dashboard.trust_page import trust_card
from physiosynth.errors import PhysiosynthError
from physiosynth.families.wearable.generator.asking import evaluations
from physiosynth.running.jobs import Job

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from physiosynth.families.wearable.generator.generator import WESADGenerator

DRAWING = session.JobSlot("generate", counted="Step")
FIRST = SharedJobs(most_kept=8)
FIRST_WORK = 3000  # network evaluations up to which the windows of an address are drawn before anybody asks
FIRST_WITHIN_S = 3.0  # waited for in place, so that the page is drawn once
MANY = "{} windows with these settings take a while: press **Generate** to start."
WELCOME = "Choose a state and press **Generate**. The same seed and settings give the same signals again."


def main() -> None:
    """Draw the page."""
    model = session.generator()
    DRAWING.collect(_take)
    left, right = st.columns([1, 2.7], gap="medium")
    with left:
        form = settings_form(model.info) if model is not None else None
        path_fields(open_at_once=model is None)
        if model is not None:
            _model_card(model)
    with right:
        place = st.empty()
    if model is not None and form is not None:
        if form.pressed:
            _begin(model, form.request)
        elif form.request is not None:
            _begin_first(model, form.request, place)
        with form.slot:
            _status(form)
    with right:
        _result(model)


def _begin(model: WESADGenerator, request: Request) -> None:
    """Queue a run up in place of one under way; one that is refused leaves its reason and the page as it was."""

    def in_place() -> Job:
        check(request, model.info.defaults)
        _stop()
        return start(model, request, session.page_open(), session.load_session_reference)

    st.session_state.notice = None
    DRAWING.begin(in_place, request)


def _stop() -> None:
    """End the run under way at its next step, and keep what it has finished."""
    job = DRAWING.job
    if job is not None:
        job.cancel()
        job.wait()
        DRAWING.collect(_take)


def _begin_first(model: WESADGenerator, request: Request, place: DeltaGenerator) -> None:
    """A first look before anybody asks, where it is cheap: made once for all visitors who come to the same address."""
    if st.session_state.get("looked"):
        return
    st.session_state.looked = True
    if request.total_windows * evaluations(request.sampling, model.info.defaults, request.targets) > FIRST_WORK:
        st.session_state.notice = " ".join(filter(None, [st.session_state.notice, MANY.format(request.total_windows)]))
        return

    def alone(wanted: Callable[[], bool]) -> Job:
        return start(model, request, wanted, session.load_session_reference)

    def shared() -> Job | Seat:
        page_open = session.page_open()
        if request.calibrate:  # to a reference that may be the visitor's own
            return alone(page_open)
        return FIRST.join((model.info.bundle_sha256, request), alone, page_open)

    if not DRAWING.begin(shared, request):
        DRAWING.tell(None)
        return
    job, began = DRAWING.job, time.monotonic()
    while not job.wait(0.05) and time.monotonic() - began < FIRST_WITHIN_S:
        place.caption("Generating the first windows ...")  # where a click meanwhile takes over
    place.empty()
    DRAWING.collect(_take)


def _take(job: Job, request: Request) -> None:
    """Keep the run that a finished job left; a failed or empty one leaves the result before it in place."""
    run = finish(job, request)
    if run is not None:
        session.add(run)


def _status(form: Form) -> None:
    """Under the button: progress while a run is under way, else what its press would make."""
    if DRAWING.job is not None:
        DRAWING.bar()
        return
    if form.request is None:
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(_told(form.request), width="content")
        with st.popover("Link", icon=":material/link:", type="tertiary", help="A link that restores every setting."):
            st.caption("Opens this page with the current settings.")
            st.code(form.link, language=None, wrap_lines=True)


def _told(request: Request) -> str:
    noun = "window" if request.total_windows == 1 else "windows"
    return ", ".join([f"{request.total_windows} {noun}", *rates.in_words(request.targets)])


def _result(model: WESADGenerator | None) -> None:
    job = DRAWING.job
    for told, tell in ((st.session_state.get("notice"), st.warning), (DRAWING.error, st.error)):
        if told:
            tell(for_visitors(told))
    run = (partial(job, DRAWING.about) if job is not None else None) or session.current()
    if run is None:
        if model is not None:
            st.info("Generating the first windows ..." if job is not None else WELCOME, icon=":material/ecg:")
        return
    reference, problem = session.reference(), session.reference_problem()
    if problem is not None:
        st.warning(for_visitors(problem))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"#### {run.summary}", width="content")
        downloads.show(run)
    st.caption(run.details)
    view.show(run, reference)


def _model_card(model: WESADGenerator) -> None:
    try:
        told = [trust_card.in_a_line(model), settings().bundle_words, *model.info.notices]
    except PhysiosynthError as error:
        told = [str(error)]
    st.caption("\n\n".join(for_visitors(text) for text in told if text))
