"""The beat as a signal: how the LOW stream carries it, and how the ECG network is shown it.

The LOW network draws the beat phase's advance in each quarter second, standardised by constants; summed up, it is the
cardiac phase in beats, whole at every R peak. The ECG network is given its cosine and sine, and the breath. It is not
given the EDA: its level would tell the training subjects apart, and a level would come to mean somebody's beats.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from physiosynth.physiology import beats_of_phase
from physiosynth.signals import ECG_HZ, LOW_CHANNELS, LOW_HZ

# A heart rate of 77 /min advances 0.32 beats a quarter second; 0.08 beats are 19 /min.
ADVANCE_MEAN, ADVANCE_SD = 0.32, 0.08
MIN_ADVANCE = 0.1  # 24 /min: a drawn phase never stands still
CONTEXT_CHANNELS = 3


def advance_to_model(phase: Tensor) -> Tensor:
    """(b, 121) phase in beats at the edges of the LOW bins -> (b, 120, 1) standardised advance."""
    return ((phase.diff(dim=1) - ADVANCE_MEAN) / ADVANCE_SD).unsqueeze(-1)


def phase_from_model(advance: Tensor, offset: Tensor) -> Tensor:
    """(b, 120, 1) standardised advance and (b,) phase at the start, in beats -> (b, 121) phase at the bins' edges."""
    steps = (advance[..., 0] * ADVANCE_SD + ADVANCE_MEAN).clamp(min=MIN_ADVANCE)
    return torch.cat([offset[:, None], offset[:, None] + steps.cumsum(dim=1)], dim=1)


def ecg_context(low: Tensor, phase: Tensor) -> Tensor:
    """What the ECG network is shown, at the ECG's rate: (b, t, 3) cosine and sine of the phase, then the breath.

    low (b, 120, 2) standardised EDA and Resp, sample k at k/4 s; phase (b, 121) beats at the bins' edges.
    """
    resp = low[..., LOW_CHANNELS.index("Resp"), None]
    edges = torch.cat([resp, resp[:, -1:]], dim=1)
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
