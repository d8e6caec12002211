"""The beat as a signal: what the ECG network is shown of what the LOW network drew.

The LOW network draws how far the cardiac phase advances in each quarter second; summed up, it is the phase in beats,
whole at every R peak. The ECG network is given its cosine and sine, the breath and the height of R. It is not given the
EDA: its level would tell the training subjects apart, and a level would come to mean somebody's beats.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from physiosynth.families.wearable.signals import ECG_HZ, LOW_CHANNELS, LOW_HZ
from physiosynth.physiology.detectors import beats_of_phase

CONTEXT_CHANNELS = 4
HEIGHT_SD = 0.05  # of R in a typical window, as a share of its median


def ecg_context(low: Tensor, phase: Tensor, height: Tensor, margin: int = 0) -> Tensor:
    """What the ECG network is shown, at the ECG's rate: (b, t, 4) cosine and sine of the phase, breath, height of R.

    low (b, 120, 2) standardised EDA and Resp, sample k at k/4 s; phase (b, 121) beats and height (b, 121) of R over its
    median, at the edges of the steps; margin: ECG samples more on both sides, through which the heart beats on.
    """
    resp = low[..., LOW_CHANNELS.index("Resp"), None]
    edges = torch.cat([resp, resp[:, -1:]], dim=1)
    edges = torch.cat([edges, (height.unsqueeze(-1) - 1) / HEIGHT_SD], dim=2)
    more = -(-margin * LOW_HZ // ECG_HZ)
    angle = 2 * math.pi * at_ecg_rate(_beating_on(phase, more).unsqueeze(-1), margin, more)
    held = torch.cat([edges[:, :1].expand(-1, more, -1), edges, edges[:, -1:].expand(-1, more, -1)], dim=1)
    return torch.cat([angle.cos(), angle.sin(), at_ecg_rate(held, margin, more)], dim=2)


def at_ecg_rate(values: Tensor, margin: int = 0, more: int = 0) -> Tensor:
    """Linear interpolation of (b, n + 1, c) values at k / 4 s to the (b, n * 175 / 4, c) sample times of the ECG.

    more: of the values, how many lie before the ECG's first sample, and as many after its end; margin: samples wanted
    there.
    """
    samples = (values.shape[1] - 1 - 2 * more) * ECG_HZ // LOW_HZ
    clock = torch.arange(-margin, samples + margin, device=values.device, dtype=torch.float64)
    position = clock * LOW_HZ / ECG_HZ + more
    left = position.long()
    weight = (position - left).to(values.dtype)[None, :, None]
    return values[:, left] * (1 - weight) + values[:, left + 1] * weight


def _beating_on(phase: Tensor, more: int) -> Tensor:
    """The phase (b, n) with `more` steps at either end, at the pace that it has there."""
    steps = torch.arange(1, more + 1, device=phase.device, dtype=phase.dtype)
    before = phase[:, :1] - (phase[:, 1:2] - phase[:, :1]) * steps.flip(0)
    after = phase[:, -1:] + (phase[:, -1:] - phase[:, -2:-1]) * steps
    return torch.cat([before, phase, after], dim=1)


def beat_times(phase: Tensor) -> list[list[float]]:
    """Times in s at which each window's phase (b, 121) is a whole number of beats."""
    return [beats_of_phase(row, LOW_HZ).tolist() for row in phase.double().cpu().numpy()]
