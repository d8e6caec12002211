"""Charts of a sweep: a map of steps and guidance, and scores beside their cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from physiosynth.dashboard import colours
from physiosynth.dashboard.trust_page.score_chart import number
from physiosynth.families.wearable.scores.glance import KINDS

if TYPE_CHECKING:
    import altair as alt

    from physiosynth.families.wearable.scores.sweep import ScoredCell

CELL_PX, AXIS_PX = 60, 55
WITHIN, OFF, UNKNOWN = "good", "care", "unknown"


def grid_chart(done: Sequence[ScoredCell], name: str, state: str) -> alt.LayerChart:
    """A map of one state: steps across, guidance down, the figure and the cost written in each cell.

    The fill is stronger the worse a cell is; within the split-half baseline it is of the other colour.
    """
    import altair as alt

    shown = colours.current()
    base = alt.Chart(alt.Data(values=[_row(each, name, done) for each in done]))
    x = alt.X("steps:O", title="Denoising steps", axis=_axis(shown, labelAngle=0))
    y = alt.Y("guidance:O", title="Guidance scale", axis=_axis(shown), sort="descending")
    hover = [alt.Tooltip(f"{field}:N", title=title) for field, title in TOOLTIPS.items()]
    cells = base.mark_rect(stroke=shown.ground, strokeWidth=2, cornerRadius=3).encode(
        x, y, tooltip=hover, color=_level(shown), opacity=alt.Opacity("strength:Q", scale=None)
    )
    values = base.mark_text(fontSize=13, dy=-8, color=shown.ink, fontWeight="bold").encode(x, y, text="shown:N")
    costs = base.mark_text(fontSize=11, dy=9, color=shown.ink).encode(x, y, text="cost:N")
    rows = len({each.cell.guidance for each in done})
    return (
        alt.layer(cells, values, costs)
        .properties(height=CELL_PX * rows + AXIS_PX, description=_described(done, name, f"Map of {state}"))
        .configure_view(stroke=None)
        .configure(background="transparent")
    )


TOOLTIPS = {
    "state": "State", "settings": "Settings", "shown": "Score", "baseline": "Split-half baseline", "cost": "Cost",
}  # fmt: skip


def cost_chart(done: Sequence[ScoredCell], name: str) -> alt.LayerChart:
    """The score against network evaluations per window, one shape per state; the line is the split-half baseline."""
    import altair as alt

    shown, kind = colours.current(), KINDS[name]
    rows = [row for row in (_row(each, name, done) for each in done) if row["value"] is not None]
    base = alt.Chart(alt.Data(values=rows))
    title = kind.title + (f", {kind.unit}" if kind.unit else "")
    ink = shown.ink
    legend = alt.Legend(orient="top", title=None, labelColor=ink, symbolFillColor=ink, symbolStrokeColor=ink)
    log = alt.Scale(type="log", nice=False, padding=24)
    dots = base.mark_point(size=90, filled=True, opacity=1).encode(
        alt.X("evaluations:Q", title="Network evaluations per window", axis=_axis(shown), scale=log),
        alt.Y("value:Q", title=title, axis=_axis(shown), scale=alt.Scale(zero=False)),
        tooltip=[alt.Tooltip(f"{field}:N", title=text) for field, text in TOOLTIPS.items()],
        color=_level(shown),
        shape=alt.Shape("state:N", legend=legend),
    )
    floors = base.mark_rule(strokeDash=[4, 3], color=shown.muted).encode(alt.Y("mean(floor):Q", title=title))
    return (
        alt.layer(floors, dots)
        .properties(height=240, description=_described(done, name, "Cost"))
        .configure_view(stroke=None)
        .configure(background="transparent")
    )


def _level(shown: colours.Palette) -> alt.Color:
    import altair as alt

    names = [WITHIN, OFF, UNKNOWN]
    return alt.Color("level:N", legend=None, scale=alt.Scale(domain=names, range=[shown.levels[n] for n in names]))


def _axis(shown: colours.Palette, **given: object) -> alt.Axis:
    import altair as alt

    return alt.Axis(
        labelColor=shown.muted, titleColor=shown.ink, gridColor=shown.grid, domainColor=shown.muted, ticks=False,
        labelFontSize=12, titleFontSize=12, titleFontWeight="normal", labelPadding=5, **given,
    )  # fmt: skip


def _row(each: ScoredCell, name: str, done: Sequence[ScoredCell]) -> dict[str, object]:
    figure, kind = each.figures[name], KINDS[name]
    known = math.isfinite(figure.value)
    farthest = max((_worse(one, name) for one in done), default=0.0)
    mark = "●" if figure.within else "▲"
    return {
        "state": each.cell.condition,
        "steps": each.cell.steps,
        "guidance": each.cell.guidance,
        "settings": f"{each.cell.steps} steps, guidance {each.cell.guidance:g}, seed {each.cell.seed}",
        "value": figure.value if known else None,
        "floor": figure.floor if math.isfinite(figure.floor) else None,
        "shown": f"{mark} {number(figure.value, kind.unit)}" if known else "–",
        "baseline": f"{number(figure.floor, kind.unit)} (95 %: {number(figure.edge, kind.unit)})",
        "evaluations": each.evaluations,
        "cost": f"{each.evaluations} evals · {each.seconds:.1f} s",
        "level": (WITHIN if figure.within else OFF) if known else UNKNOWN,
        "strength": 0.15 + (0.35 * _worse(each, name) / farthest if farthest else 0.0),
    }


def _worse(each: ScoredCell, name: str) -> float:
    """How much worse than the split-half baseline a cell scores; 0 where it is not, or has no figure."""
    figure = each.figures[name]
    off = figure.value - figure.floor if KINDS[name].better == "lower" else figure.floor - figure.value
    return max(off, 0.0) if math.isfinite(off) else 0.0


def _described(done: Sequence[ScoredCell], name: str, title: str) -> str:
    kind = KINDS[name]
    said = "; ".join(
        f"{each.cell.condition}, {each.cell.steps} steps, guidance {each.cell.guidance:g}: "
        f"{number(each.figures[name].value, kind.unit)} for {each.evaluations} evaluations per window"
        for each in done
    )
    return f"{title}. {kind.title}: {said}."
