"""The rates a visitor may ask for beside a state, where the loaded model takes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.generate.asking import TARGET_GUIDANCE, shared_span
from physiosynth.generate.batch import Targets

if TYPE_CHECKING:
    from physiosynth.generate.core import GeneratorInfo

IN_ADDRESS = "query-params"  # keeps a field's value in the address of the page


@dataclass(frozen=True)
class Rate:
    """A rate that may be asked for. step: of its slider, /min."""

    name: str
    label: str
    unit: str
    step: float


RATES = (
    Rate("heart_rate", "Heart rate", "beats a minute", 1.0),
    Rate("breathing_rate", "Breathing rate", "breaths a minute", 0.5),
    Rate("scr_rate", "Skin conductance responses", "responses a minute", 0.5),
)


def ask_key(rate: str) -> str:
    """The key of the switch that asks for a rate; the slider's is the rate itself."""
    return f"ask_{rate}"


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


def rate_fields(info: GeneratorInfo, conditions: Sequence[str]) -> Targets:
    """Draw a switch and a slider for each rate the model takes; nothing where it takes none."""
    spans = spans_of(info, conditions)
    if not spans:
        return Targets()
    asked = {}
    with st.expander("Rates asked for", icon=":material/favorite:"):
        for rate in RATES:
            if rate.name in spans:
                asked[rate.name] = _field(rate, spans[rate.name], float(info.defaults.low_guidance))
        if any(value is not None for value in asked.values()):
            st.caption("LOW guidance pushes towards these rates, and doubles the steps of the slow signals.")
    return Targets(**asked)


def _field(rate: Rate, span: tuple[float, float] | None, usual_guidance: float) -> float | None:
    on = st.toggle(
        rate.label,
        key=ask_key(rate.name),
        bind=IN_ADDRESS,
        disabled=span is None,
        on_change=_switch_guidance,
        args=(rate.name, usual_guidance),
        help=f"Asks for a number of {rate.unit} instead of leaving it to the state; drawing takes longer.",
    )
    if span is None:
        st.caption(f"The chosen states have no {rate.label.lower()} in common that the model was trained on.")
        return None
    if not on:
        return None
    middle = round((span[0] + span[1]) / 2 / rate.step) * rate.step
    return st.slider(
        f"{rate.label}, {rate.unit}",
        *span,
        middle,
        rate.step,
        key=rate.name,
        bind=IN_ADDRESS,
        format="%g",
        help=f"From {span[0]:g} to {span[1]:g}: what the model was trained on in every chosen state.",
    )


def _switch_guidance(rate: str, usual: float) -> None:
    """Rates need guidance to be met: it comes with the first and goes with the last, unless it was set by hand."""
    state = st.session_state
    others = any(state.get(ask_key(each.name)) for each in RATES if each.name != rate)
    if state[ask_key(rate)] and state.low_guidance == usual:
        state.low_guidance = max(usual, TARGET_GUIDANCE)
    elif not state[ask_key(rate)] and not others and state.low_guidance == TARGET_GUIDANCE:
        state.low_guidance = usual
