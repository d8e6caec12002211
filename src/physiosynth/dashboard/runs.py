"""A run of the page: what was asked, the job that makes it, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.worker import DONE, Job, in_words
from physiosynth.errors import CalibrationError, PhysiosynthError, RequestError
from physiosynth.generate import request as generator_request
from physiosynth.generate.asking import evaluations
from physiosynth.generate.batch import Sampling, SignalBatch, joined
from physiosynth.signals import WINDOW_S

if TYPE_CHECKING:
    from physiosynth.evaluation.wesad_real import RealWindows
    from physiosynth.generate.core import WESADGenerator


@dataclass(frozen=True)
class Request(generator_request.Request):
    """One press of Generate. calibrate: match the signals to the reference."""

    windows: int = 1  # of each state
    calibrate: bool = False


@dataclass(frozen=True)
class Run:
    """A run that ended: its windows, what was asked, and whether all of it was made."""

    batch: SignalBatch
    request: Request
    seconds: float
    whole: bool = True
    key: str = field(default_factory=lambda: uuid4().hex)
    under_way: bool = False  # the rest is being made

    @property
    def summary(self) -> str:
        made, asked = len(self.batch), self.request.total_windows
        if self.under_way:
            return f"{made} of {asked} {self.request.states} windows so far"
        if not self.whole:
            return f"Stopped early: {made} of {asked} {self.request.states} windows were finished and are kept"
        noun = "window" if made == 1 else "windows"
        return f"{made} {self.request.states} {noun} of {WINDOW_S} s, made in {in_words(self.seconds)}"

    @property
    def file_stem(self) -> str:
        states = "_".join(self.request.conditions)
        return f"synthetic_{states}_{len(self.batch)}windows_seed{self.request.seed}"


def start(
    generator: WESADGenerator, request: Request, page_open: Callable[[], bool], most_waiting: int | None = None
) -> Job:
    """Queue a run up in a thread of its own.

    most_waiting: runs that may come before it, by default as many as the operator lets wait. Raises RequestError for
    more than may be asked, or where too many wait.
    """
    check(request, generator.info.defaults)

    def work(on_step: Callable[[int, int], None], on_part: Callable[[SignalBatch], None]) -> SignalBatch:
        return generator.sample(request, on_step=on_step, on_windows=on_part)

    return Job(work, page_open).start(settings().max_waiting if most_waiting is None else most_waiting)


def check(request: Request, defaults: Sampling) -> None:
    """Raise RequestError for a request above the limits: a browser can send what the fields would not let one type.

    defaults: the model's own settings, where the request leaves one open.
    """
    limits, sampling = settings(), request.sampling
    asked = [("windows", request.windows, limits.max_windows), ("windows", request.total_windows, limits.max_windows)]
    asked += [
        ("steps", steps, limits.max_steps) for steps in (sampling.low_steps, sampling.ecg_steps) if steps is not None
    ]
    for what, number, most in asked:
        if not 1 <= number <= most:
            raise RequestError(f"Expected 1 to {most} {what} in a request, found {number}. Ask for another number.")
    work = request.total_windows * evaluations(sampling, defaults, request.targets)
    if work > limits.max_work:
        raise RequestError(
            f"{request.total_windows} windows with these steps take {work:,} network evaluations; a request may take "
            f"{limits.max_work:,}. Ask for fewer windows or steps, or less guidance."
        )


def partial(job: Job, request: Request) -> Run | None:
    """The windows that are finished while the rest is made, or None; calibration waits for all of them."""
    parts = list(job.parts)
    return Run(joined(parts), request, job.seconds_so_far, False, job.key, under_way=True) if parts else None


def finish(job: Job, request: Request, reference: Callable[[], RealWindows]) -> tuple[Run | None, str | None]:
    """What an ended job leaves: a run where any window was finished, and what went wrong, in words."""
    batch, problem = job.result, job.error
    if batch is None and job.parts:
        batch = joined(job.parts)
    if batch is None:
        return None, problem
    if request.calibrate:
        try:
            batch = _calibrated(batch, reference())
        except PhysiosynthError as error:
            problem = f"Not calibrated, the windows are as the model made them. {error}"
    return Run(batch, request, job.seconds, job.state == DONE, job.key), problem


def _calibrated(batch: SignalBatch, reference: RealWindows) -> SignalBatch:
    from physiosynth.generate.calibration import WESADCalibrator

    if reference.missing:
        raise CalibrationError(
            f"The reference has no {' and '.join(reference.missing)}: signals can be matched to a complete one alone."
        )
    return WESADCalibrator.from_real(reference.fused, reference.conditions, reference.eda).apply(batch)
