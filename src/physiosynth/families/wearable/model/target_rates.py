"""Rates that can be asked for beside a state, and how the LOW network is told them: a score and whether it is given."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from physiosynth.families.wearable.data.windows import RATES

TARGET_INPUTS = 2 * len(RATES)
# Square roots of rates are nearly normal; what is typical of a person at rest, and how far people and states spread.
_CENTRE = tuple(math.sqrt(rate) for rate in (72.0, 15.0, 4.0))
_SPREAD = (0.9, 0.5, 1.2)


def target_inputs(rates: Tensor) -> Tensor:
    """(b, 6) network inputs for (b, 3) RATES in /min, nan where nothing is asked: scores, then 1 where given."""
    given = rates.isfinite()
    centre, spread = (rates.new_tensor(values) for values in (_CENTRE, _SPREAD))
    scores = (rates.clamp(min=0).sqrt() - centre) / spread
    return torch.cat([torch.where(given, scores, torch.zeros_like(scores)), given.to(scores)], dim=1)


def without_targets(count: int) -> Tensor:
    """(count, 3) rates of which none is asked for."""
    return torch.full((count, len(RATES)), torch.nan)
