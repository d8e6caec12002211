"""Losses on windows that are not trained on, always at the same noise."""

from __future__ import annotations

import torch

from physiosynth.datasets.loading import WindowDataset, WindowItem
from physiosynth.runtime import window_seed
from physiosynth.training.joint import STREAMS, JointLoss

VALIDATION_SEED = 2**31  # of the noise that every validation of every run sees


@torch.inference_mode()
def mean_losses(
    model: JointLoss, data: WindowDataset, windows: int, batch_size: int, device: torch.device
) -> dict[str, float]:
    """Mean loss of each stream, and 'total', over at most `windows` windows spread evenly over the data."""
    chosen = spread(len(data), windows)
    sums = dict.fromkeys((*STREAMS, "total"), 0.0)
    for first in range(0, len(chosen), batch_size):
        rows = chosen[first : first + batch_size]
        generator = torch.Generator().manual_seed(window_seed(VALIDATION_SEED, first))
        losses = model(to_device(data[rows], device), generator, 0.0, vary=False)
        for name in sums:
            sums[name] += float(losses[name]) * len(rows) / len(chosen)
    return sums


def to_device(batch: WindowItem, device: torch.device) -> WindowItem:
    """The batch with every tensor on the device."""
    return WindowItem(*(values.to(device) for values in batch))


def spread(count: int, wanted: int) -> list[int]:
    """At most `wanted` indices spread evenly over range(count): every subject and state takes part."""
    wanted = min(count, wanted)
    return [i * count // wanted for i in range(wanted)]
