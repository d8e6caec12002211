"""How a recording begins, drawn as it was brought: the check that a signal is what it is taken for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from physiosynth.dashboard import colours
from physiosynth.dashboard.colours import Palette
from physiosynth.dashboard.view.drawing import Spec, config, draw

if TYPE_CHECKING:
    from physiosynth.recordings.recording_files import Listed

SHOWN_S = {"ECG": 8.0, "Resp": 60.0, "EDA": 60.0}
MOST_POINTS = 1500
UNKNOWN_HZ = 100.0  # where a time column has yet to give the rate
HEIGHTS = {"ECG": 150, "Resp": 116, "EDA": 116}
LONGEST_TITLE = 60


def preview(listed: Sequence[Listed], columns: Mapping[str, str], rate_hz: float | None) -> None:
    """The first seconds of each chosen signal."""
    import pandas as pd

    for channel in (name for name in SHOWN_S if name in columns):
        signal = next(each for each in listed if each.name == columns[channel])
        hz = signal.rate_hz or rate_hz
        values = signal.start[: round(SHOWN_S[channel] * (hz or UNKNOWN_HZ))]
        at = np.arange(0, len(values), max(1, len(values) // MOST_POINTS))
        rows = pd.DataFrame({"t": at / (hz or 1.0), "v": values[at]})
        title, unit = f"{channel}: {signal.name}"[:LONGEST_TITLE], "s" if hz else "samples"
        words = f"{title}, the first {len(values) / (hz or 1.0):.0f} {unit}."
        draw(rows, _spec(channel, title, unit, colours.current()), words, f"own_preview_{channel}")
    doubled = len(set(columns.values())) < len(columns)
    hint = "**One signal is chosen for two channels.**" if doubled else "Is the ECG upright, with tall, narrow R peaks?"
    st.caption(f"The start of each signal, as in the file. {hint}")


def _spec(channel: str, title: str, unit: str, palette: Palette) -> Spec:
    colour = palette.channels[channel]
    return {
        "config": config(palette),
        "background": "transparent",
        "padding": {"left": 0, "right": 6, "top": 4, "bottom": 0},
        "height": HEIGHTS[channel],
        "title": {"text": title, "anchor": "start", "color": colour, "fontSize": 13, "offset": 6},
        "mark": {"type": "line", "color": colour, "strokeWidth": 1.2},
        "encoding": {
            "x": {"field": "t", "type": "quantitative", "title": None, "scale": {"nice": False},
                  "axis": {"tickCount": 6, "labelExpr": f"datum.label + ' {unit}'"}},
            "y": {"field": "v", "type": "quantitative", "title": None, "scale": {"zero": False},
                  "axis": {"tickCount": 3, "minExtent": 44, "maxExtent": 44}},
        },
    }  # fmt: skip
