"""Samplers against a denoiser whose answer is known in closed form."""

import itertools

import pytest
import torch

from physiosynth.errors import RequestError
from physiosynth.models.diffusion import beta_schedule
from physiosynth.models.samplers import StreamSampling, ddim, ddim_steps, ddpm, karras_steps

BAR = torch.cumprod(1 - beta_schedule("cosine", 1000), dim=0)
MEAN, SD = 0.5, 0.5


def gaussian_denoiser(x: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The exact answer where clean signals are normal with MEAN and SD."""
    bar = BAR[t].to(x)
    x0 = MEAN + SD**2 * bar.sqrt() / (bar * SD**2 + 1 - bar) * (x - bar.sqrt() * MEAN)
    return x0, (x - bar.sqrt() * x0) / (1 - bar).sqrt()


def test_150_published_steps_are_165_evaluations():
    """Stride 6 visits 168 steps, of which the three noisiest are skipped."""
    steps = ddim_steps(BAR, 150)
    assert len(steps) == 165
    assert steps[-1] == 0
    assert steps[0] - steps[1] == 6


def test_ddim_never_skips_every_step():
    """However high the start is set, one evaluation is left."""
    assert ddim_steps(BAR, 10, alpha_bar_start=2.0) == [0]


@pytest.mark.parametrize("spacing", ["uniform", "karras"])
def test_ddim_draws_the_known_distribution(spacing):
    """With the exact denoiser DDIM's samples have the known mean and spread."""
    x = torch.randn(20000, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    steps = StreamSampling(steps=100, spacing=spacing).timesteps(BAR)
    drawn = ddim(gaussian_denoiser, x, steps, BAR)
    assert drawn.mean().item() == pytest.approx(MEAN, abs=0.03)
    assert drawn.std().item() == pytest.approx(SD, abs=0.03)


def test_ddpm_draws_the_known_distribution_from_fresh_noise():
    """Ancestral sampling visits every step and lands on the known mean and spread."""
    generator = torch.Generator().manual_seed(1)
    draw = lambda: torch.randn(20000, 1, 1, generator=generator, dtype=torch.float64)  # noqa: E731
    steps = StreamSampling(method="ddpm").timesteps(BAR)
    assert steps == list(range(999, -1, -1))
    drawn = ddpm(gaussian_denoiser, draw(), steps, BAR, draw)
    assert drawn.mean().item() == pytest.approx(MEAN, abs=0.03)
    assert drawn.std().item() == pytest.approx(SD, abs=0.03)


def test_karras_steps_are_even_in_the_seventh_root_of_the_noise_ratio():
    """They fall to step 0 without repeats, their noise ratios spaced as Karras et al. ask."""
    steps = karras_steps(BAR, 16)
    assert steps[-1] == 0
    assert all(a > b for a, b in itertools.pairwise(steps))
    roots = ((1 - BAR[steps]) / BAR[steps]) ** (1 / 14)
    gaps = -roots.diff()
    # Steps are whole numbers, and few where the noise is least.
    assert gaps[:10].std() < 0.1 * gaps[:10].mean()


def test_the_callback_sees_every_step_and_may_stop_the_sampler():
    """A callback that raises ends sampling at that step."""
    seen = []

    def stop_at_third(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ddim(gaussian_denoiser, torch.zeros(1, 1, 1), [900, 500, 300, 100, 0], BAR, stop_at_third)
    assert seen == [(1, 5), (2, 5), (3, 5)]


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"method": "magic"}, {"spacing": "log"}, {"x0_clip_q": 1.0}])
def test_settings_outside_what_can_be_done_are_refused(wrong):
    """Each unusable setting raises RequestError."""
    with pytest.raises(RequestError):
        StreamSampling(**wrong)
