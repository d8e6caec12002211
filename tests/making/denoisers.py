"""Denoisers whose answers are known in closed form, over x (b, 1, d) and a schedule alpha_bar (T,)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from physiosynth.diffusion.diffusion import beta_schedule
from physiosynth.diffusion.samplers import Denoiser, sigmas_of

BAR = torch.cumprod(1 - beta_schedule("cosine", 1000), dim=0)
# So many steps that those of a sampler can be halved again and again.
FINE_BAR = torch.cumprod(1 - beta_schedule("cosine", 100_000), dim=0)

MEAN = torch.tensor([0.5, -0.3, 0.1], dtype=torch.float64)
COVARIANCE = torch.tensor([[0.5, 0.3, 0.0], [0.3, 0.4, -0.1], [0.0, -0.1, 0.2]], dtype=torch.float64)


def noise(count: int, dimensions: int = 1, seed: int = 0) -> Tensor:
    """(count, 1, dimensions) starting noise."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, dimensions, generator=generator, dtype=torch.float64)


def denoiser(clean: Callable[[Tensor, float], Tensor], alpha_bar: Tensor) -> Denoiser:
    """The denoiser whose clean signal is clean(z, sigma), z being x / sqrt(alpha_bar)."""
    sigmas = sigmas_of(alpha_bar).tolist()

    def denoise(x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        bar = float(alpha_bar[t])
        x0 = clean(x / bar**0.5, sigmas[t])
        return x0, (x - bar**0.5 * x0) / (1 - bar) ** 0.5

    return denoise


@dataclass(frozen=True)
class Gaussian:
    """Clean signals that are normal with MEAN and COVARIANCE."""

    alpha_bar: Tensor

    def denoiser(self) -> Denoiser:
        def clean(z: Tensor, sigma: float) -> Tensor:
            gain = COVARIANCE @ torch.linalg.inv(COVARIANCE + sigma**2 * torch.eye(3, dtype=torch.float64))
            return MEAN + (z - MEAN) @ gain.T

        return denoiser(clean, self.alpha_bar)

    def flow(self, x: Tensor, t: int) -> Tensor:
        """Where the probability flow takes x from step t: each axis shrinks by sd / sqrt(sd^2 + sigma^2)."""
        sigma = sigmas_of(self.alpha_bar)[t]
        variance, axes = torch.linalg.eigh(COVARIANCE)
        shrink = (variance / (variance + sigma**2)).sqrt()
        z = x / self.alpha_bar[t].sqrt() - MEAN
        return MEAN + z @ axes * shrink @ axes.T


@dataclass(frozen=True)
class Mixture:
    """Clean signals of a number each, from normal components."""

    weights: tuple[float, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]

    def denoiser(self, alpha_bar: Tensor = BAR) -> Denoiser:
        weights, means, spreads = (
            torch.tensor(values, dtype=torch.float64) for values in (self.weights, self.means, self.spreads)
        )

        def clean(z: Tensor, sigma: float) -> Tensor:
            variance = spreads**2 + sigma**2
            away = z[..., None] - means
            shares = (weights.log() - variance.log() / 2 - away**2 / (2 * variance)).softmax(dim=-1)
            return (shares * (means + spreads**2 / variance * away)).sum(dim=-1)

        return denoiser(clean, alpha_bar)
