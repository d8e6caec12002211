"""Guidance on classes that are known in closed form."""

import pytest
import torch

from making.denoisers import BAR, Mixture, noise
from physiosynth.diffusion.guidance import clamped, guided
from physiosynth.diffusion.samplers import evaluations, sample
from physiosynth.diffusion.stream_sampling import StreamSampling
from physiosynth.families.wearable.model.streams import DiffusionECG

MEAN, SPREAD = 1.0, 0.5
ONE_CLASS = Mixture((1.0,), (MEAN,), (SPREAD,)).denoiser()
BOTH = Mixture((0.5, 0.5), (-MEAN, MEAN), (SPREAD, SPREAD)).denoiser()


def drawn_with(**settings) -> tuple[float, float, int]:
    """(mean, standard deviation, evaluations) of guided samples of the class."""
    how = StreamSampling(32, method="dpm-solver++", spacing="karras", **settings)
    values = sample(guided(ONE_CLASS, BOTH, how, len(BAR)), noise(5000), how, BAR, noise)
    return values.mean().item(), values.std().item(), evaluations(how, BAR)


def test_strong_guidance_overshoots_and_an_interval_keeps_it_closer():
    """Everywhere: the mean is .64 too far out and the spread too narrow. At middle noise: less than half as far."""
    mean, spread, _ = drawn_with()
    assert (mean, spread) == pytest.approx((MEAN, SPREAD), abs=0.05)
    mean, spread, cost = drawn_with(guidance=3.0)
    assert mean > MEAN + 0.5
    assert spread < 0.7 * SPREAD
    kept_mean, kept_spread, kept_cost = drawn_with(guidance=3.0, guidance_from=0.6, guidance_to=0.2)
    assert MEAN < kept_mean < MEAN + 0.5 * (mean - MEAN)
    assert spread < kept_spread < SPREAD
    assert kept_cost < 0.6 * cost


def test_guidance_is_one_plus_w_times_the_conditional_less_w_times_the_other():
    """Both answers are combined, at every step unless told otherwise."""
    denoise = guided(ONE_CLASS, BOTH, StreamSampling(guidance=1.5), len(BAR))
    for t in (0, 500, 999):
        x = noise(4)
        for got, one, both in zip(denoise(x, t), ONE_CLASS(x, t), BOTH(x, t), strict=True):
            assert torch.equal(got, 2.5 * one - 1.5 * both)


@pytest.mark.parametrize("weight", [0.0, -1.0])
def test_without_guidance_the_unconditional_denoiser_is_not_called(weight):
    """A weight of zero or below costs nothing."""
    assert guided(ONE_CLASS, None, StreamSampling(guidance=weight), len(BAR)) is ONE_CLASS


def test_outside_the_interval_the_unconditional_denoiser_is_not_called():
    """At more or less noise than asked for, one evaluation is made."""
    denoise = guided(ONE_CLASS, None, StreamSampling(guidance=1.0, guidance_from=0.7, guidance_to=0.2), len(BAR))
    for t in (198, 700):
        assert torch.equal(denoise(noise(2), t)[0], ONE_CLASS(noise(2), t)[0])
    with pytest.raises(TypeError):
        denoise(noise(2), 699)


@pytest.mark.parametrize("prediction", ["epsilon", "v"])
def test_a_stream_combines_what_its_network_answers(prediction):
    """Guided x0 and eps are those of the network's own combined answer, within rounding."""
    torch.manual_seed(0)
    stream = DiffusionECG(4, base=8, multipliers=(1, 2), strides=(2,), prediction=prediction).eval()
    y, x = torch.eye(4)[:2], noise(2, 40).float()
    with torch.inference_mode():
        got = stream.denoiser(y, StreamSampling(guidance=0.7, clip_x0=False))(x, 300)
        step = torch.full((2,), 300)
        answer = 1.7 * stream.diff.model(x, step, y) - 0.7 * stream.diff.model(x, step, torch.zeros_like(y))
        for ours, wanted in zip(got, stream.diff.split(x, 300, answer), strict=True):
            assert torch.allclose(ours, wanted, atol=1e-4)


def test_a_clamp_leaves_the_noise_as_predicted():
    """x0 is clamped after guidance, eps stays."""
    x0, eps = clamped(lambda x, t: (x, x), lambda x0: x0.clamp(-1, 1))(torch.tensor([-2.0, 0.5]), 3)
    assert x0.tolist() == [-1.0, 0.5]
    assert eps.tolist() == [-2.0, 0.5]


def test_a_stream_counts_a_guided_step_as_two_evaluations():
    """Three guided steps of DDIM are six evaluations in its progress."""
    torch.manual_seed(0)
    stream, seen = DiffusionECG(4, base=8, multipliers=(1,), strides=()).eval(), []
    stream.sample(
        torch.eye(4)[:1],
        StreamSampling(3, 0.5, spacing="karras"),
        x_T=torch.zeros(1, 40, 1),
        on_step=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(2, 6), (4, 6), (6, 6)]
