"""LOW windows of one person: what they share, and how they become one recording's signals.

A constant of a window starts from noise that is as alike from window to window as that constant is in one person: the
sampler carries a score's place among all scores from the noise to the sample, so that people differ as windows do and
a recording is of one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from physiosynth.diffusion.diffusion import to_model, to_user
from physiosynth.diffusion.overlapping import Grid, Plan, shared_noise
from physiosynth.families.wearable.model.low_space import CONSTANTS, SHAPES, LowSpace, unit
from physiosynth.families.wearable.signals import LOW_HZ, LOW_STEPS

STEADY_WINDOWS = 8  # SD of the average of levels over windows: two minutes
SKIN_LAG_S, HEART_LAG_S = 10, 4  # of each of two lags with which a level goes over to another state's
# How alike a constant's score is in two windows of one person that do not touch: in different states, and in one state
# (each less its state's mean). Measured in 90 subjects of the virtual cohort; the same from 30 s to 6 min apart.
_ALIKE = {
    "EDA level": (0.95, 0.99), "EDA slope": (0.0, 0.0), "EDA spread": (0.19, 0.40), "Resp spread": (0.56, 0.71),
    "Beat level": (0.68, 0.93), "Beat spread": (0.59, 0.68), "R spread": (0.54, 0.56), "ECG noise": (0.95, 0.98),
}  # fmt: skip
_ALIKE_FORM = (0.80, 0.98)
EDA_LEVEL, BEAT_LEVEL = CONSTANTS.index("EDA level"), CONSTANTS.index("Beat level")


def agree_low(space: LowSpace, grid: Grid, stretches: Tensor, x0: Tensor) -> Tensor:
    """LOW windows (n, c, 120) as drawn whose signals are slices of one recording's; stretches (n,) see Plan."""
    values, shapes = space.parts(to_user(x0))
    # A guess has no unit spread yet: it is blended as it is, or the noise of an early guess would be blown up.
    recording, pace = _moving(grid, values, shapes, stretches)
    found, shapes = space.recompose(to_user(grid.cut(recording)), values, shapes)
    found[:, BEAT_LEVEL] *= pace
    return to_model(space.joined(found, shapes))


def low_signals(space: LowSpace, grid: Grid, plan: Plan, drawn: Tensor) -> tuple[Tensor, Tensor]:
    """(4, total) signals (see LowSpace.compose) and (k, total) scores of the constants, from (n, 120, c) windows."""
    values, shapes = space.parts(drawn)
    stretches = plan.of_windows(grid, LOW_HZ).stretches
    signals, pace = _moving(grid, values, unit(shapes), stretches)
    lift = values[:, EDA_LEVEL] - grid.cut(signals[:1]).mean(dim=(1, 2))
    signals[0] += _followed(grid, plan, _steady(lift, stretches), SKIN_LAG_S)
    signals[2] *= _followed(grid, plan, pace, HEART_LAG_S)
    return signals, grid.fade(space.to_scores(values)[:, :, None].expand(-1, -1, grid.length))


def _moving(grid: Grid, values: Tensor, shapes: Tensor, stretches: Tensor) -> tuple[Tensor, Tensor]:
    """(4, total) signals of the recording without what only changes slowly, and the (n,) pace that was taken out.

    The EDA is without its level: within a window it moves by a hundredth of what lies between people. Were levels
    blended, what the network is off from window to window would drown all that moves; so neighbours are lifted to the
    same height where they overlap. Beats are relative to the pace of their stretch. A change of state then is no part
    of any window's shapes, which the network knows from within states alone.
    """
    pace = _steady(values[:, BEAT_LEVEL], stretches)
    values = values.clone()
    values[:, EDA_LEVEL] = 0.0
    values[:, BEAT_LEVEL] /= pace
    windows = to_model(LowSpace.compose(values, shapes))
    eda = windows[:, 0]
    steps = (eda[:-1, grid.hop :] - eda[1:, : grid.length - grid.hop]).mean(dim=1)
    windows[1:, 0] += steps.cumsum(dim=0)[:, None]
    return grid.fade(windows), pace


def _steady(levels: Tensor, stretches: Tensor) -> Tensor:
    """(n,) levels of windows, averaged over a few minutes within their stretch."""
    run = stretches.to(levels.device)
    place = torch.arange(len(levels), device=levels.device, dtype=levels.dtype)
    near = torch.exp(-0.5 * ((place[:, None] - place) / STEADY_WINDOWS) ** 2) * (run[:, None] == run)
    return (near * levels).sum(dim=1) / near.sum(dim=1)


def _followed(grid: Grid, plan: Plan, levels: Tensor, lag_s: int) -> Tensor:
    """(total,) the (n,) levels of each stretch's nearest window, followed with two first-order lags, as a body does."""
    second = (torch.arange(grid.total) // LOW_HZ).clamp(max=len(plan) - 1)
    away = (torch.arange(grid.total)[:, None] - torch.arange(grid.count) * grid.hop - grid.length // 2).abs()
    other = plan.stretches[second][:, None] != plan.of_windows(grid, LOW_HZ).stretches
    nearest = (away + other * grid.total).argmin(dim=1).to(levels.device)
    lag = torch.arange(10 * lag_s * LOW_HZ, device=levels.device, dtype=torch.float64) / (lag_s * LOW_HZ)
    kernel = lag * torch.exp(-lag)
    steps = torch.nn.functional.pad(levels.double()[nearest][None], (len(lag) - 1, 0), mode="replicate")
    late = torch.nn.functional.conv1d(steps[None], (kernel.flip(0) / kernel.sum())[None, None])
    return late[0, 0].to(levels)


def low_noise(grid: Grid, asked: Plan, generator: torch.Generator) -> Callable[[], Tensor]:
    """A function that draws (n, c, 120) noise: standard normal in every window, alike as one person's windows are."""
    pairs = torch.tensor([_ALIKE.get(name, _ALIKE_FORM) for name in CONSTANTS])
    person, state = pairs[:, 0].sqrt(), (pairs[:, 1] - pairs[:, 0]).sqrt()
    rest = (1 - pairs[:, 1]).sqrt()

    def draw() -> Tensor:
        shapes = shared_noise(grid, len(SHAPES), generator)
        same, by_state, halves, free = (
            torch.randn(size, generator=generator)
            for size in (
                (1, len(CONSTANTS)),
                (asked.conditions, len(CONSTANTS)),
                (grid.count + 1, len(CONSTANTS)),
                (grid.count, len(CONSTANTS), LOW_STEPS),
            )
        )
        # What comes and goes within a window is half shared with the next window, which overlaps by half.
        own = (halves[1:] + halves[:-1]) / math.sqrt(2)
        level = person * same + state * by_state[asked.states] + rest * own
        constants = free - free.mean(dim=2, keepdim=True) + level[:, :, None] / math.sqrt(LOW_STEPS)
        return torch.cat([shapes, constants], dim=1)

    return draw
