"""Two streams behind one generator-like call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from physiosynth.diffusion.chunks import Places
from physiosynth.diffusion.diffusion import first_step
from physiosynth.diffusion.samplers import evaluations
from physiosynth.diffusion.stream_sampling import StreamSampling
from physiosynth.families.wearable.model.architecture import Architecture
from physiosynth.families.wearable.model.low_pass import low_passed, nearly_centred
from physiosynth.families.wearable.model.mean_beat import with_heights
from physiosynth.families.wearable.model.rhythm import ecg_context
from physiosynth.families.wearable.model.streams import DiffusionECG, DiffusionLow
from physiosynth.families.wearable.model.target_rates import target_inputs, without_targets
from physiosynth.families.wearable.signals import ECG_HZ, ECG_STEPS, LOW_STEPS
from physiosynth.runtime import StepCallback, ignore_step


@dataclass(frozen=True)
class AdapterSamples:
    """Normalised samples of b windows."""

    low: Tensor  # (b, 120, 2)
    ecg: Tensor  # (b, 5250, 1)
    phase: Tensor | None  # (b, 121) beats at the edges of the LOW bins; only a coupled pair draws it


class TwoStreamDiffusionAdapter(nn.Module):
    """Calls a LOW and an ECG stream as one generator over per-timestep one-hot conditions (b, 120, K).

    architecture: what the pair is; low_sampling, ecg_sampling: how the plain call samples.
    """

    def __init__(
        self,
        low: DiffusionLow,
        ecg: DiffusionECG,
        architecture: Architecture,
        low_sampling: StreamSampling = StreamSampling(),  # noqa: B008 - frozen
        ecg_sampling: StreamSampling = StreamSampling(),  # noqa: B008
    ) -> None:
        super().__init__()
        self.low, self.ecg, self.architecture = low, ecg, architecture
        self.low_sampling, self.ecg_sampling = low_sampling, ecg_sampling

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """(low (b, 120, 2), ecg (b, 5250, 1)), normalised, for conditions y (b, 120, K)."""
        samples = self.sample(y)
        return samples.low, samples.ecg

    @torch.inference_mode()
    def sample(
        self,
        y: Tensor,
        low: StreamSampling | None = None,
        ecg: StreamSampling | None = None,
        rates: Tensor | None = None,
        generators: list[torch.Generator] | None = None,
        low_x_T: Tensor | None = None,
        ecg_x_T: Tensor | None = None,
        wanted: Places = None,
        candidates: int = 1,
        choose: Callable[[list[Tensor]], Tensor] | None = None,
        on_step: StepCallback = ignore_step,
    ) -> AdapterSamples:
        """Draw windows for y (b, 120, K) or (b, K).

        rates: (b, 3) windows.RATES in /min that a coupled pair is asked for, nan where none is; generators: one CPU
        generator a window, read in a fixed order (LOW noise, beat offset, ECG noise); wanted: places of the windows
        that are kept, all by default; choose: given (b, 120, 2) of each of so many `candidates` of LOW, the (b,)
        numbers of those to go on with, the first by default; on_step(done, total) counts the network evaluations of
        both streams.
        """
        low, ecg = low or self.low_sampling, ecg or self.ecg_sampling
        first = candidates * self.evaluations(self.low, low)
        total = first + self.evaluations(self.ecg, ecg)
        y = asked = first_step(y)
        rates = (without_targets(len(y)) if rates is None else rates).to(y)
        if self.architecture.coupled:
            asked = torch.cat([y, target_inputs(rates)], dim=1)
        draws = [
            self.low.sample(
                asked, low, x_T=low_x_T, length=LOW_STEPS, generators=generators, wanted=wanted,
                on_step=shifted(on_step, i * first // candidates, total),
            )
            for i in range(candidates)
        ]  # fmt: skip
        drawn = draws[0]
        if choose is not None and candidates > 1:
            best = choose([self.low.space.decode(each, each.new_zeros(len(each))).low for each in draws])
            drawn = torch.stack(draws)[best, torch.arange(len(best))]
        phase, context, margin = None, None, 0
        if self.architecture.coupled:
            margin = self.architecture.ecg_margin if ecg_x_T is None else 0
            window = self.low.space.decode(drawn, beat_offsets(generators, len(y)).to(drawn), rates[:, 0])
            drawn, phase = window.low, window.phase
            context = ecg_context(drawn, phase, window.height, margin)
            y = torch.cat([y, self.low.space.form_scores(window.form)], dim=1)
        counted = shifted(on_step, first, total)
        length = ECG_STEPS + 2 * margin
        waves = self.ecg.sample(
            y,
            ecg,
            x_T=ecg_x_T,
            length=length,
            context=context,
            generators=generators,
            wanted=wanted,
            on_step=counted,
        )
        if phase is None:
            return AdapterSamples(drawn, waves, None)
        waves = low_passed(waves, ecg.lowpass_hz, ECG_HZ, ecg.lift)[:, margin : length - margin]
        waves = nearly_centred(with_heights(waves, phase, window.height))
        return AdapterSamples(drawn, waves, phase)

    @staticmethod
    def evaluations(stream: DiffusionLow | DiffusionECG, sampling: StreamSampling) -> int:
        """How often a stream's network is evaluated for one sample."""
        return evaluations(sampling, stream.diff.alphas_cumprod)


def beat_offsets(generators: list[torch.Generator] | None, count: int) -> Tensor:
    """(count,) beat phases at the start of each window, uniform over one beat."""
    return torch.cat([torch.rand(1, generator=g) for g in generators or [None] * count])


def shifted(on_step: Callable[[int, int], None], before: int, total: int) -> StepCallback:
    """A callback that counts one stream's steps within those of both."""
    return lambda done, _: on_step(before + done, total)
