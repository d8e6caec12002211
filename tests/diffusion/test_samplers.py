"""Samplers against denoisers whose answers are known in closed form."""

import itertools
import math

import pytest
import torch

from making.denoisers import BAR, COVARIANCE, FINE_BAR, MEAN, Gaussian, Mixture, denoiser, noise
from physiosynth.diffusion.samplers import (
    calls,
    ddim,
    ddim_steps,
    ddpm,
    dpm_solver_pp,
    evaluations,
    heun,
    karras_steps,
    sample,
    visited_steps,
)
from physiosynth.diffusion.stream_sampling import METHODS, StreamSampling
from physiosynth.errors import RequestError

TWO_STATES = Mixture(weights=(0.3, 0.7), means=(-1.5, 0.6), spreads=(0.25, 0.3))
ORDERS = ((ddim, 1), (dpm_solver_pp, 2), (heun, 2))


def error_against_the_flow(sampler, steps: int) -> float:
    """Root mean square distance of a sampler's end from where the probability flow ends."""
    known, x = Gaussian(FINE_BAR), noise(200, 3)
    visited = karras_steps(FINE_BAR, steps)
    drawn = sampler(known.denoiser(), x, visited, FINE_BAR)
    return (drawn - known.flow(x, visited[0])).square().mean().sqrt().item()


@pytest.mark.parametrize(("sampler", "order"), ORDERS)
def test_the_error_falls_with_the_order_of_the_sampler(sampler, order):
    """Twice the steps halve DDIM's distance from the exact flow and quarter DPM-Solver++'s and Heun's."""
    coarse, fine = (error_against_the_flow(sampler, steps) for steps in (64, 128))
    assert math.log2(coarse / fine) == pytest.approx(order, abs=0.15)


def test_sixteen_steps_of_dpm_solver_pp_come_closer_than_sixteen_of_ddim():
    """For one Gaussian and for two states, the error is less than half of DDIM's."""
    assert error_against_the_flow(dpm_solver_pp, 16) < 0.5 * error_against_the_flow(ddim, 16)
    x, denoise = noise(500), TWO_STATES.denoiser()
    reference = heun(denoise, x, karras_steps(BAR, 400), BAR)
    by_ddim, by_dpm = (
        (sampler(denoise, x, karras_steps(BAR, 16), BAR) - reference).square().mean().sqrt()
        for sampler in (ddim, dpm_solver_pp)
    )
    assert by_dpm < 0.5 * by_ddim


@pytest.mark.parametrize(("method", "steps"), [("ddim", 100), ("dpm-solver++", 32), ("heun", 32)])
@pytest.mark.parametrize("spacing", ["uniform", "karras"])
def test_samples_have_the_known_mean_and_covariance(method, steps, spacing):
    """With the exact denoiser, correlated channels come out as they are, whatever the spacing."""
    settings = StreamSampling(steps=steps, method=method, spacing=spacing)
    drawn = sample(Gaussian(BAR).denoiser(), noise(20000, 3), settings, BAR, noise)[:, 0]
    assert torch.allclose(drawn.mean(dim=0), MEAN, atol=0.04)
    assert torch.allclose(drawn.T.cov(), COVARIANCE, atol=0.03)


@pytest.mark.parametrize("method", ["dpm-solver++", "heun"])
def test_two_states_are_drawn_as_often_and_as_wide_as_they_are(method):
    """Shares, means and spreads of a mixture come out right with 24 steps."""
    settings = StreamSampling(steps=24, method=method, spacing="karras")
    drawn = sample(TWO_STATES.denoiser(), noise(20000), settings, BAR, noise).flatten()
    low, high = drawn[drawn < -0.6], drawn[drawn >= -0.6]
    assert len(low) / len(drawn) == pytest.approx(0.3, abs=0.02)
    assert (low.mean().item(), high.mean().item()) == pytest.approx((-1.5, 0.6), abs=0.03)
    assert (low.std().item(), high.std().item()) == pytest.approx((0.25, 0.3), abs=0.02)


def test_ddpm_draws_the_known_distribution_from_fresh_noise():
    """Ancestral sampling visits every step and lands on the known mean and covariance."""
    generator = torch.Generator().manual_seed(1)
    draw = lambda: torch.randn(10000, 1, 3, generator=generator, dtype=torch.float64)  # noqa: E731
    steps = visited_steps(StreamSampling(method="ddpm"), BAR)
    assert steps == list(range(999, -1, -1))
    drawn = ddpm(Gaussian(BAR).denoiser(), draw(), steps, BAR, draw)[:, 0]
    assert torch.allclose(drawn.mean(dim=0), MEAN, atol=0.03)
    assert torch.allclose(drawn.T.cov(), COVARIANCE, atol=0.03)


@pytest.mark.parametrize("sampler", [ddim, dpm_solver_pp, heun])
def test_the_last_step_goes_to_no_noise(sampler):
    """The sample is what the denoiser last took for the clean signal."""
    answers = []

    def watched(x: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
        answers.append(TWO_STATES.denoiser()(x, t))
        return answers[-1]

    drawn = sampler(watched, noise(3), [900, 400, 50], BAR)
    assert torch.equal(drawn, answers[-1][0])


def test_150_published_steps_are_165_evaluations():
    """Stride 6 visits 168 steps, of which the three noisiest are skipped."""
    steps = ddim_steps(BAR, 150)
    assert len(steps) == 165
    assert steps[-1] == 0
    assert steps[0] - steps[1] == 6


def test_ddim_never_skips_every_step():
    """However high the start is set, one evaluation is left."""
    assert ddim_steps(BAR, 10, alpha_bar_start=2.0) == [0]


def test_karras_steps_are_even_in_the_seventh_root_of_the_noise_ratio():
    """They fall to step 0, their noise ratios spaced as Karras et al. ask."""
    steps = karras_steps(BAR, 16)
    assert steps[-1] == 0
    roots = ((1 - BAR[steps]) / BAR[steps]) ** (1 / 14)
    gaps = -roots.diff()
    # Steps are whole numbers, and few where the noise is least.
    assert gaps[:10].std() < 0.1 * gaps[:10].mean()


@pytest.mark.parametrize("steps", [1, 2, 8, 12, 16, 50, 100, 500, 1000])
def test_as_many_different_karras_steps_as_asked_for(steps):
    """No step is visited twice or lost, as long as the schedule has so many with enough signal."""
    visited = karras_steps(BAR, steps)
    assert len(visited) == min(steps, int((BAR >= 5e-4).sum()))
    assert all(a > b for a, b in itertools.pairwise(visited))
    assert visited[0] == int((BAR >= 5e-4).sum()) - 1


@pytest.mark.parametrize("spacing", ["uniform", "karras"])
def test_steps_stay_between_the_signal_powers_asked_for(spacing):
    """Neither end is passed, and one step is left however narrow the range."""
    visited = visited_steps(StreamSampling(12, spacing=spacing, alpha_bar_start=0.01, alpha_bar_end=0.99), BAR)
    assert len(visited) > 8
    assert all(0.01 <= BAR[t] <= 0.99 for t in visited)
    assert len(visited_steps(StreamSampling(12, spacing=spacing, alpha_bar_end=1e-9), BAR)) == 1


def test_a_start_in_more_noise_than_the_published_one_is_one_more_step():
    """Step 997 comes first, the others are those of one step fewer; a single step starts where published."""
    assert karras_steps(BAR, 16, 5e-6) == [997, *karras_steps(BAR, 15)]
    assert karras_steps(BAR, 1, 5e-6) == karras_steps(BAR, 1) == [984]


def test_a_start_in_more_noise_gives_a_slow_signal_its_mean():
    """Windows that are constants around 1 come out 14 % low from the published start, 2 % from 5e-6."""
    count, spread = 120, 0.6

    def clean(z: torch.Tensor, sigma: float) -> torch.Tensor:
        gain = spread**2 / (spread**2 + sigma**2 / count)
        return (1 + gain * (z.mean(dim=2, keepdim=True) - 1)).expand_as(z)

    x, denoise = noise(4000, count), denoiser(clean, BAR)
    late, early = (
        sample(
            denoise, x, StreamSampling(16, method="dpm-solver++", spacing="karras", alpha_bar_start=start), BAR, noise
        )
        for start in (0.0, 5e-6)
    )
    assert late.mean().item() == pytest.approx(0.86, abs=0.03)
    assert early.mean().item() == pytest.approx(0.98, abs=0.03)
    assert early[:, 0, 0].std().item() == pytest.approx(spread, abs=0.03)


@pytest.mark.parametrize("method", METHODS)
def test_evaluations_are_counted_as_they_are_made(method):
    """The calls foretold are the calls made, and progress ends at the number of evaluations, guided ones twice."""
    settings = StreamSampling(7, 0.5, method, "karras", guidance_from=0.8, guidance_to=0.3)
    made, seen = [], []

    def watched(x: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
        made.append(t)
        return x, x

    sample(watched, noise(1), settings, BAR, lambda: noise(1), lambda done, total: seen.append((done, total)))
    assert made == calls(settings, BAR)
    if method != "ddpm":
        assert len(made) == (13 if method == "heun" else 7)
    guided = sum(299 <= t <= 799 for t in made)
    assert 0 < guided < len(made)
    total = len(made) + guided
    assert evaluations(settings, BAR) == total
    assert len(seen) == len(made)
    assert seen[-1] == (total, total)
    assert {b[0] - a[0] for a, b in itertools.pairwise(seen)} == {1, 2}


@pytest.mark.parametrize("sampler", [ddim, dpm_solver_pp, heun])
def test_the_callback_sees_every_call_and_may_stop_the_sampler(sampler):
    """A callback that raises ends sampling at that call."""
    seen = []

    def stop_at_third(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sampler(TWO_STATES.denoiser(), torch.zeros(1, 1, 1), [900, 500, 300, 100, 0], BAR, stop_at_third)
    total = 9 if sampler is heun else 5
    assert seen == [(1, total), (2, total), (3, total)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"method": "magic"},
        {"spacing": "log"},
        {"x0_clip_q": 1.0},
        {"alpha_bar_start": 0.5, "alpha_bar_end": 0.4},
        {"alpha_bar_start": -0.1},
        {"guidance_from": 1.1},
        {"guidance_to": -0.1},
        {"guidance_from": 0.2, "guidance_to": 0.3},
    ],
)
def test_settings_outside_what_can_be_done_are_refused(wrong):
    """Each unusable setting raises RequestError."""
    with pytest.raises(RequestError):
        StreamSampling(**wrong)
