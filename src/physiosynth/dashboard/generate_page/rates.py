"""The rates a visitor may request beside a state, where the loaded model takes them, and within which span."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from physiosynth.families.wearable.generator.asking import shared_span

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.batch import Targets
    from physiosynth.families.wearable.generator.generator import GeneratorInfo


@dataclass(frozen=True)
class Rate:
    """A target rate. step: of its slider, per minute."""

    name: str
    label: str
    unit: str
    step: float


RATES = (
    Rate("heart_rate", "Heart rate", "bpm", 1.0),
    Rate("breathing_rate", "Respiratory rate", "breaths/min", 0.5),
    Rate("scr_rate", "SCR rate", "responses/min", 0.5),
)


def spans_of(info: GeneratorInfo, conditions: Sequence[str]) -> dict[str, tuple[float, float] | None]:
    """By rate that this model takes: the span in /min that all chosen states share, on the slider's steps, or None."""
    taken = {rate for spans in info.target_ranges.values() for rate in spans}
    return {
        rate.name: _on_steps(shared_span(info, rate.name, conditions), rate.step)
        for rate in RATES
        if rate.name in taken
    }


def _on_steps(span: tuple[float, float] | None, step: float) -> tuple[float, float] | None:
    if span is None:
        return None
    least, most = math.ceil(span[0] / step) * step, math.floor(span[1] / step) * step
    return (least, most) if least < most else None


def in_words(targets: Targets) -> list[str]:
    """The rates requested, each as in "heart rate 98 bpm"."""
    given = targets.given()
    label = lambda rate: rate.label if rate.label[1].isupper() else rate.label.lower()  # noqa: E731
    return [f"{label(rate)} {given[rate.name]:g} {rate.unit}" for rate in RATES if rate.name in given]


def middle_of(info: GeneratorInfo, rate: str, conditions: Sequence[str]) -> float | None:
    """The middle of a rate's span, on its slider's steps; None where the chosen states share none."""
    span, step = spans_of(info, conditions).get(rate), next(each.step for each in RATES if each.name == rate)
    return None if span is None else round(sum(span) / 2 / step) * step
