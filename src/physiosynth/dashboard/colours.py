"""The colours of the page's drawings, for its light and its dark theme: the one place they are written.

On the ground of their theme texts have a contrast of 4.5 or more and traces of 3 or more (WCAG 2.2); a test counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """ground: the page; ink, muted: texts; grid: lines behind; channels: traces; reference: what is compared with.

    mark: events, brush and markers; band, core: the reference's usual range and its middle half; paper, fine, coarse:
    ECG paper and its small and large squares; levels: texts and marks of evaluation.findings.
    """

    ground: str
    ink: str
    muted: str
    grid: str
    reference: str
    mark: str
    band: str
    core: str
    paper: str
    fine: str
    coarse: str
    channels: Mapping[str, str]
    levels: Mapping[str, str]


LIGHT = Palette(
    ground="#ffffff",
    ink="#1d2426",
    muted="#566165",
    grid="#e4e3dd",
    reference="#6f7b7d",
    mark="#1d2426",
    band="#dfe5e6",
    core="#b9c4c6",
    paper="#fff8f6",
    fine="#f9e1dc",
    coarse="#e9a89d",
    channels={"ECG": "#a3262a", "Resp": "#0b6e75", "EDA": "#6a4c93"},
    levels={"good": "#0b6e75", "person": "#0b6e75", "care": "#8a5a00", "poor": "#b3261e", "unknown": "#566165"},
)
DARK = Palette(
    ground="#12181a",
    ink="#e9eeee",
    muted="#a6b2b5",
    grid="#2b3538",
    reference="#8f9c9f",
    mark="#e9eeee",
    band="#2d393c",
    core="#4b5b5f",
    paper="#241a1b",
    fine="#3b2626",
    coarse="#7d4a48",
    channels={"ECG": "#ff8f87", "Resp": "#4cc3c7", "EDA": "#b9a0ec"},
    levels={"good": "#4cc3c7", "person": "#4cc3c7", "care": "#e3b04b", "poor": "#ff8f87", "unknown": "#a6b2b5"},
)


def palette(theme: str | None) -> Palette:
    """The colours of a theme, "light" or "dark"; those of the light one where nobody knows."""
    return DARK if theme == "dark" else LIGHT


def current() -> Palette:
    """The colours of the theme this visitor sees."""
    import streamlit as st

    return palette(st.context.theme.type)


def contrast(one: str, other: str) -> float:
    """Contrast of two "#rrggbb" colours, 1 to 21 (WCAG 2.2, 1.4.3)."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
