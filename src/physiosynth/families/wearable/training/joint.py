"""Both streams as one model with one loss."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from physiosynth.families.wearable.data.loading import WindowItem
from physiosynth.families.wearable.model.architecture import Architecture
from physiosynth.families.wearable.model.mean_beat import FORMS, with_beats_changed
from physiosynth.families.wearable.model.rhythm import ecg_context
from physiosynth.families.wearable.model.target_rates import target_inputs

STREAMS = ("low", "ecg")
GAIN_SD = 0.1  # of the logarithm: electrodes and chests differ by more
FORM_BLUR = 0.3  # largest SD of the error in the beats' form, in scores: a form is a hint, nobody's signature
TARGET_SHARE = 0.4  # of training windows that are told any rate, each with a chance of a half


class JointLoss(nn.Module):
    """Both streams and their weighted loss over one batch.

    weights: lambda of each stream; ecg_share: of a batch, what the ECG network sees (its windows cost ten times those
    of LOW); eda_weight: of LOW's first channel, the EDA (its shape in a coupled pair), whose responses are small beside
    its drift; beat_variation: SD in scores by which the beats' form is moved away from the training people's own. In a
    coupled pair the ECG network is shown the recorded LOW channels and beats.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: dict[str, float],
        ecg_share: float = 1.0,
        eda_weight: float = 1.0,
        beat_variation: float = 0.0,
    ) -> None:
        super().__init__()
        self.architecture, self.weights, self.ecg_share = architecture, weights, ecg_share
        self.beat_variation = beat_variation
        self.low, self.ecg = architecture.build()
        channels = torch.ones(len(architecture.low.channels))
        channels[0] = eda_weight
        self.register_buffer("channel_weights", channels, persistent=False)

    def forward(
        self, batch: WindowItem, generator: torch.Generator, drop: float = 0.0, vary: bool = True
    ) -> dict[str, Tensor]:
        """Loss of each stream, and their weighted sum as 'total'.

        generator: the CPU generator of steps, noise and of which windows (a share `drop`) lose their condition; vary:
        change what training changes in windows (ECG gain, targets that are given, accuracy of the beats' form).
        """
        kept = torch.rand(len(batch.condition), generator=generator) >= drop
        y = batch.condition * kept.to(batch.condition)[:, None]
        seen = max(1, round(self.ecg_share * len(y)))
        if not self.architecture.coupled:
            asks = {
                "low": lambda: self.low.loss(
                    batch.low, y, generator=generator, weights=self.channel_weights if vary else None
                ),
                "ecg": lambda: self.ecg.loss(batch.ecg[:seen], y[:seen], generator=generator),
            }
        else:
            asks = self._coupled(batch, y, seen, generator, vary)
        # A stream that does not count is left as it is: no loss, no gradient, no time.
        rests = {name for name in STREAMS if vary and self.weights[name] == 0}
        losses = {name: batch.low.new_zeros(()) if name in rests else asks[name]() for name in STREAMS}
        return losses | {"total": sum(self.weights[name] * losses[name] for name in STREAMS)}

    def _coupled(
        self, batch: WindowItem, y: Tensor, seen: int, generator: torch.Generator, vary: bool
    ) -> dict[str, Callable[[], Tensor]]:
        """What computes the loss of each stream of a coupled pair."""
        space = self.low.space
        ecg, rates, blur = batch.ecg, batch.rates, torch.zeros(len(y), 1)
        if vary:
            gain = torch.randn(len(y), 1, 1, generator=generator).mul(GAIN_SD).exp()
            ecg = ecg * gain.to(ecg)
            blur = torch.rand(len(y), 1, generator=generator) * FORM_BLUR
        given = torch.rand(len(y), 1, generator=generator) < (TARGET_SHARE if vary else 0)
        given = given & (torch.rand(rates.shape, generator=generator) < 0.5)
        rates = torch.where(given.to(rates.device), rates, torch.nan)
        with torch.autocast(ecg.device.type, enabled=False):
            window = space.measure(batch.low, batch.phase, ecg)
            drawn = space.encode(window)
            if vary and self.beat_variation:
                moved = self.beat_variation * torch.randn(window.form.shape, generator=generator).to(ecg)
                drawn = space.with_form_moved(drawn, moved)
                change = space.beat_changes(moved[:seen, :FORMS])
                ecg = with_beats_changed(ecg[:seen], batch.phase[:seen], change)
                window = space.measure(batch.low[:seen], batch.phase[:seen], ecg)
            context = ecg_context(window.low[:seen], window.phase[:seen], window.height[:seen])
            form = space.form_scores(window.form[:seen])
        form = form + (blur[:seen] * torch.randn(form.shape, generator=generator)).to(form)
        asked = torch.cat([y, target_inputs(rates)], dim=1)
        told = torch.cat([y[:seen], form], dim=1)
        return {
            "low": lambda: self.low.loss(
                drawn, asked, generator=generator, weights=space.weights * (self.channel_weights if vary else 1.0)
            ),
            "ecg": lambda: self.ecg.loss(ecg[:seen], told, context, generator=generator),
        }
