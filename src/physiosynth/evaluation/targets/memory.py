"""Whether a generator gives away whom it learned from: membership attacks, and beats that are somebody's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from physiosynth.evaluation.inputs import Networks, thinned_at
from physiosynth.evaluation.judged import Judged, OnStep
from physiosynth.evaluation.membership import black_box_scores, bootstrapped, true_positives, white_box_scores
from physiosynth.evaluation.metrics import auroc
from physiosynth.evaluation.registry import ALL_STATES
from physiosynth.evaluation.targets.plan import Settings
from physiosynth.evaluation.targets.rows import NAN, Floor, Row
from physiosynth.evaluation.targets.sets import DRAW_SEED, Sets
from physiosynth.runtime import window_seed

AUC_LIMIT, TPR_LIMIT = 0.55, 0.02
SAME_BEAT = 0.98  # correlation
BEATS_OF = 6  # windows a state behind a person's mean beat
DRAWS = 300
Sides = tuple[Judged, Judged]


def attacks(sets: Sets, settings: Settings, networks: Networks | None, on_step: OnStep) -> tuple[Row, ...]:
    """AUC, and TPR at 1 % FPR, of every attack on the people learned from, with as many windows of others.

    The floor is the same scores with people dealt to the sides at random. Raises EvaluationError.
    """
    members, outsiders = sides(sets, settings)
    found = black_box_scores(sets.pooled, members, outsiders, settings.seeds[0])
    rows = [row for name, scores in found.items() for row in _attack(name, scores, (members, outsiders), settings)]
    if networks is not None:
        few = tuple(each.take(thinned_at(each.states, settings.attacked, DRAW_SEED)) for each in (members, outsiders))
        nets = networks.adapter, networks.norm_low, networks.norm_ecg
        found = white_box_scores(*nets, *(each.windows for each in few), settings.seeds[0], on_step=on_step)
        rows += [row for name, scores in found.items() for row in _attack(name, scores, few, settings)]
    known = sets.real.take(np.isin(sets.real.subjects, members.subjects))
    return (*rows, *_beats(sets.pooled, known, sets.outsiders, settings))


def sides(sets: Sets, settings: Settings) -> Sides:
    """Windows of people learned from, and as many a state of people who were not."""
    known = np.unique(sets.real.subjects)
    if settings.seen_people is not None:
        known = np.random.default_rng(window_seed(DRAW_SEED, 43)).permutation(known)[: settings.seen_people]
    members = sets.real.take(np.isin(sets.real.subjects, known) & np.isin(sets.real.states, sets.states))
    outsiders = sets.outsiders.take(np.isin(sets.outsiders.states, sets.states))
    rng = np.random.default_rng(window_seed(DRAW_SEED, 44))
    kept: tuple[list, list] = ([], [])
    for state in sets.states:
        places = [rng.permutation(np.flatnonzero(each.states == state)) for each in (members, outsiders)]
        size = min(map(len, places))
        for part, at in zip(kept, places, strict=True):
            part.append(at[:size])
    return tuple(each.take(np.sort(np.concatenate(at))) for each, at in zip((members, outsiders), kept, strict=True))


def _attack(name: str, scores: tuple[np.ndarray, np.ndarray], who: Sides, settings: Settings) -> list[Row]:
    subjects = tuple(each.subjects for each in who)
    rows = []
    for title, figure, limit in (("AUC", auroc, AUC_LIMIT), ("TPR at 1 % FPR", true_positives, TPR_LIMIT)):
        low, high, over = bootstrapped(figure, *scores, *subjects, settings.seeds[0])
        floor = Floor.of(_dealt(figure, scores, subjects, settings.repeats), "lower")
        counts = " and ".join(f"{len(np.unique(each))} people" for each in subjects)
        note = f"{len(scores[0])} and {len(scores[1])} windows of {counts}, interval over {over}"
        value = figure(*scores)
        rows.append(
            Row("membership", ALL_STATES, f"{name}: {title}", value, limit, "lower", floor=floor, low=low, high=high,
                note=note)
        )  # fmt: skip
    return rows


def _dealt(
    figure: Callable[[np.ndarray, np.ndarray], float],
    scores: tuple[np.ndarray, np.ndarray],
    subjects: tuple[np.ndarray, np.ndarray],
    repeats: int,
) -> list[float]:
    """The figure with the people dealt to the two sides at random, as many to each as there are."""
    values, whose = np.concatenate(scores), np.concatenate(subjects)
    people, owner = np.unique(whose, return_inverse=True)
    inside, rng, found = len(np.unique(subjects[0])), np.random.default_rng((DRAW_SEED, 45)), []
    for _ in range(repeats):
        chosen = np.isin(owner, rng.permutation(len(people))[:inside])
        found.append(figure(values[chosen], values[~chosen]))
    return found


def _beats(made: Judged, members: Judged, outsiders: Judged, settings: Settings) -> list[Row]:
    """Share of synthetic windows whose mean beat is somebody's: of people learned from less that of as many others."""
    beats = made.features.beat
    beats = beats[np.isfinite(beats).all(axis=1)]
    known, others = (same_beats(beats, mean_beats(each)) for each in (members, outsiders))
    count = min(known.shape[1], others.shape[1])
    part = f"windows whose mean beat correlates over {SAME_BEAT} with a person's: members less others"
    if not len(beats) or not count:
        return [Row("membership", ALL_STATES, part, NAN, 0.0, "lower", note="no beats were found")]
    rng = np.random.default_rng((settings.seeds[0], 46))

    def share(matches: np.ndarray, replace: bool) -> float:
        at = rng.choice(matches.shape[1], count, replace=replace)
        return float(matches[:, at].any(axis=1).mean())

    plain = [(share(known, False), share(others, False)) for _ in range(DRAWS)]
    gaps = [share(known, True) - share(others, True) for _ in range(DRAWS)]
    low, high = np.quantile(gaps, [0.025, 0.975])
    inside, outside = np.mean(plain, axis=0)
    both = np.concatenate([known, others], axis=1)
    floor = Floor.of((_dealt_gap(both, count, rng) for _ in range(DRAWS)), "lower")
    note = f"{100 * inside:.1f} % match one of {count} members, {100 * outside:.1f} % one of {count} others; "
    note += "met where the interval reaches 0"
    gap = float(inside - outside)
    return [
        Row("membership", ALL_STATES, part, gap, max(gap - float(low), 0.0), "lower", floor=floor,
            low=float(low), high=float(high), note=note)
    ]  # fmt: skip


def _dealt_gap(matches: np.ndarray, count: int, rng: np.random.Generator) -> float:
    at = rng.permutation(matches.shape[1])
    first, second = matches[:, at[:count]], matches[:, at[count : 2 * count]]
    return float(first.any(axis=1).mean() - second.any(axis=1).mean())


def mean_beats(judged: Judged) -> np.ndarray:
    """(people, t) mean of the median beats of at most BEATS_OF windows a state of each person, in mV."""
    beats, whose, states = judged.features.beat, judged.subjects, judged.states
    known = np.isfinite(beats).all(axis=1)
    mine = (np.flatnonzero((whose == name) & known) for name in np.unique(whose))
    few = (at[thinned_at(states[at], BEATS_OF, DRAW_SEED)] for at in mine if len(at))
    return np.array([beats[at].mean(axis=0) for at in few]).reshape(-1, beats.shape[1])


def same_beats(beats: np.ndarray, people: np.ndarray) -> np.ndarray:
    """(m, people) whether each of (m, t) beats correlates above SAME_BEAT with each person's (t,) mean beat."""
    centred = (rows - rows.mean(axis=1, keepdims=True) for rows in (beats, people))
    first, second = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in centred)
    return first @ second.T > SAME_BEAT
