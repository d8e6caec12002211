"""What the LOW network of a coupled pair draws: shapes of unit spread, and what stays the same in a window.

Skin conductance lies microsiemens away from the next person's and moves by hundredths within a window; heart rates
differ by tens of beats and vary by a few. Drawn as one standardised channel, what is small would be lost in the noise.
So every signal is taken apart into constants of the window (level, slope, spread) and a shape of unit spread. The
constants become normal scores by quantiles of the training windows; their channels do not change in time.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from physiosynth.families.wearable.model.mean_beat import BEAT_SAMPLES, FORMS, beat_heights, describe_beats, mean_beats
from physiosynth.families.wearable.signals import LOW_CHANNELS, LOW_HZ, LOW_STEPS

SHAPES = ("EDA shape", "Resp shape", "Beat shape", "R shape")
FORM_CONSTANTS = (*(f"Beat form {i + 1}" for i in range(FORMS)), "ECG noise")
CONSTANTS = (
    "EDA level", "EDA slope", "EDA spread", "Resp spread", "Beat level", "Beat spread", "R spread", *FORM_CONSTANTS,
)  # fmt: skip
SPREADS = ("EDA spread", "Resp spread", "Beat spread", "R spread")  # of the SHAPES
DRAWN_CHANNELS = (*SHAPES, *CONSTANTS)
# A constant shows in all 120 samples at once: at the height of a shape it would be settled while the noise is so strong
# that few training steps see it. Lowered, it is settled with the shapes; the loss makes up for its height.
CONSTANT_GAIN, CONSTANT_WEIGHT = 0.25, 4.0
KNOTS = 65
TAILS = 0.005  # share of training windows beyond the first and the last knot
MAX_SCORE = 3.5
FLAT = 1e-4  # in SDs of the fold, or as a share: what moves less is taken as moving that much
MIN_ADVANCE = 0.1  # beats in a quarter second, 24 /min: a drawn heart never stands still
# Centre and spread of each constant before anything is fitted, so that fresh networks draw something like a body.
_FRESH = {
    "EDA level": (0.0, 1.0), "EDA slope": (0.0, 0.05), "EDA spread": (0.1, 0.02), "Resp spread": (0.9, 0.2),
    "Beat level": (0.32, 0.05), "Beat spread": (0.08, 0.02), "R spread": (0.04, 0.01), "ECG noise": (-4.3, 0.4),
}  # fmt: skip
_EDA, _RESP = LOW_CHANNELS.index("EDA"), LOW_CHANNELS.index("Resp")
_AT = {name: i for i, name in enumerate(CONSTANTS)}


class LowWindow(NamedTuple):
    """b windows as people know them, standardised by the fold's norms.

    low (b, 120, 2) EDA and Resp; phase (b, 121) beats at the edges of the LOW steps; height (b, 121) R height there,
    relative to the window's median; form (b, 13) what the beats look like, see mean_beat.
    """

    low: Tensor
    phase: Tensor
    height: Tensor
    form: Tensor


class LowSpace(nn.Module):
    """The map between windows and what the network draws. Its buffers are fitted once and travel with the weights."""

    def __init__(self) -> None:
        super().__init__()
        # On the CPU whatever the default device: networks are laid out on the meta device to be compared with a file,
        # where this would import torch's compiler and what the file does not hold would have no values.
        scores = torch.special.ndtri(_shares()).float()
        self.register_buffer("scores", scores, persistent=False)
        fresh = torch.tensor([_FRESH.get(name, (0.0, 1.0)) for name in CONSTANTS], device="cpu")
        self.register_buffer("knots", fresh[:, :1] + fresh[:, 1:] * scores)
        self.register_buffer("beat_mean", torch.zeros(BEAT_SAMPLES))
        self.register_buffer("beat_basis", torch.zeros(FORMS, BEAT_SAMPLES))
        weights = torch.ones(len(DRAWN_CHANNELS), device="cpu")
        weights[len(SHAPES) :] = CONSTANT_WEIGHT
        self.register_buffer("weights", weights, persistent=False)

    @torch.no_grad()
    def fit(self, low: Tensor, phase: Tensor, ecg: Tensor) -> None:
        """Fit to n > KNOTS training windows: low (n, 120, 2), phase (n, 121), ecg (n, 5250, 1), standardised."""
        beats = mean_beats(ecg, phase)
        self.beat_mean.copy_(beats.mean(dim=0))
        directions = torch.linalg.svd((beats - self.beat_mean).double(), full_matrices=False)[2][:FORMS]
        self.beat_basis[: len(directions)] = directions.float()
        values, _ = self._apart(self.measure(low, phase, ecg))
        knots = torch.quantile(values.double(), _shares(), dim=0).T
        # Every step up needs a width that float32 can tell, also where many windows share one value.
        width = (knots[:, -1:] - knots[:, :1]).maximum(0.1 * knots.abs().amax(dim=1, keepdim=True)).clamp(min=1e-3)
        least = 1e-4 * width
        self.knots.copy_((knots + least * torch.arange(KNOTS)).float())

    def measure(self, low: Tensor, phase: Tensor, ecg: Tensor) -> LowWindow:
        """What recorded windows hold."""
        form = describe_beats(ecg, phase, self.beat_mean, self.beat_basis)
        return LowWindow(low, phase, beat_heights(ecg, phase), form)

    def encode(self, window: LowWindow) -> Tensor:
        """(b, 120, c) as the network draws it."""
        return self.joined(*self._apart(window))

    def decode(self, drawn: Tensor, offset: Tensor, heart_rate: Tensor | None = None) -> LowWindow:
        """The inverse of encode, from (b, 120, c) and (b,) the phase at the start in beats.

        heart_rate: (b,) /min that the windows are to have, nan where they keep the one that was drawn.
        """
        values, shapes = self.parts(drawn)
        if heart_rate is not None:
            level, spread = _AT["Beat level"], values[:, _AT["Beat spread"]]
            # The mean of the beats' rates is larger than that of the rate in time, by its squared variation.
            asked = heart_rate / (60 * LOW_HZ * (1 + spread.square()))
            values[:, level] = torch.where(heart_rate.isfinite(), asked, values[:, level])
        return self.window(self.compose(values, unit(shapes)), offset, values[:, _AT[FORM_CONSTANTS[0]] :])

    def parts(self, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """(b, k) constants and (b, 120, 4) shapes of (b, 120, c) as drawn; half-way through sampling, what is guessed.

        The shapes of a guess are blurred, their spread is below one; unit() is for finished ones.
        """
        scores = drawn[..., len(SHAPES) :].mean(dim=1) / CONSTANT_GAIN
        return self.from_scores(scores), drawn[..., : len(SHAPES)]

    def joined(self, values: Tensor, shapes: Tensor) -> Tensor:
        """(b, 120, c) as drawn, from constants and shapes: the inverse of parts."""
        constants = CONSTANT_GAIN * self.to_scores(values)
        return torch.cat([shapes, constants[:, None].expand(-1, LOW_STEPS, -1)], dim=-1)

    @staticmethod
    def compose(values: Tensor, shapes: Tensor) -> Tensor:
        """(b, 120, 4) signals, linear in the shapes: EDA and Resp in SDs, beats a step, R height over its median."""
        constant = {name: values[:, i, None] for name, i in _AT.items()}
        eda, resp, beat, height = shapes.unbind(dim=-1)
        eda = constant["EDA level"] + constant["EDA slope"] * _ramp(eda) + constant["EDA spread"] * eda
        resp = constant["Resp spread"] * resp
        beat = constant["Beat level"] * (1 + constant["Beat spread"] * beat)
        return torch.stack([eda, resp, beat, 1 + constant["R spread"] * height], dim=-1)

    @staticmethod
    def recompose(signals: Tensor, values: Tensor, shapes: Tensor) -> tuple[Tensor, Tensor]:
        """Constants and shapes that compose to these signals (b, 120, 4), but for the level of the EDA.

        values, shapes: what was drawn; the new shapes are as blurred as those, and form and EDA level are kept.
        """
        levels, parts = _levels(signals)
        spreads = _spread(parts) / _spread(shapes)
        found = values.clone()
        for name in ("EDA slope", "Beat level"):
            found[:, _AT[name]] = levels[name][:, 0]
        for i, name in enumerate(SPREADS):
            found[:, _AT[name]] = spreads[:, 0, i]
        return found, parts / spreads

    @staticmethod
    def window(signals: Tensor, offset: Tensor, form: Tensor) -> LowWindow:
        """The window of (b, t, 4) signals that starts (b,) beats into the phase."""
        eda, resp, beat, height = signals.unbind(dim=-1)
        steps = beat.clamp(min=MIN_ADVANCE).cumsum(dim=1)
        phase = torch.cat([torch.zeros_like(steps[:, :1]), steps], dim=1) + offset[:, None]
        low = torch.stack([eda, resp] if _EDA < _RESP else [resp, eda], dim=-1)
        return LowWindow(low, phase, torch.cat([height, height[:, -1:]], dim=1), form)

    def beat_changes(self, scores: Tensor) -> Tensor:
        """(b, BEAT_SAMPLES) changes of a beat that move its form by about (b, FORMS) scores."""
        first = _AT[FORM_CONSTANTS[0]]
        knots = self.knots[first : first + FORMS]
        upper, lower = (int((self.scores - sd).abs().argmin()) for sd in (1.0, -1.0))
        return (scores * (knots[:, upper] - knots[:, lower]) / 2) @ self.beat_basis

    def with_form_moved(self, drawn: Tensor, by: Tensor) -> Tensor:
        """(b, 120, c) as drawn with the scores of the form moved by (b, 13), spread as widely as before on average."""
        moved = drawn.clone()
        at = slice(drawn.shape[-1] - len(FORM_CONSTANTS), None)
        share = by.square().mean().item()
        moved[..., at] = (moved[..., at] + CONSTANT_GAIN * by[:, None]) / (1 + share) ** 0.5
        return moved

    def form_scores(self, form: Tensor) -> Tensor:
        """(b, 13) normal scores of what the beats look like: what the ECG network is told."""
        return self.to_scores(form, first=_AT[FORM_CONSTANTS[0]])

    def to_scores(self, values: Tensor, first: int = 0) -> Tensor:
        """Normal scores of (b, k) constants number first, first + 1, ...; straight on beyond the outer knots."""
        return _bent(values, self.knots[first : first + values.shape[1]], self.scores).clamp(-MAX_SCORE, MAX_SCORE)

    def from_scores(self, scores: Tensor) -> Tensor:
        """(b, k) constants from their scores."""
        return _bent(scores.clamp(-MAX_SCORE, MAX_SCORE), self.scores.expand_as(self.knots), self.knots)

    @staticmethod
    def _apart(window: LowWindow) -> tuple[Tensor, Tensor]:
        """(b, k) constants and (b, 120, 4) shapes."""
        eda, resp = window.low[..., _EDA], window.low[..., _RESP]
        middle = (window.height[:, 1:] + window.height[:, :-1]) / 2
        levels, parts = _levels(torch.stack([eda, resp, window.phase.diff(dim=1), middle], dim=-1))
        spreads = _spread(parts)
        # Spreads are positive and lopsided; the scores make them normal all the same.
        known = levels | dict(zip(SPREADS, spreads.unbind(dim=-1), strict=True))
        named = [known[name] for name in CONSTANTS if name in known]
        return torch.cat([*named, window.form], dim=1), parts / spreads


def _shares() -> Tensor:
    """(KNOTS,) the shares of training windows that lie below the knots."""
    return torch.linspace(TAILS, 1 - TAILS, KNOTS, dtype=torch.float64, device="cpu")


def _ramp(eda: Tensor) -> Tensor:
    return torch.linspace(-1, 1, LOW_STEPS, dtype=eda.dtype, device=eda.device)[None]


def _levels(signals: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """What (b, 120, 4) signals hold beside their shapes, (b, 1) by name, and the (b, 120, 4) rest that has a shape."""
    eda, resp, beat, height = signals.unbind(dim=-1)
    level, ramp = eda.mean(dim=1, keepdim=True), _ramp(eda)
    slope = (eda * ramp).sum(dim=1, keepdim=True) / ramp.square().sum()
    mean = beat.mean(dim=1, keepdim=True)
    lift = height - height.mean(dim=1, keepdim=True)
    rest = torch.stack([eda - level - slope * ramp, resp, beat / mean - 1, lift], dim=-1)
    return {"EDA level": level, "EDA slope": slope, "Beat level": mean}, rest


def _spread(parts: Tensor) -> Tensor:
    return parts.square().mean(dim=1, keepdim=True).sqrt().clamp(min=FLAT)


def unit(shapes: Tensor) -> Tensor:
    """(b, 120, 4) shapes with a spread of exactly one: how far they go is the constants' to say."""
    eda, resp, beat, height = shapes.unbind(dim=-1)
    centred = [_flat(eda), resp, beat - beat.mean(dim=1, keepdim=True), height - height.mean(dim=1, keepdim=True)]
    parts = torch.stack(centred, dim=-1)
    return parts / _spread(parts)


def _flat(eda: Tensor) -> Tensor:
    """Without mean and slope."""
    ramp, centred = _ramp(eda), eda - eda.mean(dim=1, keepdim=True)
    return centred - ramp * (centred * ramp).sum(dim=1, keepdim=True) / ramp.square().sum()


def _bent(values: Tensor, at: Tensor, onto: Tensor) -> Tensor:
    """The piecewise linear map of (b, k) values that takes knots `at` (k, q) to `onto` (k, q) or (q,)."""
    onto = onto.expand_as(at)
    right = torch.searchsorted(at.contiguous(), values.T.contiguous()).clamp(1, at.shape[1] - 1)
    x0, x1 = at.gather(1, right - 1), at.gather(1, right)
    y0, y1 = onto.gather(1, right - 1), onto.gather(1, right)
    return (y0 + (values.T - x0) / (x1 - x0) * (y1 - y0)).T
