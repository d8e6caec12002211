"""The page: controls on the left, signals on the right; a result stays until the next run has finished."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from physiosynth.dashboard.controls import current_paths, request_form
from physiosynth.dashboard.results import show, show_idle
from physiosynth.dashboard.runs import Request, Run, finish, start
from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.sources import Paths, load_generator, load_reference
from physiosynth.dashboard.telling import for_visitors
from physiosynth.dashboard.worker import UNEXPECTED, WAITING, Job, in_words
from physiosynth.errors import PhysiosynthError

if TYPE_CHECKING:
    from physiosynth.evaluation.wesad_real import RealWindows
    from physiosynth.generate.core import WESADGenerator

T = TypeVar("T")
REFRESH_S = 0.4
TRAINED_ON = {"virtual": "simulated data", "recorded": "recordings of people", "imported": "a user's own recordings"}
STYLE = Path(__file__).with_name("style.css")
WELCOME = (
    "Choose a state and press **Generate**. Nothing needs to be set up; the same seed gives the same signals again."
)


def main() -> None:
    """Draw the page; nothing that goes wrong on it shows a traceback."""
    st.set_page_config("physiosynth", page_icon=":material/ecg_heart:", layout="wide")
    st.html(STYLE)
    try:
        _page()
    except PhysiosynthError as error:
        st.error(for_visitors(str(error)))
    except Exception:
        logging.getLogger(__name__).exception("The page failed.")
        st.error(UNEXPECTED)


def _page() -> None:
    state, paths = st.session_state, current_paths()
    head = st.container()
    left, right = st.columns([1, 2.7], gap="medium")
    with left:
        generator = _told(lambda: load_generator(paths))
    with head:
        _head(generator)
    _collect(paths, generator)
    with left:
        chosen, request = request_form(generator.info if generator else None, busy="job" in state)
        if generator is not None:
            _model_card(generator)
    if request is not None:
        _begin(generator, request)
    with right:
        if "job" in state:
            _running(state.job)
        if state.get("error"):
            st.error(for_visitors(state.error))
        _result(paths, generator, chosen)


def _begin(generator: WESADGenerator, request: Request) -> None:
    """Queue a run up; a request that is refused leaves its reason and the page as it was."""
    state = st.session_state
    state.error = None
    try:
        state.job = start(generator, request, _page_open())
    except PhysiosynthError as error:
        state.error = str(error)
        return
    state.request = request
    st.rerun()


def _collect(paths: Paths, generator: WESADGenerator | None) -> None:
    """Take over what a finished job left; a failed or empty one leaves the result before it in place."""
    state = st.session_state
    if "job" not in state or not state.job.finished:
        return
    run, state.error = finish(state.job, state.request, lambda: load_reference(_fold(paths, generator)))
    if run is not None:
        state.run = run
    del state.job


def _result(paths: Paths, generator: WESADGenerator | None, condition: str) -> None:
    run: Run | None = st.session_state.get("run")
    if run is not None:
        show(run, _reference(paths, generator))
    elif generator is not None:
        if "job" not in st.session_state:
            st.info(WELCOME, icon=":material/touch_app:")
        reference = _reference(paths, generator)
        if reference is not None:
            show_idle(reference, condition)


def _reference(paths: Paths, generator: WESADGenerator | None) -> RealWindows | None:
    fold = _fold(paths, generator)
    if not fold:
        named = " A fold to compare with can be named under Advanced." if settings().paths else ""
        st.info(f"This bundle has no reference windows.{named}")
        return None
    return _told(lambda: load_reference(fold), st.warning)


def _fold(paths: Paths, generator: WESADGenerator | None) -> str:
    beside = generator.info.reference_dir if generator is not None else None
    return paths.fold or str(beside or "")


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


def _head(generator: WESADGenerator | None) -> None:
    trained = TRAINED_ON.get(generator.info.source) if generator is not None else None
    words = f"Synthetic, trained on {trained}, not for clinical use" if trained else "Synthetic, not for clinical use"
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        st.title("physiosynth", anchor=False, width="content")
        st.badge(words, color="orange", width="content")


def _model_card(generator: WESADGenerator) -> None:
    info = generator.info
    named = [f"Model: {info.architecture} networks", f"epoch {info.epoch}", f"fold {info.fold}"]
    known = [text for text in named if not text.endswith("None")]
    told = [", ".join(known) + f", bundle {info.bundle_sha256[:12]}.", settings().bundle_words, *info.notices]
    st.caption("\n\n".join(for_visitors(text) for text in told if text))


def _told(load: Callable[[], T], tell: Callable[[str], object] = st.error) -> T | None:
    """What load gives, or None after its error was shown in words."""
    try:
        return load()
    except PhysiosynthError as error:
        tell(for_visitors(str(error)))
        return None


def _page_open() -> Callable[[], bool]:
    """Whether this browser tab is still connected, to be asked from another thread."""
    from streamlit.runtime import exists, get_instance
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx()
    if context is None or not exists():
        return lambda: True
    runtime = get_instance()
    return lambda: bool(runtime.is_active_session(context.session_id))
