"""The main chart as a Vega specification: ECG, Resp and EDA on one time axis that is moved, zoomed and brushed.

Vega itself, not Vega-Lite: there a brush in an overview and a drag in the panes cannot set the same axis. All panes
read the one signal `span`, the seconds shown. No gesture of it takes the page's own scrolling away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from physiosynth.dashboard.colours import Palette
from physiosynth.dashboard.view.drawing import VEGA, Spec, config
from physiosynth.dashboard.view.strips import Strip, envelope, limits
from physiosynth.families.wearable.signals import FUSED_CHANNELS, WINDOW_S

if TYPE_CHECKING:
    import pandas as pd

    from physiosynth.families.wearable.features.readings import Readings

LEFT, RIGHT, TITLE, BOTTOM = 50, 8, 22, 40  # margins of a pane in pixels
HEIGHTS = {"ECG": 170, "Resp": 92, "EDA": 92}
ROOM = {"ECG": 0.12, "Resp": 0.2, "EDA": 0.2}  # above and below the trace, for the marks
OVERVIEW, OVERVIEW_BINS = 34, 400
SIDE_BY_SIDE_FROM = 700  # pixels of width
SHORTEST_S = 0.5
EVENTS = {"ECG": "triangle-down", "Resp": "triangle-up", "EDA": "diamond"}
MARKED = {"ECG": "heartbeats", "Resp": "breaths", "EDA": "skin conductance responses"}  # for those who hear the chart


def table(sets: list[list[tuple[Strip, Readings | None]]]) -> pd.DataFrame:
    """Everything drawn, in one table: k names the series, t in s, v in the channel's unit, w the envelope's other end.

    sets: one list of windows a column of panes, the one drawn on top last.
    """
    import pandas as pd

    parts = [_overview_rows(sets[0][-1][0])]
    for i, windows in enumerate(sets):
        for j, (strip, measured) in enumerate(windows):
            parts += [pd.DataFrame({"k": f"{name}{i}{j}", "t": t, "v": v}) for name in strip.signals for t, v in
                      [strip.trace(name)]]  # fmt: skip
            parts += _event_rows(strip, measured, f"{i}{j}") if measured is not None else []
    whole = pd.concat(parts, ignore_index=True)
    return whole.assign(k=whole["k"].astype("category"))


def spec(sets: list[list[Strip]], palette: Palette, home: tuple[float, float], marked: bool = True) -> Spec:
    """The chart of `table`'s windows; home: the seconds shown at first and after a double-click."""
    columns = "2" if len(sets) == 2 else "1"
    set_height = sum(HEIGHTS.values()) + TITLE * len(HEIGHTS) + BOTTOM
    return {
        **VEGA,
        "config": config(palette),
        "signals": [
            {"name": "columns", "update": f"width >= {SIDE_BY_SIDE_FROM} ? {columns} : 1"},
            {"name": "pane", "update": f"width / columns - {LEFT + RIGHT}"},
            {"name": "whole", "update": f"width - {LEFT + RIGHT}"},
            {"name": "height", "update": f"{OVERVIEW + TITLE + 8} + {set_height} * {len(sets)} / columns"},
            *_gestures([_pane_name(i, channel) for i in range(len(sets)) for channel in HEIGHTS], home),
        ],
        "data": {"name": "source"},  # not a list: Streamlit would take that for the rows
        "scales": [
            {"name": "x", "zero": False, "domain": {"signal": "span"}, "range": [0, {"signal": "pane"}]},
            {"name": "full", "domain": [0, WINDOW_S], "range": [0, {"signal": "whole"}]},
        ],
        "marks": [_overview(sets[0][-1], palette), *_panes(sets, palette, set_height, marked)],
    }  # fmt: skip


def _gestures(panes: list[str], home: tuple[float, float]) -> list[Spec]:
    """Signals: what pointer and wheel do to `span`."""
    inside = f"(x() - {LEFT} - (columns == 2 && x() > width / 2 ? width / 2 : 0)) / pane"
    second = f"clamp(invert('full', x() - {LEFT}), 0, {WINDOW_S})"
    length = "(grab.span[1] - grab.span[0])"
    first = f"clamp(grab.span[0] - (drag - grab.x) / pane * {length}, 0, {WINDOW_S} - {length})"
    shifted = f"clamp(brush.span[0] + reach - brush.t, 0, {WINDOW_S} - (brush.span[1] - brush.span[0]))"
    zoomed = f"[max(0, zoom.t - (zoom.t - span[0]) * zoom.by), min({WINDOW_S}, zoom.t + (span[1] - zoom.t) * zoom.by)]"
    wheel = {"type": "wheel", "filter": ["event.shiftKey || event.ctrlKey"], "consume": True}
    wheels = [{**wheel, "markname": name} for name in panes]
    drags = (f"[@{name}:pointerdown, window:pointerup] > window:pointermove!" for name in panes)
    pressed, moved, doubled = (
        ", ".join(f"@{name}:{kind}" for name in panes) for kind in ("pointerdown", "pointermove", "dblclick")
    )
    by = "pow(1.002, (event.deltaY || event.deltaX) * pow(16, event.deltaMode))"
    return [
        {"name": "grab", "value": None, "on": [
            {"events": pressed, "update": "{x: x(), span: span}"},
            {"events": "window:pointerup", "update": "null"}]},
        {"name": "drag", "value": 0, "on": [
            {"events": ", ".join(drags), "update": "x()"}]},
        {"name": "brush", "value": None, "on": [
            {"events": "@overview:pointerdown",
             "update": f"{{t: {second}, span: span, hit: span[1] - span[0] < {WINDOW_S - 0.1} && "
                       f"inrange({second}, span)}}"},
            {"events": "window:pointerup", "update": "null"}]},
        {"name": "reach", "value": 0, "on": [
            {"events": "[@overview:pointerdown, window:pointerup] > window:pointermove!", "update": second}]},
        {"name": "zoom", "value": None, "on": [
            {"events": wheels, "update": f"{{t: span[0] + {inside} * (span[1] - span[0]), by: {by}}}"}]},
        {"name": "cursor", "value": -1, "on": [
            {"events": moved, "update": f"span[0] + {inside} * (span[1] - span[0])"},
            {"events": "view:pointerout", "update": "-1"}]},
        {"name": "span", "value": list(home), "on": [
            {"events": {"signal": "drag"}, "update": f"grab ? [{first}, {first} + {length}] : span"},
            {"events": {"signal": "reach"}, "update":
                f"!brush ? span : brush.hit ? [{shifted}, {shifted} + brush.span[1] - brush.span[0]] : "
                f"abs(reach - brush.t) < {SHORTEST_S} ? span : [min(reach, brush.t), max(reach, brush.t)]"},
            {"events": {"signal": "zoom"}, "update":
                f"zoom && (span[1] - span[0]) * zoom.by >= {SHORTEST_S} ? {zoomed} : span"},
            {"events": f"{doubled}, @overview:dblclick", "update": f"[{home[0]}, {home[1]}]"}]},
    ]  # fmt: skip


def _overview(strip: Strip, palette: Palette) -> Spec:
    """The slim pane above: the whole window's ECG, and which part of it is shown below."""
    height = {"value": OVERVIEW}
    edges = {"x": {"scale": "full", "signal": "span[0]"}, "x2": {"scale": "full", "signal": "span[1]"}}
    return {
        "type": "group", "name": "overview",
        "encode": {"update": {
            "x": {"value": LEFT}, "y": {"value": TITLE - 4}, "width": {"signal": "whole"}, "height": height,
            "fill": {"value": palette.band}, "fillOpacity": {"value": 0.45}, "cursor": {"value": "col-resize"}}},
        "data": [_series("sketch")],
        "scales": [{"name": "y", "zero": False, "nice": False, "range": [OVERVIEW, 0],
                    "domain": list(limits([strip.signals["ECG"]], 0.05))}],
        "marks": [
            {"type": "rect", "interactive": False, "aria": False, "encode": {"update": {
                **edges, "y": {"value": 0}, "height": height, "fill": {"value": palette.mark},
                "fillOpacity": {"value": 0.1}, "stroke": {"value": palette.mark}, "strokeOpacity": {"value": 0.7}}}},
            {"type": "area", "from": {"data": "sketch"}, "interactive": False, "aria": False, "encode": {"update": {
                "x": {"scale": "full", "field": "t"}, "y": {"scale": "y", "field": "v"},
                "y2": {"scale": "y", "field": "w"}, "fill": {"value": palette.muted},
                "stroke": {"value": palette.muted}, "strokeWidth": {"value": 0.5}}}},
            {"type": "text", "interactive": False, "encode": {"update": {
                "y": {"value": -6}, "fill": {"value": palette.muted}, "text": {"signal":
                    f"'Overview of {WINDOW_S} s. Shown: ' + format(span[0], '.1f') + ' to ' + format(span[1], '.1f') "
                    "+ ' s'"}}}},
        ],
    }  # fmt: skip


def _panes(sets: list[list[Strip]], palette: Palette, set_height: int, marked: bool) -> list[Spec]:
    found = []
    for i in range(len(sets)):
        top = OVERVIEW + TITLE + 8
        for channel, height in HEIGHTS.items():
            top += TITLE
            found.append(_pane(sets, i, channel, (top, height, set_height), palette, marked))
            top += height
    return found


def _pane(
    sets: list[list[Strip]], i: int, channel: str, place: tuple[int, int, int], palette: Palette, marked: bool
) -> Spec:
    top, height, set_height = place
    windows, last = sets[i], channel == FUSED_CHANNELS[-1]
    series = [f"{channel}{i}{j}" for j in range(len(windows))]
    time_axis = {"scale": "x", "orient": "bottom", "grid": True, "tickCount": {"signal": "ceil(pane / 90)"},
                 "labels": last, "domain": last, "ticks": last, "zindex": 0,
                 **({"title": "Time in window (s)"} if last else {})}  # fmt: skip
    marks = [_line(channel, name, strip, palette) for name, strip in zip(series, windows, strict=True)]
    if marked:
        marks += [_events(channel, f"{name}e", strip, palette) for name, strip in zip(series, windows, strict=True)]
    return {
        "type": "group", "name": _pane_name(i, channel),
        "description": f"{windows[-1].title}: {windows[-1].quantity(channel)}",
        "encode": {"update": {
            "x": {"signal": f"{LEFT} + (columns == 2 ? {i} * width / 2 : 0)"},
            "y": {"signal": f"{top} + (columns == 2 ? 0 : {i * set_height})"},
            "width": {"signal": "pane"}, "height": {"value": height}, "fill": {"value": "transparent"},
            "cursor": {"value": "grab"}}},
        # Axes take the length of their grid lines from these two names.
        "signals": [{"name": "width", "update": "pane"}, {"name": "height", "value": height}],
        "data": [_series(name) for name in [*series, *(f"{each}e" for each in series if marked)]],
        "scales": [{"name": "y", "zero": False, "nice": False, "domain": y_limits(sets, i, channel),
                    "range": [height, 0]}],
        "axes": [time_axis, {"scale": "y", "orient": "left", "grid": True, "tickCount": height // 26,
                             "domain": False, "ticks": False, "labelOverlap": True}],
        "marks": [*marks, _cursor(height, palette), *_titles(windows, channel, palette)],
    }  # fmt: skip


def _pane_name(i: int, channel: str) -> str:
    return f"pane{i}{channel}"


def _series(name: str) -> Spec:
    return {"name": name, "source": "source", "transform": [{"type": "filter", "expr": f"datum.k == '{name}'"}]}


def _line(channel: str, name: str, strip: Strip, palette: Palette) -> Spec:
    width = 1.1 if channel == "ECG" else 1.6
    return {
        "type": "line", "from": {"data": name}, "clip": True, "interactive": False, "aria": False,
        "encode": {"update": {
            "x": {"scale": "x", "field": "t"}, "y": {"scale": "y", "field": "v"},
            "stroke": {"value": palette.reference if strip.reference else palette.channels[channel]},
            "strokeWidth": {"value": width}, "strokeJoin": {"value": "round"}}},
    }  # fmt: skip


def _events(channel: str, name: str, strip: Strip, palette: Palette) -> Spec:
    offset = 8 if channel == "Resp" else -8
    return {
        "type": "symbol", "from": {"data": name}, "clip": True, "description": MARKED[channel], "encode": {"update": {
            "x": {"scale": "x", "field": "t"}, "y": {"scale": "y", "field": "v", "offset": offset},
            "shape": {"value": EVENTS[channel]}, "size": {"signal": "pane < 420 ? 24 : 44"},
            "tooltip": {"field": "text"}, "description": {"field": "text"},
            "fill": {"value": palette.reference if strip.reference else palette.mark}}},
    }  # fmt: skip


def _cursor(height: int, palette: Palette) -> Spec:
    """The hand's second, in all panes at once."""
    return {
        "type": "rule", "interactive": False, "aria": False, "clip": True, "encode": {"update": {
            "x": {"scale": "x", "signal": "cursor"}, "y": {"value": 0}, "y2": {"value": height},
            "stroke": {"value": palette.muted}, "strokeDash": {"value": [3, 3]},
            "opacity": {"signal": "cursor < 0 ? 0 : 1"}}},
    }  # fmt: skip


def _titles(windows: list[Strip], channel: str, palette: Palette) -> list[Spec]:
    """What the pane shows, and above the first pane whose it is."""
    style = {"y": {"value": -7}, "fontWeight": {"value": "bold"}}
    left = {"type": "text", "interactive": False, "encode": {"update": {
        **style, "text": {"value": windows[-1].quantity(channel)},
        "fill": {"value": palette.muted if windows[-1].reference else palette.channels[channel]}}}}  # fmt: skip
    if channel != FUSED_CHANNELS[0]:
        return [left]
    names = " over ".join(strip.title for strip in reversed(windows))
    right = {"type": "text", "interactive": False, "encode": {"update": {
        **style, "x": {"signal": "pane"}, "align": {"value": "right"}, "text": {"value": names},
        "limit": {"signal": "pane - 70"}, "fill": {"value": palette.ink}}}}  # fmt: skip
    return [left, right]


def y_limits(sets: list[list[Strip]], i: int, channel: str) -> list[float]:
    """One scale for all panes of a channel; EDA keeps each pane's own level, many times the size of a response."""
    held = [[strip.signals[channel] for strip in windows if channel in strip.signals] for windows in sets]
    own = [limits(traces, ROOM[channel]) for traces in held if traces]
    if channel != "EDA" or not held[i]:
        return [min(low for low, _ in own), max(high for _, high in own)]
    span, (low, high) = max(high - low for low, high in own), limits(held[i], ROOM[channel])
    return [(low + high - span) / 2, (low + high + span) / 2]


def _overview_rows(strip: Strip) -> pd.DataFrame:
    import pandas as pd

    low, high = envelope(strip.signals["ECG"], OVERVIEW_BINS).T
    t = (np.arange(OVERVIEW_BINS) + 0.5) * WINDOW_S / OVERVIEW_BINS
    return pd.DataFrame({"k": "sketch", "t": t, "v": low, "w": high})


def _event_rows(strip: Strip, measured: Readings, suffix: str) -> list[pd.DataFrame]:
    import pandas as pd

    intervals = np.diff(measured.beats_s, prepend=np.nan)
    beats = [
        f"R peak at {t:.3f} s" + (f"; RR {1000 * rr:.0f} ms ({60 / rr:.0f} bpm)" if rr > 0 else "")
        for t, rr in zip(measured.beats_s, intervals, strict=True)
    ]
    breaths = [f"Inspiration onset at {t:.2f} s" for t in measured.inspirations_s]
    scrs = measured.scrs
    responses = [
        f"Skin conductance response: onset {start:.2f} s, peak {peak:.2f} s, {size:.3f} µS"
        for start, peak, size in zip(scrs.onset_s, scrs.peak_s, scrs.amplitude_us, strict=True)
    ]
    found = (
        ("ECG", measured.beats_s, beats),
        ("Resp", measured.inspirations_s, breaths),
        ("EDA", scrs.peak_s, responses),
    )
    return [
        pd.DataFrame({"k": f"{name}{suffix}e", "t": at, "v": np.interp(at, *strip.trace(name)), "text": text})
        for name, at, text in found
        if len(at)
    ]
