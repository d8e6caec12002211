"""Both streams as one model with one loss."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from physiosynth.datasets.loading import WindowItem
from physiosynth.models.architecture import Architecture
from physiosynth.models.low_space import encode
from physiosynth.models.rhythm import ecg_context

STREAMS = ("low", "ecg")


class JointLoss(nn.Module):
    """Both streams and their weighted loss over one batch.

    weights: lambda of each stream. In a coupled pair the ECG network is shown the recorded LOW channels and beats.
    """

    def __init__(self, architecture: Architecture, weights: dict[str, float]) -> None:
        super().__init__()
        self.architecture, self.weights = architecture, weights
        self.low, self.ecg = architecture.build()

    def forward(self, batch: WindowItem, generator: torch.Generator, drop: float = 0.0) -> dict[str, Tensor]:
        """Loss of each stream, and their weighted sum as 'total'.

        generator: the CPU generator of steps, noise and of which windows (a share `drop`) lose their condition.
        """
        kept = torch.rand(len(batch.condition), generator=generator) >= drop
        y = batch.condition * kept.to(batch.condition)[:, None]
        low, context = batch.low, None
        if self.architecture.coupled:
            context = ecg_context(low, batch.phase)
            low = encode(low, batch.phase, self.architecture.eda_spread)
        losses = {
            "low": self.low.loss(low, y, generator=generator),
            "ecg": self.ecg.loss(batch.ecg, y, context, generator=generator),
        }
        return losses | {"total": sum(self.weights[name] * losses[name] for name in STREAMS)}


def ema_rule(decay: float) -> Callable[[list[Tensor], list[Tensor], Tensor | int], None]:
    """Exponential moving average for AveragedModel, with a short memory at first so that early weights fade."""

    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averaged, current, 1 - now)

    return update
