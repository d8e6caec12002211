"""Device, threads, and seeds: one for each window, and one for each named use of randomness."""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from physiosynth.errors import RequestError

if TYPE_CHECKING:
    import torch

OnStep = Callable[[int, int], None]  # told how many steps of how many are done; may raise to cancel
StepCallback = Callable[[int, int], None]  # (done, total); it may raise to cancel
MALLOC_TRIM_THRESHOLD, MALLOC_MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT_BYTES = 1 << 30


def quiet(done: int, total: int) -> None:
    """The callback of those who do not watch."""


def ignore_step(done: int, total: int) -> None:
    """The callback of whoever does not watch."""


def resolve_device(name: str | None = None) -> torch.device:
    """The named device, or a GPU where there is one and the CPU elsewhere. Raises RequestError for an unusable name."""
    import torch

    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise RequestError(f"Device {name!r} cannot be used here. Leave it out, or use 'cpu'.") from error
    return device


def derive_seed(seed: int, *path: str | int) -> int:
    """The seed of one use of randomness in a run, named by a path: derive_seed(seed, "halves", repeat).

    Different paths are independent, whatever the seed, and a path keeps its seed when others are added.

    Parameters
    ----------
    seed : int
        The run's seed, from 0 to 2^63 - 1.
    *path : str or int
        What the randomness is for, and which repetition of it: at least one part. 1 and "1" differ, and so do
        ("ab", "c") and ("a", "bc").

    Returns
    -------
    int
        From 0 to 2^63 - 1: the first 63 bits of the SHA-256 of seed and path.

    Raises
    ------
    RequestError
        For a seed out of range.
    TypeError
        For no path, or a part that is neither text nor a whole number.
    """
    if not path:
        raise TypeError("derive_seed needs a path: say what the randomness is for, as in derive_seed(seed, 'halves').")
    digest = hashlib.sha256()
    for part in (check_seed(seed), *path):
        if isinstance(part, bool) or not isinstance(part, (str, int, np.integer)):
            raise TypeError(f"A part of a seed's path is text or a whole number, found {part!r}.")
        kind, text = ("s", part) if isinstance(part, str) else ("i", str(int(part)))
        encoded = text.encode()
        # Kind and length go first, so that no two paths are written alike.
        digest.update(f"{kind}{len(encoded)}:".encode() + encoded)
    return int.from_bytes(digest.digest()[:8], "big") >> 1


def window_seed(seed: int, index: int) -> int:
    """The 63-bit seed of window `index` of a run: neighbouring runs and windows share nothing.

    Published windows depend on it; everything else is seeded by derive_seed.
    """
    return int(np.random.SeedSequence((check_seed(seed), index)).generate_state(1, np.uint64)[0] >> 1)


def window_generators(seed: int, windows: Iterable[int]) -> list[torch.Generator]:
    """One CPU generator for each window index, so that a window's noise depends on (seed, index) alone."""
    import torch

    return [torch.Generator().manual_seed(window_seed(seed, index)) for index in windows]


def check_seed(seed: int) -> int:
    """The seed as a non-negative int below 2**63. Raises RequestError."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise RequestError(f"A seed is a whole number from 0 to 2^63 - 1, found {seed!r}.")
    return int(seed)


def prepare_process() -> None:
    """Settle threads and allocator of this process; entry points call it before torch is imported, libraries never.

    Waiting OpenMP threads sleep instead of spinning, for the sake of other processes on the cores. Freed blocks are
    kept for reuse instead of being returned and faulted in again (glibc's thresholds); elsewhere that part is left out.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for parameter in (MALLOC_TRIM_THRESHOLD, MALLOC_MMAP_THRESHOLD):
        mallopt(parameter, KEPT_BYTES)


def available_cores() -> int:
    """Cores this process may use, container limits on affinity included."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
