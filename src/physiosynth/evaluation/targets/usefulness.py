"""Classifiers trained on synthetic or real windows of the same number, tested on people nobody has seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from physiosynth.evaluation.classifiers import predictions, train
from physiosynth.evaluation.judged import Judged, OnStep
from physiosynth.evaluation.kept import Kept
from physiosynth.evaluation.metrics import RESAMPLES, Predictions, codes, confusion, macro_f1
from physiosynth.evaluation.registry import ALL_STATES
from physiosynth.evaluation.targets.plan import Settings
from physiosynth.evaluation.targets.rows import Floor, Row
from physiosynth.evaluation.targets.sets import Sets
from physiosynth.evaluation.usefulness import TASKS, Task, check_apart

TSTR_LIMIT = 0.95  # of TRTR
SETUPS = ("TRTR", "TSTR", "real+synthetic")


def transfers(sets: Sets, settings: Settings, kept: Kept, on_step: OnStep) -> tuple[Row, ...]:
    """TSTR over TRTR in macro-F1, and what synthetic windows add to real ones, by task and classifier.

    Every seed's windows are held against another draw of as many real ones. What each training gave is kept. Raises
    EvaluationError for a leak, before anything is trained.
    """
    test, have = sets.outsiders, kept.read("trainings")
    trained = [(sets.alike(made, 600 + i), made) for i, made in enumerate(sets.made)]
    for pair in trained:
        check_apart([each.windows for each in pair], test.windows)
    jobs = [
        (task, kind, i, setup)
        for task in TASKS
        for kind in settings.kinds
        for i in range(len(trained))
        for setup in SETUPS
    ]
    for done, (task, kind, i, setup) in enumerate(jobs):
        on_step(done, len(jobs))
        name = f"{task} / {kind} / {settings.seeds[i]} / {setup}"
        if name not in have:
            real, made = trained[i]
            training = {"TRTR": [real], "TSTR": [made], "real+synthetic": [real, made]}[setup]
            have[name] = _counts(kind, TASKS[task], training, test, settings.seeds[i]).tolist()
            kept.add("trainings", name, have[name])
    rows = []
    for task in TASKS:
        for kind in settings.kinds:
            names = [[f"{task} / {kind} / {seed} / {setup}" for seed in settings.seeds] for setup in SETUPS]
            rows += _rows(TASKS[task], kind, np.array([[have[name] for name in mine] for mine in names]), test)
    return tuple(rows)


def _counts(kind: str, task: Task, training: Sequence[Judged], test: Judged, seed: int) -> np.ndarray:
    """(people, classes, classes) counts of tested windows: the true class, then what was said."""
    labels = np.concatenate([task.labels(part.states) for part in training])
    said = predictions(train(kind, training, labels, seed), test, task.labels(test.states))
    return by_person(said)


def by_person(said: Predictions) -> np.ndarray:
    """(people, classes, classes) confusion counts, people in the order of their names."""
    truth, people = codes(said), np.unique(said.subjects)
    mine = (said.subjects == name for name in people)
    return np.stack([confusion(truth[rows], said.probabilities[rows]) for rows in mine])


def _rows(task: Task, kind: str, counts: np.ndarray, test: Judged) -> list[Row]:
    """counts: (setups, seeds, people, classes, classes)."""
    people = counts.shape[2]
    rng = np.random.default_rng(5)
    weights = np.stack([np.bincount(rng.integers(people, size=people), minlength=people) for _ in range(RESAMPLES)])
    whole = _figures(counts, np.ones((1, people)))[0]
    drawn = _figures(counts, weights).mean(axis=2)  # over the seeds
    real, made, both = whole
    ratios = drawn[:, 1] / np.maximum(drawn[:, 0], 1e-9)
    pairs = [real[i] / max(real[j], 1e-9) for i in range(len(real)) for j in range(len(real)) if i != j]
    part = f"{task.title}, {kind}"
    f1 = f"macro-F1 on real {real.mean():.3f}, on synthetic {made.mean():.3f}, on both {both.mean():.3f}"
    tested = f"{len(test)} windows of {people} people"
    low, high = np.quantile(ratios, [0.025, 0.975])
    gained = drawn[:, 2] - drawn[:, 0]
    more, most = np.quantile(gained, [0.025, 0.975])
    return [
        Row(
            "usefulness", ALL_STATES, f"{part}: TSTR / TRTR", float(made.mean() / max(real.mean(), 1e-9)), TSTR_LIMIT,
            "higher", tuple(made / np.maximum(real, 1e-9)), Floor.of(pairs, "higher"),
            low=float(low), high=float(high), note=f"{f1}; {tested}",
        ),
        Row(
            "usefulness", ALL_STATES, f"{part}: real + synthetic less real", float((both - real).mean()), None,
            "higher", tuple(both - real), low=float(more), high=float(most),
        ),
    ]  # fmt: skip


def _figures(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(draws, setups, seeds) macro-F1 of people drawn so often. weights: (draws, people)."""
    summed = np.einsum("dp,asptc->dastc", weights, counts)
    flat = summed.reshape(-1, *summed.shape[-2:])
    return np.array([macro_f1(each) for each in flat]).reshape(summed.shape[:3])
