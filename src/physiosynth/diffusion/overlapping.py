"""A recording as overlapping windows: where they lie, how they fade into one another, what is asked of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from physiosynth.diffusion.samplers import Denoiser


@dataclass(frozen=True)
class Grid:
    """n windows of `length` samples, one every `hop`."""

    count: int
    length: int
    hop: int

    @classmethod
    def covering(cls, seconds: int, window_s: int, hop_s: int, rate_hz: int) -> Grid:
        """As many windows as `seconds` need."""
        return cls(1 + max(0, -(-(seconds - window_s) // hop_s)), window_s * rate_hz, hop_s * rate_hz)

    @property
    def total(self) -> int:
        """Samples from the first window's start to the last one's end."""
        return (self.count - 1) * self.hop + self.length

    def cut(self, signal: Tensor) -> Tensor:
        """(c, total) -> (n, c, length)."""
        return signal.unfold(1, self.length, self.hop).transpose(0, 1)

    def fade(self, windows: Tensor) -> Tensor:
        """(n, c, length) -> (c, total): windows cross-faded where they overlap, in the shape of a squared sine."""
        overlap = self.length - self.hop
        rise = torch.sin((torch.arange(overlap, dtype=torch.float64) + 0.5) / overlap * math.pi / 2) ** 2
        ends = torch.ones(2, self.length, dtype=torch.float64)
        ends[0, :overlap], ends[1, self.length - overlap :] = rise, rise.flip(0)
        weight = ends.prod(dim=0).to(windows)
        out = windows.new_zeros(windows.shape[1], self.total)
        share = windows.new_zeros(self.total)
        for i, window in enumerate(windows):
            at = slice(i * self.hop, i * self.hop + self.length)
            out[:, at] += window * weight
            share[at] += weight
        return out / share


@dataclass(frozen=True)
class Plan:
    """What is asked of each of s seconds, or of each of n windows."""

    states: Tensor  # (s,) number of the condition
    rates: Tensor  # (s, 3) in /min, nan where none
    stretches: Tensor  # (s,) number of the stretch, 0, 0, ..., 1, 1, ...
    conditions: int  # entries of the one-hot condition

    def __len__(self) -> int:
        return len(self.states)

    def of_windows(self, grid: Grid, rate_hz: int) -> Plan:
        """The same for each window: what holds for most of it, and of two halves the first."""
        hop_s, length_s = grid.hop // rate_hz, grid.length // rate_hz
        middles = torch.arange(grid.count) * hop_s + (length_s - 1) // 2
        at = middles.clamp(max=len(self) - 1)
        return Plan(self.states[at], self.rates[at], self.stretches[at], self.conditions)

    def one_hot(self) -> Tensor:
        return torch.nn.functional.one_hot(self.states, self.conditions).float()


def agreeing(denoise: Denoiser, agree: Callable[[Tensor], Tensor], alpha_bar: Tensor) -> Denoiser:
    """The denoiser whose clean windows agree(x0) with one another, and whose noise is what then is left of x."""

    def inner(x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        x0 = agree(denoise(x, t)[0])
        return x0, (x - alpha_bar[t].sqrt() * x0) / (1 - alpha_bar[t]).sqrt()

    return inner


def shared_noise(grid: Grid, channels: int, generator: torch.Generator) -> Tensor:
    """(n, c, length) noise, the same wherever windows overlap."""
    return grid.cut(torch.randn(channels, grid.total, generator=generator))
