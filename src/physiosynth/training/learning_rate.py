"""The learning rate of each step: warm-up, then a cosine to zero or torch's plateau rule."""

from __future__ import annotations

import math
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from physiosynth.training.settings import RunSettings

PLATEAU_FACTOR, PLATEAU_PATIENCE = 0.5, 5  # halve after more than five validations without improvement


class LearningRate:
    """Sets the optimizer's rate before each step."""

    def __init__(self, optimizer: Optimizer, settings: RunSettings) -> None:
        self.optimizer, self.settings = optimizer, settings
        self.plateau = None
        if settings.schedule == "plateau":
            self.plateau = ReduceLROnPlateau(optimizer, factor=PLATEAU_FACTOR, patience=PLATEAU_PATIENCE)

    def set(self, step: int, total_steps: int, factor: float = 1.0) -> float:
        """The rate of this step, given to the optimizer. factor: what going back has left of it."""
        rate = self.settings.learning_rate * self._share(step, total_steps) * factor
        self._give(rate)
        return rate

    def follow(self, validation: float) -> None:
        """Tell the plateau rule how a validation went."""
        if self.plateau is not None:
            self._give(self.plateau.get_last_lr()[0])  # it lowers what it finds, and must not find the warm-up's
            self.plateau.step(validation)

    def _share(self, step: int, total_steps: int) -> float:
        warmup = min(1.0, (step + 1) / max(self.settings.warmup_steps, 1))
        if self.plateau is not None:
            return warmup * self.plateau.get_last_lr()[0] / self.settings.learning_rate
        return warmup * 0.5 * (1 + math.cos(math.pi * step / total_steps))

    def _give(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def state_dict(self) -> dict[str, Any]:
        return {} if self.plateau is None else self.plateau.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self.plateau is not None:
            self.plateau.load_state_dict(state)
