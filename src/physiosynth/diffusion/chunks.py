"""Which windows the networks are given together.

Vector libraries choose their kernels, and with them the last bits of a result, by the number of windows and of threads.
So that a window is the same array in any company, it has a place, its number modulo the chunk's size, in a chunk that
is always laid out in full. The places of no wanted window hold a copy of one; where a smaller batch was seen to
give the same bits, the networks are spared them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

import torch
from torch import Tensor

Window = TypeVar("Window")
Answer = Callable[[Tensor, int], Tensor]
Evaluate = Callable[[Tensor, int, list[int] | slice], Tensor]  # x, step, and which windows of x
EVERY = slice(None)
Places = tuple[int, ...] | None


@dataclass(frozen=True)
class Chunk(Generic[Window]):
    """Wanted windows by place, in the order they are wanted in."""

    size: int
    wanted: dict[int, Window]

    @property
    def places(self) -> tuple[int, ...]:
        return tuple(self.wanted)

    @property
    def full(self) -> list[Window]:
        """A window for each place."""
        first = next(iter(self.wanted.values()))
        return [self.wanted.get(place, first) for place in range(self.size)]


def chunks_of(windows: Sequence[tuple[int, Window]], size: int, workers: int = 1) -> list[Chunk[Window]]:
    """Chunks of consecutive (number, window): full ones while every worker has one, then one for each worker."""
    whole = len(windows) // (size * workers) * size * workers
    rest = iter(windows)
    return [
        *_filled(islice(rest, whole), size, size),
        *_filled(rest, size, -(-(len(windows) - whole) // workers)),
    ]


def _filled(windows: Iterable[tuple[int, Window]], size: int, most: int) -> list[Chunk[Window]]:
    chunks: list[Chunk[Window]] = []
    for number, window in windows:
        if not chunks or number % size in chunks[-1].wanted or len(chunks[-1].wanted) == most:
            chunks.append(Chunk(size, {}))
        chunks[-1].wanted[number % size] = window
    return chunks


def for_wanted(evaluate: Evaluate, wanted: Places, agree: dict[tuple, bool]) -> Answer:
    """answer(x, step) for the windows at `wanted` places of x (b, c, time), all where None; the rest hold one of these.

    On a CPU the wanted windows are evaluated alone, or with the half of the batch that they are in, where that was seen
    to give the bits that the whole batch gives. agree: what was seen, by places and shape.
    """

    def answer(x: Tensor, step: int) -> Tensor:
        size = len(x)
        for at in _smaller(wanted, size) if x.device.type == "cpu" else ():
            key = (at, x.shape)
            if agree.get(key, True):
                few = evaluate(x, step, list(at))
                if key not in agree:
                    agree[key] = torch.equal(few, evaluate(x, step, EVERY)[list(at)])
                if agree[key] and wanted is not None:
                    return few[[at.index(place if place in wanted else wanted[0]) for place in range(size)]]
        return evaluate(x, step, EVERY)

    return answer


def _smaller(wanted: Places, size: int) -> list[tuple[int, ...]]:
    """Parts of a chunk that hold the wanted places, the smallest first."""
    if wanted is None or len(wanted) == size:
        return []
    halves = (tuple(range(size // 2)), tuple(range(size // 2, size)))
    return [wanted, *(half for half in halves if set(wanted) < set(half))]
