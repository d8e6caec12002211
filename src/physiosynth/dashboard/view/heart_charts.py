"""Tachogram and mean beat as Vega-Lite specifications, each beside the reference's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from physiosynth.dashboard.colours import Palette
from physiosynth.dashboard.view.drawing import Spec, config
from physiosynth.dashboard.view.strips import limits
from physiosynth.families.wearable.signals import WINDOW_S

if TYPE_CHECKING:
    import pandas as pd

    from physiosynth.families.wearable.features.readings import MeanBeat

SYNTHETIC, REFERENCE = "Synthetic", "Reference"
HEIGHT = 240


def tachogram_table(beats_s: dict[str, np.ndarray]) -> pd.DataFrame:
    """The R-R intervals in ms at the second each ends; beats_s: (k,) R peaks in s by the name of the window."""
    import pandas as pd

    from physiosynth.families.wearable.features.readings import tachogram

    parts = []
    for name, beats in beats_s.items():
        at, interval = tachogram(beats)
        parts.append(pd.DataFrame({"window": name, "t": at, "rr": interval, "mean": interval.mean() if len(at) else 0}))
    return pd.concat(parts, ignore_index=True)


def tachogram_spec(rows: pd.DataFrame, palette: Palette) -> Spec:
    """RR intervals over time with their mean."""
    low, high = limits([rows["rr"].to_numpy()]) if len(rows) else (0.0, 1.0)
    colour = _colour(palette, "window", rows)
    x = {"field": "t", "type": "quantitative", "title": "Time in window (s)",
         "scale": {"domain": [0, WINDOW_S], "nice": False}, "axis": {"tickCount": 6}}  # fmt: skip
    y = {"field": "rr", "type": "quantitative", "title": "RR interval (ms)",
         "scale": {"domain": [low, high], "zero": False, "nice": False}, "axis": {"tickCount": 5}}  # fmt: skip
    tooltip = [
        {"field": "window", "type": "nominal", "title": "Window"},
        {"field": "t", "type": "quantitative", "title": "Ends at (s)", "format": ".2f"},
        {"field": "rr", "type": "quantitative", "title": "RR (ms)", "format": ".0f"},
        {"field": "mean", "type": "quantitative", "title": "Mean RR (ms)", "format": ".0f"},
    ]
    return {
        "height": HEIGHT,
        "background": "transparent",
        "config": config(palette),
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [5, 4], "aria": False},
             "encoding": {"y": {**y, "field": "mean", "aggregate": "mean"}, "color": colour}},
            {"mark": {"type": "line", "strokeWidth": 1.8, "point": {"size": 34, "filled": True}},
             "encoding": {"x": x, "y": y, "color": colour, "tooltip": tooltip}},
        ],
    }  # fmt: skip


def beat_table(beats: dict[str, MeanBeat]) -> pd.DataFrame:
    """Mean beats on the time from R in ms, by the name of what they are of."""
    import pandas as pd

    parts = [
        {"of": name, "lag": 1000 * beat.lag_s, "mean": beat.mean_mv, "low": beat.low_mv, "high": beat.high_mv}
        for name, beat in beats.items()
    ]
    return pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)


def beat_spec(rows: pd.DataFrame, palette: Palette) -> Spec:
    """The mean of the aligned beats, and the band from their 5th to their 95th percentile."""
    x = {"field": "lag", "type": "quantitative", "title": "Time from R peak (ms)", "scale": {"nice": False}}
    y = {"type": "quantitative", "title": "ECG (mV)", "scale": {"zero": False}}
    colour = _colour(palette, "of", rows)
    return {
        "height": HEIGHT,
        "background": "transparent",
        "config": config(palette),
        "layer": [
            {"mark": {"type": "area", "opacity": 0.28, "aria": False},
             "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}},
            {"mark": {"type": "line", "strokeWidth": 2},
             "encoding": {"x": x, "y": {**y, "field": "mean"}, "color": colour}},
        ],
    }  # fmt: skip


def _colour(palette: Palette, field: str, rows: pd.DataFrame) -> Spec:
    colours = {SYNTHETIC: palette.channels["ECG"], REFERENCE: palette.reference}
    there = [name for name in colours if (rows[field] == name).any()]
    scale = {"domain": there, "range": [colours[name] for name in there]}
    legend = {"title": None, "symbolOpacity": 1, "symbolType": "circle"}
    return {"field": field, "type": "nominal", "scale": scale, "legend": legend}
