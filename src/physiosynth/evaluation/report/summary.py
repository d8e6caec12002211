"""The summary on top of a report: in plain words, what to trust and what not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from physiosynth.evaluation.registry import ALL_STATES, ScoreRow, ScoreTable, part_title, score_named
from physiosynth.evaluation.report.verdicts import CARE, GOOD, PERSON, POOR, UNKNOWN, level_of, way_to_control
from physiosynth.evaluation.run import Evaluation
from physiosynth.signals import CONDITIONS

GROUP_TITLES = {
    "distributions": "Values and clouds of windows",
    "spectra": "Spectra and memory",
    "physiology": "Physiology",
    "coupling": "Coupling of heart, breath and skin",
    "usefulness": "Usefulness for training classifiers",
    "fidelity": "Single windows: real or not, and how varied",
    "privacy": "Privacy",
}
PART_TITLES = {
    "EDA": "Skin conductance (EDA)", "Resp": "Respiration", "logistic": "Logistic regression",
    "forest": "Random forest", "resnet": "ResNet", "features": "By measured features",
    "network": "As a network sees it", "exact": "Exact copies", "near": "Near copies", "distance": "Attack by distance",
    "discriminator": "Attack by a discriminator", "low loss": "Attack by the networks' loss on EDA and respiration",
    "ecg loss": "Attack by the networks' loss on ECG", "both losses": "Attack by both losses",
}  # fmt: skip
BROKEN = {  # controls within a sentence
    "white_noise": "white noise",
    "phase_randomised": "noise with the right spectrum",
    "shuffled_pairing": "channels of different windows put together",
    "shuffled_states": "windows with their states shuffled",
    "swapped_channels": "swapped channels",
    "memorised": "copies of the real windows",
}
TELLING = ("physiology", "coupling", "spectra", "usefulness", "fidelity", "distributions", "privacy")
MOSTLY_POOR, PARTLY_POOR, MOSTLY_GOOD = 0.5, 0.1, 0.8
LONGEST_LIST = 12
FAMILIAR_AUC = 0.7  # strangers, too, look more or less like somebody
GUESSING_AUC = 0.5  # an attack whose interval lies above it found something, however little
FAR = 1.0  # log2 of the ratio of distances: twice as far as real windows from each other


@dataclass(frozen=True)
class Finding:
    """What several scores say of one thing in the states that share a level.

    about: in plain words; way: how far it is towards its control, see way_to_control, nan where that is not known;
    control: in plain words.
    """

    level: str
    group: str
    about: str
    states: tuple[str, ...]
    way: float
    control: str

    @property
    def text(self) -> str:
        """Such as 'Heart rate, in stress: as far off as white noise'."""
        listed = " and ".join(part for part in (", ".join(self.states[:-1]), self.states[-1]) if part)
        where = "" if ALL_STATES in self.states else f", in {listed}"
        far = ""
        if self.level == POOR and self.way > 0:
            near = "as far off as" if self.way >= 0.95 else f"{100 * self.way:.0f} % as far off as"
            far = f": {near} {self.control}"
        return self.about + where + far


@dataclass(frozen=True)
class Summary:
    """headline: one sentence; lead: some more; trust, care, distrust: findings, most telling first; shares: by group,
    the number of figures at each level; usefulness, privacy: a sentence or two each."""

    headline: str
    lead: str
    verdict: str
    trust: tuple[Finding, ...]
    care: tuple[Finding, ...]
    distrust: tuple[Finding, ...]
    counts: dict[str, dict[str, int]]
    usefulness: tuple[str, ...]
    privacy: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the findings as text."""
        lists = {name: [each.text for each in getattr(self, name)] for name in ("trust", "care", "distrust")}
        return {**asdict(self), **lists}


def title_of(part: str) -> str:
    """Plain words for a channel, measurement, classifier or attack."""
    return PART_TITLES.get(part) or part_title(part)


def summarise(evaluation: Evaluation) -> Summary:
    """What a reader should know before anything else."""
    table = evaluation.table
    counts = level_counts(table)
    found = findings(table)
    verdict, headline, lead = headline_of({name: c for name, c in counts.items() if name != "privacy"})
    likeness = [each for each in found if each.group != "privacy"]
    return Summary(
        headline=headline,
        lead=f"{lead} {_judged(evaluation)}",
        verdict=verdict,
        trust=_telling(each for each in likeness if each.level == GOOD),
        care=_telling(each for each in likeness if each.level == CARE),
        distrust=tuple(each for each in likeness if each.level == POOR),
        counts=counts,
        usefulness=_usefulness(evaluation.transfers),
        privacy=_privacy(table, evaluation.attacks, evaluation.identity),
    )


def _judged(evaluation: Evaluation) -> str:
    """What was held against what, and whether "real" means recorded."""
    real, made = evaluation.real.windows, evaluation.synthetic.windows
    names = sorted(set(real.subjects.tolist()))
    whose = f"of {names[0]}" if len(names) == 1 else f"of {len(names)} people"
    said = f"Judged were {len(made)} synthetic windows beside {len(real)} real ones {whose}"
    said += ", whom the generator has not seen." if made.seen_subjects else "."
    if real.source == "virtual":
        said += (
            " The windows called real here are simulated, too: what is said holds for the simulated people, not for "
            "living ones."
        )
    if len(names) == 1:
        said += " One person is little to judge by; other folds may say otherwise."
    return said


def _telling(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """What a reader can picture first, figures about whole clouds of windows last; in each kind as they came."""
    return tuple(sorted(found, key=lambda each: TELLING.index(each.group)))


def level_counts(table: ScoreTable) -> dict[str, dict[str, int]]:
    """Figures at each level, by group."""
    counts: dict[str, Counter] = {}
    for row in table.rows:
        counts.setdefault(score_named(row.score).group, Counter())[level_of(row)] += 1
    return {group: dict(found) for group, found in counts.items()}


def findings(table: ScoreTable) -> tuple[Finding, ...]:
    """One for each thing that is judged and each level it has in some states; the farthest from real first."""
    things: dict[tuple[str, str], dict[str, list[ScoreRow]]] = {}
    for row in table.rows:
        if level_of(row) != UNKNOWN:
            things.setdefault(_thing(row), {}).setdefault(row.state, []).append(row)
    found = []
    for (group, about), by_state in things.items():
        # "all states" speaks where the states have no figures of their own.
        states = [state for state in CONDITIONS if state in by_state] or list(by_state)
        levels = {state: _said(_middle([level_of(row) for row in by_state[state]])) for state in states}
        for level in dict.fromkeys(levels.values()):
            mine = tuple(state for state in levels if levels[state] == level)
            rows = [row for state in mine for row in by_state[state]]
            ways = [way for row in rows if _said(level_of(row)) == level and np.isfinite(way := way_to_control(row))]
            shown = (ALL_STATES,) if len(mine) == len(levels) else mine
            control = BROKEN.get(score_named(rows[0].score).control_for(rows[0].part), "its control")
            found.append(Finding(level, group, about, shown, float(np.median(ways)) if ways else np.nan, control))
    return tuple(sorted(found, key=lambda each: -np.nan_to_num(each.way, nan=0.0)))


def _thing(row: ScoreRow) -> tuple[str, str]:
    """Group and plain name of what a row is about: the scores of one measurement or channel speak together."""
    group = score_named(row.score).group
    if not row.part or group in ("usefulness", "fidelity", "privacy"):
        return group, score_named(row.score).title
    ending = {"distributions": " (values)", "spectra": " (spectrum and memory)"}.get(group, "")
    return group, title_of(row.part) + ending


def _said(level: str) -> str:
    """Levels that are worth the same in a sentence are one."""
    return GOOD if level == PERSON else level


def _middle(levels: list[str]) -> str:
    """The level in the middle, the worse one of two."""
    ranked = sorted(levels, key=(GOOD, PERSON, CARE, POOR).index)
    return ranked[len(ranked) // 2]


def headline_of(counts: dict[str, dict[str, int]]) -> tuple[str, str, str]:
    """A verdict and two texts. Every group counts the same, however many figures it holds."""
    judged = {group: {k: v for k, v in found.items() if k != UNKNOWN} for group, found in counts.items()}
    judged = {group: found for group, found in judged.items() if sum(found.values())}
    if not judged:
        return UNKNOWN, "Too few windows to say anything.", "Give at least 16 windows a state."
    share = {
        name: float(np.mean([sum(found.get(level, 0) for level in levels) / sum(found.values())
                             for found in judged.values()]))
        for name, levels in (("poor", (POOR,)), ("good", (GOOD, PERSON)))
    }  # fmt: skip
    lead = (
        f"Of every 100 figures, {100 * share['good']:.0f} come out as for real windows of the same or of another "
        f"person, and {100 * share['poor']:.0f} nearer to windows that were broken on purpose than to real ones (each "
        "kind of figure counting the same; privacy is told apart)."
    )
    if share["poor"] >= MOSTLY_POOR:
        return POOR, "These windows are not to be trusted: most of what makes windows real is missing.", lead
    if share["poor"] >= PARTLY_POOR:
        return CARE, "Trust these windows in part: some of what makes windows real is missing.", lead
    if share["good"] >= MOSTLY_GOOD:
        return GOOD, "These windows may be trusted for what is measured here.", lead
    return CARE, "Use these windows with care: they resemble real ones and can still be told apart.", lead


def _usefulness(transfers: Sequence[Any]) -> tuple[str, ...]:
    """What classifiers say, for the task of all states; the best classifier on real windows speaks."""
    said = []
    for task, title in (("states", "the state"), ("stress", "stress or not")):
        mine = {(each["setup"], each["classifier"]): each for each in transfers if each["task"] == task}
        trained = [(each, kind) for (setup, kind), each in mine.items() if setup == "TRTR" and ("TSTR", kind) in mine]
        if not trained:
            continue
        real, kind = max(trained, key=lambda pair: pair[0]["quality"]["balanced_accuracy"]["value"])
        made = mine["TSTR", kind]["quality"]
        chance = 100 / len(made["classes"])
        name = "ResNet" if kind == "resnet" else title_of(kind).lower()
        said.append(
            f"Telling {title} of real windows, a {name} trained on these windows alone is right in "
            f"{_percent(made['balanced_accuracy'])}; trained on real windows, in "
            f"{_percent(real['quality']['balanced_accuracy'])}; by chance, in {chance:.0f} %."
        )
    return tuple(said)


def _percent(interval: dict[str, float]) -> str:
    value = f"{100 * interval['value']:.0f} %"
    if interval["low"] is None or interval["high"] is None:
        return value
    return f"{value} ({100 * interval['low']:.0f} to {100 * interval['high']:.0f})"


def _privacy(table: ScoreTable, attacks: Sequence[Any], identity: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    rows = [row for row in table.rows if score_named(row.score).group == "privacy" and np.isfinite(row.matched)]
    if not rows:
        return ("Privacy was not judged.",)
    # What is best at 0 is about distances: above 0 the windows are too far off, and that is no breach.
    far = [row for row in rows if score_named(row.score).better == "near_zero" and row.matched > FAR]
    poor = [row for row in rows if level_of(row) == POOR and row not in far]
    said = [
        f"Warning: windows of the people learned from may be given back ({_thing(row)[1]}"
        f"{': ' + title_of(row.part).lower() if row.part else ''})."
        for row in poor
    ]
    strong = [each for each in attacks if each["low"] is not None and each["low"] > GUESSING_AUC]
    said += [
        f"Take note: {_lowered(title_of(each['name']))} ranks a window learned from above another person's in "
        f"{100 * each['auc']:.0f} % of pairs (guessing: 50 %). That may be memory, or the people learned from being "
        "unlike the person left out."
        for each in strong
    ]
    known = identity is not None and identity["auc"] is not None
    if known and identity["auc"] > FAMILIAR_AUC and identity["accuracy"] > 2 * identity["chance"]:
        said.append(
            f"Take note: a classifier that knows {identity['subjects']} of the people learned from is surer of "
            f"synthetic windows than of a stranger's in {100 * identity['auc']:.0f} % of pairs (like nobody it knows: "
            "50 %). Some windows may look like one of them."
        )
    elif not poor and not strong:
        said.append(
            "No sign was found that windows of the people learned from are given back"
            + (f" ({len(attacks)} attacks were tried; their intervals are in the table)." if attacks else ".")
        )
    if far:
        said.append("The windows lie far from all real ones: they are unlike the data, which is no proof of privacy.")
    said.append("Finding nothing is no guarantee: these attacks are not all there are.")
    return tuple(dict.fromkeys(said))


def _lowered(title: str) -> str:
    return title[0].lower() + title[1:]
