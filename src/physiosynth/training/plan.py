"""What a run decides once and then keeps, so that a resumed run is the same run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from physiosynth.errors import TrainingError
from physiosynth.runtime import window_seed
from physiosynth.training.settings import RunSettings

VALIDATION_SHARE, SAMPLING_SHARE = 0.12, 0.03  # of a planned run's time that is not training
RATE_AFTER_RETURN = 0.5  # share of the learning rate that is left after going back once
MOST_RETURNS = 3  # to one and the same state
_RETURNED = 2**40  # beyond every step: the seeds of steps after going back are those of no other step


@dataclass
class Plan:
    """precision: "fp32" or "bf16"; seconds_a_step: measured when the run began, 0 where nothing depends on it;
    sample_every: validations between samples, None until their cost is known; returns: every time the run went back to
    a saved state, in order.
    """

    precision: str
    total_steps: int
    seconds_a_step: float
    sample_every: int | None = None
    returns: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def rate_factor(self) -> float:
        """Share of the learning rate that is left after the returns."""
        return RATE_AFTER_RETURN ** len(self.returns)

    def step_seed(self, seed: int, step: int) -> int:
        """The seed of a step's noise: another one after every return, since the old one has failed."""
        if self.returns:
            seed = window_seed(seed, _RETURNED + len(self.returns))
        return window_seed(seed, step)

    def returns_to(self, step: int) -> int:
        """How often the run has gone back to the state of this step."""
        return sum(record["to_step"] == step for record in self.returns)

    def choose_sample_every(self, seconds: float, validate_every: int) -> int:
        """Validations between samples that cost `seconds` a time, for at most SAMPLING_SHARE of the run's time."""
        training = max(self.seconds_a_step * validate_every, 1e-9)
        return max(1, math.ceil(seconds / (SAMPLING_SHARE * training)))


def make_plan(settings: RunSettings, max_minutes: float | None, seconds_a_step: Callable[[str], float]) -> Plan:
    """Precision by timing, where settings leave it open, and length by the minutes, where no steps are given.

    seconds_a_step: times a step of the named precision. Raises TrainingError where nothing says how long.
    """
    if settings.total_steps is None and max_minutes is None:
        raise TrainingError("Say how long to train: --max-minutes, or --steps for an exact number.")
    candidates = ["fp32", "bf16"] if settings.precision == "auto" else [settings.precision]
    open_ones = (len(candidates) > 1, settings.total_steps is None, settings.sample_every is None)
    seconds = {name: seconds_a_step(name) if any(open_ones) else 0.0 for name in candidates}
    precision = min(seconds, key=lambda name: seconds[name])
    total = settings.total_steps
    if total is None:
        training_s = (max_minutes or 0.0) * 60 * (1 - VALIDATION_SHARE - SAMPLING_SHARE)
        total = max(int(training_s / seconds[precision]), 1)
    return Plan(precision, total, seconds[precision], settings.sample_every)
