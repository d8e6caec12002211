"""A run of the page: what was asked, the job that makes it, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.worker import DONE, Job, in_words
from physiosynth.errors import PhysiosynthError, RequestError
from physiosynth.generate.batch import Sampling, SignalBatch
from physiosynth.signals import WINDOW_S

if TYPE_CHECKING:
    from physiosynth.evaluation.wesad_real import RealWindows
    from physiosynth.generate.core import WESADGenerator


@dataclass(frozen=True)
class Request:
    """One press of Generate."""

    condition: str
    windows: int
    seed: int
    sampling: Sampling
    calibrate: bool


@dataclass(frozen=True)
class Run:
    """A run that ended: its windows, what was asked, and whether all of it was made."""

    batch: SignalBatch
    request: Request
    seconds: float
    whole: bool = True
    key: str = field(default_factory=lambda: uuid4().hex)

    @property
    def summary(self) -> str:
        made, asked = len(self.batch), self.request.windows
        if not self.whole:
            return f"Stopped early: {made} of {asked} {self.request.condition} windows were finished and are kept"
        noun = "window" if made == 1 else "windows"
        return f"{made} {self.request.condition} {noun} of {WINDOW_S} s, made in {in_words(self.seconds)}"

    @property
    def file_stem(self) -> str:
        return f"synthetic_{self.request.condition}_{len(self.batch)}windows_seed{self.request.seed}"


def start(generator: WESADGenerator, request: Request, page_open: Callable[[], bool]) -> Job:
    """Queue a run up in a thread of its own. Raises RequestError for more than may be asked, or where too many wait."""
    check(request)

    def work(on_step: Callable[[int, int], None], on_part: Callable[[SignalBatch], None]) -> SignalBatch:
        return generator.sample_batch(
            request.condition,
            request.windows,
            seed=request.seed,
            sampling=request.sampling,
            on_step=on_step,
            on_windows=on_part,
        )

    return Job(work, page_open).start(settings().max_waiting)


def check(request: Request) -> None:
    """Raise RequestError for a request above the limits: a browser can send what the fields would not let one type."""
    limits, sampling = settings(), request.sampling
    asked = [("windows", request.windows, limits.max_windows)]
    asked += [
        ("steps", steps, limits.max_steps) for steps in (sampling.low_steps, sampling.ecg_steps) if steps is not None
    ]
    for what, number, most in asked:
        if not 1 <= number <= most:
            raise RequestError(f"Expected 1 to {most} {what} in a request, found {number}. Ask for another number.")


def finish(job: Job, request: Request, reference: Callable[[], RealWindows]) -> tuple[Run | None, str | None]:
    """What an ended job leaves: a run where any window was finished, and what went wrong, in words."""
    from physiosynth.generate.core import joined

    batch, problem = job.result, job.error
    if batch is None and job.parts:
        batch = joined(job.parts, job.parts[0].provenance)
    if batch is None:
        return None, problem
    if request.calibrate:
        try:
            batch = _calibrated(batch, reference())
        except PhysiosynthError as error:
            problem = f"Not calibrated, the windows are as the model made them. {error}"
    return Run(batch, request, job.seconds, whole=job.state == DONE), problem


def _calibrated(batch: SignalBatch, reference: RealWindows) -> SignalBatch:
    from physiosynth.generate.calibration import WESADCalibrator

    return WESADCalibrator.from_real(reference.fused, reference.conditions, reference.eda).apply(batch)
