"""What is kept of a drawn signal below an edge."""

from __future__ import annotations

import math

import pytest
import torch

from physiosynth.families.wearable.model.low_pass import ATTENUATION_DB, TRANSITION, _taps, low_passed, nearly_centred
from physiosynth.families.wearable.signals import ECG_HZ


def sine(hertz: float) -> torch.Tensor:
    return torch.sin(2 * math.pi * hertz * torch.arange(1750) / ECG_HZ)[None, :, None]


@pytest.mark.parametrize(("hertz", "share"), [(1, 1), (20, 1), (40, 1), (60, 0), (80, 0)])
def test_what_lies_below_the_edge_stays_and_what_lies_above_goes(hertz, share):
    """At 45 Hz: a sine of 40 Hz is as it was, in time and height; one of 60 Hz is gone."""
    x = sine(hertz)
    assert torch.allclose(low_passed(x, 45, ECG_HZ)[:, 50:-50], share * x[:, 50:-50], atol=3e-3)


def test_without_an_edge_below_the_highest_frequency_nothing_changes():
    """0 is off, and an edge at the Nyquist frequency has nothing to take away."""
    x = torch.randn(2, 500, 1, generator=torch.Generator().manual_seed(0))
    assert low_passed(x, 0, ECG_HZ) is x
    assert low_passed(x, 80, ECG_HZ) is x


def test_a_slope_keeps_its_ends():
    """Mirrored ends: a straight line stays one up to its first and last sample."""
    line = torch.linspace(0, 1, 300)[None, :, None]
    assert torch.allclose(low_passed(line, 45, ECG_HZ), line, atol=1e-4)


def test_a_lift_raises_what_lies_just_below_the_edge_and_nothing_lower():
    """With a lift of 1.5 at 45 Hz: 40 Hz comes out half as high again, 20 Hz as it was."""
    for hertz, gain in ((40, 1.5), (20, 1)):
        x = sine(hertz)
        assert torch.allclose(low_passed(x, 45, ECG_HZ, lift=1.5)[:, 60:-60], gain * x[:, 60:-60], atol=0.06)


def test_a_tenth_of_a_windows_mean_is_left():
    """Windows at 1 and -2 come to lie at 0.1 and -0.2; what moves in them stays."""
    x = sine(5).repeat(2, 1, 1) + torch.tensor([1.0, -2.0])[:, None, None]
    found = nearly_centred(x)
    assert found.mean(dim=1).flatten().tolist() == pytest.approx([0.1, -0.2], abs=1e-4)
    assert torch.allclose(found.std(dim=1), x.std(dim=1))


@pytest.mark.parametrize("hertz", [8, 30.5, 46, 69])
@pytest.mark.parametrize("lift", [1.0, 1.4])
def test_the_filter_is_the_textbooks(hertz, lift):
    """Its taps are those of scipy's firwin2 for the same places, gains and Kaiser window."""
    from scipy.signal import firwin2, kaiserord

    edge = hertz / ECG_HZ
    count, beta = kaiserord(ATTENUATION_DB, 2 * edge * (TRANSITION - 1))
    middle = edge * (1 + TRANSITION) / 2
    places, gains = [0, 0.68 * edge, 0.87 * edge, middle, middle, 0.5], [1, 1, lift, lift, 0, 0]
    expected = firwin2(count | 1, places, gains, window=("kaiser", beta), fs=1.0)
    assert torch.equal(_taps(edge, lift).float(), torch.from_numpy(expected / expected.sum()).float())
