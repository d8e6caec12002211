"""Classifier-free guidance as a wrapper: a conditional and an unconditional denoiser become one."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from physiosynth.diffusion.samplers import Denoiser
from physiosynth.diffusion.stream_sampling import StreamSampling


def guided(conditional: Denoiser, unconditional: Denoiser, settings: StreamSampling, diffusion_steps: int) -> Denoiser:
    """(1 + w) conditional - w unconditional (Ho and Salimans, 2022), w being settings.guidance.

    It is on at the noise levels that the settings name; at the others the conditional denoiser alone is called. The
    published checkpoints combine the predicted noise at every step, which is the same thing: x0 and eps are both
    affine in it.
    """
    if settings.guidance <= 0:
        return conditional

    def denoise(x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        x0, eps = conditional(x, t)
        if not settings.guided_at(t, diffusion_steps):
            return x0, eps
        plain_x0, plain_eps = unconditional(x, t)
        w = settings.guidance
        return (1 + w) * x0 - w * plain_x0, (1 + w) * eps - w * plain_eps

    return denoise


def clamped(denoise: Denoiser, clamp: Callable[[Tensor], Tensor]) -> Denoiser:
    """The denoiser with its clean signal clamped; eps stays as predicted, as in the published step."""

    def inner(x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        x0, eps = denoise(x, t)
        return clamp(x0), eps

    return inner
