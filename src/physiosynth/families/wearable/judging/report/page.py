"""The report as one HTML page that needs nothing else; its words and layout are in templates/."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from physiosynth.families.wearable.features.measured import ALL_STATES
from physiosynth.families.wearable.judging.findings import GROUP_TITLES, LEVELS, title_of
from physiosynth.families.wearable.judging.registry import GROUPS
from physiosynth.families.wearable.judging.report.drawing import Drawing
from physiosynth.families.wearable.judging.report.summary import Summary
from physiosynth.families.wearable.judging.rows import ScoreRow, ScoreTable
from physiosynth.families.wearable.judging.scores_table import score_named
from physiosynth.families.wearable.scores.controls import CONTROL_TITLES
from physiosynth.families.wearable.signals import CONDITIONS

HERE = Path(__file__).parent
LONGEST_LIST = 12
BETTER = {"lower": "lower is better", "higher": "higher is better", "near_zero": "nearer to 0 is better"}
GROUP_TEXTS = {
    "distributions": "Are the values, and the windows as a whole, distributed as in the reference?",
    "spectra": "Does each signal hold the same frequencies, and repeat itself after the same times?",
    "physiology": "Are heart rate, beats, breathing and skin responses those of people in that state?",
    "coupling": "Do heart, breath and skin of one window move together as they do in a body?",
    "usefulness": "Can a classifier learn the states from these windows and then name them in reference windows?",
    "fidelity": "Can single windows be told from the reference, and are they as diverse?",
    "privacy": "Do the windows reproduce those of the training subjects?",
}


@dataclass(frozen=True)
class DataTable:
    """A table of the page. folded: the words that it opens under, "" where it stands open."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    folded: str = ""


def page(
    summary: Summary,
    table: ScoreTable,
    drawings: Mapping[str, Sequence[Drawing]],
    tables: Mapping[str, Sequence[DataTable]],
    facts: Sequence[tuple[str, str]],
    notes: Sequence[str],
) -> str:
    """The whole page. drawings, tables: by group; facts: what was evaluated, and how."""
    files = FileSystemLoader([HERE / "templates", HERE])
    jinja = Environment(loader=files, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    jinja.filters["number"] = number
    jinja.globals |= {
        "levels": LEVELS, "group_titles": GROUP_TITLES, "group_texts": GROUP_TEXTS, "longest_list": LONGEST_LIST,
        "title_of": title_of,
    }  # fmt: skip
    by_group = {group: list(table.select(group=group).rows) for group in GROUPS}
    return jinja.get_template("page.html.jinja").render(
        summary=summary, drawings=drawings, tables=tables, facts=facts, notes=notes,
        groups=[group for group in GROUPS if by_group[group] or drawings.get(group)],
        scores={
            group: [_score(name, list(mine)) for name, mine in groupby(rows, key=lambda row: row.score)]
            for group, rows in by_group.items()
        },
    )  # fmt: skip


def number(value: Any) -> str:
    """Three figures that count; None and NaN are a dash, text is itself."""
    if isinstance(value, str):
        return value
    if value is None or not math.isfinite(value):
        return "–"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:.0f}"
    text = f"{value:.3g}"
    return f"{float(text):.4f}" if "e" in text and abs(value) >= 1e-4 else text.replace("e-0", "e-")


def _score(name: str, rows: Sequence[ScoreRow]) -> dict[str, Any]:
    """What the page says of a score: words, levels by part and state, and all figures with their yardsticks."""
    controls = [CONTROL_TITLES[each] for each in dict.fromkeys(row.control_name for row in rows)]
    parts = [row.part for row in rows]
    return {
        "title": rows[0].title,
        "meaning": score_named(name).meaning,
        "better": BETTER[rows[0].better],
        "controls": " or ".join(title[0].lower() + title[1:] for title in controls),
        "states": [state for state in (ALL_STATES, *CONDITIONS) if any(row.state == state for row in rows)],
        "rows_by_part": {part: [row for row in rows if row.part == part] for part in dict.fromkeys(parts)},
        "figures": _figures(rows),
    }


def _figures(rows: Sequence[ScoreRow]) -> DataTable:
    lines = []
    for row in rows:
        label = " · ".join(text for text in (title_of(row.part), row.state) if text)
        floors = [getattr(floor, end, None) for floor in (row.random, row.people) for end in ("mean", "edge")]
        windows = f"{row.reference_windows} / {row.synthetic_windows}"
        lines.append([label, row.value, row.matched, *floors, row.control, windows, LEVELS[row.level].word, row.reason])
    header = ("", "all windows", "at the baseline's size", "split-half baseline, mean", "baseline, 95 %",
              "other people, mean", "other people, 95 %", "control", "windows, reference / synthetic", "level",
              "reason")  # fmt: skip
    caption = "Levels compare the figure at the baseline's size with the baseline."
    return DataTable(caption, header, lines, "All figures with baseline and control")
