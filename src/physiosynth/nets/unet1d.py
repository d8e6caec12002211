"""The published one-dimensional UNet. Its state-dict names are a file format: keep them.

The defaults are the published network. Three additions serve our own: a patch (neighbouring samples become channels,
which shortens the sequence), context channels (known signals concatenated to the noisy one) and the number of groups.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EMBEDDING = 128
TIME_HIDDEN = EMBEDDING * 4 // 3  # 170
MAX_PERIOD = 10_000.0


def time_embedding(t: Tensor) -> Tensor:
    """Sinusoidal embedding of diffusion steps: (b,) -> (b, 128), cosines first, then sines."""
    half = EMBEDDING // 2
    frequencies = torch.exp(-math.log(MAX_PERIOD) * torch.arange(half, device=t.device, dtype=torch.float32) / half)
    angles = t.float()[:, None] * frequencies[None, :]
    return torch.cat([torch.cos(angles), torch.sin(angles)], dim=1)


class FiLM(nn.Module):
    """Scale and shift of c channels: the sum of a linear map of the time and one of the condition embedding."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.lin_time = nn.Linear(EMBEDDING, 2 * channels)
        self.lin_cond = nn.Linear(EMBEDDING, 2 * channels)

    def forward(self, x: Tensor, time: Tensor, cond: Tensor) -> Tensor:
        scale, shift = (self.lin_time(time) + self.lin_cond(cond))[:, :, None].chunk(2, dim=1)
        return x * (1 + scale) + shift


class ResidualBlock(nn.Module):
    """Norm-SiLU-conv, norm-FiLM-SiLU-conv, plus the input (through a 1x1 convolution where the widths differ)."""

    def __init__(self, c_in: int, c_out: int, groups: int) -> None:
        super().__init__()
        self.g1 = nn.GroupNorm(min(groups, c_in), c_in)
        self.conv1 = nn.Conv1d(c_in, c_out, 3, padding=1)
        self.film = FiLM(c_out)
        self.g2 = nn.GroupNorm(min(groups, c_out), c_out)
        self.conv2 = nn.Conv1d(c_out, c_out, 3, padding=1)
        self.skip = nn.Conv1d(c_in, c_out, 1) if c_in != c_out else nn.Identity()

    def forward(self, x: Tensor, time: Tensor, cond: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.g1(x)))
        h = self.conv2(F.silu(self.film(self.g2(h), time, cond)))
        return h + self.skip(x)


class Down(nn.Module):
    """Shortens the sequence by its stride."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, stride, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Up(nn.Module):
    """Lengthens the sequence by its stride."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.deconv = nn.ConvTranspose1d(channels, channels, stride, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.deconv(x)


class UNet1D(nn.Module):
    """UNet over (b, c, t) with FiLM conditioning on the diffusion step and a condition vector.

    in_channels: channels of the noisy signal, and of the answer; condition_dim: entries of the condition vector;
    base, multipliers: width of each level; strides: between levels; blocks: residual blocks per level; groups: of the
    normalisation, at most a layer's channels; context_channels: known signals of the same length; patch: samples
    folded into channels. t must be a multiple of patch times the product of strides.
    """

    def __init__(
        self,
        in_channels: int,
        condition_dim: int = 4,
        base: int = 32,
        multipliers: tuple[int, ...] = (1, 2, 4, 8),
        strides: tuple[int, ...] = (2, 2, 2),
        blocks: int = 2,
        groups: int = 32,
        context_channels: int = 0,
        patch: int = 1,
    ) -> None:
        super().__init__()
        self.patch = patch
        widths = [base * m for m in multipliers]
        self.time_mlp = nn.Sequential(nn.Linear(EMBEDDING, TIME_HIDDEN), nn.SiLU(), nn.Linear(TIME_HIDDEN, EMBEDDING))
        self.cond_mlp = nn.Sequential(nn.Linear(condition_dim, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING))
        self.in_conv = nn.Conv1d((in_channels + context_channels) * patch, base, 3, padding=1)

        def level(c_in: int, c_out: int) -> nn.ModuleList:
            return nn.ModuleList(ResidualBlock(c_in if i == 0 else c_out, c_out, groups) for i in range(blocks))

        self.down_blocks = nn.ModuleList()
        for i, (c_in, c_out) in enumerate(zip([base, *widths[:-1]], widths, strict=True)):
            self.down_blocks.append(level(c_in, c_out))
            if i < len(strides):
                self.down_blocks.append(Down(c_out, strides[i]))
        self.mid1 = ResidualBlock(widths[-1], widths[-1], groups)
        self.mid2 = ResidualBlock(widths[-1], widths[-1], groups)
        self.up_blocks = nn.ModuleList()
        below = widths[-1]
        for i, width in reversed(list(enumerate(widths))):
            self.up_blocks.append(level(below + width, width))
            if i > 0:
                self.up_blocks.append(Up(width, strides[i - 1]))
            below = width
        self.out_conv = nn.Sequential(
            nn.GroupNorm(min(groups, base), base), nn.SiLU(), nn.Conv1d(base, in_channels * patch, 3, padding=1)
        )

    def forward(self, x: Tensor, t: Tensor, y: Tensor, context: Tensor | None = None) -> Tensor:
        """x (b, c, time), t (b,) diffusion steps, y (b, condition_dim), context (b, context_channels, time)."""
        time, cond = self.time_mlp(time_embedding(t)), self.cond_mlp(y)
        h = self.in_conv(fold(x if context is None else torch.cat([x, context], dim=1), self.patch))
        skips = []
        for stage in self.down_blocks:
            if isinstance(stage, Down):
                h = stage(h)
            else:
                for block in stage:
                    h = block(h, time, cond)
                # The published network also keeps the first block's output of a level, and never reads it.
                skips.append(h)
        h = self.mid2(self.mid1(h, time, cond), time, cond)
        for stage in self.up_blocks:
            if isinstance(stage, Up):
                h = stage(h)
            else:
                h = torch.cat([h, skips.pop()], dim=1)
                for block in stage:
                    h = block(h, time, cond)
        return unfold(self.out_conv(h), self.patch)


def fold(x: Tensor, patch: int) -> Tensor:
    """(b, c, t) -> (b, c * patch, t / patch): neighbouring samples become channels."""
    if patch == 1:
        return x
    b, c, t = x.shape
    return x.reshape(b, c, t // patch, patch).permute(0, 1, 3, 2).reshape(b, c * patch, t // patch)


def unfold(x: Tensor, patch: int) -> Tensor:
    """The inverse of fold."""
    if patch == 1:
        return x
    b, c, t = x.shape
    return x.reshape(b, c // patch, patch, t).permute(0, 1, 3, 2).reshape(b, c // patch, t * patch)
