"""What a family hands the trainer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from physiosynth.training.run_log import RunLog
    from physiosynth.training.state import Progress

Batch = Any  # a NamedTuple of tensors over the same windows; the last one is their places in the split
Losses = dict[str, "Tensor"]  # each by its name, in a fixed order, and last their weighted sum, "total"


class Data(Protocol):
    """Windows of one split; a list of places gives a batch."""

    def __len__(self) -> int: ...
    def __getitem__(self, places: list[int]) -> Batch: ...


class Task(Protocol):
    """Networks, their losses, and what a milestone of them is. Anything may raise TrainingError."""

    @property
    def data(self) -> Mapping[str, Data]: ...  # "train" and "val"

    def build(self, fresh: bool) -> nn.Module: ...  # fresh: not about to be filled with a saved state
    def losses(self, model: nn.Module, batch: Batch, generator: torch.Generator, training: bool) -> Losses: ...
    def check(self, batch: Batch) -> None: ...  # raises where the data itself is at fault
    def trained_on(self) -> dict[str, Any]: ...  # what tells this data from another
    def write_milestone(self, folder: Path, model: nn.Module, average: nn.Module, record: dict[str, Any]) -> Path: ...

    def sample(self, log: RunLog, progress: Progress, model: nn.Module, device: torch.device) -> float:
        """Draw from the averaged weights, measure and log; the seconds it took, without what is done once."""
        ...
