"""Pictures of windows as PNG bytes: three traces over one time axis, and a strip of ECG paper.

Drawn with matplotlib's object interface alone, under one lock: pages of several people draw at the same time.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from physiosynth.signals import ECG_HZ, LOW_HZ, UNITS, WINDOW_S

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#1d2426", "#8a9496", "#dcdad2"
COLOURS = {"ECG": "#a3262a", "Resp": "#0b6e75", "EDA": "#6a4c93"}
REFERENCE_COLOUR = "#6f7b7d"
PAPER, FINE_LINE, COARSE_LINE = "#fff8f6", "#f7dcd7", "#eeb6ad"
UNIT_LABELS = {"mV": "mV", "uS": "µS", "%": "% of belt"}
PAPER_S = 6
PIXELS_PER_INCH = 190
WIDE_INCHES, NARROW_INCHES = 8.6, 3.9
_DRAWING = threading.Lock()


@dataclass(frozen=True)
class Strip:
    """One window to draw: ecg (t,) mV at ECG_HZ; resp (t,) %, eda (t,) uS at LOW_HZ; beats_s R times in s or None."""

    title: str
    ecg: np.ndarray
    resp: np.ndarray
    eda: np.ndarray
    beats_s: np.ndarray | None = None
    reference: bool = False

    def trace(self, channel: str) -> tuple[np.ndarray, np.ndarray]:
        """Time in s and values of a channel."""
        values, rate = {"ECG": (self.ecg, ECG_HZ), "Resp": (self.resp, LOW_HZ), "EDA": (self.eda, LOW_HZ)}[channel]
        return np.arange(len(values)) / rate, values

    @property
    def digest(self) -> str:
        """What the window is, as a key for things made of it."""
        parts = (self.ecg, self.resp, self.eda, np.empty(0) if self.beats_s is None else self.beats_s)
        content = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
        return hashlib.sha256(f"{self.title}|{self.reference}".encode() + content).hexdigest()

    def colour(self, channel: str) -> str:
        return REFERENCE_COLOUR if self.reference else COLOURS[channel]


def traces(window: Strip, reference: Strip | None, eda_name: str, overlay: bool = False, narrow: bool = False) -> bytes:
    """PNG of ECG, Resp and EDA of a window, with the reference beside it, over it, or (narrow) under it."""
    strips = [window] + ([reference] if reference is not None else [])
    panels = [strips] if overlay else [[strip] for strip in strips]
    rows, columns = (3 * len(panels), 1) if narrow else (3, len(panels))
    with _DRAWING:
        figure, axes = _figure(NARROW_INCHES if narrow else WIDE_INCHES, 1.35 * rows + 0.6, rows, columns)
        cells = [axes[3 * i : 3 * i + 3, 0] if narrow else axes[:, i] for i in range(len(panels))]
        for column, panel in zip(cells, panels, strict=True):
            _draw_column(column, panel, eda_name)
        for row, channel in enumerate(COLOURS):
            _set_limits(panels, channel, [column[row] for column in cells])
        for axis in axes[-1]:
            axis.set_xlabel("time in the window (s)", color=INK, fontsize=8)
        return _png(figure)


def paper(window: Strip, reference: Strip | None, start_s: float, narrow: bool = False) -> bytes:
    """PNG of 6 s of ECG on paper ruled as in a clinic: small squares of 0.04 s by 0.1 mV, large of 0.2 s by 0.5 mV."""
    strips = [window] + ([reference] if reference is not None else [])
    span = 3 if narrow else PAPER_S
    with _DRAWING:
        figure, axes = _figure(NARROW_INCHES if narrow else WIDE_INCHES, 1.75 * len(strips) + 0.6, len(strips))
        cuts = [_cut(strip, start_s, span) for strip in strips]
        low, high = _limits((values for _, values in cuts), margin=0.08)
        for axis, strip, (time, values) in zip(axes[:, 0], strips, cuts, strict=True):
            _rule(axis, start_s, start_s + span, np.floor(low * 2) / 2, np.ceil(high * 2) / 2)
            axis.plot(time, values, color=strip.colour("ECG"), linewidth=1.1, zorder=3)
            _title(axis, strip, "ECG (mV)")
        axes[-1, 0].set_xlabel("time (s); a large square is 0.2 s by 0.5 mV", color=INK, fontsize=8)
        return _png(figure)


def describe(window: Strip, reference: Strip | None, eda_name: str) -> str:
    """What the traces show, in words, for those who cannot see them."""
    parts = [
        f"{name} from {values.min():.2f} to {values.max():.2f} {UNITS[channel]}"
        for channel, name in (("ECG", "ECG"), ("Resp", "respiration"), ("EDA", eda_name))
        for values in [window.trace(channel)[1]]
    ]
    beats = f", {len(window.beats_s)} beats" if window.beats_s is not None else ""
    beside = f" Beside it: {reference.title}." if reference is not None else ""
    return f"{window.title}, {WINDOW_S} s: {'; '.join(parts)}{beats}.{beside}"


def _draw_column(axes: Iterable[Axes], strips: list[Strip], eda_name: str) -> None:
    names = {"ECG": "ECG", "Resp": "Respiration", "EDA": eda_name}
    for axis, channel in zip(axes, COLOURS, strict=True):
        for strip in reversed(strips):
            time, values = strip.trace(channel)
            axis.plot(time, values, color=strip.colour(channel), linewidth=0.7 if channel == "ECG" else 1.3)
        _style(axis)
        _title(axis, strips[0], f"{names[channel]} ({UNIT_LABELS[UNITS[channel]]})", heading=channel == "ECG")
        if channel == "ECG" and strips[0].beats_s is not None:
            beats = strips[0].beats_s
            axis.plot(
                beats, np.full(len(beats), 0.96), "v", color=INK, markersize=2.6, transform=axis.get_xaxis_transform()
            )


def _style(axis: Axes) -> None:
    axis.set_xlim(0, WINDOW_S)
    axis.set_xticks(range(0, WINDOW_S + 1, 5))
    axis.grid(color=GRID, linewidth=0.5)
    axis.tick_params(colors=INK, labelsize=7.5, length=2)
    axis.locator_params(axis="y", nbins=4)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color(MUTED)


def _title(axis: Axes, strip: Strip, quantity: str, heading: bool = True) -> None:
    axis.set_title(quantity, loc="left", fontsize=8, color=INK, pad=3)
    if heading:
        colour = REFERENCE_COLOUR if strip.reference else INK
        axis.set_title(strip.title, loc="right", fontsize=8, color=colour, fontweight="bold", pad=3)


def _rule(axis: Axes, start_s: float, end_s: float, low: float, high: float) -> None:
    axis.set_facecolor(PAPER)
    axis.set_xlim(start_s, end_s)
    axis.set_ylim(low, high)
    # Gridlines as two collections: hundreds of minor ticks would take most of the drawing time.
    steps = [(0.2, 0.5, COARSE_LINE, 0.8)]
    if high - low < 12:  # beyond that the small squares would be a solid block
        steps.insert(0, (0.04, 0.1, FINE_LINE, 0.4))
    for seconds, millivolts, colour, width in steps:
        axis.vlines(np.arange(start_s, end_s, seconds), low, high, colors=colour, linewidths=width, zorder=1)
        axis.hlines(np.arange(low, high, millivolts), start_s, end_s, colors=colour, linewidths=width, zorder=1)
    axis.set_xticks(np.arange(np.ceil(start_s), end_s + 0.01))
    axis.locator_params(axis="y", nbins=4, integer=True)
    axis.tick_params(which="both", length=0, colors=INK, labelsize=7.5)
    for spine in axis.spines.values():
        spine.set_color(COARSE_LINE)


def _cut(strip: Strip, start_s: float, span_s: float) -> tuple[np.ndarray, np.ndarray]:
    time, values = strip.trace("ECG")
    inside = (time >= start_s) & (time <= start_s + span_s)
    return time[inside], values[inside]


def _limits(traces: Iterable[np.ndarray], margin: float = 0.12) -> tuple[float, float]:
    joined = np.concatenate(list(traces))
    low, high = float(joined.min()), float(joined.max())
    pad = (high - low) * margin or 0.5
    return low - pad, high + pad


def _set_limits(panels: list[list[Strip]], channel: str, axes: list[Axes]) -> None:
    """One scale for all panels; EDA keeps each panel's own level, which may be many times the size of a response."""
    own = [_limits(strip.trace(channel)[1] for strip in panel) for panel in panels]
    if channel == "EDA":
        span = max(high - low for low, high in own)
        limits = [((low + high - span) / 2, (low + high + span) / 2) for low, high in own]
    else:
        limits = [(min(low for low, _ in own), max(high for _, high in own))] * len(panels)
    for axis, (low, high) in zip(axes, limits, strict=True):
        axis.set_ylim(low, high)


def _figure(width: float, height: float, rows: int, columns: int = 1) -> tuple[Figure, np.ndarray]:
    """A figure of (width, height) inches and its (rows, columns) axes, with room for titles and labels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=PIXELS_PER_INCH, facecolor="white")
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
    body = (height - 0.7) / rows
    figure.subplots_adjust(
        left=0.45 / width, right=1 - 0.1 / width, top=1 - 0.25 / height, bottom=0.45 / height,
        hspace=0.3 / (body - 0.3) if rows > 1 else 0, wspace=0.5 / ((width - 0.55) / columns - 0.5),
    )  # fmt: skip
    return figure, axes


def _png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
