"""Noise schedules, training targets and the two diffusion streams. State-dict names are a file format."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from physiosynth.diffusion.chunks import Places
from physiosynth.diffusion.guidance import clamped, guided
from physiosynth.diffusion.inference import answers
from physiosynth.diffusion.samplers import Denoiser, sample
from physiosynth.diffusion.stream_sampling import FP32, StreamSampling
from physiosynth.errors import RequestError
from physiosynth.nets.unet1d import UNet1D
from physiosynth.runtime import StepCallback, ignore_step

COSINE_OFFSET = 0.008
BETA_RANGE = (1e-8, 0.999)
LINEAR_BETAS = (1e-4, 0.02)
CLAMP = 3.0
MAX_AMPLIFIED = 3.0
MAX_STEPS = 100_000
PREDICTIONS = ("epsilon", "v")


def beta_schedule(name: str, steps: int) -> Tensor:
    """(steps,) float64 betas: 'cosine' (Nichol and Dhariwal, 2021, eq. 17) or 'linear' (Ho et al., 2020).

    On the CPU even where networks are built on torch's meta device, whose arithmetic imports torch's compiler (1 s).
    Raises RequestError.
    """
    if not 1 <= steps <= MAX_STEPS:
        raise RequestError(f"A noise schedule has 1 to {MAX_STEPS} steps, found {steps}.")
    if name == "cosine":
        grid = torch.arange(steps + 1, dtype=torch.float64, device="cpu") / steps
        power = torch.cos((grid + COSINE_OFFSET) / (1 + COSINE_OFFSET) * math.pi / 2) ** 2
        return (1 - power[1:] / power[:-1]).clamp(*BETA_RANGE)
    if name == "linear":
        return torch.linspace(*LINEAR_BETAS, steps, dtype=torch.float64, device="cpu")
    raise RequestError(f"Noise schedule {name!r} is not known. Use cosine or linear.")


class GaussianDiffusion(nn.Module):
    """A network and its noise schedule over (b, c, t)."""

    def __init__(self, model: UNet1D, diffusion_steps: int, schedule: str, prediction: str) -> None:
        super().__init__()
        if prediction not in PREDICTIONS:
            raise RequestError(f"Prediction {prediction!r} is not known. Use one of {', '.join(PREDICTIONS)}.")
        self.model, self.prediction = model, prediction
        betas = beta_schedule(schedule, diffusion_steps)
        alphas = 1 - betas
        bar = torch.cumprod(alphas, dim=0)
        before = torch.cat([bar.new_ones(1), bar[:-1]])
        variance = betas * (1 - before) / (1 - bar)
        buffers = {
            "betas": betas,
            "alphas": alphas,
            "alphas_cumprod": bar,
            "alphas_cumprod_prev": before,
            "sqrt_alphas_cumprod": bar.sqrt(),
            "sqrt_one_minus_alphas_cumprod": (1 - bar).sqrt(),
            "sqrt_recip_alphas_cumprod": bar.rsqrt(),
            "sqrt_recipm1_alphas_cumprod": (1 / bar - 1).sqrt(),
            "posterior_variance": variance,
            "posterior_log_variance_clipped": variance.clamp(min=1e-20).log(),
            "posterior_mean_coef1": betas * before.sqrt() / (1 - bar),
            "posterior_mean_coef2": (1 - before) * alphas.sqrt() / (1 - bar),
        }
        for name, values in buffers.items():
            self.register_buffer(name, values.float())

    def add_noise(self, x0: Tensor, t: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The noisy signal at steps t (b,), and what the network should answer for it."""
        signal = self.sqrt_alphas_cumprod[t][:, None, None]
        spread = self.sqrt_one_minus_alphas_cumprod[t][:, None, None]
        target = noise if self.prediction == "epsilon" else signal * noise - spread * x0
        return signal * x0 + spread * noise, target

    def split(self, x: Tensor, t: int, answer: Tensor) -> tuple[Tensor, Tensor]:
        """(x0, eps) that the network's answer at step t stands for."""
        if self.prediction == "epsilon":
            return self.sqrt_recip_alphas_cumprod[t] * x - self.sqrt_recipm1_alphas_cumprod[t] * answer, answer
        signal, spread = self.sqrt_alphas_cumprod[t], self.sqrt_one_minus_alphas_cumprod[t]
        return signal * x - spread * answer, spread * x + signal * answer

    def denoiser(
        self, y: Tensor, context: Tensor | None = None, precision: str = FP32, wanted: Places = None
    ) -> Denoiser:
        """A denoiser for samplers: y (b, K), context (b, c', t); precision: see StreamSampling; wanted: for_wanted.

        x0 multiplies the rounding errors of a predicted noise by sqrt(1 / alpha_bar - 1). Where that is more than
        MAX_AMPLIFIED the reference network answers, so that published samples come out as published.
        """
        exact_from = None
        if self.prediction == "epsilon":
            exact_from = int((self.sqrt_recipm1_alphas_cumprod <= MAX_AMPLIFIED).sum())
        answer = answers(self.model, y, context, precision, exact_from, wanted)
        return lambda x, t: self.split(x, t, answer(x, t))


class DiffusionStream(nn.Module):
    """One stream's diffusion over (b, t, c); c is the number of channels the network draws.

    condition_dim: entries of the condition; channels: names of what is drawn; told: entries of further numbers, after
    the condition; unet: further settings of UNet1D.
    """

    def __init__(
        self,
        channels: tuple[str, ...],
        condition_dim: int = 4,
        diffusion_steps: int = 1000,
        beta_schedule: str = "cosine",
        prediction: str = "epsilon",
        told: int = 0,
        **unet: Any,
    ) -> None:
        super().__init__()
        self.channels, self.condition_dim = tuple(channels), condition_dim
        network = UNet1D(len(self.channels), condition_dim + told, **unet)
        self.diff = GaussianDiffusion(network, diffusion_steps, beta_schedule, prediction)

    def loss(
        self,
        x0: Tensor,
        y: Tensor,
        context: Tensor | None = None,
        generator: torch.Generator | None = None,
        weights: Tensor | None = None,
    ) -> Tensor:
        """Mean squared error of the network's answer at a random step for each window.

        x0 (b, t, c), y (b, K) or (b, 120, K), context (b, t, c'); generator: the CPU generator of steps and noise;
        weights (c,): of the channels, 1 where not given.
        """
        diff = self.diff
        t = torch.randint(len(diff.betas), (len(x0),), generator=generator).to(x0.device)
        noise = torch.randn(x0.shape, generator=generator).to(x0.device)
        x, target = diff.add_noise(to_model(x0), t, to_model(noise))
        answer = diff.model(x, t, first_step(y), None if context is None else to_model(context))
        error = (answer.float() - target).square()
        return (error if weights is None else error * weights[:, None]).mean()

    @torch.inference_mode()
    def sample(
        self,
        y: Tensor,
        sampling: StreamSampling = StreamSampling(),  # noqa: B008 - frozen
        *,
        x_T: Tensor | None = None,
        length: int | None = None,
        context: Tensor | None = None,
        generators: list[torch.Generator] | None = None,
        wanted: Places = None,
        on_step: StepCallback = ignore_step,
    ) -> Tensor:
        """Draw (b, t, c) windows for the conditions y (b, K) or (b, 120, K).

        x_T (b, t, c): the starting noise, else drawn from generators (one CPU generator a window); length: t where
        x_T is not given; context (b, t, c'): known signals; on_step(done, total) counts evaluations of the network.
        The settings' clamp is the published networks' (leave it off for others: real R peaks exceed 5 SD).
        Raises RequestError.
        """
        y = first_step(y)
        steps = length if x_T is None else x_T.shape[1]
        if steps is None:
            raise RequestError("Give the starting noise x_T, or the length of the windows to draw.")
        shape = (len(self.channels), steps)
        draw = noise_source(generators, len(y), shape, y.device)
        start = draw() if x_T is None else to_model(x_T)
        denoise = self.denoiser(y, sampling, None if context is None else to_model(context), wanted)
        return to_user(sample(denoise, start, sampling, self.diff.alphas_cumprod, draw, on_step))

    def denoiser(
        self, y: Tensor, sampling: StreamSampling, context: Tensor | None = None, wanted: Places = None
    ) -> Denoiser:
        """The denoiser over (b, c, t) for y (b, K), guided and clamped as the settings say; wanted: see for_wanted."""
        conditional = self.diff.denoiser(y, context, sampling.precision, wanted)
        unconditional = self.diff.denoiser(self.without_condition(y), context, sampling.precision, wanted)
        denoise = guided(conditional, unconditional, sampling, len(self.diff.betas))
        return clamped(denoise, clamp_to(sampling.x0_clip_q)) if sampling.clip_x0 else denoise

    def without_condition(self, y: Tensor) -> Tensor:
        """y (b, K) as training shows it where nothing is asked for."""
        return torch.zeros_like(y)


def to_model(x: Tensor) -> Tensor:
    """(b, t, c) -> (b, c, t)."""
    return x.transpose(1, 2)


def to_user(x: Tensor) -> Tensor:
    """(b, c, t) -> (b, t, c)."""
    return x.transpose(1, 2).contiguous()


def first_step(y: Tensor) -> Tensor:
    """A condition sequence (b, t, K) is read at its first step; (b, K) is returned as it is."""
    return y[:, 0] if y.ndim == 3 else y


def clamp_to(quantile: float) -> Callable[[Tensor], Tensor]:
    """The published clamp: to a window's own quantile of |x0| (at least 1), then to +-3."""

    def clamp(x0: Tensor) -> Tensor:
        if quantile > 0:
            size = torch.quantile(x0.abs().flatten(1), quantile, dim=1).clamp(min=1.0)[:, None, None]
            x0 = torch.minimum(torch.maximum(x0, -size), size)
        return x0.clamp(-CLAMP, CLAMP)

    return clamp


def noise_source(
    generators: list[torch.Generator] | None, count: int, shape: tuple[int, int], device: torch.device
) -> Callable[[], Tensor]:
    """A function that draws (count, *shape) noise, each window's from its own generator."""
    sources = generators or [None] * count
    if len(sources) != count:
        raise RequestError(f"Expected {count} random generators, one per window, found {len(sources)}.")
    return lambda: torch.stack([torch.randn(shape, generator=g) for g in sources]).to(device)
