"""Where a run stands: what is saved, and how a run goes on from it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from physiosynth.errors import TrainingError
from physiosynth.files import replacing
from physiosynth.training.plan import Plan
from physiosynth.training.settings import RunSettings


@dataclass
class Progress:
    """Where a run stands; what a callback is shown."""

    step: int = 0
    total_steps: int = 0
    epoch: int = 0
    train: dict[str, float] = field(default_factory=dict)  # running mean of each stream's loss
    validation: dict[str, float] = field(default_factory=dict)  # of the last validation, by averaged weights
    best: float = float("inf")
    milestone: Path | None = None
    learning_rate: float = 0.0  # of the last step
    gradient_norm: float = 0.0  # running mean, before clipping
    returns: int = 0  # how often the run went back to a saved state


class Stateful(Protocol):
    """A network, an optimizer, a schedule."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


def save_state(
    path: Path,
    parts: Mapping[str, Stateful],
    settings: RunSettings,
    data: Mapping[str, Any],
    plan: Plan,
    progress: Progress,
) -> None:
    """Write all that a run needs to go on as if it had never stopped; data: what it is trained on."""
    milestone = progress.milestone and progress.milestone.name
    content = {name: part.state_dict() for name, part in parts.items()}
    content |= {"settings": settings.to_dict(), "data": dict(data), "plan": plan.to_dict()}
    save_torch(path, content | {"progress": {**asdict(progress), "milestone": milestone}})


def restore_state(
    path: Path, parts: Mapping[str, Stateful], settings: RunSettings, data: Mapping[str, Any]
) -> tuple[Plan, Progress]:
    """Put `parts` where save_state left them. Raises TrainingError for a run of other settings or of another fold."""
    state = load_torch(path)
    try:
        stored, reached = state["settings"], dict(state["progress"])
        asked = settings.to_dict()
        changed = [name for name in sorted({*asked, *stored}) if stored.get(name) != asked.get(name)]
        changed += [f"fold {name}" for name in data if state["data"].get(name) != data[name]]
        if changed:
            raise TrainingError(
                f"{path.parent} holds a run with other settings ({', '.join(changed)}). Ask for the same, or give "
                "another --out."
            )
        for name, part in parts.items():
            part.load_state_dict(state[name])
        milestone = reached.pop("milestone")
        progress = Progress(**reached, milestone=milestone and path.parent / "milestones" / milestone)
        return Plan(**state["plan"]), progress
    except (KeyError, TypeError, AttributeError, RuntimeError, ValueError) as error:
        raise TrainingError(
            f"{path} was written by another version of this project or is damaged ({type(error).__name__}: "
            f"{str(error).splitlines()[0]}). Give another --out, or remove it to start this run anew."
        ) from error


def save_torch(path: Path, content: dict[str, Any]) -> None:
    """torch.save, whole or not at all."""
    with replacing(path) as temporary:
        torch.save(content, temporary)


def load_torch(path: Path) -> dict[str, Any]:
    """What save_torch wrote, tensors and plain values only. Raises TrainingError."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"{path.name} cannot be read as a state of training. Remove it to start this run anew."
        ) from error
