"""A run of the page: what was asked, the job that makes it, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.sharing import Seat
from physiosynth.errors import CalibrationError, RequestError
from physiosynth.families.wearable.data.batch import Sampling, SignalBatch, joined
from physiosynth.families.wearable.generator import request as generator_request
from physiosynth.families.wearable.generator.asking import evaluations
from physiosynth.families.wearable.signals import WINDOW_S
from physiosynth.running.jobs import DONE, Job, in_words

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.reference import RealWindows
    from physiosynth.families.wearable.generator.amplitude_matching import AmplitudeMap, AmplitudeMatcher
    from physiosynth.families.wearable.generator.generator import WESADGenerator
    from physiosynth.runtime import StepCallback


@dataclass(frozen=True)
class Request(generator_request.Request):
    """One press of Generate. calibrate: match amplitudes to the reference."""

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
            return f"Stopped early: {made} of {asked} {self.request.states} windows"
        return f"{made} {self.request.states} {'window' if made == 1 else 'windows'}"

    @property
    def details(self) -> str:
        """What stands below the summary."""
        each = f"{WINDOW_S} s each"
        return each if self.under_way else f"{each}, generated in {in_words(self.seconds)}"

    @property
    def file_stem(self) -> str:
        states = "_".join(self.request.conditions)
        return f"synthetic_{states}_{len(self.batch)}windows_seed{self.request.seed}"


def start(
    generator: WESADGenerator,
    request: Request,
    page_open: Callable[[], bool],
    reference: Callable[[], RealWindows] | None = None,
) -> Job:
    """Queue a run up in a thread of its own.

    reference: gives the windows that amplitudes are matched to, for a request that wants it. Raises RequestError for
    more than may be asked, or where too many wait, and CalibrationError or FoldError for a reference that nothing can
    be matched to.
    """
    check(request, generator.info.defaults)
    matcher = _matcher(generator, request, reference()) if request.calibrate and reference is not None else None

    def work(on_step: StepCallback, on_part: Callable[[SignalBatch], None]) -> SignalBatch:
        if matcher is None:
            return generator.sample(request, on_step=on_step, on_windows=on_part)
        maps, on_step = _maps(generator, request, matcher, on_step)
        drawn = generator.sample(request, on_step=on_step, on_windows=lambda part: on_part(matcher.mapped(part, maps)))
        return matcher.mapped(drawn, maps)

    return Job(work, page_open).start(settings().max_waiting)


def _matcher(generator: WESADGenerator, request: Request, reference: RealWindows) -> AmplitudeMatcher:
    """What matches windows to the reference. Raises CalibrationError where it cannot."""
    from physiosynth.families.wearable.generator.amplitude_matching import AmplitudeMatcher

    if reference.missing:
        raise CalibrationError(
            f"The reference has no {' and '.join(reference.missing)}. Amplitudes can only be matched to a "
            "reference with all signals."
        )
    matcher = AmplitudeMatcher.from_real(reference.fused, reference.conditions, reference.eda)
    matcher.check(request.conditions, generator.info.eda)
    return matcher


def _maps(
    generator: WESADGenerator, request: Request, matcher: AmplitudeMatcher, on_step: StepCallback
) -> tuple[dict[str, AmplitudeMap], StepCallback]:
    """The map of each state, the model's amplitudes being measured where they are not known; and a counter that goes
    on from there."""
    from physiosynth.families.wearable.generator.amplitude_matching import PILOT_WINDOWS

    measured = 0

    def measuring(done: int, total: int) -> None:
        nonlocal measured
        measured = total
        on_step(done, round(total * (1 + request.windows / PILOT_WINDOWS)))  # a window takes as long either time

    maps = matcher.maps_for(generator, request.conditions, generator.settings_of(request), measuring)
    return maps, lambda done, total: on_step(measured + done, measured + total)


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
            raise RequestError(f"Expected 1 to {most} {what} per request, found {number}. Choose another number.")
    work = request.total_windows * evaluations(sampling, defaults, request.targets)
    if work > limits.max_work:
        raise RequestError(
            f"{request.total_windows} windows with these steps take {work:,} network evaluations; a request may take "
            f"{limits.max_work:,}. Choose fewer windows or steps, or no guidance."
        )


def partial(job: Job | Seat, request: Request) -> Run | None:
    """The windows that are finished while the rest is made, or None."""
    parts = list(job.parts)
    return Run(joined(parts), request, job.seconds_so_far, False, job.key, under_way=True) if parts else None


def finish(job: Job | Seat, request: Request) -> Run | None:
    """The run that an ended job leaves, or None where no window was finished."""
    batch = job.result
    if batch is None and job.parts:
        batch = joined(job.parts)
    return None if batch is None else Run(batch, request, job.seconds, job.state == DONE, job.key)
