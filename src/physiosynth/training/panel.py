"""The sample panel: one window a state, ECG, respiration and EDA side by side, in their units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from physiosynth.signals import ECG_HZ, FUSED_CHANNELS, LOW_HZ, UNITS
from physiosynth.training.samples import StateWindows

INCHES = (4.2, 1.7)  # of one trace
DOTS_PER_INCH = 80


def draw_panel(drawn: Sequence[StateWindows], title: str) -> np.ndarray:
    """(height, width, 3) uint8 picture of the first window of each state; values that are not finite are left out."""
    # The object interface alone: pyplot would keep figures, and a window system is not there.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (INCHES[0] * len(FUSED_CHANNELS), INCHES[1] * len(drawn) + 0.4)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, facecolor="white")
    axes = figure.subplots(len(drawn), len(FUSED_CHANNELS), sharex=True, squeeze=False)
    # Margins in inches: matplotlib's own layout takes most of the drawing time.
    figure.subplots_adjust(
        left=0.45 / size[0], right=1 - 0.1 / size[0], bottom=0.4 / size[1], top=1 - 0.5 / size[1], hspace=0.35
    )
    figure.suptitle(title, fontsize=9, y=1 - 0.15 / size[1])
    for row, windows in zip(axes, drawn, strict=True):
        for axis, channel in zip(row, FUSED_CHANNELS, strict=True):
            values, rate_hz = _first(windows, channel)
            axis.plot(np.arange(len(values)) / rate_hz, values, linewidth=0.6 if channel == "ECG" else 1.0)
            axis.set_title(f"{windows.state}: {channel} ({UNITS[channel]})", loc="left", fontsize=8)
            axis.tick_params(labelsize=7)
    for axis in axes[-1]:
        axis.set_xlabel("s", fontsize=8)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _first(windows: StateWindows, channel: str) -> tuple[np.ndarray, float]:
    if channel == "ECG":
        values, rate_hz = windows.ecg[0], ECG_HZ
    else:
        values, rate_hz = windows.low.select(channel)[0][0], LOW_HZ
    return np.where(np.isfinite(values), values, np.nan), rate_hz
