"""Scores as dots between what reference windows score and what corrupted ones do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from physiosynth.dashboard import colours
from physiosynth.families.wearable.judging.findings import LEVELS

if TYPE_CHECKING:
    import altair as alt

    from physiosynth.families.wearable.scores.quick import Line

LEFT, RIGHT = -0.12, 1.15  # ends of the scale; what lies beyond is drawn at the end
ROW_PX, AXIS_PX = 42, 30
SHAPES = {"good": "circle", "person": "diamond", "care": "triangle-up", "poor": "cross", "unknown": "stroke"}


def score_chart(lines: Sequence[Line], title: str) -> alt.LayerChart:
    """One row a line: its name and verdict above, below them the floor's bar, other people and the dot.

    Names stand inside, so that the scale keeps its width on a narrow screen.
    """
    import altair as alt

    shown = colours.current()
    data = alt.Data(values=[_row(place, line) for place, line in enumerate(lines)])
    x = alt.X("place:Q", scale=alt.Scale(domain=[LEFT, RIGHT], nice=False), axis=_axis(shown), title=None)
    y = alt.Y("row:O", axis=None, scale=alt.Scale(paddingInner=0.1, paddingOuter=0.1))
    hover = [
        alt.Tooltip(f"{field}:N", title=name)
        for field, name in (("name", "Score"), ("verdict", "Verdict"), ("value", "These windows"),
                            ("floor", "Split-half baseline"), ("people", "Other people"), ("control", "Control"),
                            ("meaning", "Meaning"))
    ]  # fmt: skip
    base = alt.Chart(data)
    low = 9  # pixels below the middle of a row
    bar = base.mark_bar(height=9, yOffset=low, color=shown.core).encode(
        alt.X("zero:Q", scale=alt.Scale(domain=[LEFT, RIGHT])), alt.X2("edge:Q"), y, tooltip=hover
    )
    others = base.mark_tick(size=15, thickness=2.5, yOffset=low, color=shown.muted).encode(
        alt.X("others:Q"), y, tooltip=hover
    )
    level = alt.Scale(domain=list(LEVELS), range=[shown.levels[name] for name in LEVELS])
    dots = base.mark_point(size=85, filled=True, opacity=1, yOffset=low).encode(
        x, y, tooltip=hover,
        color=alt.Color("level:N", scale=level, legend=None),
        shape=alt.Shape("level:N", scale=alt.Scale(domain=list(SHAPES), range=list(SHAPES.values())), legend=None),
    )  # fmt: skip
    names = base.mark_text(align="left", dy=-7, fontSize=12.5, color=shown.ink).encode(alt.XValue(0), y, text="name:N")
    words = base.mark_text(align="right", dy=-7, fontSize=12).encode(
        alt.XValue("width"), y, text="verdict:N", color=alt.Color("level:N", scale=level, legend=None)
    )
    return (
        alt.layer(bar, others, names, words, dots)
        .properties(height=ROW_PX * len(lines) + AXIS_PX, description=describe(lines, title))
        .configure_view(stroke=None)
        .configure(background="transparent")
    )


def describe(lines: Sequence[Line], title: str) -> str:
    """What the chart shows, in words."""
    said = ", ".join(f"{line.name}: {LEVELS[line.level].word}" for line in lines)
    return f"{title}. Scores between the reference (0) and the negative control (1). {said}."


def _axis(shown: colours.Palette) -> alt.Axis:
    import altair as alt

    return alt.Axis(
        values=[0, 0.5, 1], labelExpr="datum.value == 0 ? 'reference' : datum.value == 1 ? 'control' : ''",
        orient="top", labelColor=shown.muted, gridColor=shown.grid, domain=False, ticks=False, labelFontSize=12,
    )  # fmt: skip


def _row(place: int, line: Line) -> dict[str, object]:
    level = LEVELS[line.level]
    return {
        "row": place,
        "name": line.name,
        "level": line.level,
        "verdict": f"{level.mark} {level.word}",
        "meaning": f"{line.meaning} The negative control is {line.control_name}.",
        "zero": 0,
        "place": _within(line.place),
        "edge": _within(line.floor_place),
        "others": _within(line.people_place),
        "value": number(line.value, line.unit),
        "floor": f"{number(line.floor, line.unit)} (95 %: {number(line.edge, line.unit)})",
        "people": number(line.people, line.unit),
        "control": number(line.control, line.unit),
    }


def _within(place: float) -> float | None:
    return min(max(place, LEFT), RIGHT) if math.isfinite(place) else None


def number(value: float, unit: str = "") -> str:
    """Three figures that count, a dash where there is none."""
    return f"{value:.3g} {unit}".strip() if math.isfinite(value) else "–"
