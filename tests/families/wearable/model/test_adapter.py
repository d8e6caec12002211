"""Architectures, the coupled pair and the adapter."""

import pytest
import torch

from physiosynth.diffusion.stream_sampling import StreamSampling
from physiosynth.errors import CheckpointError, RequestError
from physiosynth.families.wearable.model.adapter import TwoStreamDiffusionAdapter
from physiosynth.families.wearable.model.architecture import Architecture, coupled, published
from physiosynth.families.wearable.model.low_space import DRAWN_CHANNELS
from physiosynth.families.wearable.model.rhythm import at_ecg_rate, beat_times, ecg_context
from physiosynth.families.wearable.model.streams import DiffusionECG
from physiosynth.families.wearable.signals import ECG_STEPS, LOW_STEPS
from physiosynth.nets.unet1d import fold, unfold
from physiosynth.runtime import window_generators

QUICK = StreamSampling(steps=2, clip_x0=False, spacing="karras")


def tiny_adapter(condition_dim: int = 4) -> TwoStreamDiffusionAdapter:
    torch.manual_seed(0)
    architecture = coupled(condition_dim, low_base=8, ecg_base=8, ecg_blocks=1)
    low, ecg = architecture.build()
    return TwoStreamDiffusionAdapter(low, ecg, architecture, QUICK, QUICK).eval()


@pytest.mark.parametrize("architecture", [published(3), coupled(4)])
def test_an_architecture_survives_its_dictionary(architecture):
    """What a manifest stores builds the same networks."""
    again = Architecture.from_dict(architecture.to_dict())
    assert again == architecture
    assert again.conditions == ("baseline", "stress", "amusement", "meditation")[: architecture.condition_dim]


def test_unknown_settings_of_an_architecture_are_refused_by_name():
    """A misspelt key raises CheckpointError that names it."""
    content = coupled().to_dict()
    content["low"]["bse"] = 16
    with pytest.raises(CheckpointError, match="bse"):
        Architecture.from_dict(content)


def test_a_number_of_conditions_that_cannot_be_named_is_refused():
    """K = 7 fits no set of conditions."""
    with pytest.raises(CheckpointError, match="7 conditions"):
        published(7)


def test_the_plain_call_takes_per_timestep_one_hot_and_gives_both_streams():
    """(b, 120, K) in, (low, ecg) out, at each stream's own length."""
    y = torch.zeros(2, LOW_STEPS, 4)
    y[:, :, 1] = 1
    low, ecg = tiny_adapter()(y)
    assert low.shape == (2, LOW_STEPS, 2)
    assert ecg.shape == (2, ECG_STEPS, 1)


def test_the_ecg_follows_what_low_drew():
    """Other LOW noise changes the coupled ECG although its own noise is the same."""
    adapter, y = tiny_adapter(), torch.eye(4)[:1]
    ecg_x_T = torch.randn(1, ECG_STEPS, 1, generator=torch.Generator().manual_seed(3))
    waves = []
    for seed in (1, 2):
        low_x_T = torch.randn(1, LOW_STEPS, len(DRAWN_CHANNELS), generator=torch.Generator().manual_seed(seed))
        waves.append(adapter.sample(y, generators=window_generators(0, [0]), low_x_T=low_x_T, ecg_x_T=ecg_x_T).ecg)
    assert (waves[0] - waves[1]).abs().max() > 1e-3


def test_a_requested_rate_reaches_the_low_network():
    """The same noise gives another rhythm when a heart rate is asked for, and the same when none is."""
    adapter, y = tiny_adapter(), torch.eye(4)[:1]
    none, asked = torch.full((1, 3), torch.nan), torch.tensor([[90.0, torch.nan, torch.nan]])
    plain, again, other = (
        adapter.sample(y, rates=rates, generators=window_generators(0, [0])).phase for rates in (None, none, asked)
    )
    assert torch.equal(plain, again)
    assert (plain - other).abs().max() > 1e-3


def test_one_of_several_draws_is_gone_on_with():
    """What is chosen for each window is kept; progress counts every draw."""
    adapter, seen, shown = tiny_adapter(), [], []

    def choose(draws):
        shown.extend(draws)
        return torch.tensor([2, 0])

    y = torch.eye(4)[:2]
    generators = [window_generators(0, [0, 1]) for _ in range(2)]
    chosen = adapter.sample(
        y, generators=generators[0], candidates=3, choose=choose, on_step=lambda done, total: seen.append((done, total))
    )
    assert seen == [(i + 1, 3 * 2 + 2) for i in range(8)]
    assert [tuple(draw.shape) for draw in shown] == [(2, LOW_STEPS, 2)] * 3
    first = adapter.sample(y, generators=generators[1], candidates=3)
    assert torch.equal(chosen.low[1], first.low[1]) and not torch.equal(chosen.low[0], first.low[0])


def test_progress_counts_the_evaluations_of_both_streams_as_one():
    """The callback rises by one to the total and stays within it."""
    seen = []
    tiny_adapter().sample(torch.eye(4)[:1], on_step=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_window_needs_its_own_generator():
    """Two windows with one generator are refused."""
    with pytest.raises(RequestError, match="2 random generators"):
        tiny_adapter().sample(torch.eye(4)[:2], generators=window_generators(0, [0]))


def test_the_context_puts_cosine_one_on_every_beat():
    """At the sample nearest to a whole phase the cosine is near one, and LOW sample k stands at k / 4 s."""
    phase = (1.5 * torch.arange(LOW_STEPS + 1) / 4)[None]
    low = torch.arange(LOW_STEPS, dtype=torch.float32)[None, :, None].expand(1, -1, 2)
    context = ecg_context(low, phase, torch.full((1, LOW_STEPS + 1), 1.05))
    assert context.shape == (1, ECG_STEPS, 4)
    assert torch.allclose(context[..., 3], torch.tensor(1.0), atol=1e-5)
    for second in beat_times(phase)[0]:
        assert context[0, min(round(second * 175), ECG_STEPS - 1), 0] > 0.99
    assert context[0, 175, 2].item() == pytest.approx(4.0)


def test_the_context_goes_on_beyond_the_ends_of_a_window():
    """With a margin, the window's own part is the same to rounding, and the heart beats on at its pace around it."""
    phase = 0.2 + (1.5 * torch.arange(LOW_STEPS + 1) / 4)[None]
    low = torch.randn(1, LOW_STEPS, 2, generator=torch.Generator().manual_seed(0))
    height = 1 + 0.05 * torch.randn(1, LOW_STEPS + 1, generator=torch.Generator().manual_seed(1))
    plain, wide = ecg_context(low, phase, height), ecg_context(low, phase, height, margin=75)
    assert wide.shape == (1, ECG_STEPS + 150, 4)
    assert torch.allclose(wide[:, 75:-75], plain, atol=1e-4)
    turn = 0.2 + 1.5 * torch.arange(-75, ECG_STEPS + 75) / 175
    assert torch.allclose(wide[0, :, 0], torch.cos(2 * torch.pi * turn), atol=1e-3)
    assert torch.allclose(wide[0, :70, 2:], wide[0, :1, 2:], atol=1e-5)


def test_the_ends_of_what_the_network_draws_are_cut_off():
    """A coupled ECG is drawn longer than a window by a whole number of what its network folds."""
    architecture = coupled()
    assert architecture.ecg_margin == 75 and (2 * architecture.ecg_margin) % (5 * 5 * 3 * 2) == 0
    samples = tiny_adapter().sample(torch.eye(4)[:1], generators=window_generators(0, [0]))
    assert samples.ecg.shape == (1, ECG_STEPS, 1)


def test_interpolation_hits_the_given_values_and_the_line_between():
    """At 175 Hz the samples at whole seconds are the 4 Hz values, those between lie on the line."""
    values = torch.tensor([0.0, 1.0, 0.0, 1.0, 4.0])[None, :, None]
    fine = at_ecg_rate(values)[0, :, 0]
    assert len(fine) == 175
    assert fine[7].item() == pytest.approx(7 * 4 / 175)


def test_folding_samples_into_channels_is_undone():
    """unfold(fold(x)) is x, and a channel's neighbours stay together."""
    x = torch.arange(2 * 3 * 20.0).reshape(2, 3, 20)
    assert torch.equal(unfold(fold(x, 5), 5), x)
    assert torch.equal(fold(x, 5)[0, :5, 0], x[0, 0, :5])


@pytest.mark.parametrize("prediction", ["epsilon", "v"])
def test_a_network_that_answers_the_target_recovers_signal_and_noise(prediction):
    """split() inverts add_noise() for both kinds of prediction."""
    diff = DiffusionECG(4, base=8, multipliers=(1,), strides=(), prediction=prediction).diff
    generator = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(1, 1, 50, generator=generator) for _ in range(2))
    x, target = diff.add_noise(x0, torch.tensor([400]), noise)
    got_x0, got_eps = diff.split(x, 400, target)
    assert torch.allclose(got_x0, x0, atol=1e-5)
    assert torch.allclose(got_eps, noise, atol=1e-5)


def test_the_loss_falls_when_a_network_learns():
    """Thirty steps of Adam on one batch lower the loss by at least a third."""
    torch.manual_seed(0)
    stream = DiffusionECG(4, base=8, multipliers=(1, 2), strides=(5,), patch=5, groups=4, prediction="v")
    x0, y = torch.sin(torch.arange(500) / 9.0)[None, :, None].expand(4, -1, -1), torch.eye(4)
    optimizer = torch.optim.Adam(stream.parameters(), lr=3e-3)
    losses = []
    for step in range(60):
        optimizer.zero_grad()
        loss = stream.loss(x0, y, generator=torch.Generator().manual_seed(step % 4))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-4:]) < 0.67 * sum(losses[:4])
