"""What is asked about people: whether windows teach what helps new ones, and whether they give away whose they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import permutations

import numpy as np

from physiosynth.families.wearable.features.measured import ALL_STATES, Judged
from physiosynth.families.wearable.judging import metrics
from physiosynth.families.wearable.judging.classifiers import predictions, train
from physiosynth.families.wearable.judging.kept import Kept
from physiosynth.families.wearable.judging.limits import DRAW_SEED, Row, first_of_each_state, real_draws
from physiosynth.families.wearable.judging.metrics import NAN, Floor, auroc, interval
from physiosynth.families.wearable.scores.inputs import Networks, thinned_at
from physiosynth.families.wearable.scores.membership import (
    black_box_scores,
    bootstrapped,
    true_positives,
    white_box_scores,
)
from physiosynth.families.wearable.scores.usefulness import TASKS, Task, check_apart
from physiosynth.runtime import OnStep, derive_seed

TSTR_LIMIT = 0.95  # of TRTR
SETUPS = ("TRTR", "TSTR", "real+synthetic")
AUC_LIMIT, TPR_LIMIT = 0.55, 0.02
SAME_BEAT = 0.98  # correlation
BEATS_OF = 6  # windows per state behind a person's mean beat
DRAWS = 300
Sides = tuple[np.ndarray, np.ndarray]


def transfers(
    real: Judged, made: Sequence[Judged], test: Judged, seeds: Sequence[int], kinds: Sequence[str], kept: Kept,
    on_step: OnStep,
) -> list[Row]:  # fmt: skip
    """TSTR over TRTR in macro-F1, and what synthetic windows add to reference ones, by task and classifier.

    Every seed's windows meet another draw of as many reference ones. What each training gave is kept. Raises
    EvaluationError for a leak, before anything is trained.
    """
    alike = [real.take(at) for at, _ in real_draws(real, min(made, key=len), "equal", len(made))]
    made = [first_of_each_state(each, mine) for each, mine in zip(made, alike, strict=True)]
    check_apart([each.windows for each in (*alike, *made)], test.windows)
    jobs = [(task, kind, i, setup) for task in TASKS for kind in kinds for i in range(len(made)) for setup in SETUPS]
    counts: dict[tuple[str, str], list] = {}
    for done, (task, kind, i, setup) in enumerate(jobs):
        on_step(done, len(jobs))
        training = {"TRTR": [alike[i]], "TSTR": [made[i]], "real+synthetic": [alike[i], made[i]]}[setup]
        compute = partial(_counts, kind, TASKS[task], training, test, seeds[i])
        found = kept.once("trainings", f"{task} / {kind} / {seeds[i]} / {setup}", compute)
        counts.setdefault((task, kind), []).append(found)
    tested = f"{len(test)} windows of {len(np.unique(test.subjects))} people"
    rows = []
    for (task, kind), found in counts.items():
        by_setup = np.array(found).reshape(len(made), len(SETUPS), *np.shape(found)[1:]).swapaxes(0, 1)
        rows += _usefulness(f"{TASKS[task].title}, {kind}", by_setup, tested)
    return rows


def _counts(kind: str, task: Task, training: Sequence[Judged], test: Judged, seed: int) -> list:
    labels = np.concatenate([task.labels(part.states) for part in training])
    return by_person(predictions(train(kind, training, labels, seed), test, task.labels(test.states))).tolist()


def by_person(said: metrics.Predictions) -> np.ndarray:
    """(people, classes, classes) confusion counts, people in the order of their names."""
    truth, people = metrics.codes(said), np.unique(said.subjects)
    mine = (said.subjects == name for name in people)
    return np.stack([metrics.confusion(truth[rows], said.probabilities[rows]) for rows in mine])


def _usefulness(part: str, counts: np.ndarray, tested: str) -> list[Row]:
    """counts: (setups, seeds, people, classes, classes). Intervals are over people."""
    people, rng = counts.shape[2], np.random.default_rng(derive_seed(DRAW_SEED, "bootstrap"))
    weights = [np.bincount(rng.integers(people, size=people), minlength=people) for _ in range(metrics.RESAMPLES)]

    def figures(times: np.ndarray) -> np.ndarray:
        """(setups, seeds) macro-F1 with each person counted so many times."""
        summed = np.einsum("p,asptc->astc", times, counts)
        return np.array([[metrics.macro_f1(each) for each in row] for row in summed])

    real, made, both = figures(np.ones(people))
    drawn = np.array([figures(times).mean(axis=1) for times in weights])
    low, high = interval(drawn[:, 1] / np.maximum(drawn[:, 0], 1e-9))
    more, most = interval(drawn[:, 2] - drawn[:, 0])
    f1 = f"macro-F1 trained on reference {real.mean():.3f}, on synthetic {made.mean():.3f}, on both {both.mean():.3f}"
    floor = Floor.of((a / max(b, 1e-9) for a, b in permutations(real, 2)), "higher")
    return [
        Row(
            "usefulness", ALL_STATES, f"{part}: TSTR / TRTR", float(made.mean() / max(real.mean(), 1e-9)), TSTR_LIMIT,
            "higher", tuple(made / np.maximum(real, 1e-9)), floor, low=low, high=high, note=f"{f1}; {tested}",
        ),
        Row(
            "usefulness", ALL_STATES, f"{part}: reference + synthetic less reference", float((both - real).mean()),
            NAN, "higher",
            tuple(both - real), low=more, high=most,
        ),
    ]  # fmt: skip


def attacks(
    real: Judged, made: Judged, outsiders: Judged, networks: Networks | None, most_people: int | None, attacked: int,
    repeats: int, seed: int, on_step: OnStep,
) -> list[Row]:  # fmt: skip
    """AUC, and TPR at 1 % FPR, of every attack on the people learned from, with as many windows of others.

    made: all synthetic windows; most_people: so many of those learned from (all); attacked: windows per state and side
    whose denoising loss is asked for. The floor is the same scores with people dealt to the sides at random. Raises
    EvaluationError.
    """
    members, others = matched_sides(real, outsiders, most_people)
    found = black_box_scores(made, members, others, seed)
    rows = [row for name, scores in found.items() for row in _attack(name, scores, (members, others), repeats, seed)]
    if networks is not None:
        few, rest = (each.take(thinned_at(each.states, attacked, DRAW_SEED)) for each in (members, others))
        nets = networks.adapter, networks.norm_low, networks.norm_ecg
        found = white_box_scores(*nets, few.windows, rest.windows, seed, on_step=on_step)
        rows += [row for name, scores in found.items() for row in _attack(name, scores, (few, rest), repeats, seed)]
    return [*rows, _beats(made, real.take(np.isin(real.subjects, members.subjects)), outsiders, seed)]


def matched_sides(real: Judged, outsiders: Judged, most_people: int | None = None) -> tuple[Judged, Judged]:
    """Windows of people learned from, at most so many, and as many a state of people who were not."""
    rng = np.random.default_rng(derive_seed(DRAW_SEED, "members"))
    known = rng.permutation(np.unique(real.subjects))[:most_people]
    members = real.take(np.isin(real.subjects, known))
    kept: tuple[list, list] = ([], [])
    for state in members.present_states:
        places = [rng.permutation(np.flatnonzero(each.states == state)) for each in (members, outsiders)]
        for part, at in zip(kept, places, strict=True):
            part.append(at[: min(map(len, places))])
    return members.take(np.sort(np.concatenate(kept[0]))), outsiders.take(np.sort(np.concatenate(kept[1])))


def _attack(name: str, scores: Sides, who: tuple[Judged, Judged], repeats: int, seed: int) -> list[Row]:
    subjects, rows = (who[0].subjects, who[1].subjects), []
    counts = " and ".join(f"{len(np.unique(each))} people" for each in subjects)
    for title, figure, limit in (("AUC", auroc, AUC_LIMIT), ("TPR at 1 % FPR", true_positives, TPR_LIMIT)):
        low, high, over = bootstrapped(figure, *scores, *subjects, seed)
        floor = Floor.of(_dealt(figure, scores, subjects, repeats), "lower")
        note = f"{len(scores[0])} and {len(scores[1])} windows of {counts}, interval over {over}"
        row = Row("membership", ALL_STATES, f"{name}: {title}", figure(*scores), limit, "lower", floor=floor, note=note)
        rows.append(replace(row, low=low, high=high))
    return rows


def _dealt(figure: Callable[..., float], scores: Sides, subjects: Sides, repeats: int) -> list[float]:
    """The figure with the people dealt to the two sides at random, as many to each as there are."""
    values, (people, owner) = np.concatenate(scores), np.unique(np.concatenate(subjects), return_inverse=True)
    inside, rng, found = len(np.unique(subjects[0])), np.random.default_rng(derive_seed(DRAW_SEED, "dealt")), []
    for _ in range(repeats):
        chosen = np.isin(owner, rng.permutation(len(people))[:inside])
        found.append(figure(values[chosen], values[~chosen]))
    return found


def _beats(made: Judged, members: Judged, outsiders: Judged, seed: int) -> Row:
    """Share of synthetic windows whose mean beat is somebody's: of people learned from less that of as many others.

    Met where the interval reaches 0.
    """
    beats = made.features.beat
    beats = beats[np.isfinite(beats).all(axis=1)]
    known, others = (same_beats(beats, mean_beats(each)) for each in (members, outsiders))
    count = min(known.shape[1], others.shape[1])
    part = f"windows whose mean beat correlates over {SAME_BEAT} with a person's: members less others"
    row = Row("membership", ALL_STATES, part, NAN, 0.0, "lower", note="no beats were found", on="low")
    if not len(beats) or not count:
        return row
    rng = np.random.default_rng(derive_seed(seed, "beats"))

    def share(matches: np.ndarray, at: np.ndarray) -> float:
        return float(matches[:, at].any(axis=1).mean())

    plain, gaps, dealt, both = [], [], [], np.concatenate([known, others], axis=1)
    for _ in range(DRAWS):
        plain.append([share(each, rng.permutation(each.shape[1])[:count]) for each in (known, others)])
        again = [share(each, rng.integers(each.shape[1], size=count)) for each in (known, others)]
        gaps.append(again[0] - again[1])
        at = rng.permutation(both.shape[1])
        dealt.append(share(both, at[:count]) - share(both, at[count : 2 * count]))
    inside, outside = np.mean(plain, axis=0)
    low, high = interval(gaps)
    note = f"{100 * inside:.1f} % match one of {count} members, {100 * outside:.1f} % one of {count} others"
    return replace(row, measured=float(inside - outside), floor=Floor.of(dealt, "lower"), low=low, high=high, note=note)


def mean_beats(judged: Judged) -> np.ndarray:
    """(people, t) mean of the median beats of at most BEATS_OF windows per state of each person, in mV."""
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
