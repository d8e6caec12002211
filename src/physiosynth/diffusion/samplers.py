"""Samplers as pure functions over a denoiser.

A denoiser is called as denoise(x, step) with x (b, c, t) and an integer diffusion step, and answers (x0, eps): its
guess of the clean signal and of the noise in x. alpha_bar (T,) is the cumulated signal power of the schedule.

A sampler visits timesteps, falling, and after the last one counts the signal power as 1: the sample is the last x0.
on_step(done, total) follows every call of the denoiser. DPM-Solver++ and Heun are written in z = x / sqrt(alpha_bar),
whose noise has the standard deviation sigma = sqrt((1 - alpha_bar) / alpha_bar) (Karras et al., 2022, table 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from physiosynth.diffusion.stream_sampling import DDPM, DPM_SOLVER_PP, HEUN, KARRAS, StreamSampling
from physiosynth.runtime import StepCallback, ignore_step

Denoiser = Callable[[Tensor, int], tuple[Tensor, Tensor]]

ALPHA_BAR_FLOOR = 5e-4
MIN_SKIPPED = 2
KARRAS_RHO = 7.0


def visited_steps(settings: StreamSampling, alpha_bar: Tensor) -> list[int]:
    """The diffusion steps visited, from noise to signal."""
    if settings.method == DDPM:
        return list(range(len(alpha_bar) - 1, -1, -1))
    if settings.spacing == KARRAS:
        return karras_steps(alpha_bar, settings.steps, settings.alpha_bar_start, settings.alpha_bar_end)
    visited = ddim_steps(alpha_bar, settings.steps, settings.alpha_bar_start)
    return [t for t in visited if float(alpha_bar[t]) <= settings.alpha_bar_end] or visited[:1]


def ddim_steps(alpha_bar: Tensor, steps: int, alpha_bar_start: float = 0.0) -> list[int]:
    """T-1, T-1-c, ... with c = T // steps and 0 at the end. Steps with almost no signal are skipped, at least two."""
    last = len(alpha_bar) - 1
    visited = list(range(last, -1, -max(len(alpha_bar) // steps, 1)))
    if visited[-1] != 0:
        visited.append(0)
    threshold = max(alpha_bar_start, ALPHA_BAR_FLOOR)
    skipped = sum(float(alpha_bar[t]) < threshold for t in visited)
    return visited[min(max(skipped, MIN_SKIPPED), len(visited) - 1) :]


def karras_steps(alpha_bar: Tensor, steps: int, alpha_bar_start: float = 0.0, alpha_bar_end: float = 1.0) -> list[int]:
    """The steps whose noise ratios are nearest to those of Karras et al., 2022, eq. 5.

    They are `steps` different ones, or all between the two signal powers where there are fewer: where two would fall
    on one step, the noisier moves up. A start of 0 is the published 5e-4. A start in more noise than that adds one step
    there and leaves the others: the clean signal foreseen hardly changes in between, so one is enough.

    Why start in more noise: plain noise at sigma stands for a mean of 0, and a fall short of the mean by
    sd / sqrt(sd^2 + sigma^2) remains in the samples. sd is the windows' own along the mean; along a constant it is
    sqrt(samples in a window) times that of one sample: 14 % for 120 samples of 0.6 from 5e-4, and 2 % from 5e-6.
    """
    earliest = _last_with(alpha_bar, alpha_bar_start) if 0 < alpha_bar_start < ALPHA_BAR_FLOOR and steps > 1 else None
    noisiest = _last_with(alpha_bar, max(alpha_bar_start, ALPHA_BAR_FLOOR))
    if earliest is not None and earliest > noisiest:
        return [earliest, *karras_steps(alpha_bar, steps - 1, 0.0, alpha_bar_end)]
    cleanest = min(int((alpha_bar > alpha_bar_end).sum()), noisiest)
    sigmas, count = sigmas_of(alpha_bar), min(steps, noisiest - cleanest + 1)
    high, low = (float(sigmas[t]) ** (1 / KARRAS_RHO) for t in (noisiest, cleanest))
    wanted = torch.linspace(high, low, count, dtype=torch.float64).flip(0) ** KARRAS_RHO
    rising = (sigmas.log()[None, :] - wanted.log()[:, None]).abs().argmin(dim=1).tolist()
    for i in range(1, count):
        rising[i] = min(max(rising[i], rising[i - 1] + 1), noisiest + 1 - count + i)
    return rising[::-1]


def _last_with(alpha_bar: Tensor, power: float) -> int:
    """The noisiest step with at least this signal power; 0 where none has it."""
    return max(int((alpha_bar >= power).sum()) - 1, 0)


def sigmas_of(alpha_bar: Tensor) -> Tensor:
    """(T,) noise-to-signal ratios sqrt((1 - alpha_bar) / alpha_bar), float64."""
    return ((1 - alpha_bar.double()) / alpha_bar.double()).sqrt()


def calls(settings: StreamSampling, alpha_bar: Tensor) -> list[int]:
    """The diffusion step of every call of the denoiser, in order."""
    visited = visited_steps(settings, alpha_bar)
    return visited[:1] + [t for t in visited[1:] for _ in range(2)] if settings.method == HEUN else visited


def evaluations_by_call(settings: StreamSampling, alpha_bar: Tensor) -> list[int]:
    """How often the network is evaluated in each call of the denoiser: twice where guidance is on."""
    return [1 + settings.guided_at(t, len(alpha_bar)) for t in calls(settings, alpha_bar)]


def evaluations(settings: StreamSampling, alpha_bar: Tensor) -> int:
    """How often the network is evaluated for one sample."""
    return sum(evaluations_by_call(settings, alpha_bar))


def sample(
    denoise: Denoiser,
    x: Tensor,
    settings: StreamSampling,
    alpha_bar: Tensor,
    noise: Callable[[], Tensor],
    on_step: StepCallback = ignore_step,
) -> Tensor:
    """Sample as the settings say; on_step(done, total) counts evaluations of the network. noise(): see ddpm."""
    visited = visited_steps(settings, alpha_bar)
    done = [0]
    for count in evaluations_by_call(settings, alpha_bar):
        done.append(done[-1] + count)

    def count_evaluations(call: int, _: int) -> None:
        on_step(done[call], done[-1])

    if settings.method == DDPM:
        return ddpm(denoise, x, visited, alpha_bar, noise, count_evaluations)
    sampler = {DPM_SOLVER_PP: dpm_solver_pp, HEUN: heun}.get(settings.method, ddim)
    return sampler(denoise, x, visited, alpha_bar, count_evaluations)


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


def dpm_solver_pp(
    denoise: Denoiser, x: Tensor, timesteps: Sequence[int], alpha_bar: Tensor, on_step: StepCallback = ignore_step
) -> Tensor:
    """DPM-Solver++(2M), deterministic, data prediction (Lu et al., 2022, algorithm 2). One call a step.

    The first step is of first order. So is the last, where log sigma has no end and every order gives x0.
    """
    sigmas = sigmas_of(alpha_bar)[list(timesteps)].tolist()
    z, previous, width = x * math.hypot(1.0, sigmas[0]), None, 0.0
    for i, t in enumerate(timesteps):
        x0, _ = denoise(z / math.hypot(1.0, sigmas[i]), t)
        on_step(i + 1, len(timesteps))
        if i + 1 == len(timesteps):
            break
        step = math.log(sigmas[i] / sigmas[i + 1])
        slope = 0.0 if previous is None else step / (2 * width)
        ahead = x0 if previous is None else (1 + slope) * x0 - slope * previous
        z = math.exp(-step) * z - math.expm1(-step) * ahead
        previous, width = x0, step
    return x0


def heun(
    denoise: Denoiser, x: Tensor, timesteps: Sequence[int], alpha_bar: Tensor, on_step: StepCallback = ignore_step
) -> Tensor:
    """Heun's method without churn (Karras et al., 2022, algorithm 1). Two calls a step, one in the last."""
    sigmas = sigmas_of(alpha_bar)[list(timesteps)].tolist()
    total = 2 * len(timesteps) - 1
    z = x * math.hypot(1.0, sigmas[0])
    for i, (t, sigma) in enumerate(zip(timesteps, sigmas, strict=True)):
        x0, _ = denoise(z / math.hypot(1.0, sigma), t)
        on_step(2 * i + 1, total)
        if i + 1 == len(timesteps):
            break
        slope, after = (z - x0) / sigma, sigmas[i + 1]
        ahead = z + (after - sigma) * slope
        x0, _ = denoise(ahead / math.hypot(1.0, after), timesteps[i + 1])
        z = z + (after - sigma) * (slope + (ahead - x0) / after) / 2
        on_step(2 * i + 2, total)
    return x0
