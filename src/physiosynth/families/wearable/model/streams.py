"""The two streams as diffusion models."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from physiosynth.diffusion.diffusion import DiffusionStream
from physiosynth.families.wearable.signals import ECG_CHANNELS, LOW_CHANNELS


class DiffusionLow(DiffusionStream):
    """The EDA and respiration stream at 4 Hz."""

    def __init__(self, condition_dim: int = 4, channels: tuple[str, ...] = LOW_CHANNELS, **settings: Any) -> None:
        super().__init__(channels, condition_dim, **{"strides": (2, 2, 2), **settings})

    def without_condition(self, y: Tensor) -> Tensor:
        """Where rates are asked for, the state alone; else nothing."""
        asked = y[:, self.condition_dim :].any(dim=1, keepdim=True)
        state = torch.cat([y[:, : self.condition_dim], torch.zeros_like(y[:, self.condition_dim :])], dim=1)
        return torch.where(asked, state, torch.zeros_like(y))


class DiffusionECG(DiffusionStream):
    """The ECG stream at 175 Hz."""

    def __init__(self, condition_dim: int = 4, channels: tuple[str, ...] = ECG_CHANNELS, **settings: Any) -> None:
        super().__init__(channels, condition_dim, **{"strides": (5, 5, 3), **settings})

    def without_condition(self, y: Tensor) -> Tensor:
        """The state is dropped; what the beats look like is always told."""
        return torch.cat([torch.zeros_like(y[:, : self.condition_dim]), y[:, self.condition_dim :]], dim=1)
