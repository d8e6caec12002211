"""The band that a recording's filters leave: what a drawn signal holds above it is the network's own noise."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

TRANSITION, ATTENUATION_DB = 1.25, 60.0  # from the edge to so many times the edge, where it is down by so much
OFFSET_LEFT = 0.1  # of a window's mean: recorded ones, high-passed before they were cut, have a mean of 0.4 uV
LIFT_FROM, LIFT_TO = 0.68, 0.87  # of the edge: below the first nothing is lifted, from the second on all of it


def low_passed(x: Tensor, edge_hz: float, rate_hz: float, lift: float = 1.0) -> Tensor:
    """(b, t, c) signals without what lies above edge_hz, by a linear-phase FIR put back in time; 0: as they are.

    lift: gain just below the edge, for what a network leaves out there. The ends are mirrored through their last value.
    """
    if not edge_hz or edge_hz * TRANSITION >= rate_hz / 2:
        return x
    taps = _taps(edge_hz / rate_hz, lift).to(x)
    half = min(len(taps) // 2, x.shape[1] - 1)
    taps = taps[len(taps) // 2 - half : len(taps) // 2 + half + 1]
    before = 2 * x[:, :1] - x[:, 1 : half + 1].flip(1)
    after = 2 * x[:, -1:] - x[:, -half - 1 : -1].flip(1)
    rows = torch.cat([before, x, after], dim=1).transpose(1, 2)
    smooth = torch.nn.functional.conv1d(rows.flatten(0, 1)[:, None], taps[None, None])
    return smooth.view(len(x), x.shape[2], -1).transpose(1, 2).contiguous()


def nearly_centred(x: Tensor) -> Tensor:
    """(b, t, c) windows of a high-passed signal with a tenth of the mean that a network gave them."""
    return x - (1 - OFFSET_LEFT) * x.mean(dim=1, keepdim=True)


@lru_cache(maxsize=8)
def _taps(edge: float, lift: float) -> Tensor:
    """Kaiser window FIR that passes up to `edge` in cycles a sample.

    To the last bit scipy.signal's firwin2, whose import takes longer than drawing a window does. Length and shape of
    the window: Kaiser's formulas (Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5.3).
    """
    count = math.ceil((ATTENUATION_DB - 7.95) / (2.285 * math.pi * 2 * edge * (TRANSITION - 1)) + 1) | 1
    middle = edge * (1 + TRANSITION) / 2  # of the slope, which the window makes as wide as the transition
    step = np.finfo(float).eps / 2
    places = [0.0, LIFT_FROM * edge, LIFT_TO * edge, middle - step, middle + step, 0.5]
    frequencies = np.linspace(0, 0.5, 1 + 2 ** math.ceil(math.log2(count)))
    wanted = np.interp(frequencies, places, [1.0, 1.0, lift, lift, 0.0, 0.0])
    delayed = wanted * np.exp(-1j * math.pi * (count - 1) * frequencies)
    taps = np.fft.irfft(delayed)[:count] * np.kaiser(count, 0.1102 * (ATTENUATION_DB - 8.7))
    return torch.from_numpy(taps / taps.sum())
