"""The fast path answers what the network itself answers."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from physiosynth.diffusion.diffusion import GaussianDiffusion
from physiosynth.diffusion.inference import FIRST_FP32_STEP, Terms, answers, fast_bf16, fills_vectors
from physiosynth.diffusion.samplers import ddim
from physiosynth.diffusion.stream_sampling import StreamSampling
from physiosynth.errors import RequestError
from physiosynth.families.wearable.model.architecture import coupled, published
from physiosynth.nets.unet1d import UNet1D

STEP = 500
CONTEXT = 2


def network(**changes) -> UNet1D:
    """A network with a patch, context and every kind of stage; norms and biases are random too."""
    settings = {"base": 8, "multipliers": (1, 2), "strides": (3,), "groups": 4, "patch": 5, **changes}
    torch.manual_seed(3)
    made = UNet1D(1, 4, context_channels=CONTEXT, **settings)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return made


def windows(channels=1, length=60, context=CONTEXT, count=4):
    """(x, y, context) of windows of different conditions."""
    torch.manual_seed(4)
    y = torch.eye(4)[torch.arange(count) % 4]
    return torch.randn(count, channels, length), y, torch.randn(count, context, length) if context else None


def itself(model, x, y, context, step=STEP):
    """What the network answers."""
    return model(x, torch.full((len(x),), step), y, context)


def fast(model, x, y, context, step=STEP, **settings):
    """What is answered for it."""
    with torch.inference_mode():
        return answers(model, y, context, **settings)(x, step)


@pytest.mark.parametrize("stream", ["low", "ecg"])
@pytest.mark.parametrize("architecture", [published(), coupled()], ids=lambda made: made.name)
def test_every_network_is_answered_for(architecture, stream):
    """Both streams of both architectures, each window of a condition of its own, at either end of the noise."""
    model = dict(zip(("low", "ecg"), architecture.build(), strict=True))[stream].diff.model
    settings = getattr(architecture, stream)
    x, y, context = windows(len(settings.channels), {"low": 120, "ecg": 1050}[stream], settings.context_channels, 3)
    case = x, torch.cat([y, torch.randn(3, settings.told)], dim=1), context
    for step in (999, 0):
        with torch.inference_mode():
            expected = itself(model, *case, step)
        assert (fast(model, *case, step) - expected).abs().max() < 2e-5


@pytest.mark.parametrize("changes", [{}, {"blocks": 1}, {"patch": 1, "strides": (5,)}, {"groups": 3, "base": 9}])
def test_every_shape_of_network_is_answered_for(changes):
    """Patches, strides, one block a level and groups across a skip's seam."""
    model, case = network(**changes), windows()
    assert torch.allclose(fast(model, *case), itself(model, *case), atol=1e-5)


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_without_onednn_the_answer_is_the_same():
    """Where torch has no oneDNN, plain convolutions do the work."""
    model, case = network(), windows()
    with torch.backends.mkldnn.flags(enabled=False):
        assert torch.allclose(fast(model, *case), itself(model, *case), atol=1e-5)


def test_a_signal_with_a_large_offset_is_normalised_as_well():
    """The variance, a difference of two sums, survives a mean of a hundred standard deviations."""
    model, (x, y, context) = network(), windows()
    assert torch.allclose(fast(model, x + 100, y, context), itself(model, x + 100, y, context), atol=2e-3)


def test_published_samples_are_those_of_the_network_itself():
    """Guided or not, 30 steps of DDIM from noise come out within 1e-4."""
    diffusion = published().build()[0].diff
    x, y, _ = windows(2, 120, None)
    bar, visited = diffusion.alphas_cumprod, list(range(980, -1, -33))

    def by_itself(x, t):
        return diffusion.split(x, t, itself(diffusion.model, x, y, None, t))

    with torch.inference_mode():
        drawn, expected = (ddim(denoise, x, visited, bar) for denoise in (diffusion.denoiser(y), by_itself))
    assert (drawn - expected).abs().max() < 1e-4 * expected.abs().max().clamp(min=1)


def test_where_a_noise_prediction_is_amplified_the_network_itself_answers():
    """x0 multiplies an error of the noise by more than three in the noisiest steps; v-prediction does so nowhere."""
    x, y, context = windows()
    for prediction, exact in (("epsilon", True), ("v", False)):
        diffusion = GaussianDiffusion(network(), 1000, "cosine", prediction)
        with torch.inference_mode():
            _, eps = diffusion.denoiser(y, context)(x, 950)
            _, expected = diffusion.split(x, 950, itself(diffusion.model, x, y, context, 950))
        assert torch.equal(eps, expected) is exact


def test_changed_weights_are_noticed():
    """After an optimizer's step and after loading, the answer is the changed network's."""
    model, case = network(), windows()
    before = fast(model, *case)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    itself(model, *case).square().mean().backward()
    optimizer.step()
    stepped = fast(model, *case)
    assert (stepped - before).abs().max() > 1e-2
    assert torch.allclose(stepped, itself(model, *case), atol=1e-4)
    model.load_state_dict(network().state_dict())
    assert torch.equal(fast(model, *case), before)


def test_where_gradients_are_recorded_they_flow():
    """The network itself answers, so that a loss on its answer can be learned from."""
    model, (x, y, context) = network(), windows()
    answers(model, y, context)(x, STEP).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_bf16_is_near_and_leaves_the_noisiest_steps_alone():
    """The answer moves by a few percent of its spread below the step from which fp32 takes over, and not above.

    A processor that would only imitate bf16 computes in fp32 at all steps.
    """
    model, case = network(base=32, groups=8), windows()
    least, most = (1e-5, 0.05) if fast_bf16(case[0]) else (0, 0)
    for step, low, high in ((FIRST_FP32_STEP - 1, least, most), (FIRST_FP32_STEP, 0, 0)):
        exact, rounded = (fast(model, *case, step, precision=precision) for precision in ("fp32", "bf16"))
        assert low <= (rounded - exact).std() / exact.std() <= high


def test_a_window_does_not_depend_on_its_company():
    """Its answer is the same array beside other windows of other conditions."""
    model, (x, y, context) = network(), windows()
    others = x.flip(0).clone(), y.flip(0).clone(), context.flip(0).clone()
    for mine, other in zip((x, y, context), others, strict=True):
        other[2] = mine[2]
    assert torch.equal(fast(model, x, y, context)[2], fast(model, *others)[2])


def test_chunks_side_by_side_get_the_answer_each_gets_alone():
    """Threads that ask at once for a network not prepared yet share one preparation."""
    case = windows(count=2)
    alone = fast(network(), *case)
    model = network()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fast(model, *case), range(8)))
    assert all(torch.equal(answer, alone) for answer in found)


def test_what_is_kept_of_a_step_does_not_depend_on_the_threads_of_who_asked_first():
    """Bit by bit, for a network large enough to be worth two threads."""
    model, before = coupled().build()[1].diff.model, torch.get_num_threads()
    kept = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            with torch.inference_mode():
                kept.append(Terms(model).of_step(STEP))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(kept[0], kept[1]) and torch.equal(kept[0], kept[2])


def test_a_precision_nobody_knows_is_refused():
    """RequestError names the choices."""
    with pytest.raises(RequestError, match="fp32, bf16"):
        StreamSampling(precision="fp16")


@pytest.mark.parametrize(
    ("base", "length", "filled"), [(32, 30, True), (16, 32, True), (8, 30, False), (24, 30, False)]
)
def test_a_window_alone_has_the_bits_it_has_in_company(base, length, filled):
    """At every place and for many inputs; where activations leave a vector partly filled, all windows are evaluated."""
    model, agree = network(base=base, groups=8, patch=1, strides=(2,)), []
    assert fills_vectors(model, length) == filled
    for trial in range(20):
        noise = torch.Generator().manual_seed(trial)
        x, y, context = (torch.randn(8, *shape, generator=noise) for shape in ((1, length), (4,), (CONTEXT, length)))
        with torch.inference_mode():
            company = answers(model, y, context)(x, STEP)
            agree += [torch.equal(answers(model, y, context, wanted=(i,))(x, STEP)[i], company[i]) for i in range(8)]
    assert all(agree)
