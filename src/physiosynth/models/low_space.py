"""The LOW signals as a coupled network draws them: every channel with a spread near one.

A window's EDA lies microsiemens away from the next subject's and moves by hundredths within: as one standardised
channel its responses would be lost in the noise. It is drawn as three: level (the window's mean), spread (logarithm of
its SD) and shape (what is left, of mean 0 and SD 1). Level and spread are constant in time and read as their mean.
"""

from __future__ import annotations

import torch
from torch import Tensor

from physiosynth.models.rhythm import advance_to_model, phase_from_model
from physiosynth.signals import LOW_CHANNELS

DRAWN_CHANNELS = ("EDA level", "EDA spread", "EDA shape", "Resp", "Beat")
FLAT = 1e-4  # in SDs of the fold: an EDA that moves less is taken as moving that much
_EDA, _RESP = LOW_CHANNELS.index("EDA"), LOW_CHANNELS.index("Resp")


def measure_spread(low: Tensor) -> tuple[float, float]:
    """Mean and SD of the logarithm of the windows' EDA spread. low (n, 120, 2) standardised, n > 1."""
    spread = low[..., _EDA].std(dim=1, correction=0).clamp(min=FLAT).log()
    return float(spread.mean()), max(float(spread.std()), FLAT)


def encode(low: Tensor, phase: Tensor, eda_spread: tuple[float, float]) -> Tensor:
    """(b, 120, 2) standardised EDA and Resp and (b, 121) phase in beats -> (b, 120, 5) as the network draws them.

    eda_spread: what measure_spread found on the training windows.
    """
    eda = low[..., _EDA]
    level = eda.mean(dim=1, keepdim=True)
    spread = eda.std(dim=1, keepdim=True, correction=0).clamp(min=FLAT)
    logarithm = (spread.log() - eda_spread[0]) / eda_spread[1]
    channels = [level.expand_as(eda), logarithm.expand_as(eda), (eda - level) / spread, low[..., _RESP]]
    return torch.cat([torch.stack(channels, dim=-1), advance_to_model(phase)], dim=-1)


def decode(drawn: Tensor, offset: Tensor, eda_spread: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """The inverse of encode: ((b, 120, 2), (b, 121)) from (b, 120, 5) and (b,) the phase at the start, in beats."""
    level, logarithm, shape, resp, beat = drawn.unbind(dim=-1)
    spread = (logarithm.mean(dim=1, keepdim=True) * eda_spread[1] + eda_spread[0]).exp()
    shape = shape - shape.mean(dim=1, keepdim=True)
    eda = level.mean(dim=1, keepdim=True) + spread * shape
    low = torch.stack([eda, resp] if _EDA < _RESP else [resp, eda], dim=-1)
    return low, phase_from_model(beat.unsqueeze(-1), offset)
