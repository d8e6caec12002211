"""A run that begins with another run's weights: to polish a stream, or to go from virtual people to recorded ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from physiosynth.errors import TrainingError
from physiosynth.files import sha256_of
from physiosynth.training.joint import STREAMS, JointLoss
from physiosynth.training.milestones import load_torch


@dataclass(frozen=True)
class Start:
    """A milestone's averaged weights, by stream; the scales of what LOW draws are among them."""

    path: Path
    weights: dict[str, dict[str, Tensor]]

    def fill(self, model: JointLoss) -> None:
        """Put the weights into both streams. Raises TrainingError where the networks differ."""
        for name, weights in self.weights.items():
            try:
                getattr(model, name).load_state_dict(weights, strict=True)
            except RuntimeError as error:
                found = str(error).splitlines()[-1].strip()
                raise TrainingError(
                    f"{self.path.name} holds other networks than this run trains: {found} "
                    "Ask for the widths and the architecture that it was trained with."
                ) from error

    def record(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"milestone": self.path.name, "sha256": sha256_of(self.path)}


def start_of(path: Path) -> Start:
    """The start that a milestone's weights file gives. Raises TrainingError where it is none."""
    if not path.is_file():
        raise TrainingError(f"{path}: expected the weights of a milestone (milestone_e*.pt), found no such file.")
    content = load_torch(path)
    missing = [f"ema_{name}" for name in STREAMS if not isinstance(content.get(f"ema_{name}"), dict)]
    if missing:
        raise TrainingError(f"{path.name}: expected a milestone of a training run, found no {' and '.join(missing)}.")
    return Start(path, {name: content[f"ema_{name}"] for name in STREAMS})
