"""Batches of an epoch, in an order that a seed and the epoch fix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import DataLoader, Dataset, Sampler

from physiosynth.runtime import check_seed


class EpochOrder(Sampler):
    """Batches of window indices whose order depends on (seed, epoch) alone, so that a resumed epoch goes on in it.

    shuffle False gives 0, 1, 2, ...; drop_last leaves out an incomplete last batch; start_batch skips batches done.
    """

    def __init__(
        self,
        windows: int,
        batch_size: int,
        seed: int = 0,
        epoch: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
        start_batch: int = 0,
    ) -> None:
        self.windows, self.batch_size, self.seed = windows, batch_size, check_seed(seed)
        self.epoch, self.shuffle, self.drop_last, self.start_batch = epoch, shuffle, drop_last, start_batch

    def __len__(self) -> int:
        batches = self.windows // self.batch_size if self.drop_last else -(-self.windows // self.batch_size)
        return max(0, batches - self.start_batch)

    def __iter__(self) -> Iterator[list[int]]:
        order = np.arange(self.windows)
        if self.shuffle:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(self.windows)
        for batch in range(self.start_batch, self.start_batch + len(self)):
            yield order[batch * self.batch_size :][: self.batch_size].tolist()


def loader(
    dataset: Dataset,
    batch_size: int,
    seed: int = 0,
    epoch: int = 0,
    shuffle: bool = True,
    drop_last: bool = False,
    start_batch: int = 0,
    workers: int = 0,
) -> DataLoader:
    """A DataLoader of whole batches for one epoch, in EpochOrder."""
    order = EpochOrder(len(dataset), batch_size, seed, epoch, shuffle, drop_last, start_batch)
    # The order gives whole batches, which the dataset reads at once: nothing is left to collate.
    return DataLoader(dataset, sampler=order, batch_size=None, num_workers=workers)
