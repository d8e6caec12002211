"""Losses on windows that are not trained on, always at the same noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from physiosynth.runtime import window_seed

if TYPE_CHECKING:
    from torch import nn

    from physiosynth.training.task import Batch, Data, Task

VALIDATION_SEED = 2**31  # of the noise that every validation of every run sees


@torch.inference_mode()
def mean_losses(
    task: Task, model: nn.Module, data: Data, windows: int, batch_size: int, device: torch.device
) -> dict[str, float]:
    """Mean of each loss, and 'total', over at most `windows` windows spread evenly over the data."""
    chosen = spread(len(data), windows)
    sums: dict[str, float] = {}
    for first in range(0, len(chosen), batch_size):
        rows = chosen[first : first + batch_size]
        generator = torch.Generator().manual_seed(window_seed(VALIDATION_SEED, first))
        losses = task.losses(model, to_device(data[rows], device), generator, training=False)
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + float(loss) * len(rows) / len(chosen)
    return sums


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with every tensor on the device."""
    return type(batch)(*(values.to(device) for values in batch))


def spread(count: int, wanted: int) -> list[int]:
    """At most `wanted` indices spread evenly over range(count): every subject and state takes part."""
    wanted = min(count, wanted)
    return [i * count // wanted for i in range(wanted)]
