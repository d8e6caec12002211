"""Joined windows: what every window says of a signal is that signal, neighbours agree, one person is one person."""

import math

import pytest
import torch

from physiosynth.diffusion.diffusion import to_model, to_user
from physiosynth.diffusion.overlapping import Grid, Plan, agreeing
from physiosynth.diffusion.samplers import ddim
from physiosynth.families.wearable.model.joined_low import agree_low, low_noise, low_signals
from physiosynth.families.wearable.model.low_space import CONSTANTS, DRAWN_CHANNELS, SHAPES, LowSpace
from physiosynth.families.wearable.signals import WINDOW_S

SECONDS = 150
ALPHA_BAR = torch.linspace(0.9999, 0.001, 100)


def plan(*stretches):
    """A plan of (state, seconds) stretches without requested rates."""
    states = torch.tensor([state for state, seconds in stretches for _ in range(seconds)])
    numbers = torch.tensor([i for i, (_, seconds) in enumerate(stretches) for _ in range(seconds)])
    return Plan(states, torch.full((len(states), 3), math.nan), numbers, 4)


@pytest.fixture(scope="module")
def grid():
    """LOW windows of 30 s every 15 s."""
    return Grid.covering(SECONDS, WINDOW_S, 15, 4)


def body(grid):
    """(4, total) signals whose mean over 15 s is the same everywhere: EDA, Resp, beats a step, R height."""
    t = torch.arange(grid.total) / 4
    wave = [torch.sin(2 * math.pi * t / period) for period in (7.5, 3.75, 5.0, 3.0)]
    return torch.stack([0.3 + 0.12 * wave[0], 0.9 * wave[1], 0.32 * (1 + 0.1 * wave[2]), 1 + 0.05 * wave[3]])


def drawn_of(space, grid, signals):
    """(n, c, 120) what the network would draw of the signals' slices."""
    windows = to_user(grid.cut(signals))
    form = torch.zeros(grid.count, 13)
    form[:, -1] = -4.3
    low = space.window(windows, torch.zeros(grid.count), form)
    heights = torch.cat([windows[..., 3], windows[:, -1:, 3]], dim=1)
    return to_model(space.encode(low._replace(height=heights)))


def test_windows_cut_from_a_signal_fade_back_into_it():
    """Cross-fading slices of one signal gives the signal, whatever the overlap."""
    for hop_s, rate in ((15, 4), (25, 175)):
        grid = Grid.covering(100, WINDOW_S, hop_s, rate)
        assert grid.total >= 100 * rate
        signal = torch.randn(2, grid.total)
        torch.testing.assert_close(grid.fade(grid.cut(signal)), signal, atol=1e-5, rtol=1e-5)


def test_a_denoiser_that_always_answers_one_recording_gives_it_back(grid):
    """Its windows are left as they are at every step, and put together they are the recording, without seams."""
    space, want = LowSpace(), body(grid)
    answer = drawn_of(space, grid, want)
    one = plan((0, SECONDS))
    stretches = one.of_windows(grid, 4).stretches
    denoise = agreeing(lambda x, t: (answer, x), lambda x0: agree_low(space, grid, stretches, x0), ALPHA_BAR)
    noise = low_noise(grid, one.of_windows(grid, 4), torch.Generator().manual_seed(0))()
    found, _ = low_signals(space, grid, one, to_user(ddim(denoise, noise, [90, 60, 30, 0], ALPHA_BAR)))
    inner = slice(4, -4)  # heights are measured between samples, so the ends differ a little
    torch.testing.assert_close(found[:3], want[:3], atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(found[3, inner], want[3, inner], atol=0.03, rtol=0.03)


def test_windows_that_disagree_are_made_to_agree_where_they_overlap(grid):
    """After agreeing, neighbours say the same in their overlap; EDA up to its level, beats up to the pace."""
    space = LowSpace()
    x0 = torch.randn(grid.count, len(DRAWN_CHANNELS), 120, generator=torch.Generator().manual_seed(1))
    x0[:, len(SHAPES) :] *= 0.1
    stretches = torch.zeros(grid.count, dtype=torch.long)

    def gaps(drawn):
        windows = space.compose(*space.parts(to_user(drawn)))
        gap = windows[:-1, 60:] - windows[1:, :60]
        return (gap - gap.mean(dim=1, keepdim=True)).square().mean(dim=(0, 1)).sqrt()

    assert (gaps(agree_low(space, grid, stretches, x0)) < 0.02 * gaps(x0)).all()


def test_a_change_of_state_moves_the_levels_without_a_jump(grid):
    """EDA and heart rate go from one state's level to the other's over seconds, beginning at the change."""
    space = LowSpace()
    two = plan((0, 75), (1, 75))
    values = torch.zeros(grid.count, len(CONSTANTS))
    values[:, CONSTANTS.index("EDA level")] = 1.5 * two.of_windows(grid, 4).states
    values[:, CONSTANTS.index("Beat level")] = 1.5 * two.of_windows(grid, 4).states
    drawn = torch.cat([torch.zeros(grid.count, 120, 4), 0.25 * values[:, None].expand(-1, 120, -1)], dim=2)
    signals, _ = low_signals(space, grid, two, drawn)
    for row, before, after in ((0, 0.0, 1.5), (2, 0.32, 0.395)):
        level = signals[row]
        assert level[: 75 * 4].sub(before).abs().max() < 0.02 * (after - before)
        assert level[-20:].sub(after).abs().max() < 0.1 * (after - before)
        assert level.diff().abs().max() < 0.05 * (after - before)


def test_noise_is_standard_in_each_window_and_shared_by_neighbours_and_by_a_person():
    """Shapes share noise where windows overlap; a constant's mean noise is as alike as its values are in a person."""
    grid = Grid.covering(60, WINDOW_S, 15, 4)
    draw = low_noise(grid, plan((0, 60)).of_windows(grid, 4), torch.Generator().manual_seed(2))
    noise = torch.stack([draw() for _ in range(1500)])
    shapes, constants = noise[:, :, : len(SHAPES)], noise[:, :, len(SHAPES) :]
    assert torch.equal(shapes[:, :-1, :, 60:], shapes[:, 1:, :, :60])
    assert noise.var() == pytest.approx(1, abs=0.01)
    scores = constants.mean(dim=3) * math.sqrt(120)
    assert scores.var(dim=0).sub(1).abs().max() < 0.2

    def alike(name, apart):
        column = scores[:, :, CONSTANTS.index(name)]
        return float((column[:, apart:] * column[:, : column.shape[1] - apart]).mean())

    assert alike("EDA level", 2) == pytest.approx(0.99, abs=0.06)
    assert alike("EDA slope", 1) == pytest.approx(0.5, abs=0.06)
    assert alike("EDA slope", 2) == pytest.approx(0.0, abs=0.06)
    assert alike("Beat spread", 2) == pytest.approx(0.68, abs=0.06)


def test_a_window_is_of_the_state_that_holds_for_most_of_it():
    """Of two equal halves the first counts, so that a body never answers before the change."""
    grid = Grid.covering(90, WINDOW_S, 15, 4)
    assert plan((0, 45), (1, 45)).of_windows(grid, 4).states.tolist() == [0, 0, 0, 1, 1]
    assert plan((0, 40), (1, 50)).of_windows(grid, 4).states.tolist() == [0, 0, 1, 1, 1]
