"""The summary at the top of a report: how the windows compare with the reference, and what they are good for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from physiosynth.families.wearable.judging.findings import Assessment, assess, thing_of, title_of
from physiosynth.families.wearable.judging.levels import POOR
from physiosynth.families.wearable.judging.rows import ScoreTable
from physiosynth.families.wearable.scores.run import Evaluation

FAMILIAR_AUC = 0.7  # strangers, too, look more or less like somebody
GUESSING_AUC = 0.5  # an attack whose interval lies above it found something, however little
FAR = 1.0  # log2 of the ratio of distances: twice as far as reference windows from each other


@dataclass(frozen=True)
class Summary(Assessment):
    """An assessment of everything but privacy. counts: by group, the number of figures at each level; usefulness,
    privacy: a sentence or two each."""

    counts: dict[str, dict[str, int]]
    usefulness: tuple[str, ...]
    privacy: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the findings as text."""
        lists = {name: [each.text for each in getattr(self, name)] for name in ("alike", "minor", "discrepant")}
        return {**asdict(self), **lists}


def summarise(evaluation: Evaluation) -> Summary:
    """What a reader should know before anything else."""
    table = evaluation.table
    real, made = evaluation.real.windows, evaluation.synthetic.windows
    simulated = "simulated reference" if real.source == "virtual" else "recorded reference"
    basis = f"n = {len(made)} synthetic windows, {simulated}"
    likeness = assess(ScoreTable(tuple(row for row in table.rows if row.group != "privacy")), basis)
    given = {**vars(likeness), "lead": f"{likeness.lead} {_compared(evaluation)}"}
    return Summary(
        **given,
        counts=level_counts(table),
        usefulness=_usefulness(evaluation.transfers),
        privacy=_privacy(table, evaluation.attacks, evaluation.identity),
    )


def _compared(evaluation: Evaluation) -> str:
    """What was compared with what."""
    real, made = evaluation.real.windows, evaluation.synthetic.windows
    names = sorted(set(real.subjects.tolist()))
    whose = f"of {names[0]}" if len(names) == 1 else f"of {len(names)} people"
    said = f"{len(made)} synthetic windows were compared with {len(real)} reference windows {whose}"
    said += ", whom the generator has not seen." if made.seen_subjects else "."
    if real.source == "virtual":
        said += " The reference is simulated: what is said holds for simulated people, not for living ones."
    if len(names) == 1:
        said += " One person is little to judge by; other folds may say otherwise."
    return said


def level_counts(table: ScoreTable) -> dict[str, dict[str, int]]:
    """Figures at each level, by group."""
    counts: dict[str, Counter] = {}
    for row in table.rows:
        counts.setdefault(row.group, Counter())[row.level] += 1
    return {group: dict(found) for group, found in counts.items()}


def _usefulness(transfers: Sequence[Any]) -> tuple[str, ...]:
    """What classifiers say, for the task of all states; the best classifier on reference windows speaks."""
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
            f"Telling {title} of reference windows, a {name} trained on these windows alone is right in "
            f"{_percent(made['balanced_accuracy'])}; trained on reference windows, in "
            f"{_percent(real['quality']['balanced_accuracy'])}; by chance, in {chance:.0f} %."
        )
    return tuple(said)


def _percent(interval: dict[str, float]) -> str:
    value = f"{100 * interval['value']:.0f} %"
    if interval["low"] is None or interval["high"] is None:
        return value
    return f"{value} ({100 * interval['low']:.0f} to {100 * interval['high']:.0f})"


def _privacy(table: ScoreTable, attacks: Sequence[Any], identity: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    rows = [row for row in table.select(group="privacy").rows if np.isfinite(row.matched)]
    if not rows:
        return ("Privacy was not evaluated.",)
    # What is best at 0 is about distances: above 0 the windows are too far off, and that is no breach.
    far = [row for row in rows if row.better == "near_zero" and row.matched > FAR]
    poor = [row for row in rows if row.level == POOR and row not in far]
    said = [
        f"Warning: windows of training subjects may be reproduced ({thing_of(row)[1]}"
        f"{': ' + title_of(row.part).lower() if row.part else ''})."
        for row in poor
    ]
    strong = [each for each in attacks if each["low"] is not None and each["low"] > GUESSING_AUC]
    said += [
        f"Take note: {_lowered(title_of(each['name']))} ranks a training window above another person's in "
        f"{100 * each['auc']:.0f} % of pairs (chance: 50 %). That may be memorisation, or training subjects "
        "who are unlike the held-out subject."
        for each in strong
    ]
    known = identity if identity is not None and identity["auc"] is not None else None
    if known and known["auc"] > FAMILIAR_AUC and known["accuracy"] > 2 * known["chance"]:
        said.append(
            f"Take note: a classifier that knows {known['subjects']} of the training subjects is surer of "
            f"synthetic windows than of an unseen person's in {100 * known['auc']:.0f} % of pairs (like nobody it "
            "knows: 50 %). Some windows may look like one of them."
        )
    elif not poor and not strong:
        said.append(
            "No sign was found that windows of training subjects are reproduced"
            + (f" ({len(attacks)} attacks were tried; their intervals are in the table)." if attacks else ".")
        )
    if far:
        said.append(
            "The windows lie far from all reference windows: they are unlike the data, which is no proof of privacy."
        )
    said.append("Finding nothing is no guarantee: these attacks are not all there are.")
    return tuple(dict.fromkeys(said))


def _lowered(title: str) -> str:
    return title[0].lower() + title[1:]
