"""The fast path answers what the reference network answers."""

import pytest
import torch

from physiosynth.models.architecture import coupled, published
from physiosynth.models.inference import answers
from physiosynth.models.unet1d import UNet1D

STEP = 500


@pytest.fixture(autouse=True)
def no_gradients():
    """Sampling records none."""
    with torch.inference_mode():
        yield


def small(context_channels=2, **changes) -> UNet1D:
    """A network with a patch, context and every kind of stage, of random weights."""
    settings = {"base": 8, "multipliers": (1, 2), "strides": (3,), "groups": 4, "patch": 5, **changes}
    torch.manual_seed(3)
    network = UNet1D(1, 4, context_channels=context_channels, **settings)
    for parameter in network.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))  # norms and biases too
    return network


def windows(network: UNet1D, count=4, length=60, context_channels=2):
    """(x, y, context): as many different conditions as there are."""
    torch.manual_seed(4)
    channels = network.out_conv[2].out_channels // network.patch
    context = torch.randn(count, context_channels, length) if context_channels else None
    return torch.randn(count, channels, length), torch.eye(4)[torch.arange(count) % 4], context


def reference(network, x, y, context, step=STEP):
    return network(x, torch.full((len(x),), step), y, context)


@pytest.mark.parametrize("stream", [0, 1], ids=["low", "ecg"])
@pytest.mark.parametrize("architecture", [published(), coupled()], ids=["published", "coupled"])
def test_every_network_of_ours_is_answered_for(architecture, stream):
    """Both streams of both architectures, a different condition for each window of a chunk."""
    network = architecture.build()[stream].diff.model
    known = (architecture.low, architecture.ecg)[stream].context_channels
    x, y, context = windows(network, length=(120, 5250)[stream], context_channels=known)
    answer = answers(network, y, context)
    for step in (999, 0):
        assert (answer(x, step) - reference(network, x, y, context, step)).abs().max() < 2e-5
