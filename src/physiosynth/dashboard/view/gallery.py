"""All windows of a run as small pictures; a press shows one in the charts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from physiosynth.dashboard import colours
from physiosynth.dashboard.colours import Palette
from physiosynth.dashboard.view.drawing import svg_image
from physiosynth.dashboard.view.measured import readings_of
from physiosynth.dashboard.view.strips import Strip, envelope, limits, synthetic_strip
from physiosynth.families.wearable.data.batch import SignalBatch
from physiosynth.families.wearable.signals import FUSED_CHANNELS

PER_PAGE = 12
_WIDTH, _HEIGHTS, _GAP = 220, {"ECG": 46, "Resp": 24, "EDA": 24}, 5
_BINS = 220


def show(batch: SignalBatch, key: str, chosen: int, choose: Callable[[int], None]) -> None:
    """The windows in pages of PER_PAGE; choose is called with the position of the one that was pressed."""
    count, pages = len(batch), -(-len(batch) // PER_PAGE)
    page = 1
    if pages > 1:
        names = {n: f"{(n - 1) * PER_PAGE + 1} to {min(n * PER_PAGE, count)}" for n in range(1, pages + 1)}
        page = st.segmented_control(
            "Windows", list(names), default=1, required=True, format_func=names.get, key=f"gallery_{key}_{pages}"
        )
    palette = colours.current()
    with st.container(horizontal=True, key="gallery", gap="small"):
        for i in range((page - 1) * PER_PAGE, min(page * PER_PAGE, count)):
            _tile(batch, i, key, chosen == i, palette, choose)


def _tile(batch: SignalBatch, i: int, key: str, chosen: bool, palette: Palette, choose: Callable[[int], None]) -> None:
    strip = synthetic_strip(batch, i)
    rate = readings_of(strip).heart_rate
    caption = f"{strip.title.removeprefix('Synthetic · ')} · " + (f"{rate:.0f} bpm" if np.isfinite(rate) else "no rate")
    with st.container(width=232, key=f"tile_{i}", gap="xsmall"):
        st.html(picture(strip, palette, f"{strip.title}: thumbnail of ECG, respiration and EDA"))
        st.button(
            caption,
            key=f"show_{key}_{i}",
            on_click=choose,
            args=(i,),
            type="primary" if chosen else "secondary",
            width="stretch",
            help="Shows this window in the charts.",
        )


def picture(strip: Strip, palette: Palette, words: str) -> str:
    """HTML of one window in small."""
    return svg_image(small(strip, palette), words, "small-window")


def small(strip: Strip, palette: Palette) -> str:
    """SVG of one window in small: the ECG as what each column of it covers, Resp and EDA as lines."""
    parts, top = [], 0
    for channel in FUSED_CHANNELS:
        values, height = strip.signals[channel], _HEIGHTS[channel]
        low, high = limits([values], 0.05)
        y = lambda v, top=top, height=height, low=low, high=high: top + height * (high - v) / (high - low)  # noqa: E731
        if channel == "ECG":
            d = "".join(f"M{x + 0.5} {y(b):.1f}V{y(a) + 0.6:.1f}" for x, (a, b) in enumerate(envelope(values, _BINS)))
        else:
            x = np.linspace(0, _WIDTH, len(values))
            d = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y(values), strict=True))
        parts.append(f'<path d="{d}" fill="none" stroke="{palette.channels[channel]}" stroke-width="1.1"/>')
        top += height + _GAP
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top - _GAP}">{"".join(parts)}</svg>'
