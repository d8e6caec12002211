"""What the charts have in common: how they are embedded, and how their axes and texts look."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from physiosynth.dashboard.colours import Palette

if TYPE_CHECKING:
    import pandas as pd

Spec = dict[str, Any]
FONT = "sans-serif"
# The drawing fills its container's width and says itself how high it is. As SVG, texts can be read by machines.
VEGA: Spec = {
    "$schema": "https://vega.github.io/schema/vega/v6.json",
    "usermeta": {"embedOptions": {"renderer": "svg"}},
    "autosize": "none",
    "padding": {"left": 0, "right": 0, "top": 0, "bottom": 0},
    "background": "transparent",
}


def config(palette: Palette) -> Spec:
    """Axes, legends and texts in the colours of a theme."""
    axis = {
        "labelColor": palette.muted, "titleColor": palette.ink, "gridColor": palette.grid, "domainColor": palette.muted,
        "tickColor": palette.muted, "tickSize": 3, "labelFontSize": 12, "titleFontSize": 12,
        "titleFontWeight": "normal", "gridOpacity": 1, "labelFont": FONT, "titleFont": FONT,
    }  # fmt: skip
    legend = {
        "labelColor": palette.ink,
        "titleColor": palette.ink,
        "labelFontSize": 12,
        "labelFont": FONT,
        "labelLimit": 0,
    }
    return {
        "axis": axis,
        "legend": {**legend, "orient": "top", "title": None, "symbolStrokeWidth": 2.5},
        "group": {"stroke": None},
        "view": {"stroke": None},
        "text": {"fill": palette.ink, "fontSize": 12, "font": FONT},
    }


def svg_image(svg: str, words: str, kind: str) -> str:
    """HTML of a small picture of class `kind`; words: what it shows, "" where texts beside it say that."""
    data = base64.b64encode(svg.encode()).decode()
    return f'<img class="{kind}" src="data:image/svg+xml;base64,{data}" alt="{escape(words, quote=True)}">'


def draw(rows: pd.DataFrame, spec: Spec, words: str, key: str) -> None:
    """Put a chart on the page; words: what it shows, for those who cannot see it."""
    st.vega_lite_chart(rows, spec, theme=None, width="stretch", alt=words, key=key)
