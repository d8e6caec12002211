"""Quick judgements asked for by the page: what is judged, the job that does it, and what a session keeps of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard import session
from physiosynth.dashboard.generate_page.runs import Request, Run, check
from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.sharing import Seat, SharedJobs
from physiosynth.errors import RequestError
from physiosynth.families.wearable.data.batch import Targets
from physiosynth.families.wearable.generator.asking import evaluations
from physiosynth.running.jobs import Job

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.reference import RealWindows
    from physiosynth.families.wearable.generator.generator import WESADGenerator
    from physiosynth.families.wearable.scores.quick import QuickLook

MOST_KEPT = 8
FIRST_SEED = 6  # of windows drawn to be judged before anything was generated
SHARED = SharedJobs(MOST_KEPT)
DRAWING = 0.4  # share of the time that a judgement of new windows draws


@dataclass(frozen=True)
class Subject:
    """What is judged: a run of this session, or windows drawn by a request.

    like_run: whether the request has the settings of the run on show; of_strangers: see quick.judge.
    """

    run: Run | None
    request: Request | None
    like_run: bool
    of_strangers: bool

    def key(self, bundle: str, reference: str) -> tuple[object, ...]:
        """Under which its judgement is kept, with the hashes of bundle and reference."""
        what = self.run.key if self.run is not None else repr(self.request)
        return bundle, "" if self.of_strangers else reference, what, self.of_strangers

    @property
    def words(self) -> str:
        """What the windows are, for a sentence."""
        if self.run is not None:
            return f"the current run, {len(self.run.batch)} windows of {self.run.request.states}"
        whose = "with the settings of the current run" if self.like_run else "with the model's default settings"
        return (
            f"{self.request.windows} new windows per state ({self.request.states}), generated {whose} (seed "
            f"{self.request.seed})"
        )


def fresh(run: Run | None, generator: WESADGenerator, reference: RealWindows) -> Request:
    """A request for as many windows of each state as a quick look uses and the operator allows.

    Its settings are those of the run, without rates asked for and calibration: those would be judged instead of the
    model. Raises RequestError where the limits leave too few windows.
    """
    from physiosynth.families.wearable.scores.quick import FEWEST, WINDOWS

    base = run.request if run is not None else Request(generator.info.conditions[:1], 1, FIRST_SEED)
    states = tuple(name for name in generator.info.conditions if name in set(reference.conditions))
    if not states:
        raise RequestError(
            f"The model generates {', '.join(generator.info.conditions)}, the reference holds "
            f"{', '.join(sorted(set(reference.conditions))) or 'no windows'}: they have no state in "
            "common. Choose another reference."
        )
    limits, each = settings(), evaluations(base.sampling, generator.info.defaults)
    most = min(WINDOWS, limits.max_windows // len(states), limits.max_work // max(each * len(states), 1))
    if most < FEWEST:
        raise RequestError(
            f"Expected room for {FEWEST} windows of each state, found {most}: these settings take {each} network "
            "evaluations per window. Evaluate the current run instead, or generate with fewer steps first."
        )
    return replace(base, conditions=states, windows=most, calibrate=False, targets=Targets())


def start(
    subject: Subject,
    generator: WESADGenerator,
    reference: RealWindows,
    page_open: Callable[[], bool],
    shared_as: Hashable | None = None,
) -> Job | Seat:
    """Queue a judgement up; its result is a QuickLook. Raises RequestError as runs.start does.

    shared_as: what it is called among those that all visitors share, None for one of this visitor alone.
    """
    if subject.run is None:
        check(subject.request, generator.info.defaults)
    share = DRAWING if subject.run is None else 0.0
    yardsticks = session.yardsticks(reference, subject.of_strangers)

    def work(on_step: Callable[[int, int], None], on_part: Callable[[object], None]) -> QuickLook:
        from physiosynth.families.wearable.features.windows import WindowSet
        from physiosynth.families.wearable.scores.quick import judge

        def stage(before: float, part: float) -> Callable[[int, int], None]:
            return lambda done, total: on_step(round(1000 * (before + part * done / max(total, 1))), 1000)

        if subject.run is not None:
            batch = subject.run.batch
        else:
            batch = generator.sample(subject.request, on_step=stage(0, share))
        made, step = WindowSet.from_batch(batch), stage(share, 1 - share)
        return judge(made, reference, subject.of_strangers, on_step=step, yardsticks=yardsticks)

    def queued(page_open: Callable[[], bool]) -> Job:
        return Job(work, page_open).start(settings().max_waiting)

    return queued(page_open) if shared_as is None else SHARED.join(shared_as, queued, page_open)


def kept() -> dict[tuple[object, ...], tuple[QuickLook, float]]:
    """The judgements of this session and the seconds each took, by key."""
    return st.session_state.setdefault("looks", {})


def keep(key: tuple[object, ...], look: QuickLook, seconds: float) -> None:
    """Keep a judgement; the oldest make room for it."""
    held = kept()
    held[key] = look, seconds
    while len(held) > MOST_KEPT:
        held.pop(next(iter(held)))


def digest(reference: RealWindows) -> str:
    """SHA-256 of reference windows; those of a page stay the same object, so it is computed once."""
    held = st.session_state.get("reference_digest")
    if held is None or held[0] is not reference:
        from physiosynth.families.wearable.scores.quick import windows_of

        held = st.session_state.reference_digest = (reference, windows_of(reference).sha256())
    return held[1]


def strangers_first(reference: RealWindows) -> bool:
    """Whether simulated strangers are the better yardstick: the reference is one simulated person's."""
    return reference.source == "virtual" and reference.eda == "full"
