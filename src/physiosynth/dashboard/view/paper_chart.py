"""ECG on ruled paper as a Vega specification: 25 mm/s, 10 mm/mV, squares that are square at any width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from physiosynth.dashboard.colours import Palette
from physiosynth.dashboard.view.drawing import VEGA, Spec, config
from physiosynth.dashboard.view.strips import Strip
from physiosynth.families.wearable.signals import WINDOW_S

if TYPE_CHECKING:
    import pandas as pd

MM_PER_S, GAINS = 25, (10, 5, 2.5, 1, 0.5, 0.1)  # the latter in mm/mV; machines halve the gain for high signals too
HIGHEST_MM = 60
WIDE_S, NARROW_S = 6, 3
WIDE_FROM = 560  # pixels
LEAD_S = 0.4  # of paper in front of the trace, for the calibration pulse
TITLE = 24


def table(strips: list[Strip]) -> pd.DataFrame:
    """The ECG of the windows: k the number of the strip, t in s, v in mV."""
    import pandas as pd

    parts = [strip.trace("ECG") for strip in strips]
    return pd.concat([pd.DataFrame({"k": i, "t": t, "v": v}) for i, (t, v) in enumerate(parts)], ignore_index=True)


def scale_of(strips: list[Strip]) -> tuple[float, float, float]:
    """Gain in mm/mV, and the lowest and the highest value in mV, both at a thick line."""
    low, high = (float(f([f(strip.signals["ECG"]) for strip in strips])) for f in (np.min, np.max))
    gain = next((gain for gain in GAINS if (high - low) * gain <= HIGHEST_MM), GAINS[-1])
    square = 5 / gain
    return gain, float(np.floor((low - 0.02) / square) * square), float(np.ceil((high + 0.02) / square) * square)


def spec(strips: list[Strip], palette: Palette, first_s: float, whole: bool) -> Spec:
    """The paper of `table`'s windows from second first_s on; whole: all of the window, in rows under each other."""
    gain, low, high = scale_of(strips)
    shown = f"{WINDOW_S} - first" if whole else "seconds"
    return {
        **VEGA,
        "config": config(palette),
        "signals": [
            {"name": "first", "value": 0 if whole else first_s},
            {"name": "seconds", "update": f"width >= {WIDE_FROM} ? {WIDE_S} : {NARROW_S}"},
            {"name": "mm", "update": f"width / ((seconds + {LEAD_S}) * {MM_PER_S})"},
            {"name": "row", "update": f"{(high - low) * gain} * mm"},
            {"name": "sheet", "update": f"row * ceil(({shown}) / seconds)"},
            {"name": "height", "update": f"(sheet + {TITLE}) * {len(strips)}"},
        ],
        "data": {"name": "source"},
        "scales": [
            {"name": "x", "domain": [0, {"signal": f"seconds + {LEAD_S}"}], "range": [0, {"signal": "width"}]},
            {"name": "y", "domain": [low, high], "zero": False, "range": [{"signal": "row"}, 0]},
        ],
        "marks": [_sheet(i, strip, palette, (gain, shown)) for i, strip in enumerate(strips)],
    }


def _sheet(i: int, strip: Strip, palette: Palette, how: tuple[float, str]) -> Spec:
    gain, shown = how
    own = [
        {"type": "filter", "expr": f"datum.k == {i} && datum.t >= first && datum.t < first + ({shown})"},
        {"type": "formula", "as": "row", "expr": "floor((datum.t - first) / seconds)"},
        {"type": "formula", "as": "at", "expr": f"datum.t - first - datum.row * seconds + {LEAD_S}"},
    ]
    ticks = {"type": "sequence", "start": 0, "step": 1, "as": "i"}
    title = f"{strip.title}: ECG, {MM_PER_S} mm/s, {gain:g} mm/mV"
    return {
        "type": "group",
        "encode": {"update": {
            "y": {"signal": f"(sheet + {TITLE}) * {i} + {TITLE}"}, "width": {"signal": "width"},
            "height": {"signal": "sheet"}, "fill": {"value": palette.paper}}},
        "data": [
            {"name": f"ecg{i}", "source": "source", "transform": own},
            {"name": f"across{i}", "transform": [{**ticks, "stop": {"signal": "ceil(width / mm) + 1"}}]},
            {"name": f"down{i}", "transform": [{**ticks, "stop": {"signal": "round(sheet / mm) + 1"}}]},
        ],
        "marks": [
            _rules(f"across{i}", "x", "width", palette),
            _rules(f"down{i}", "y", "sheet", palette),
            _rows(i, strip, palette),
            _pulse(palette),
            {"type": "text", "encode": {"update": {
                "y": {"value": -8}, "text": {"value": title}, "limit": {"signal": "width"},
                "fontWeight": {"value": "bold"}}}},
        ],
    }  # fmt: skip


def _rules(data: str, axis: str, most: str, palette: Palette) -> Spec:
    """A line each millimetre, every fifth thick."""
    other, length = ("y2", "sheet") if axis == "x" else ("x2", "width")
    thick = "datum.i % 5 == 0"
    return {
        "type": "rule", "from": {"data": data}, "interactive": False, "aria": False, "clip": True,
        "encode": {"update": {
            axis: {"signal": f"min(datum.i * mm, {most})"}, other: {"signal": length},
            "stroke": {"signal": f"{thick} ? '{palette.coarse}' : '{palette.fine}'"},
            "strokeWidth": {"signal": f"{thick} ? 0.9 : 0.6"}}},
    }  # fmt: skip


def _rows(i: int, strip: Strip, palette: Palette) -> Spec:
    """The trace, a row of paper for each `seconds` of it, with the second it begins at."""
    colour = palette.reference if strip.reference else palette.channels["ECG"]
    return {
        "type": "group",
        "from": {"facet": {"name": f"part{i}", "data": f"ecg{i}", "groupby": "row"}},
        "encode": {"update": {"y": {"signal": "datum.row * row"}, "width": {"signal": "width"},
                              "height": {"signal": "row"}}},
        "marks": [
            {"type": "line", "from": {"data": f"part{i}"}, "interactive": False, "aria": False, "encode": {"update": {
                "x": {"scale": "x", "field": "at"}, "y": {"scale": "y", "field": "v"}, "stroke": {"value": colour},
                "strokeWidth": {"value": 1.3}, "strokeJoin": {"value": "round"}}}},
            {"type": "text", "encode": {"update": {
                "x": {"value": 4}, "y": {"signal": "row - 5"},
                "text": {"signal": "format(first + parent.row * seconds, '.3~g') + ' s'"}}}},
        ],
    }  # fmt: skip


def _pulse(palette: Palette) -> Spec:
    """The calibration pulse: 1 mV for 0.2 s."""
    d = (
        f"'M' + {LEAD_S / 8} * {MM_PER_S} * mm + ',' + scale('y', 0) + 'h' + {LEAD_S / 8} * {MM_PER_S} * mm + "
        f"'V' + scale('y', 1) + 'h' + 0.2 * {MM_PER_S} * mm + 'V' + scale('y', 0) + 'h' + "
        f"{LEAD_S / 8} * {MM_PER_S} * mm"
    )
    return {
        "type": "path", "interactive": False, "description": "Calibration pulse: 1 mV for 0.2 s", "encode": {"update": {
            "path": {"signal": d}, "stroke": {"value": palette.ink}, "strokeWidth": {"value": 1.2}}},
    }  # fmt: skip
