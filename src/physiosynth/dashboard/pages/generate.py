"""The Generate page: controls on the left, signals on the right; a result stays until the next run has finished."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard import session
from physiosynth.dashboard.controls import request_form
from physiosynth.dashboard.results import show, show_idle
from physiosynth.dashboard.runs import Request, finish, start
from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.telling import for_visitors
from physiosynth.dashboard.worker import WAITING, Job, in_words
from physiosynth.errors import PhysiosynthError

if TYPE_CHECKING:
    from physiosynth.generate.core import WESADGenerator

REFRESH_S = 0.4
WELCOME = (
    "Choose a state and press **Generate**. Nothing needs to be set up; the same seed gives the same signals again."
)


def main() -> None:
    """Draw the page."""
    state, model = st.session_state, session.generator()
    _collect()
    left, right = st.columns([1, 2.7], gap="medium")
    with left:
        chosen, request = request_form(model.info if model else None, busy=session.job() is not None)
        if model is not None:
            _model_card(model)
    if request is not None and model is not None:
        _begin(model, request)
    with right:
        job = session.job()
        if job is not None:
            _running(job)
        if state.get("error"):
            st.error(for_visitors(state.error))
        _result(model, chosen)


def _begin(model: WESADGenerator, request: Request) -> None:
    """Queue a run up; a request that is refused leaves its reason and the page as it was."""
    st.session_state.error = None
    try:
        session.begin(start(model, request, _page_open()), request)
    except PhysiosynthError as error:
        st.session_state.error = str(error)
        return
    st.rerun()


def _collect() -> None:
    """Take over what a finished job left; a failed or empty one leaves the result before it in place."""
    job = session.job()
    if job is None or not job.finished:
        return
    run, st.session_state.error = finish(job, session.request(), session.load_session_reference)
    if run is not None:
        session.add(run)
    session.end()


def _result(model: WESADGenerator | None, condition: str) -> None:
    run = session.current()
    if run is None and model is None:
        return
    reference, problem = session.reference(), session.reference_problem()
    if problem is not None:
        st.warning(for_visitors(problem))
    if run is not None:
        show(run, reference)
        return
    if session.job() is None:
        st.info(WELCOME, icon=":material/touch_app:")
    if reference is not None:
        show_idle(reference, condition)


@st.fragment(run_every=REFRESH_S)
def _running(job: Job) -> None:
    """Progress and Cancel, drawn again a few times a second without the rest of the page."""
    if job.finished:
        st.rerun()
    now = job.progress()
    if job.cancelling:
        text = "Cancelling ..."
    elif now.state == WAITING:
        text = _place(now.ahead)
    elif not now.total:
        text = "Starting ..."
    else:
        left = f", about {in_words(now.seconds_left)} left" if now.seconds_left is not None else ""
        text = f"Step {now.done} of {now.total}{left}"
    bar, button = st.columns([5, 1], vertical_alignment="center")
    bar.progress(min(1.0, now.share), text=text)
    if button.button("Cancel", key="cancel", disabled=job.cancelling, width="stretch"):
        job.cancel()


def _place(ahead: int) -> str:
    runs = "1 run of another page comes" if ahead == 1 else f"{ahead} runs of other pages come"
    return f"Waiting: {runs} first ..." if ahead else "Starting ..."


def _model_card(model: WESADGenerator) -> None:
    info = model.info
    named = [f"Model: {info.architecture} networks", f"epoch {info.epoch}", f"fold {info.fold}"]
    known = [text for text in named if not text.endswith("None")]
    told = [", ".join(known) + f", bundle {info.bundle_sha256[:12]}.", settings().bundle_words, *info.notices]
    st.caption("\n\n".join(for_visitors(text) for text in told if text))


def _page_open() -> Callable[[], bool]:
    """Whether this browser tab is still connected, to be asked from another thread."""
    from streamlit.runtime import exists, get_instance
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx()
    if context is None or not exists():
        return lambda: True
    runtime = get_instance()
    return lambda: bool(runtime.is_active_session(context.session_id))
