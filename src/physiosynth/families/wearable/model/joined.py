"""Recordings longer than a window: overlapping windows denoised jointly, as slices of one signal.

At every step the clean windows that the network guesses are turned into signals, cross-faded along the recording and
cut into windows again, so that neighbours say the same where they overlap (Bar-Tal et al., 2023, MultiDiffusion, with
the clean signal in the place of the noisy one). What overlaps starts from the same noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from physiosynth.diffusion.chunks import chunks_of
from physiosynth.diffusion.diffusion import to_model, to_user
from physiosynth.diffusion.overlapping import Grid, Plan, agreeing, shared_noise
from physiosynth.diffusion.samplers import Denoiser, sample
from physiosynth.diffusion.stream_sampling import StreamSampling
from physiosynth.families.wearable.model.adapter import TwoStreamDiffusionAdapter, beat_offsets
from physiosynth.families.wearable.model.joined_low import agree_low, low_noise, low_signals
from physiosynth.families.wearable.model.low_pass import low_passed
from physiosynth.families.wearable.model.low_space import CONSTANTS, FORM_CONSTANTS, MIN_ADVANCE, LowSpace
from physiosynth.families.wearable.model.mean_beat import with_heights
from physiosynth.families.wearable.model.rhythm import ecg_context
from physiosynth.families.wearable.model.streams import DiffusionECG, DiffusionLow
from physiosynth.families.wearable.model.target_rates import target_inputs
from physiosynth.families.wearable.signals import ECG_HZ, LOW_HZ, LOW_STEPS, WINDOW_S
from physiosynth.runtime import StepCallback, ignore_step

LOW_HOP_S = 15
ECG_HOP_S = 25

Tasks = Sequence[Callable[[], tuple[Tensor, Tensor]]]
Runner = Callable[[Tasks], Sequence[tuple[Tensor, Tensor]]]


@dataclass(frozen=True)
class JoinedSamples:
    """A normalised recording of s seconds: low (4 s, 2), ecg (175 s, 1), phase (4 s + 1,) float64 beats."""

    low: Tensor
    ecg: Tensor
    phase: Tensor


@torch.inference_mode()
def draw_joined(
    adapter: TwoStreamDiffusionAdapter,
    plan: Plan,
    low: StreamSampling,
    ecg: StreamSampling,
    generators: Sequence[torch.Generator],
    chunk: int,
    workers: int,
    run: Runner,
    on_step: StepCallback = ignore_step,
) -> JoinedSamples:
    """A recording of len(plan) >= WINDOW_S seconds from a coupled pair.

    generators: two CPU generators, of LOW and of the ECG; chunk: windows in a chunk; run(tasks) calls them, `workers`
    at once and in any order, and gives their answers in theirs; on_step(done, total) counts windows times evaluations.
    """
    device = next(adapter.parameters()).device
    ecg_grid = Grid.covering(len(plan), WINDOW_S, ECG_HOP_S, ECG_HZ)
    low_grid = Grid.covering(ecg_grid.total // ECG_HZ, WINDOW_S, LOW_HOP_S, LOW_HZ)
    margin = adapter.architecture.ecg_margin  # drawn more at both ends of every window
    ecg_grid = replace(ecg_grid, length=ecg_grid.length + 2 * margin)
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
        in_chunks(adapter.low, y, low, None, chunk, workers, run, progress.within),
        lambda x0: agree_low(space, low_grid, stretches, x0),
        adapter.low.diff.alphas_cumprod,
    )
    drawn = _sampled(adapter.low, denoise, low, noise, device, progress)
    signals, scores = low_signals(space, low_grid, plan, to_user(drawn))
    offset = float(beat_offsets([generators[1]], 1))
    phase = offset + torch.cat([signals.new_zeros(1).double(), signals[2].double().clamp(min=MIN_ADVANCE).cumsum(0)])
    context, form = _told(signals, phase, scores, ecg_grid, space, margin)
    y = torch.cat([plan.of_windows(ecg_grid, ECG_HZ).one_hot().to(device), form], dim=1)
    progress = _Progress(on_step, first, ecg_grid.count, total)
    denoise = agreeing(
        in_chunks(adapter.ecg, y, ecg, context, chunk, workers, run, progress.within),
        lambda x0: ecg_grid.cut(ecg_grid.fade(x0)),
        adapter.ecg.diff.alphas_cumprod,
    )
    waves = _sampled(adapter.ecg, denoise, ecg, lambda: shared_noise(ecg_grid, 1, generators[1]), device, progress)
    steps = len(plan) * LOW_HZ
    window = space.window(signals.T[None, :steps], signals.new_zeros(1), form[:1])
    phase = phase[: steps + 1]
    recorded = low_passed(ecg_grid.fade(waves).T[None], ecg.lowpass_hz, ECG_HZ, ecg.lift)[:, margin:][
        :, : len(plan) * ECG_HZ
    ]
    return JoinedSamples(window.low[0], with_heights(recorded, phase[None], window.height)[0], phase)


def in_chunks(
    stream: DiffusionLow | DiffusionECG,
    y: Tensor,
    how: StreamSampling,
    context: Tensor | None,
    size: int,
    workers: int,
    run: Runner,
    on_windows: Callable[[int], None] = lambda windows: None,
) -> Denoiser:
    """A denoiser of n windows, in chunks that `workers` share; y (n, K), context (n, c', t).

    on_windows(done) follows each chunk.
    """
    chunks = chunks_of([(i, i) for i in range(len(y))], size, workers)
    parts = [
        stream.denoiser(y[chunk.full], how, None if context is None else context[chunk.full], chunk.places)
        for chunk in chunks
    ]

    def answer(part: Denoiser, x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            return part(x, t)

    def denoise(x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        tasks = [
            lambda part=part, at=chunk.full: answer(part, x[at], t) for part, chunk in zip(parts, chunks, strict=True)
        ]
        answers, done = [], 0
        for chunk, found in zip(chunks, run(tasks), strict=True):
            answers.append([kind[list(chunk.places)] for kind in found])
            done += len(chunk.places)
            on_windows(done)
        return tuple(torch.cat(kind) for kind in zip(*answers, strict=True))

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


def _told(
    signals: Tensor, phase: Tensor, scores: Tensor, grid: Grid, space: LowSpace, margin: int
) -> tuple[Tensor, Tensor]:
    """What the ECG network is told of each window: (n, c', t) context and (n, 13) scores of the beats' form."""
    contexts, forms = [], []
    first = CONSTANTS.index(FORM_CONSTANTS[0])
    for i in range(grid.count):
        start = i * grid.hop * LOW_HZ // ECG_HZ
        at = slice(start, start + LOW_STEPS)
        edges = phase[start : start + LOW_STEPS + 1]
        window = space.window(signals.T[None, at], signals.new_zeros(1), scores[None, first:, 0])
        # Whole beats are taken off, so that single precision has the phase to a hair in an hour as well.
        own = (edges - edges[0].floor()).to(signals)[None]
        contexts.append(to_model(ecg_context(window.low, own, window.height, margin)))
        forms.append(scores[None, first:, at].mean(dim=2))
    return torch.cat(contexts), torch.cat(forms)
