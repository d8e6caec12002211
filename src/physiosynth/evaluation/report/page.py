"""The report as one HTML page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from physiosynth.evaluation.controls import CONTROL_TITLES
from physiosynth.evaluation.findings import GROUP_TITLES, LEVELS, Finding, title_of
from physiosynth.evaluation.judged import ALL_STATES
from physiosynth.evaluation.levels import POOR, UNKNOWN
from physiosynth.evaluation.registry import GROUPS
from physiosynth.evaluation.report.drawing import Drawing
from physiosynth.evaluation.report.style import CSS
from physiosynth.evaluation.report.summary import Summary
from physiosynth.evaluation.rows import ScoreRow, ScoreTable
from physiosynth.evaluation.scores_table import score_named
from physiosynth.signals import CONDITIONS

LONGEST_LIST = 12
LIST_LEADS = {
    "good": "As in real windows of this person or of another, as far as these figures see. Where no state is named, "
    "in all states.",
    "care": "Not as in real windows, but nearer to them than to windows broken on purpose. Check before relying on it.",
    POOR: "Nearer to windows broken on purpose than to real ones. Conclude nothing about bodies from them.",
}
BETTER = {"lower": "lower is better", "higher": "higher is better", "near_zero": "nearer to 0 is better"}
GROUP_TEXTS = {
    "distributions": "Do the values, and the windows as a whole, spread as real ones do?",
    "spectra": "Does each signal hold the same frequencies, and repeat itself after the same times?",
    "physiology": "Are heart rate, beats, breathing and skin responses those of people in that state?",
    "coupling": "Do heart, breath and skin of one window move together as they do in a body?",
    "usefulness": "Can a classifier learn the states from these windows and then name them in real ones?",
    "fidelity": "Can single windows be told from real ones, and do they reach the real variety?",
    "privacy": "Do the windows give back those of the people that were learned from?",
}


def page(
    summary: Summary,
    table: ScoreTable,
    drawings: dict[str, Sequence[Drawing]],
    tables: dict[str, Sequence[str]],
    facts: Sequence[tuple[str, str]],
    notes: Sequence[str],
) -> str:
    """The whole page. drawings, tables: figures and finished HTML tables by group; facts: what was judged, and how."""
    groups = [group for group in GROUPS if table.select(group=group).rows or drawings.get(group)]
    sections = [_section(group, table.select(group=group), drawings, tables) for group in groups]
    links = "".join(f'<a href="#{group}">{group.capitalize()}</a>' for group in groups)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<title>Evaluation of synthetic windows</title>\n"
        f"<style>\n{CSS}</style>\n</head>\n<body>\n<main>\n"
        f"{_top(summary, notes, len(groups))}<nav aria-label='Sections'>{links}<a href='#record'>Record</a></nav>\n"
        f"{''.join(sections)}{_record(facts)}</main>\n</body>\n</html>\n"
    )


def html_table(caption: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table that scrolls sideways on its own; the first cell of a row names it."""
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in header)
    body = "".join(
        f'<tr><th scope="row">{escape(str(row[0]))}</th>'
        + "".join(f"<td>{number(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<p class="caption">{escape(caption)}</p><div class="scroll" tabindex="0">'  # words do not scroll sideways
        f'<table aria-label="{escape(caption)}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n"
    )


def number(value: Any) -> str:
    """Three figures that count; text is escaped, None and NaN are a dash."""
    if isinstance(value, str):
        return escape(value)
    if value is None or not math.isfinite(value):
        return "–"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:.0f}"
    text = f"{value:.3g}"
    return f"{float(text):.4f}" if "e" in text and abs(value) >= 1e-4 else text.replace("e-0", "e-")


def _top(summary: Summary, notes: Sequence[str], groups: int) -> str:
    legend = "".join(
        f'<li><span class="level {name}">{level.mark} {level.word}</span> {escape(level.meaning)}</li>'
        for name, level in LEVELS.items()
    )
    said = "".join(f"<p>{escape(text)}</p>" for text in summary.usefulness)
    privacy = "".join(f"<p>{escape(text)}</p>" for text in summary.privacy)
    noted = "".join(f'<p class="note">Note: {escape(text)}</p>' for text in notes)
    # Noise, too, has a right mean; nobody should trust it for that.
    trusted = "What is as real all the same" if summary.verdict == POOR else "What to trust"
    use = f"<h2>What they are good for</h2>{said}" if said else ""
    return (
        "<header><p class='kind'>Evaluation of synthetic ECG, skin conductance and respiration · synthetic signals, "
        f"for research and education, no clinical use</p><h1 class='{summary.verdict}'>{escape(summary.headline)}</h1>"
        f"<p class='lead'>{escape(summary.lead)}</p>{noted}</header>\n<section class='summary'>"
        f"<div class='columns'>{_list(trusted, summary.alike, 'good')}"
        f"{_list('What to take with care', summary.minor, 'care')}"
        f"{_list('What not to trust', summary.discrepant, POOR)}</div>"
        f"{use}<h2>Privacy</h2>{privacy}<h2>At a glance</h2>{_glance(summary)}"
        "<h2>How to read this</h2><p>Every figure is held against two yardsticks: the same figure between two halves "
        "of the real windows (the floor: what chance alone does), and of windows broken on purpose (the control: a "
        "figure that cannot tell those from real ones would be worthless).</p>"
        f"<ul class='legend'>{legend}</ul></section>\n"
    )


def _list(title: str, found: Sequence[Finding], level: str) -> str:
    lead = f"<p class='more'>{escape(LIST_LEADS[level])}</p>"
    items = "".join(f"<li>{escape(each.text)}</li>" for each in found[:LONGEST_LIST])
    more = len(found) - LONGEST_LIST
    rest = f"<p class='more'>and {more} more, in the tables below</p>" if more > 0 else ""
    shown = f"<ul>{items}</ul>{rest}" if items else "<p class='more'>Nothing.</p>"
    return f"<div class='card {level}'><h2>{LEVELS[level].mark} {title}</h2>{lead}{shown}</div>"


def _glance(summary: Summary) -> str:
    rows = []
    for group, counts in summary.counts.items():
        total = sum(counts.values())
        parts = "".join(
            f'<span class="bar {name}" style="flex:{counts[name]}" title="{counts[name]} of {total} {level.word}">'
            f"{level.mark}&nbsp;{counts[name]}</span>"
            for name, level in LEVELS.items()
            if counts.get(name)
        )
        rows.append(f'<tr><th scope="row"><a href="#{group}">{escape(GROUP_TITLES[group])}</a></th>'
                    f'<td><div class="bars">{parts}</div></td></tr>')  # fmt: skip
    head = "<thead><tr><th scope='col'>Kind of figure</th><th scope='col'>Figures at each level</th></tr></thead>"
    return f"<div class='scroll' tabindex='0'><table class='glance'>{head}<tbody>{''.join(rows)}</tbody></table></div>"


def _section(group: str, table: ScoreTable, drawings, tables) -> str:
    figures = "".join(_figure(drawing) for drawing in drawings.get(group, ()))
    names = list(dict.fromkeys(row.score for row in table.rows))
    scores = "".join(_score(name, table.select(name)) for name in names)
    return (
        f'<section id="{group}"><h2 class="group">{escape(GROUP_TITLES[group])}</h2>'
        f"<p class='lead'>{escape(GROUP_TEXTS[group])}</p>{figures}{''.join(tables.get(group, ()))}{scores}</section>\n"
    )


def _figure(drawing: Drawing) -> str:
    note = f" {escape(drawing.note)}" if drawing.note else ""
    return (
        f'<figure><img src="{drawing.source}" alt="{escape(drawing.alt)}">'
        f"<figcaption><strong>{escape(drawing.title.rstrip('?'))}.</strong>{note}</figcaption></figure>\n"
    )


def _score(name: str, table: ScoreTable) -> str:
    """A heading in words, the verdicts by part and state, and behind a fold all figures with their yardsticks."""
    score = score_named(name)
    states = [state for state in (ALL_STATES, *CONDITIONS) if table.select(None, state).rows]
    head = "".join(f'<th scope="col">{"all states" if state == ALL_STATES else state}</th>' for state in states)
    body = []
    for part in dict.fromkeys(row.part for row in table.rows):
        cells = []
        for state in states:
            found = table.select(None, state, part).rows
            cells.append(_cell(found[0]) if found else "<td>–</td>")
        unit = score.unit_of(part)
        label = title_of(part) if part else "value"
        shown = f"{escape(label)} <small>{escape(unit)}</small>" if unit else escape(label)
        body.append(f'<tr><th scope="row">{shown}</th>{"".join(cells)}</tr>')
    return (
        f"<article><h3>{escape(score.title)}</h3><p>{escape(score.meaning)} <em>{BETTER[score.better]}</em>. "
        f"Control: {escape(_control(table))}.</p><div class='scroll' tabindex='0'><table class='verdicts'>"
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
        f"<details><summary>All figures with floor and control</summary>{_figures(table)}</details></article>\n"
    )


def _cell(row: ScoreRow) -> str:
    name, value = row.level, row.matched if row.level != UNKNOWN else row.value
    return (
        f'<td><span class="level {name}" title="{LEVELS[name].word}: {escape(LEVELS[name].meaning)}">'
        f'{LEVELS[name].mark} {number(value)}<span class="aside"> {LEVELS[name].word}</span></span></td>'
    )


def _figures(table: ScoreTable) -> str:
    rows = []
    for row in table.rows:
        label = " · ".join(text for text in (title_of(row.part) if row.part else "", row.state) if text)
        floors = [getattr(floor, end, None) for floor in (row.random, row.people) for end in ("mean", "edge")]
        windows = f"{row.reference_windows} / {row.synthetic_windows}"
        rows.append([label, row.value, row.matched, *floors, row.control, windows, LEVELS[row.level].word])
    header = ("", "all windows", "at the floor's size", "floor, mean", "floor, 95 %", "other people, mean",
              "other people, 95 %", "control", "windows, real / synthetic", "verdict")  # fmt: skip
    return html_table("Verdicts compare the figure at the floor's size with the floor.", header, rows)


def _control(table: ScoreTable) -> str:
    names = dict.fromkeys(row.control_name for row in table.rows)
    titles = [CONTROL_TITLES.get(name, name) for name in names]
    return " or ".join(title[0].lower() + title[1:] for title in titles)


def _record(facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>' for name, text in facts)
    return (
        "<section id='record'><h2 class='group'>Record</h2><p class='lead'>What was judged and how; the same is in "
        f"metrics.json.</p><div class='scroll' tabindex='0'><table class='facts'><tbody>{rows}</tbody></table></div>"
        "</section>\n"
    )
