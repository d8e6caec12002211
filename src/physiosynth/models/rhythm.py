"""The beat as a signal: what the ECG network is shown of what the LOW network drew.

The LOW network draws how far the cardiac phase advances in each quarter second; summed up, it is the phase in beats,
whole at every R peak. The ECG network is given its cosine and sine, the breath and the height of R. It is not given the
EDA: its level would tell the training subjects apart, and a level would come to mean somebody's beats.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from physiosynth.physiology import beats_of_phase
from physiosynth.signals import ECG_HZ, LOW_CHANNELS, LOW_HZ

CONTEXT_CHANNELS = 4
HEIGHT_SD = 0.05  # of R in a typical window, as a share of its median


def ecg_context(low: Tensor, phase: Tensor, height: Tensor) -> Tensor:
    """What the ECG network is shown, at the ECG's rate: (b, t, 4) cosine and sine of the phase, breath, height of R.

    low (b, 120, 2) standardised EDA and Resp, sample k at k/4 s; phase (b, 121) beats and height (b, 121) of R over its
    median, at the edges of the steps.
    """
    resp = low[..., LOW_CHANNELS.index("Resp"), None]
    edges = torch.cat([resp, resp[:, -1:]], dim=1)
    edges = torch.cat([edges, (height.unsqueeze(-1) - 1) / HEIGHT_SD], dim=2)
    angle = 2 * math.pi * at_ecg_rate(phase.unsqueeze(-1))
    return torch.cat([angle.cos(), angle.sin(), at_ecg_rate(edges)], dim=2)


def at_ecg_rate(values: Tensor) -> Tensor:
    """Linear interpolation of (b, n + 1, c) values at k / 4 s to the (b, n * 175 / 4, c) sample times of the ECG."""
    samples = (values.shape[1] - 1) * ECG_HZ // LOW_HZ
    position = torch.arange(samples, device=values.device, dtype=torch.float64) * LOW_HZ / ECG_HZ
    left = position.long()
    weight = (position - left).to(values.dtype)[None, :, None]
    return values[:, left] * (1 - weight) + values[:, left + 1] * weight


def beat_times(phase: Tensor) -> list[list[float]]:
    """Times in s at which each window's phase (b, 121) is a whole number of beats."""
    return [beats_of_phase(row).tolist() for row in phase.double().cpu().numpy()]
