"""What the rows of a judgement say together: one verdict, and findings in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from physiosynth.families.wearable.features.measured import ALL_STATES
from physiosynth.families.wearable.judging.levels import CARE, GOOD, PERSON, POOR, SLACK, UNKNOWN
from physiosynth.families.wearable.judging.registry import part_title
from physiosynth.families.wearable.judging.rows import ScoreRow, ScoreTable
from physiosynth.families.wearable.signals import CONDITIONS


@dataclass(frozen=True)
class Level:
    """How a figure is called. mark: a sign that needs no colour; word: for a table; meaning: one sentence."""

    mark: str
    word: str
    meaning: str


LEVELS = {
    GOOD: Level("●", "like reference", f"within {SLACK} times what two halves of the same reference windows differ by"),
    PERSON: Level("◆", "like another person", "no farther off than one person of the reference is from others"),
    CARE: Level("▲", "minor discrepancy", "farther off than that, but nearer to the reference than to the control"),
    POOR: Level("✕", "discrepant", "nearer to the negative control (corrupted windows) than to the reference"),
    UNKNOWN: Level("–", "not evaluated", "too few windows, or windows too unlike each other, for this figure to tell"),
}
GROUP_TITLES = {
    "distributions": "Amplitude distributions",
    "spectra": "Spectrum and autocorrelation",
    "physiology": "Physiology",
    "coupling": "Coupling of heart, breathing and skin conductance",
    "usefulness": "Usefulness for training classifiers",
    "fidelity": "Fidelity and diversity of single windows",
    "privacy": "Privacy",
}
PART_TITLES = {
    "EDA": "Skin conductance (EDA)", "Resp": "Respiration", "logistic": "Logistic regression",
    "forest": "Random forest", "resnet": "ResNet", "features": "By measured features",
    "network": "By a network's features", "exact": "Exact copies", "near": "Near copies",
    "distance": "Attack by distance",
    "discriminator": "Attack by a discriminator", "low loss": "Attack by the networks' loss on EDA and respiration",
    "ecg loss": "Attack by the networks' loss on ECG", "both losses": "Attack by both losses",
}  # fmt: skip
TELLING = ("physiology", "coupling", "spectra", "usefulness", "fidelity", "distributions", "privacy")
MOSTLY_DISCREPANT, PARTLY_DISCREPANT, MOSTLY_ALIKE = 0.5, 0.1, 0.8


@dataclass(frozen=True)
class Finding:
    """What several scores say of one thing in the states that share a level.

    about: in plain words; share: of the states of this thing; discrepancy: median of the rows at this level, nan where
    it is not known; control: the name of the negative control.
    """

    level: str
    group: str
    about: str
    states: tuple[str, ...]
    share: float
    discrepancy: float
    control: str

    @property
    def text(self) -> str:
        """Such as 'Heart rate, in stress: discrepancy 0.79 of the white-noise control'."""
        listed = " and ".join(part for part in (", ".join(self.states[:-1]), self.states[-1]) if part)
        where = "" if ALL_STATES in self.states else f", in {listed}"
        far = f": discrepancy {self.discrepancy:.2f} of the {self.control.replace('_', '-')} control"
        return self.about + where + (far if self.level == POOR and np.isfinite(self.discrepancy) else "")


@dataclass(frozen=True)
class Assessment:
    """All findings of a judgement and what they add up to.

    verdict: key of LEVELS; headline, lead: sentences; alike, minor, discrepant: findings by level, most telling first,
    the discrepant ones farthest first. Headline and lead are counted from these lists and cannot disagree with them.
    """

    verdict: str
    headline: str
    lead: str
    alike: tuple[Finding, ...]
    minor: tuple[Finding, ...]
    discrepant: tuple[Finding, ...]


def title_of(part: str) -> str:
    """Plain words for a channel, measurement, classifier or attack."""
    return PART_TITLES.get(part) or part_title(part)


def assess(table: ScoreTable, basis: str) -> Assessment:
    """What these rows say. basis: sample sizes and reference, for the headline."""
    found = findings(table)
    by_level = {level: [each for each in found if each.level == level] for level in (GOOD, CARE, POOR)}
    telling = {level: sorted(mine, key=lambda each: TELLING.index(each.group)) for level, mine in by_level.items()}
    verdict, headline, lead = _verdict(found)
    return Assessment(
        verdict, f"{headline} ({basis})", lead, tuple(telling[GOOD]), tuple(telling[CARE]), tuple(by_level[POOR])
    )


def _verdict(found: Sequence[Finding]) -> tuple[str, str, str]:
    """A level and two texts. Every group counts the same, however many findings it holds."""
    if not found:
        return UNKNOWN, "Too few windows to evaluate", "Give at least 16 windows per state."
    count = {level: sum(each.level == level for each in found) for level in (GOOD, CARE, POOR)}
    lead = (
        f"Of {len(found)} findings, {count[GOOD]} are like the reference or like another person, {count[CARE]} show a "
        f"minor discrepancy, and {count[POOR]} are discrepant: nearer to the negative controls (corrupted windows) "
        "than to the reference."
    )
    if _share(found, POOR) >= MOSTLY_DISCREPANT:
        return POOR, "Discrepant in most of what was measured", lead
    if _share(found, POOR) >= PARTLY_DISCREPANT:
        return CARE, "Discrepant in part of what was measured", lead
    # A few of many figures are far off by chance; a headline that passes over them says in how many.
    rest = f"in {len(found) - count[POOR]} of {len(found)} findings" if count[POOR] else "found"
    if _share(found, GOOD) >= MOSTLY_ALIKE:
        return GOOD, f"No major discrepancy {rest}", lead
    return CARE, f"No more than minor discrepancies {rest}", lead


def _share(found: Sequence[Finding], level: str) -> float:
    """Of everything judged, in every state, how much is at this level: the mean over the groups."""
    groups = [[each for each in found if each.group == group] for group in dict.fromkeys(each.group for each in found)]
    return float(
        np.mean([sum(f.share for f in mine if f.level == level) / sum(f.share for f in mine) for mine in groups])
    )


def findings(table: ScoreTable) -> tuple[Finding, ...]:
    """One for each thing that is judged and each level it has in some states; the largest discrepancy first."""
    things: dict[tuple[str, str], dict[str, list[ScoreRow]]] = {}
    for row in table.rows:
        if row.level != UNKNOWN:
            things.setdefault(thing_of(row), {}).setdefault(row.state, []).append(row)
    found = []
    for (group, about), by_state in things.items():
        # "all states" speaks where the states have no figures of their own.
        states = [state for state in CONDITIONS if state in by_state] or list(by_state)
        levels = {state: _said(_middle([row.level for row in by_state[state]])) for state in states}
        for level in dict.fromkeys(levels.values()):
            mine = tuple(state for state in levels if levels[state] == level)
            rows = [row for state in mine for row in by_state[state] if _said(row.level) == level]
            known = [row.discrepancy for row in rows if np.isfinite(row.discrepancy)]
            shown = (ALL_STATES,) if len(mine) == len(levels) else mine
            middle = float(np.median(known)) if known else np.nan
            found.append(Finding(level, group, about, shown, len(mine) / len(levels), middle, rows[0].control_name))
    return tuple(sorted(found, key=lambda each: -np.nan_to_num(each.discrepancy, nan=0.0)))


def thing_of(row: ScoreRow) -> tuple[str, str]:
    """Group and plain name of what a row is about: the scores of one measurement or channel speak together."""
    if not row.part or row.group in ("usefulness", "fidelity", "privacy"):
        return row.group, row.title
    ending = {"distributions": " (amplitude distribution)", "spectra": " (spectrum and autocorrelation)"}
    return row.group, title_of(row.part) + ending.get(row.group, "")


def _said(level: str) -> str:
    """Levels that are worth the same in a sentence are one."""
    return GOOD if level == PERSON else level


def _middle(levels: list[str]) -> str:
    """The level in the middle, the worse one of two."""
    ranked = sorted(levels, key=(GOOD, PERSON, CARE, POOR).index)
    return ranked[len(ranked) // 2]
