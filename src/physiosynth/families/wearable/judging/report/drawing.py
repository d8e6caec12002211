"""How every figure is drawn: one style, two colours that colour-blind eyes can tell apart, SVG inside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette; reference and synthetic differ in line style and marker too.
REAL, SYNTHETIC, OTHER = "#0072B2", "#D55E00", "#777777"
STATE_COLOURS = {"baseline": "#0072B2", "stress": "#D55E00", "amusement": "#009E73", "meditation": "#CC79A7"}
STATE_MARKERS = {"baseline": "o", "stress": "^", "amusement": "s", "meditation": "D"}
REAL_LINE, SYNTHETIC_LINE = {"color": REAL, "linestyle": "-"}, {"color": SYNTHETIC, "linestyle": (0, (4, 1.5))}
STYLE = {
    "font.size": 9, "axes.titlesize": 9.5, "axes.labelsize": 9, "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": "#666666", "axes.linewidth": 0.8, "xtick.color": "#333333", "ytick.color": "#333333",
    "figure.facecolor": "white", "axes.facecolor": "white", "lines.linewidth": 1.3, "legend.frameon": False,
    "svg.fonttype": "path", "svg.hashsalt": "physiosynth", "figure.constrained_layout.use": True,
}  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """title: what it shows; alt: the same for who cannot see it; note: how to read it; source: a data URI."""

    title: str
    alt: str
    note: str
    source: str


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the report's style, without a screen and without touching what the caller has set."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        yield


def new_figure(width: float, height: float) -> Figure:
    """A figure of so many inches that no window system knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def finished(figure: Figure, title: str, alt: str, note: str = "") -> Drawing:
    """The figure as an SVG data URI."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None}, dpi=150)
    source = "data:image/svg+xml;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
    return Drawing(title, alt, note, source)
