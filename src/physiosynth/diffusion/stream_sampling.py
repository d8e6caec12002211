"""How one stream is sampled: settings that need no heavy library, so that commands can name the choices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from physiosynth.errors import RequestError

STREAMS = ("low", "ecg")
DDIM, DDPM, DPM_SOLVER_PP, HEUN = METHODS = ("ddim", "ddpm", "dpm-solver++", "heun")
UNIFORM, KARRAS = SPACINGS = ("uniform", "karras")
FP32, BF16 = PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True)
class StreamSampling:
    """How one stream is sampled.

    Guidance can be kept to a range of noise levels (Kynkäänniemi et al., 2024), given as shares of the diffusion: 1 is
    pure noise, where sampling starts, and 0 the finished signal. Outside the range a step is one evaluation of the
    network instead of two.
    """

    steps: int = 150  # asked for; "uniform" takes a few more or fewer, see ddim_steps
    guidance: float = 0.0  # 0 samples without guidance
    method: str = DDIM
    spacing: str = UNIFORM  # of the steps: even in time, or Karras et al., 2022, eq. 5
    alpha_bar_start: float = 0.0  # steps with less signal power than this are skipped; 0 is the published 5e-4
    clip_x0: bool = True  # clamp the predicted clean signal to +-3 (the published networks)
    x0_clip_q: float = 0.0  # and before that to this quantile of its size
    alpha_bar_end: float = 1.0  # steps with more signal power than this are skipped
    guidance_from: float = 1.0  # the share of the diffusion at which guidance begins
    guidance_to: float = 0.0  # and at which it ends
    lowpass_hz: float = 0.0  # a coupled pair's ECG keeps what lies below; 0: all of it
    lift: float = 1.0  # gain just below that frequency, see band.low_passed
    precision: str = FP32  # of the convolutions; bf16 leaves the noisiest steps, and all else, in fp32

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise RequestError(f"Sampling method {self.method!r} is not known. Use one of {', '.join(METHODS)}.")
        if self.spacing not in SPACINGS:
            raise RequestError(f"Step spacing {self.spacing!r} is not known. Use one of {', '.join(SPACINGS)}.")
        if self.precision not in PRECISIONS:
            raise RequestError(f"Precision {self.precision!r} is not known. Use one of {', '.join(PRECISIONS)}.")
        if not 1 <= self.steps <= 1000:
            raise RequestError(f"Steps must be from 1 to 1000, found {self.steps}.")
        if self.lowpass_hz < 0 or not 0 < self.lift <= 4:
            raise RequestError(
                f"lowpass_hz is a frequency, or 0 for none, and lift a gain up to 4; found {self.lowpass_hz} and "
                f"{self.lift}."
            )
        if not 0 <= self.x0_clip_q < 1:
            raise RequestError(f"x0_clip_q is a quantile from 0 to below 1, found {self.x0_clip_q}.")
        if not self.alpha_bar_start < self.alpha_bar_end or self.alpha_bar_start < 0:
            raise RequestError(
                f"The steps go from a signal power of at least 0 to a higher one, found alpha_bar_start "
                f"{self.alpha_bar_start} and alpha_bar_end {self.alpha_bar_end}."
            )
        if not 0 <= self.guidance_to <= self.guidance_from <= 1:
            raise RequestError(
                f"Guidance goes from a higher to a lower share of the diffusion, both from 0 to 1; found from "
                f"{self.guidance_from} to {self.guidance_to}."
            )

    def guided_at(self, step: int, diffusion_steps: int) -> bool:
        """Whether diffusion step 0 to diffusion_steps - 1 is guided, and so costs two evaluations."""
        return self.guidance > 0 and self.guidance_to <= (step + 1) / diffusion_steps <= self.guidance_from


def as_type(setting: str, value: Any, error: Callable[[str], Exception]) -> Any:
    """The value as the setting's type. Raises the error made for a value of another type."""
    kind = type(getattr(StreamSampling(), setting))
    if kind is str and isinstance(value, str):
        return value.lower()
    if kind is bool and (isinstance(value, bool) or value in (0, 1)):
        return bool(value)
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if kind is float and numeric:
        return float(value)
    if kind is int and numeric and value == int(value):
        return int(value)
    raise error(f"{setting} is a {kind.__name__}, found {value!r}.")
