"""Samplers as pure functions over a denoiser.

A denoiser is called as denoise(x, step) with x (b, c, t) and an integer diffusion step, and answers (x0, eps): its
guess of the clean signal and of the noise in x. alpha_bar (T,) is the cumulated signal power of the schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from physiosynth.errors import RequestError

Denoiser = Callable[[Tensor, int], tuple[Tensor, Tensor]]
StepCallback = Callable[[int, int], None]

METHODS = ("ddim", "ddpm")
SPACINGS = ("uniform", "karras")
ALPHA_BAR_FLOOR = 5e-4
MIN_SKIPPED = 2
KARRAS_RHO = 7.0


def ignore_step(done: int, total: int) -> None:
    """The callback of a caller that does not watch."""


@dataclass(frozen=True)
class StreamSampling:
    """How one stream is sampled."""

    steps: int = 150  # asked for; "uniform" takes a few more or fewer, see ddim_steps
    guidance: float = 0.0  # 0 samples without guidance
    method: str = "ddim"
    spacing: str = "uniform"  # of the steps: even in time, or Karras et al., 2022, eq. 5
    alpha_bar_start: float = 0.0  # steps with less signal power than this are skipped
    clip_x0: bool = True  # clamp the predicted clean signal to +-3 (the published networks)
    x0_clip_q: float = 0.0  # and before that to this quantile of its size

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise RequestError(f"Sampling method {self.method!r} is not known. Use one of {', '.join(METHODS)}.")
        if self.spacing not in SPACINGS:
            raise RequestError(f"Step spacing {self.spacing!r} is not known. Use one of {', '.join(SPACINGS)}.")
        if not 1 <= self.steps <= 1000:
            raise RequestError(f"Steps must be from 1 to 1000, found {self.steps}.")
        if not 0 <= self.x0_clip_q < 1:
            raise RequestError(f"x0_clip_q is a quantile from 0 to below 1, found {self.x0_clip_q}.")

    def timesteps(self, alpha_bar: Tensor) -> list[int]:
        """The diffusion steps visited, from noise to signal."""
        if self.method == "ddpm":
            return list(range(len(alpha_bar) - 1, -1, -1))
        if self.spacing == "karras":
            return karras_steps(alpha_bar, self.steps, self.alpha_bar_start)
        return ddim_steps(alpha_bar, self.steps, self.alpha_bar_start)


def sample(
    denoise: Denoiser,
    x: Tensor,
    settings: StreamSampling,
    alpha_bar: Tensor,
    noise: Callable[[], Tensor],
    on_step: StepCallback = ignore_step,
) -> Tensor:
    """Sample as the settings say. noise(): see ddpm."""
    steps = settings.timesteps(alpha_bar)
    if settings.method == "ddpm":
        return ddpm(denoise, x, steps, alpha_bar, noise, on_step)
    return ddim(denoise, x, steps, alpha_bar, on_step)


def ddim_steps(alpha_bar: Tensor, steps: int, alpha_bar_start: float = 0.0) -> list[int]:
    """T-1, T-1-c, ... with c = T // steps and 0 at the end. Steps with almost no signal are skipped, at least two."""
    last = len(alpha_bar) - 1
    visited = list(range(last, -1, -max(len(alpha_bar) // steps, 1)))
    if visited[-1] != 0:
        visited.append(0)
    threshold = max(alpha_bar_start, ALPHA_BAR_FLOOR)
    skipped = sum(float(alpha_bar[t]) < threshold for t in visited)
    return visited[min(max(skipped, MIN_SKIPPED), len(visited) - 1) :]


def karras_steps(alpha_bar: Tensor, steps: int, alpha_bar_start: float = 0.0) -> list[int]:
    """The steps whose noise-to-signal ratios are nearest to those of Karras et al., 2022, eq. 5, without repeats."""
    sigmas = ((1 - alpha_bar.double()) / alpha_bar.double()).sqrt()
    usable = int((alpha_bar >= max(alpha_bar_start, ALPHA_BAR_FLOOR)).sum())
    high, low = sigmas[usable - 1], sigmas[0]
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64)
    wanted = (high ** (1 / KARRAS_RHO) + ramp * (low ** (1 / KARRAS_RHO) - high ** (1 / KARRAS_RHO))) ** KARRAS_RHO
    nearest = (sigmas.log()[None, :] - wanted.log()[:, None].to(sigmas)).abs().argmin(dim=1)
    return sorted({int(t) for t in nearest}, reverse=True)


def ddim(
    denoise: Denoiser, x: Tensor, timesteps: Sequence[int], alpha_bar: Tensor, on_step: StepCallback = ignore_step
) -> Tensor:
    """Deterministic DDIM (Song et al., 2021, eta = 0). After the last step the signal power counts as 1."""
    for i, t in enumerate(timesteps):
        x0, eps = denoise(x, t)
        after = float(alpha_bar[timesteps[i + 1]]) if i + 1 < len(timesteps) else 1.0
        x = after**0.5 * x0 + (1.0 - after) ** 0.5 * eps
        on_step(i + 1, len(timesteps))
    return x


def ddpm(
    denoise: Denoiser,
    x: Tensor,
    timesteps: Sequence[int],
    alpha_bar: Tensor,
    noise: Callable[[], Tensor],
    on_step: StepCallback = ignore_step,
) -> Tensor:
    """Ancestral sampling (Ho et al., 2020, eq. 7, with the posterior's variance); noise() draws an array like x."""
    for i, t in enumerate(timesteps):
        x0, _ = denoise(x, t)
        now = float(alpha_bar[t])
        before = float(alpha_bar[timesteps[i + 1]]) if i + 1 < len(timesteps) else 1.0
        beta = 1.0 - now / before
        mean = (before**0.5 * beta * x0 + (now / before) ** 0.5 * (1.0 - before) * x) / (1.0 - now)
        x = mean if i + 1 == len(timesteps) else mean + (beta * (1.0 - before) / (1.0 - now)) ** 0.5 * noise()
        on_step(i + 1, len(timesteps))
    return x
