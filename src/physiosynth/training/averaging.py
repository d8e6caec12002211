"""Averages of weights over training: rules for torch's AveragedModel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

AverageRule = Callable[[list[Tensor], list[Tensor], Tensor | int], None]


def ema_rule(decay: float) -> AverageRule:
    """Exponential moving average for AveragedModel, with a short memory at first so that early weights fade."""

    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averaged, current, 1 - now)

    return update


def power_rule(relative_sd: float) -> AverageRule:
    """Power-function average of Karras et al., 2024 (EDM2): its memory is the same share of training at every step.

    relative_sd: SD of the weights' profile as a share of the steps so far, above 0 and below 0.28; it is about the mean
    age of what is averaged (0.05: the last twentieth of the run).
    """
    exponent = power_exponent(relative_sd)

    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        # Eq. 2: the t-th weights enter with 1 - (1 - 1/t)^(gamma + 1).
        keep = (1 - 1 / (int(count) + 1)) ** (exponent + 1)
        torch._foreach_lerp_(averaged, current, 1 - keep)

    return update


def power_exponent(relative_sd: float) -> float:
    """gamma of a profile t^gamma with this SD, as a share of its length (Karras et al., 2024, appendix C)."""
    inverse = relative_sd**-2
    return float(np.roots([1, 7, 16 - inverse, 12 - inverse]).real.max())
