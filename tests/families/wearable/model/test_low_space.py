"""Taking windows apart and putting them together again, and what the mean beat says."""

from __future__ import annotations

import math

import pytest
import torch

from physiosynth.families.wearable.model.low_space import CONSTANTS, DRAWN_CHANNELS, SHAPES, LowSpace
from physiosynth.families.wearable.model.mean_beat import (
    BEAT_SAMPLES,
    BEFORE,
    FORMS,
    beat_heights,
    mean_beats,
    r_samples,
    with_beats_changed,
    with_heights,
)
from physiosynth.families.wearable.model.rhythm import at_ecg_rate, beat_times
from physiosynth.families.wearable.model.target_rates import TARGET_INPUTS, target_inputs
from physiosynth.families.wearable.signals import ECG_HZ, ECG_STEPS, LOW_STEPS


def windows(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """EDA and Resp, phase and a spike train on it whose heights rise from 1 to 1.2 through each window."""
    g = torch.Generator().manual_seed(seed)
    drift = 0.05 * torch.randn(count, LOW_STEPS, 1, generator=g).cumsum(dim=1)
    breath = torch.sin(torch.arange(LOW_STEPS) / 4 * 1.6 + 6 * torch.rand(count, 1, generator=g))[..., None]
    breath = breath * (0.5 + torch.rand(count, 1, 1, generator=g))
    low = torch.cat([torch.randn(count, 1, 1, generator=g) + drift, breath], dim=2)
    advance = 0.25 + 0.1 * torch.rand(count, 1, generator=g) + 0.02 * torch.randn(count, LOW_STEPS, generator=g)
    phase = torch.rand(count, 1, generator=g) + torch.cat([torch.zeros(count, 1), advance.cumsum(dim=1)], dim=1)
    at = at_ecg_rate(phase.unsqueeze(-1))[..., 0]
    spikes = torch.exp(-(((at + 0.5) % 1 - 0.5) ** 2) / 5e-4)
    ecg = spikes * torch.linspace(1, 1.2, ECG_STEPS) + 0.01 * torch.randn(count, ECG_STEPS, generator=g)
    return low, phase, ecg[..., None]


def fitted() -> LowSpace:
    space = LowSpace()
    space.fit(*windows(200, seed=1))
    return space


def test_what_is_drawn_gives_the_window_back():
    """EDA, breath, phase, heights and form survive encoding; shapes have unit spread, constants are constant."""
    space, (low, phase, ecg) = fitted(), (part[:6] for part in windows(200, seed=1))
    window = space.measure(low, phase, ecg)
    drawn = space.encode(window)
    assert drawn.shape == (6, LOW_STEPS, len(DRAWN_CHANNELS))
    assert torch.allclose(drawn[..., : len(SHAPES)].square().mean(dim=1), torch.ones(6, len(SHAPES)), atol=1e-3)
    assert drawn[..., len(SHAPES) :].std(dim=1).max() < 1e-6
    again = space.decode(drawn, phase[:, 0])
    assert torch.allclose(again.low, low, atol=2e-3)
    assert torch.allclose(again.phase, phase, atol=2e-2)
    assert (again.height[:, 1:-1] - window.height[:, 1:-1]).abs().mean() < 0.01
    assert torch.allclose(again.form, window.form, atol=0.05)


def test_constants_of_the_windows_fitted_to_are_standard_normal():
    """By quantiles: mean 0 and SD 1 whatever the distribution was."""
    space = fitted()
    scores = space.to_scores(space._apart(space.measure(*windows(200, seed=1)))[0])
    level = CONSTANTS.index("EDA level")
    assert scores[:, level].mean().abs() < 0.1
    assert scores[:, level].std() == pytest.approx(1, abs=0.1)


def test_a_flat_eda_is_drawn_as_finite_numbers_and_comes_back_flat():
    """A window whose EDA does not move has a spread and a shape of zero."""
    space, (low, phase, ecg) = fitted(), windows(2)
    low[..., 0] = 0.5
    drawn = space.encode(space.measure(low, phase, ecg))
    assert drawn.isfinite().all()
    assert space.decode(drawn, phase[:, 0]).low[..., 0].std(dim=1).max() < 0.02


def test_a_heart_rate_asked_for_is_the_one_that_comes():
    """Whatever level was drawn, the phase then runs at the rate asked for, and as drawn where none is."""
    space, (low, phase, ecg) = fitted(), (part[:3] for part in windows(200, seed=1))
    drawn = space.encode(space.measure(low, phase, ecg))
    asked = space.decode(drawn, phase[:, 0], torch.tensor([60.0, 110.0, math.nan]))
    assert torch.allclose(asked.phase[:2].diff(dim=1).mean(dim=1) * 240, torch.tensor([60.0, 110.0]), rtol=0.01)
    assert torch.equal(asked.phase[2], space.decode(drawn, phase[:, 0]).phase[2])


def test_noise_decodes_to_a_rising_phase():
    """Whatever the network answers, the cardiac phase never stands still and nothing is infinite."""
    drawn = 5 * torch.randn(4, LOW_STEPS, len(DRAWN_CHANNELS), generator=torch.Generator().manual_seed(0))
    window = fitted().decode(drawn, torch.zeros(4))
    assert (window.phase.diff(dim=1) > 0.05).all()
    assert all(part.isfinite().all() for part in window)


def test_the_space_travels_with_the_weights():
    """A fresh space that loads the state of a fitted one encodes alike."""
    space, other = fitted(), LowSpace()
    window = space.measure(*windows(2))
    assert not torch.equal(other.encode(window), space.encode(window))
    other.load_state_dict(space.state_dict(), strict=True)
    assert torch.equal(other.encode(window), space.encode(window))


def test_r_is_found_on_every_spike():
    """Each R lies within a sample of a whole phase."""
    _, phase, ecg = windows(3)
    index, _ = r_samples(ecg, phase)
    for row, times in zip(index, beat_times(phase), strict=True):
        found = row[row >= 0].float() / ECG_HZ
        inside = [t for t in times if 0.1 < t < 29.9]
        assert all((found - t).abs().min() <= 2 / ECG_HZ for t in inside)


def test_heights_follow_the_beats():
    """Spikes that rise by a fifth give heights that rise by a fifth of their median."""
    _, phase, ecg = windows(3)
    height = beat_heights(ecg, phase)
    assert (height[:, -8] / height[:, 8]).numpy() == pytest.approx(1.19, abs=0.04)
    assert height.median(dim=1).values.numpy() == pytest.approx(1.0, abs=0.02)


def test_the_mean_beat_stands_on_its_r():
    """Its highest sample is the one at R, of the mean height, and there is nothing far from it."""
    _, phase, ecg = windows(3)
    beats = mean_beats(ecg, phase)
    assert (beats.argmax(dim=1) == BEFORE).all()
    assert beats[:, BEFORE].numpy() == pytest.approx(1.1, abs=0.05)
    assert beats[:, :10].abs().max() < 0.05


def test_r_peaks_are_set_to_the_heights_asked_for():
    """Scattered by a tenth, they come back to a breath's swing, window by window; what lies between moves with them."""
    _, phase, ecg = windows(4)
    beats = torch.linspace(0, 30, LOW_STEPS + 1)
    asked = (1 + 0.05 * torch.sin(beats)).expand(4, -1)
    asked = asked / asked.median()
    g = torch.Generator().manual_seed(5)
    scattered = ecg * (
        1 + 0.1 * torch.rand(4, 1, 1, generator=g) + 0.05 * torch.sin(torch.arange(ECG_STEPS) / 99.0)[:, None]
    )
    apart = (beat_heights(scattered, phase) - asked).abs().mean()
    found = beat_heights(with_heights(scattered, phase, asked), phase)
    assert (found - asked)[:, 4:-4].abs().mean() < 0.015 < apart / 2


def test_what_is_added_to_the_beats_is_found_in_their_mean_beat():
    """At its whole height round R, in every window; between beats nothing is added."""
    _, phase, ecg = windows(4)
    change = torch.zeros(4, BEAT_SAMPLES)
    change[:, BEFORE + 20 : BEFORE + 30] = 0.3
    gain = mean_beats(with_beats_changed(ecg, phase, change), phase) - mean_beats(ecg, phase)
    assert torch.allclose(gain[:, BEFORE + 21 : BEFORE + 29], torch.tensor(0.3), atol=0.02)
    assert gain[:, : BEFORE - 20].abs().max() < 0.02


def test_a_change_of_a_beat_moves_its_form_as_asked():
    """Scores asked for and scores found agree; what LOW draws is moved without becoming wider."""
    space, (low, phase, ecg) = fitted(), windows(200, seed=1)
    by = 0.3 * torch.randn(200, FORMS + 1, generator=torch.Generator().manual_seed(2))
    before = space.measure(low, phase, ecg)
    changed = with_beats_changed(ecg, phase, space.beat_changes(by[:, :FORMS]))
    moved = space.form_scores(space.measure(low, phase, changed).form) - space.form_scores(before.form)
    assert torch.corrcoef(torch.stack([moved[:, 0], by[:, 0]]))[0, 1] > 0.8
    drawn = space.encode(before)
    wider = space.with_form_moved(drawn, by)
    assert torch.equal(wider[..., : -FORMS - 1], drawn[..., : -FORMS - 1])
    assert wider[:, 0, -FORMS - 1 :].std() == pytest.approx(drawn[:, 0, -FORMS - 1 :].std().item(), rel=0.05)


def test_a_target_is_a_score_and_a_mark_that_it_is_given():
    """72 /min is the heart's middle; what is not asked for is zero and unmarked."""
    inputs = target_inputs(torch.tensor([[72.0, math.nan, 9.0], [math.nan] * 3]))
    assert inputs.shape == (2, TARGET_INPUTS)
    assert inputs[0].tolist() == pytest.approx([0, 0, 1 / 1.2, 1, 0, 1], abs=1e-5)
    assert not inputs[1].any()
