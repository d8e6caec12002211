"""What one visitor's session holds: the model, the reference, and the runs made so far.

The only place that touches the keys of st.session_state which pages share. Nothing here is seen by another session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard.runs import Request, Run
from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.sources import Paths, default_paths, load_generator, load_reference
from physiosynth.dashboard.worker import Job
from physiosynth.errors import FoldError, PhysiosynthError

if TYPE_CHECKING:
    from physiosynth.evaluation.wesad_real import RealWindows
    from physiosynth.generate.core import WESADGenerator

# What is kept of a session: a window is about 25 kB, so this is 13 MB a visitor at most.
MAX_RUNS, MAX_WINDOWS = 12, 512


def paths() -> Paths:
    """Where this session's model and reference are: as typed, where visitors may."""
    if not settings().paths:
        return default_paths()
    return st.session_state.setdefault("paths", default_paths())


def set_paths(chosen: Paths) -> None:
    """Look for the model and the reference elsewhere."""
    st.session_state.paths = chosen


def generator() -> WESADGenerator | None:
    """The model of this session, or None where none can be loaded; generator_problem says why."""
    try:
        return load_generator(paths())
    except PhysiosynthError:
        return None


def generator_problem() -> str | None:
    """Why there is no model, in words; None where there is one."""
    try:
        load_generator(paths())
    except PhysiosynthError as error:
        return str(error)
    return None


def reference() -> RealWindows | None:
    """The visitor's own recording, else the fold's test windows, or None; reference_problem says why."""
    try:
        return load_session_reference()
    except PhysiosynthError:
        return None


def reference_problem() -> str | None:
    """Why there is no reference, in words; None where there is one."""
    try:
        load_session_reference()
    except PhysiosynthError as error:
        return str(error)
    return None


def load_session_reference() -> RealWindows:
    """The reference of this session. Raises PhysiosynthError, in words for the page."""
    own = st.session_state.get("own_reference")
    return own[0] if own is not None else load_fold_reference()


def load_fold_reference() -> RealWindows:
    """The windows that come with the model, or were named in their place. Raises PhysiosynthError."""
    fold = paths().fold
    if not fold:
        model = generator()
        fold = str(model.info.reference_dir or "") if model is not None else ""
    if not fold:
        named = " A fold to compare with can be named under Advanced." if settings().paths else ""
        raise FoldError(f"This bundle has no reference windows.{named}")
    return load_reference(fold)


def set_own_reference(windows: RealWindows, name: str) -> None:
    """Compare with a visitor's own recording from now on."""
    st.session_state.own_reference = (windows, name)


def clear_own_reference() -> None:
    """Compare with the fold again."""
    st.session_state.pop("own_reference", None)


def own_reference_name() -> str | None:
    """The name of the visitor's own recording, or None where the fold is the reference."""
    own = st.session_state.get("own_reference")
    return None if own is None else own[1]


def runs() -> list[Run]:
    """The runs of this session that are kept, oldest first."""
    return list(st.session_state.get("runs", []))


def current() -> Run | None:
    """The run on show: the newest, unless another was chosen."""
    kept, chosen = runs(), st.session_state.get("current_run")
    return next((run for run in kept if run.key == chosen), kept[-1] if kept else None)


def add(run: Run) -> None:
    """Keep a run and put it on show; the oldest make room for it."""
    st.session_state.runs, st.session_state.current_run = within_bounds([*runs(), run]), run.key


def within_bounds(held: list[Run]) -> list[Run]:
    """The newest runs, as many as a session may keep; the last in any case."""
    while len(held) > MAX_RUNS or (len(held) > 1 and sum(len(run.batch) for run in held) > MAX_WINDOWS):
        held = held[1:]
    return held


def choose(key: str) -> None:
    """Put the run of this key on show."""
    st.session_state.current_run = key


def remove(key: str) -> None:
    """Forget a run."""
    st.session_state.runs = [run for run in runs() if run.key != key]


def job() -> Job | None:
    """The sampling that this session has under way on the Generate page, or None."""
    return st.session_state.get("job")


def job_request() -> Request:
    """What the job under way was asked for."""
    return st.session_state.job_request


def begin(started: Job, asked: Request) -> None:
    """Remember what is under way."""
    st.session_state.job, st.session_state.job_request = started, asked


def end() -> None:
    """Nothing is under way any more."""
    st.session_state.pop("job", None)


def page_open() -> Callable[[], bool]:
    """Whether this browser tab is still connected, to be asked from another thread."""
    from streamlit.runtime import exists, get_instance
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx()
    if context is None or not exists():
        return lambda: True
    runtime, visitor = get_instance(), context.session_id
    return lambda: bool(runtime.is_active_session(visitor))
