"""Recordings longer than a window: overlapping windows denoised jointly, as slices of one signal.

At every step the clean windows that the network guesses are turned into signals, cross-faded along the recording and cut
into windows again, so that neighbours say the same where they overlap (Bar-Tal et al., 2023, MultiDiffusion, with the
clean signal in the place of the noisy one). What overlaps starts from the same noise. A constant of a window starts from
noise that is as alike from window to window as that constant is in one person: the sampler carries a score's place among
all scores from the noise to the sample, so that people differ as windows do and a recording is of one person.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from physiosynth.models.diffusion import DiffusionECG, DiffusionLow, to_model, to_user
from physiosynth.models.diffusion_adapter import TwoStreamDiffusionAdapter, beat_offsets
from physiosynth.models.low_space import CONSTANTS, FORM_CONSTANTS, MIN_ADVANCE, SHAPES, LowSpace, unit
from physiosynth.models.rhythm import ecg_context
from physiosynth.models.samplers import Denoiser, StepCallback, StreamSampling, ignore_step, sample
from physiosynth.models.targets import target_inputs
from physiosynth.signals import ECG_HZ, LOW_HZ, LOW_STEPS, WINDOW_S

LOW_HOP_S = 15
ECG_HOP_S = 25
STEADY_WINDOWS = 8  # SD of the average of levels over windows: two minutes
SKIN_LAG_S, HEART_LAG_S = 10, 4  # of each of two lags with which a level goes over to another state's
# How alike a constant's score is in two windows of one person that do not touch: in different states, and in one state
# (each less its state's mean). Measured in 90 subjects of the virtual cohort; the same from 30 s to 6 min apart.
_ALIKE = {
    "EDA level": (0.95, 0.99), "EDA slope": (0.0, 0.0), "EDA spread": (0.19, 0.40), "Resp spread": (0.56, 0.71),
    "Beat level": (0.68, 0.93), "Beat spread": (0.59, 0.68), "R spread": (0.54, 0.56), "ECG noise": (0.95, 0.98),
}  # fmt: skip
_ALIKE_FORM = (0.80, 0.98)
EDA_LEVEL, BEAT_LEVEL = CONSTANTS.index("EDA level"), CONSTANTS.index("Beat level")

Tasks = Sequence[Callable[[], tuple[Tensor, Tensor]]]
Runner = Callable[[Tasks], Sequence[tuple[Tensor, Tensor]]]


@dataclass(frozen=True)
class Grid:
    """n windows of `length` samples, one every `hop`."""

    count: int
    length: int
    hop: int

    @classmethod
    def covering(cls, seconds: int, hop_s: int, rate_hz: int) -> Grid:
        """As many windows as `seconds` need."""
        return cls(1 + max(0, -(-(seconds - WINDOW_S) // hop_s)), WINDOW_S * rate_hz, hop_s * rate_hz)

    @property
    def total(self) -> int:
        """Samples from the first window's start to the last one's end."""
        return (self.count - 1) * self.hop + self.length

    def cut(self, signal: Tensor) -> Tensor:
        """(c, total) -> (n, c, length)."""
        return signal.unfold(1, self.length, self.hop).transpose(0, 1)

    def fade(self, windows: Tensor) -> Tensor:
        """(n, c, length) -> (c, total): windows cross-faded where they overlap, in the shape of a squared sine."""
        overlap = self.length - self.hop
        rise = torch.sin((torch.arange(overlap, dtype=torch.float64) + 0.5) / overlap * math.pi / 2) ** 2
        ends = torch.ones(2, self.length, dtype=torch.float64)
        ends[0, :overlap], ends[1, self.length - overlap :] = rise, rise.flip(0)
        weight = ends.prod(dim=0).to(windows)
        out = windows.new_zeros(windows.shape[1], self.total)
        share = windows.new_zeros(self.total)
        for i, window in enumerate(windows):
            at = slice(i * self.hop, i * self.hop + self.length)
            out[:, at] += window * weight
            share[at] += weight
        return out / share


@dataclass(frozen=True)
class JoinedSamples:
    """A normalised recording of s seconds: low (4 s, 2), ecg (175 s, 1), phase (4 s + 1,) float64 beats."""

    low: Tensor
    ecg: Tensor
    phase: Tensor


@dataclass(frozen=True)
class Plan:
    """What is asked of each of s seconds, or of each of n windows."""

    states: Tensor  # (s,) number of the condition
    rates: Tensor  # (s, 3) in /min, nan where none
    stretches: Tensor  # (s,) number of the stretch, 0, 0, ..., 1, 1, ...
    conditions: int  # entries of the one-hot condition

    def __len__(self) -> int:
        return len(self.states)

    def of_windows(self, grid: Grid, rate_hz: int) -> Plan:
        """The same for each window: what holds for most of it, and of two halves the first."""
        hop_s, length_s = grid.hop // rate_hz, grid.length // rate_hz
        middles = torch.arange(grid.count) * hop_s + (length_s - 1) // 2
        at = middles.clamp(max=len(self) - 1)
        return Plan(self.states[at], self.rates[at], self.stretches[at], self.conditions)

    def one_hot(self) -> Tensor:
        return torch.nn.functional.one_hot(self.states, self.conditions).float()


@torch.inference_mode()
def draw_joined(
    adapter: TwoStreamDiffusionAdapter,
    plan: Plan,
    low: StreamSampling,
    ecg: StreamSampling,
    generators: Sequence[torch.Generator],
    chunk: int,
    run: Runner,
    on_step: StepCallback = ignore_step,
) -> JoinedSamples:
    """A recording of len(plan) >= WINDOW_S seconds from a coupled pair.

    generators: two CPU generators, of LOW and of the ECG; chunk: windows the networks are given at a time, always as
    many; run(tasks) calls them, in any order, and gives their answers in theirs; on_step(done, total) counts windows
    times evaluations.
    """
    device = next(adapter.parameters()).device
    ecg_grid = Grid.covering(len(plan), ECG_HOP_S, ECG_HZ)
    low_grid = Grid.covering(ecg_grid.total // ECG_HZ, LOW_HOP_S, LOW_HZ)
    weights = [
        (adapter.evaluations(stream, how), grid.count)
        for stream, how, grid in ((adapter.low, low, low_grid), (adapter.ecg, ecg, ecg_grid))
    ]
    first, total = weights[0][0] * weights[0][1], sum(calls * count for calls, count in weights)
    asked = plan.of_windows(low_grid, LOW_HZ)
    y = torch.cat([asked.one_hot(), target_inputs(asked.rates)], dim=1).to(device)
    noise = low_noise(low_grid, asked, generators[0])
    space, stretches = adapter.low.space, asked.stretches
    progress = _Progress(on_step, 0, low_grid.count, total)
    denoise = agreeing(
        in_chunks(adapter.low, y, low, None, chunk, run, progress.within),
        lambda x0: agree_low(space, low_grid, stretches, x0),
        adapter.low.diff.alphas_cumprod,
    )
    drawn = _sampled(adapter.low, denoise, low, noise, device, progress)
    signals, scores = low_signals(space, low_grid, plan, to_user(drawn))
    offset = float(beat_offsets([generators[1]], 1))
    phase = offset + torch.cat([signals.new_zeros(1).double(), signals[2].double().clamp(min=MIN_ADVANCE).cumsum(0)])
    context, form = _told(signals, phase, scores, ecg_grid, space)
    y = torch.cat([plan.of_windows(ecg_grid, ECG_HZ).one_hot().to(device), form], dim=1)
    progress = _Progress(on_step, first, ecg_grid.count, total)
    denoise = agreeing(
        in_chunks(adapter.ecg, y, ecg, context, chunk, run, progress.within),
        lambda x0: ecg_grid.cut(ecg_grid.fade(x0)),
        adapter.ecg.diff.alphas_cumprod,
    )
    waves = _sampled(adapter.ecg, denoise, ecg, lambda: _shared_noise(ecg_grid, 1, generators[1]), device, progress)
    steps = len(plan) * LOW_HZ
    window = space.window(signals.T[None, :steps], signals.new_zeros(1), form[:1])
    return JoinedSamples(window.low[0], ecg_grid.fade(waves).T[: len(plan) * ECG_HZ], phase[: steps + 1])


def agreeing(denoise: Denoiser, agree: Callable[[Tensor], Tensor], alpha_bar: Tensor) -> Denoiser:
    """The denoiser whose clean windows agree(x0) with one another, and whose noise is what then is left of x."""

    def inner(x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        x0 = agree(denoise(x, t)[0])
        return x0, (x - alpha_bar[t].sqrt() * x0) / (1 - alpha_bar[t]).sqrt()

    return inner


def agree_low(space: LowSpace, grid: Grid, stretches: Tensor, x0: Tensor) -> Tensor:
    """LOW windows (n, c, 120) as drawn whose signals are slices of one recording's; stretches (n,) see Plan."""
    values, shapes = space.parts(to_user(x0))
    # A guess has no unit spread yet: it is blended as it is, or the noise of an early guess would be blown up.
    recording, pace = _moving(grid, values, shapes, stretches)
    found, shapes = space.recompose(to_user(grid.cut(recording)), values, shapes)
    found[:, BEAT_LEVEL] *= pace
    return to_model(space.joined(found, shapes))


def low_signals(space: LowSpace, grid: Grid, plan: Plan, drawn: Tensor) -> tuple[Tensor, Tensor]:
    """(4, total) signals (see LowSpace.compose) and (k, total) scores of the constants, from (n, 120, c) windows."""
    values, shapes = space.parts(drawn)
    stretches = plan.of_windows(grid, LOW_HZ).stretches
    signals, pace = _moving(grid, values, unit(shapes), stretches)
    lift = values[:, EDA_LEVEL] - grid.cut(signals[:1]).mean(dim=(1, 2))
    signals[0] += _followed(grid, plan, _steady(lift, stretches), SKIN_LAG_S)
    signals[2] *= _followed(grid, plan, pace, HEART_LAG_S)
    return signals, grid.fade(space.to_scores(values)[:, :, None].expand(-1, -1, grid.length))


def _moving(grid: Grid, values: Tensor, shapes: Tensor, stretches: Tensor) -> tuple[Tensor, Tensor]:
    """(4, total) signals of the recording without what only changes slowly, and the (n,) pace that was taken out.

    The EDA is without its level: within a window it moves by a hundredth of what lies between people. Were levels
    blended, what the network is off from window to window would drown all that moves; so neighbours are lifted to the
    same height where they overlap. Beats are relative to the pace of their stretch. A change of state then is no part
    of any window's shapes, which the network knows from within states alone.
    """
    pace = _steady(values[:, BEAT_LEVEL], stretches)
    values = values.clone()
    values[:, EDA_LEVEL] = 0.0
    values[:, BEAT_LEVEL] /= pace
    windows = to_model(LowSpace.compose(values, shapes))
    eda = windows[:, 0]
    steps = (eda[:-1, grid.hop :] - eda[1:, : grid.length - grid.hop]).mean(dim=1)
    windows[1:, 0] += steps.cumsum(dim=0)[:, None]
    return grid.fade(windows), pace


def _steady(levels: Tensor, stretches: Tensor) -> Tensor:
    """(n,) levels of windows, averaged over a few minutes within their stretch."""
    run = stretches.to(levels.device)
    place = torch.arange(len(levels), device=levels.device, dtype=levels.dtype)
    near = torch.exp(-0.5 * ((place[:, None] - place) / STEADY_WINDOWS) ** 2) * (run[:, None] == run)
    return (near * levels).sum(dim=1) / near.sum(dim=1)


def _followed(grid: Grid, plan: Plan, levels: Tensor, lag_s: int) -> Tensor:
    """(total,) the (n,) levels of each stretch's nearest window, followed with two first-order lags, as a body does."""
    second = (torch.arange(grid.total) // LOW_HZ).clamp(max=len(plan) - 1)
    away = (torch.arange(grid.total)[:, None] - torch.arange(grid.count) * grid.hop - grid.length // 2).abs()
    other = plan.stretches[second][:, None] != plan.of_windows(grid, LOW_HZ).stretches
    nearest = (away + other * grid.total).argmin(dim=1).to(levels.device)
    lag = torch.arange(10 * lag_s * LOW_HZ, device=levels.device, dtype=torch.float64) / (lag_s * LOW_HZ)
    kernel = lag * torch.exp(-lag)
    steps = torch.nn.functional.pad(levels.double()[nearest][None], (len(lag) - 1, 0), mode="replicate")
    late = torch.nn.functional.conv1d(steps[None], (kernel.flip(0) / kernel.sum())[None, None])
    return late[0, 0].to(levels)


def low_noise(grid: Grid, asked: Plan, generator: torch.Generator) -> Callable[[], Tensor]:
    """A function that draws (n, c, 120) noise: standard normal in every window, alike as one person's windows are."""
    pairs = torch.tensor([_ALIKE.get(name, _ALIKE_FORM) for name in CONSTANTS])
    person, state = pairs[:, 0].sqrt(), (pairs[:, 1] - pairs[:, 0]).sqrt()
    rest = (1 - pairs[:, 1]).sqrt()

    def draw() -> Tensor:
        shapes = _shared_noise(grid, len(SHAPES), generator)
        same, by_state, halves, free = (
            torch.randn(size, generator=generator)
            for size in (
                (1, len(CONSTANTS)),
                (asked.conditions, len(CONSTANTS)),
                (grid.count + 1, len(CONSTANTS)),
                (grid.count, len(CONSTANTS), LOW_STEPS),
            )
        )
        # What comes and goes within a window is half shared with the next window, which overlaps by half.
        own = (halves[1:] + halves[:-1]) / math.sqrt(2)
        level = person * same + state * by_state[asked.states] + rest * own
        constants = free - free.mean(dim=2, keepdim=True) + level[:, :, None] / math.sqrt(LOW_STEPS)
        return torch.cat([shapes, constants], dim=1)

    return draw


def in_chunks(
    stream: DiffusionLow | DiffusionECG,
    y: Tensor,
    how: StreamSampling,
    context: Tensor | None,
    size: int,
    run: Runner,
    on_windows: Callable[[int], None] = lambda windows: None,
) -> Denoiser:
    """A denoiser of n windows that gives the network `size` at a time; y (n, K), context (n, c', t).

    The last chunk is filled up, as the last bits of an answer depend on its size. on_windows(done) follows each chunk.
    """
    places = torch.arange(-(-len(y) // size) * size, device=y.device).clamp(max=len(y) - 1).split(size)
    parts = [stream.denoiser(y[at], how, None if context is None else context[at]) for at in places]

    def answer(part: Denoiser, x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            return part(x, t)

    def denoise(x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        tasks = [lambda part=part, at=at: answer(part, x[at], t) for part, at in zip(parts, places, strict=True)]
        answers = []
        for found in run(tasks):
            answers.append(found)
            on_windows(min(len(answers) * size, len(x)))
        return tuple(torch.cat(kind)[: len(x)] for kind in zip(*answers, strict=True))

    return denoise


class _Progress:
    """One stream's windows times evaluations within those of both, which are counted from `before` on."""

    def __init__(self, on_step: StepCallback, before: int, windows: int, total: int) -> None:
        self._on_step, self._before, self._windows, self._total = on_step, before, windows, total
        self._at = before

    def within(self, windows: int) -> None:
        """So many windows of one evaluation are done."""
        self._on_step(self._at + windows, self._total)

    def after(self, done: int, _: int) -> None:
        """So many evaluations are done."""
        self._at = self._before + done * self._windows
        self._on_step(self._at, self._total)


def _sampled(
    stream: DiffusionLow | DiffusionECG,
    denoise: Denoiser,
    how: StreamSampling,
    noise: Callable[[], Tensor],
    device: torch.device,
    progress: _Progress,
) -> Tensor:
    def draw() -> Tensor:
        return noise().to(device)

    return sample(denoise, draw(), how, stream.diff.alphas_cumprod, draw, progress.after)


def _shared_noise(grid: Grid, channels: int, generator: torch.Generator) -> Tensor:
    """(n, c, length) noise, the same wherever windows overlap."""
    return grid.cut(torch.randn(channels, grid.total, generator=generator))


def _told(signals: Tensor, phase: Tensor, scores: Tensor, grid: Grid, space: LowSpace) -> tuple[Tensor, Tensor]:
    """What the ECG network is told of each window: (n, c', 5250) context and (n, 13) scores of the beats' form."""
    contexts, forms = [], []
    first = CONSTANTS.index(FORM_CONSTANTS[0])
    for i in range(grid.count):
        start = i * grid.hop * LOW_HZ // ECG_HZ
        at = slice(start, start + LOW_STEPS)
        edges = phase[start : start + LOW_STEPS + 1]
        window = space.window(signals.T[None, at], signals.new_zeros(1), scores[None, first:, 0])
        # Whole beats are taken off, so that single precision has the phase to a hair in an hour as well.
        own = (edges - edges[0].floor()).to(signals)[None]
        contexts.append(to_model(ecg_context(window.low, own, window.height)))
        forms.append(scores[None, first:, at].mean(dim=2))
    return torch.cat(contexts), torch.cat(forms)
