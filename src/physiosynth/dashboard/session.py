"""What one visitor's session holds: the model, the reference, and the runs made so far.

The only place that touches the keys of st.session_state which pages share. Nothing here is seen by another session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from physiosynth.dashboard.generate_page.runs import Run
from physiosynth.dashboard.loading import Paths, default_paths, load_generator, load_reference
from physiosynth.dashboard.progress_bar import watch
from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.sharing import Seat
from physiosynth.errors import FoldError, PhysiosynthError
from physiosynth.running.jobs import Job

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.reference import RealWindows
    from physiosynth.families.wearable.generator.generator import WESADGenerator
    from physiosynth.families.wearable.scores.quick import YardstickCache

# What is kept of a session: a window is about 25 kB, so this is 13 MB a visitor at most.
MAX_RUNS, MAX_WINDOWS = 12, 512


@dataclass(frozen=True)
class JobSlot:
    """The job that a part of a page has under way in this session, at most one, and how the last one ended.

    name: of the slot, unlike that of any other; counted: what its jobs count, None for shares of a whole.
    """

    name: str
    counted: str | None = None

    @property
    def job(self) -> Job | Seat | None:
        """What is under way."""
        return self._held[0]

    @property
    def about(self) -> Any:
        """What was said of the job under way when it began."""
        return self._held[1]

    @property
    def error(self) -> str | None:
        """Why the last job, or the last try to begin one, came to nothing, in words."""
        return st.session_state.get(f"{self.name}_error")

    def tell(self, error: str | None) -> None:
        """Say what went wrong, or that nothing did."""
        st.session_state[f"{self.name}_error"] = error

    def begin(self, start: Callable[[], Job | Seat], about: Any = None) -> bool:
        """Put a job under way; False where it is refused, for the reason that is then the error."""
        self.tell(None)
        try:
            st.session_state[f"{self.name}_job"] = start(), about
        except PhysiosynthError as error:
            self.tell(str(error))
            return False
        return True

    def collect(
        self, on_end: Callable[[Any, Any], None] | None = None, on_part: Callable[[Any, Any], None] | None = None
    ) -> None:
        """Take over what a job has finished. on_part is given each part anew every time; on_end the job, once.

        Both are given what it is about, too.
        """
        job, about = self._held
        if job is None:
            return
        over = job.finished  # asked before the parts: one that is finished in between is taken over the next time
        for part in list(job.parts) if on_part is not None else ():
            on_part(part, about)
        if over:
            del st.session_state[f"{self.name}_job"]
            self.tell(job.error)
            if on_end is not None:
                on_end(job, about)

    def bar(self) -> None:
        """Draw how far the job is, with its Cancel."""
        if self.job is not None:
            watch(self.job, f"cancel_{self.name}", self.counted)

    @property
    def _held(self) -> tuple[Job | Seat | None, Any]:
        return st.session_state.get(f"{self.name}_job", (None, None))


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
        named = " Name a reference fold under Advanced." if settings().paths else ""
        raise FoldError(f"This bundle has no reference windows.{named}")
    return load_reference(fold)


def yardsticks(reference: RealWindows, of_strangers: bool) -> YardstickCache:
    """What windows are held against: every session's, but for a person's own recording, which goes with its session."""
    from physiosynth.families.wearable.scores.quick import YardstickCache

    if reference.source != "imported" or of_strangers:
        return _shared_yardsticks()
    return st.session_state.setdefault("yardsticks", YardstickCache())


@st.cache_resource(show_spinner=False)
def _shared_yardsticks() -> YardstickCache:
    from physiosynth.families.wearable.scores.quick import YardstickCache

    return YardstickCache()


def set_own_reference(windows: RealWindows, name: str) -> None:
    """Compare with a visitor's own recording from now on."""
    st.session_state.own_reference = (windows, name)


def clear_own_reference() -> None:
    """Compare with the fold again."""
    st.session_state.pop("own_reference", None)
    st.session_state.pop("yardsticks", None)


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


def page_open() -> Callable[[], bool]:
    """Whether this browser tab is still connected, to be asked from another thread."""
    from streamlit.runtime import exists, get_instance
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx()
    if context is None or not exists():
        return lambda: True
    runtime, visitor = get_instance(), context.session_id
    return lambda: bool(runtime.is_active_session(visitor))
