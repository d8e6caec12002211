"""Bricks of a ResNet-1D with squeeze-and-excitation.

Residual blocks after He et al., 2016; squeeze-and-excitation after Hu et al., 2018.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def stem(inside: int, outside: int, kernel: int, stride: int, pad: int) -> nn.Sequential:
    """The first convolution, which usually shortens the time axis by `stride`."""
    return nn.Sequential(
        nn.Conv1d(inside, outside, kernel, stride, pad, bias=False), nn.BatchNorm1d(outside), nn.ReLU()
    )


class Block(nn.Module):
    """Two convolutions and squeeze-and-excitation beside a shortcut; halves the time axis."""

    def __init__(self, inside: int, outside: int, kernel: int = 5, stride: int = 2, squeeze: int = 4) -> None:
        super().__init__()
        pad = kernel // 2
        self.first = nn.Sequential(
            nn.Conv1d(inside, outside, kernel, stride, pad, bias=False), nn.BatchNorm1d(outside), nn.ReLU()
        )
        self.second = nn.Sequential(nn.Conv1d(outside, outside, kernel, 1, pad, bias=False), nn.BatchNorm1d(outside))
        self.excite = nn.Sequential(
            nn.Linear(outside, outside // squeeze), nn.ReLU(), nn.Linear(outside // squeeze, outside), nn.Sigmoid()
        )
        self.shortcut = nn.Sequential(nn.AvgPool1d(stride, ceil_mode=True), nn.Conv1d(inside, outside, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(b, inside, t) -> (b, outside, ceil(t / stride))."""
        y = self.second(self.first(x))
        return torch.relu(y * self.excite(y.mean(dim=2))[:, :, None] + self.shortcut(x))
