"""Fold windows as PyTorch training data: standardised and memory-mapped."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from physiosynth.errors import FoldError
from physiosynth.families.wearable.data.folds import FoldDirectory
from physiosynth.families.wearable.data.windows import RATES
from physiosynth.families.wearable.signals import CONDITIONS, ECG_CHANNELS, LOW_CHANNELS

RATE_TAILS = 0.025


class WindowItem(NamedTuple):
    """One window, or a batch of them along a first axis; signals standardised.

    ecg: (ECG_STEPS, 1); low: (LOW_STEPS, 2) in LOW_CHANNELS order; phase: (PHASE_EDGES,) beats, as on file;
    condition: (K,) one-hot, float32; rates: (3,) windows.RATES in /min, nan where not measured; index: the window's
    place in the split.
    """

    ecg: torch.Tensor
    low: torch.Tensor
    phase: torch.Tensor
    condition: torch.Tensor
    rates: torch.Tensor
    index: torch.Tensor


class WindowDataset(Dataset):
    """Windows of one split of a fold; each is read from disk when asked for.

    fold: as load_fold gives it; split: "train", "val" or "test". Raises FoldError where the norms, conditions or beats
    that training needs are not in the fold.
    """

    def __init__(self, fold: FoldDirectory, split: str) -> None:
        norm_low, norm_ecg = fold.norm_low, fold.norm_ecg
        norms = {"low": norm_low, "ecg": norm_ecg}
        missing = [f"norm_{name}.npz" for name, norm in norms.items() if norm is None]
        arrays = fold.split(split)
        parts = ((arrays.phase, f"{split}_X_phase.npy"), (arrays.conditions, f"{split}_cond.npy"))
        missing += [name for part, name in parts if part is None]
        if norm_low is None or norm_ecg is None or arrays.phase is None or arrays.conditions is None:
            raise FoldError(f"{fold.path}: training needs {', '.join(missing)}. Run `physiosynth preprocess` again.")
        self.arrays = arrays
        self.phase, self.conditions = arrays.phase, arrays.conditions
        self.norm_ecg = norm_ecg.select(*ECG_CHANNELS)
        self.norm_low = norm_low.select(*LOW_CHANNELS)
        self.low_order = [fold.channels_low.index(name) for name in LOW_CHANNELS]
        self.rates = np.full((len(arrays), len(RATES)), np.nan, np.float32) if arrays.rates is None else arrays.rates
        self.one_hot = np.eye(len(CONDITIONS), dtype=np.float32)[arrays.conditions - 1]

    def __len__(self) -> int:
        return len(self.arrays)

    def rate_ranges(self) -> dict[str, dict[str, list[float]]]:
        """By state and rate: the span in /min that all but RATE_TAILS of its windows on each side lie in."""
        ranges: dict[str, dict[str, list[float]]] = {}
        for label in np.unique(self.conditions):
            rates = self.rates[self.conditions == label]
            known = {name: column[np.isfinite(column)] for name, column in zip(RATES, rates.T, strict=True)}
            ranges[CONDITIONS[label - 1]] = {
                name: [round(float(end), 1) for end in np.quantile(values, (RATE_TAILS, 1 - RATE_TAILS))]
                for name, values in known.items()
                if len(values)
            }
        return ranges

    def __getitem__(self, index: int | list[int]) -> WindowItem:
        """The window at `index`, or the batch of windows at a list of them."""
        arrays = self.arrays
        return WindowItem(
            ecg=torch.from_numpy(self.norm_ecg.apply(arrays.ecg[index])),
            low=torch.from_numpy(self.norm_low.apply(arrays.low[index][..., self.low_order])),
            phase=torch.from_numpy(np.array(self.phase[index])),
            condition=torch.from_numpy(self.one_hot[index]),
            rates=torch.from_numpy(np.array(self.rates[index])),
            index=torch.as_tensor(index),
        )
