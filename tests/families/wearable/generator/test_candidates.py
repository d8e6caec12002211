"""Which of several draws of a window is kept."""

import torch

from physiosynth.families.wearable.generator.candidates import CANDIDATES, candidates_for, nearest
from physiosynth.families.wearable.signals import LOW_CHANNELS, LOW_STEPS


def breathing(rate):
    """Two windows that breathe so often a minute."""
    low = torch.zeros(2, LOW_STEPS, len(LOW_CHANNELS))
    seconds = torch.arange(LOW_STEPS) / 4
    low[..., LOW_CHANNELS.index("Resp")] = 1.4 * torch.sin(2 * torch.pi * rate / 60 * seconds)
    return low


def test_of_several_draws_the_nearest_to_the_breathing_rate_is_kept():
    """Of draws that breathe 12 and 20 times a minute, and one that does not, each window keeps what was requested."""
    draws = [breathing(0), breathing(12), breathing(20)]
    rates = torch.tensor([[torch.nan, 20.0, torch.nan], [torch.nan, 12.0, torch.nan]])
    assert nearest(draws, rates, (0, 1)).tolist() == [2, 1]
    assert nearest(draws, rates, (1,)).tolist() == [0, 1]


def test_only_rates_that_are_measured_need_a_choice():
    """A heart rate is set as the beats are laid out; breaths and responses come as they are drawn."""
    none, heart, breath = ([torch.nan] * 3, [90.0, torch.nan, torch.nan], [torch.nan, 12.0, torch.nan])
    counts = [candidates_for(torch.tensor([rates])) for rates in (none, heart, breath)]
    assert counts == [1, 1, CANDIDATES]
