"""The readings of the window on show and of all windows of its state, on the reference's usual range."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st

from physiosynth.dashboard.colours import Palette
from physiosynth.dashboard.view.drawing import svg_image
from physiosynth.dashboard.view.strips import UNIT_LABELS
from physiosynth.families.wearable.features.readings import FEWEST, QUANTITIES, Quantity, Readings, Spread, spread

TOO_FEW = "too few events"
HELP = (
    "Measured by the same detectors in synthetic and reference windows. The bar is the reference range of this state: "
    "pale from the 5th to the 95th percentile, as written below it; dark between the quartiles; a line at the median. "
    "The triangle is the window shown, the short lines are all windows of this run in this state."
)
_WIDTH, _HEIGHT = 200, 34  # of a bar, in its own units


def show(shown: Readings, run: Sequence[Readings], reference: Sequence[Readings], palette: Palette) -> None:
    """A card for each number; run and reference: the readings of the windows in the state of the one on show."""
    st.markdown("##### Readings", help=HELP)
    cards = "".join(card(quantity, shown, run, reference, palette) for quantity in QUANTITIES)
    st.html(f'<div class="readings">{cards}</div>')


def card(
    quantity: Quantity, shown: Readings, run: Sequence[Readings], reference: Sequence[Readings], palette: Palette
) -> str:
    """HTML of one number: its value, its place among the reference windows, and the run's."""
    value, usual = getattr(shown, quantity.name), spread(reference, quantity.name)
    values = np.array([getattr(each, quantity.name) for each in run], dtype=float)
    lines = [place_in_words(usual, value, quantity), run_in_words(spread(run, quantity.name), quantity)]
    told = "".join(f'<p class="reading-more">{escape(line)}</p>' for line in lines if line)
    return (
        f'<div class="reading"><p class="reading-name">{escape(quantity.title)}</p>'
        f'<p class="reading-value">{_with_unit(value, quantity)}</p>'
        f"{bar(value, values, usual, palette)}{told}</div>"
    )


def place_in_words(usual: Spread, value: float, quantity: Quantity) -> str:
    """Where the value falls in the reference."""
    if not usual.windows:
        return ""
    if not usual.known:
        return "Not measurable in the reference"
    if not np.isfinite(usual.low):
        return f"Reference: fewer than {FEWEST} windows"
    said = {"low": ": below", "high": ": above", "usual": ": within", "": ""}[usual.place(value)]
    return f"Reference {_number(usual.low, quantity)} to {_number(usual.high, quantity)}{said}"


def run_in_words(values: Spread, quantity: Quantity) -> str:
    """The run's windows in one line."""
    if values.windows < 2:
        return ""
    if not values.known:
        return f"Run of {values.windows}: {TOO_FEW}"
    noun = f"Run of {values.windows}" if values.known == values.windows else f"Run, {values.known} of {values.windows}"
    around = ""
    if np.isfinite(values.low):
        around = f", {_number(values.low, quantity)} to {_number(values.high, quantity)}"
    return f"{noun}: median {_number(values.median, quantity)}{around}"


def bar(value: float, run: np.ndarray, usual: Spread, palette: Palette) -> str:
    """HTML of the reference's range, the run's windows and the one on show; screen readers have the words instead."""
    known = [x for x in (value, *run.tolist(), usual.low, usual.high) if np.isfinite(x)]
    if not known:
        return ""
    low, high = min(known), max(known)
    pad = 0.08 * (high - low) or 1.0
    at = lambda x: round((x - low + pad) / (high - low + 2 * pad) * _WIDTH, 1)  # noqa: E731
    parts = [f'<path d="M0 17h{_WIDTH}" stroke="{palette.core}" stroke-width="1"/>']
    if np.isfinite(usual.low):
        for first, last, colour in ((usual.low, usual.high, palette.band), (usual.lower, usual.upper, palette.core)):
            width = max(1.5, at(last) - at(first))
            parts.append(f'<rect x="{at(first)}" y="9" width="{width}" height="16" fill="{colour}"/>')
        parts.append(f'<path d="M{at(usual.median)} 9v16" stroke="{palette.ink}" stroke-width="1.5"/>')
    ticks = "".join(f"M{at(x)} 27v6" for x in run.tolist() if np.isfinite(x))
    parts.append(f'<path d="{ticks}" stroke="{palette.muted}" stroke-width="1.2"/>' if ticks else "")
    if np.isfinite(value):
        parts.append(f'<path d="M{at(value)} 10l-5 -9h10z" fill="{palette.channels["ECG"]}"/>')
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    return svg_image(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>', "", "reading-bar")


def _with_unit(value: float, quantity: Quantity) -> str:
    if not np.isfinite(value):
        return f'<span class="reading-none">{TOO_FEW}</span>'
    unit = UNIT_LABELS.get(quantity.unit, quantity.unit)
    return f"{_number(value, quantity)}<span>{' ' + unit if unit else ''}</span>"


def _number(value: float, quantity: Quantity) -> str:
    return f"{value:.{quantity.digits}f}"
