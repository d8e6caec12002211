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

    def __len__(self) -> int:
        """Number of windows."""
        ...

    def __getitem__(self, places: list[int]) -> Batch:
        """A NamedTuple of tensors over these windows; its last one is `places`."""
        ...


class Task(Protocol):
    """Networks, their losses, and what a milestone of them is. Anything may raise TrainingError."""

    @property
    def data(self) -> Mapping[str, Data]:
        """The splits "train" and "val"."""
        ...

    def build(self, fresh: bool) -> nn.Module:
        """The networks.

        Parameters
        ----------
        fresh
            False where they are about to be filled with a saved state.

        Returns
        -------
        torch.nn.Module
            On the CPU.
        """
        ...

    def losses(self, model: nn.Module, batch: Batch, generator: torch.Generator, training: bool) -> Losses:
        """The losses of a batch.

        Parameters
        ----------
        model
            What build gave.
        batch
            On the model's device.
        generator
            Where all randomness comes from.
        training
            False for validation.

        Returns
        -------
        dict of str to torch.Tensor
            Each loss by its name, in a fixed order, and last their weighted sum, "total".
        """
        ...

    def check(self, batch: Batch) -> None:
        """Look for the cause of a loss that is not finite in the data.

        Parameters
        ----------
        batch
            The one with that loss.

        Raises
        ------
        TrainingError
            Where the data itself is at fault.
        """
        ...

    def trained_on(self) -> dict[str, Any]:
        """What tells this data from another.

        Returns
        -------
        dict
            Plain values, which a resumed run compares with its own.
        """
        ...

    def write_milestone(self, folder: Path, model: nn.Module, average: nn.Module, record: dict[str, Any]) -> Path:
        """Write what a bundle is built from.

        Parameters
        ----------
        folder
            Where to.
        model, average
            The weights, and their moving average.
        record
            What the trainer says of the run so far.

        Returns
        -------
        pathlib.Path
            The file of weights.
        """
        ...

    def sample(self, log: RunLog, progress: Progress, model: nn.Module, device: torch.device) -> float:
        """Draw from the averaged weights, measure and log.

        Parameters
        ----------
        log
            Where rates and pictures go.
        progress
            How far the run is.
        model
            The averaged weights.
        device
            Where to draw.

        Returns
        -------
        float
            The seconds it took, without what is done once.
        """
        ...
