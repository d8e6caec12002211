"""What synthetic windows are good for: classifiers trained on them and tested on people nobody in the chain has seen.

A generator knows the subjects it was trained, normalised and chosen on (WindowSet.seen_subjects); a test on one of them
is refused, and so is training and testing on the same person.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.windows import SYNTHETIC, WindowSet
from physiosynth.families.wearable.judging.classifiers import KINDS, RULER_TREES, TREES, predictions, train, train_table
from physiosynth.families.wearable.judging.metrics import Predictions, Quality, quality
from physiosynth.families.wearable.judging.registry import Context, Score
from physiosynth.families.wearable.signals import CONDITIONS
from physiosynth.runtime import OnStep, quiet

STRESS = "stress"
NOT_STRESS = "other"
QUICK_KINDS = ("logistic", "forest")  # the registry's scores are computed many times over
UNVERIFIED = "The synthetic windows do not say whom their generator has seen: independence is not verified."


@dataclass(frozen=True)
class Task:
    """What is to be told from a window."""

    name: str
    title: str

    def labels(self, states: np.ndarray) -> np.ndarray:
        """(n,) class names of (n,) states."""
        return np.where(states == STRESS, STRESS, NOT_STRESS) if self.name == "stress" else np.asarray(states)


TASKS = {"stress": Task("stress", "stress or not"), "states": Task("states", f"{len(CONDITIONS)} states")}
SETUPS = {
    "TRTR": "trained and tested on reference windows",
    "TSTR": "trained on synthetic, tested on reference windows",
    "TRTS": "trained on reference, tested on synthetic windows",
    "real+synthetic": "trained on reference and synthetic, tested on reference windows",
    "linear probe": "ResNet trained on synthetic, its last layer on reference windows, tested on reference",
}


@dataclass(frozen=True)
class Transfer:
    """One classifier trained here and tested there.

    quality: figures, and what their intervals were drawn over; notes: what a reader must know.
    """

    setup: str
    classifier: str
    task: str
    quality: Quality
    train_windows: int
    train_subjects: tuple[str, ...]
    test_subjects: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = ()


def people(windows: WindowSet) -> frozenset[str]:
    """The persons whose windows these are; generated windows are nobody's."""
    return frozenset(windows.subjects.tolist()) - {SYNTHETIC}


def check_apart(training: Sequence[WindowSet], test: WindowSet) -> tuple[str, ...]:
    """Refuse a test on anyone the training has seen, directly or through a generator; returns notes for the reader.

    Raises EvaluationError, naming the subjects. Testing on synthetic windows whose generator saw the training subjects
    is possible, since they are nobody's windows; a note says so.
    """
    tested, notes = people(test), []
    for part in training:
        both = sorted(tested & people(part))
        if both:
            raise EvaluationError(
                f"Subject {', '.join(both)} would be trained on and tested on. Test on subjects that are left out of "
                "training."
            )
        leaked = sorted(tested & part.seen_subjects)
        if leaked:
            raise EvaluationError(
                f"The generator of these synthetic windows has seen subject {', '.join(leaked)}, who would be tested "
                "on. Use the generator of the fold that leaves this subject out."
            )
    if SYNTHETIC in test.subjects and any(test.seen_subjects & people(part) for part in training):
        notes.append("Classifier and generator learned from the same subjects: a high figure may be memory.")
    sources = [part for part in (*training, test) if SYNTHETIC in part.subjects]
    if any(not part.seen_subjects for part in sources):
        notes.append(UNVERIFIED)
    return tuple(notes)


def transfer(
    kind: str,
    task: Task,
    training: Sequence[Judged],
    test: Judged,
    seed: int = 0,
    setup: str = "",
    on_step: OnStep = quiet,
) -> Transfer:
    """Train on these sets, test on that one. Raises EvaluationError, for a leak too."""
    return _judged(setup, kind, task, training, test, seed, lambda: _said(kind, task, training, test, seed, on_step))


def utility(
    real: Judged,
    synthetic: Judged,
    test: Judged,
    kinds: Sequence[str] = KINDS,
    tasks: Sequence[str] = tuple(TASKS),
    seed: int = 0,
    on_step: OnStep = quiet,
    keep: Callable[[str, Callable[[], Transfer]], Any] = lambda name, compute: compute(),
) -> list[Any]:
    """Every setup with every classifier and task, as Transfer or what `keep` makes of it.

    real: windows of the subjects the generator learned from; test: of a subject nobody has seen. on_step counts
    thousandths of a training; keep: (name, compute) -> what was kept under this name, or else what compute() gives.
    Raises EvaluationError for a leak, before anything is trained.
    """
    plans = {
        "TRTR": ([real], test),
        "TSTR": ([synthetic], test),
        "TRTS": ([real], synthetic),
        "real+synthetic": ([real, synthetic], test),
    }
    for training, tested in plans.values():
        check_apart([part.windows for part in training], tested.windows)
    jobs = [(setup, kind, task) for task in tasks for kind in kinds for setup in plans]
    jobs += [("linear probe", "resnet", task) for task in tasks if "resnet" in kinds]
    found = []
    for place, (setup, kind, task) in enumerate(jobs):

        def step(at: int, total: int, place: int = place) -> None:
            on_step(1000 * place + 1000 * at // max(total, 1), 1000 * len(jobs))

        if setup == "linear probe":
            compute = partial(linear_probe, TASKS[task], synthetic, real, test, seed, step)
        else:
            compute = partial(transfer, kind, TASKS[task], *plans[setup], seed, setup, step)
        found.append(keep(f"{setup} / {kind} / {task}", compute))
        step(1, 1)
    return found


def linear_probe(
    task: Task,
    synthetic: Judged,
    real: Judged,
    test: Judged,
    seed: int = 0,
    on_step: OnStep = quiet,
) -> Transfer:
    """What a network learned from synthetic windows alone is worth to a linear layer fitted on reference ones.

    on_step counts the network's batches. Raises EvaluationError for a leak.
    """
    from physiosynth.families.wearable.features.raw_resnet import train_resnet

    def predict() -> Predictions:
        net = train_resnet(synthetic.windows, task.labels(synthetic.states), seed, on_step=on_step)
        probe = train_table("logistic", net.embed(real.windows), task.labels(real.states), seed)
        chances = probe.of_values(net.embed(test.windows))
        return Predictions(probe.classes, chances, task.labels(test.states), test.subjects)

    return _judged("linear probe", "resnet", task, [synthetic, real], test, seed, predict)


def _said(
    kind: str,
    task: Task,
    training: Sequence[Judged],
    test: Judged,
    seed: int,
    on_step: OnStep = quiet,
    trees: int = TREES,
) -> Predictions:
    labels = np.concatenate([task.labels(part.states) for part in training])
    classifier = train(kind, training, labels, seed, on_step, trees)
    return predictions(classifier, test, task.labels(test.states))


def _judged(
    setup: str, kind: str, task: Task, training: Sequence[Judged], test: Judged, seed: int,
    predict: Callable[[], Predictions],
) -> Transfer:  # fmt: skip
    notes = check_apart([part.windows for part in training], test.windows)
    started = time.monotonic()
    said = predict()
    seconds = round(time.monotonic() - started, 2)
    return Transfer(
        setup=setup,
        classifier=kind,
        task=task.name,
        quality=quality(said, seed),
        train_windows=sum(len(part) for part in training),
        train_subjects=tuple(sorted({name for part in training for name in part.subjects.tolist()})),
        test_subjects=tuple(sorted(set(test.subjects.tolist()))),
        seconds=seconds,
        notes=notes,
    )


def balanced(training: Sequence[Judged], test: Judged, kind: str, seed: int) -> float:
    """Balanced accuracy over the states that both sides have; nan where these are fewer than two.

    A ruler for the registry: a floor holds one half of a person's windows against the other on purpose, so only the
    generator's own leak is refused here. Raises EvaluationError.
    """
    from sklearn.metrics import balanced_accuracy_score

    for part in training:
        leaked = sorted(part.windows.seen_subjects & people(test.windows))
        if leaked:
            raise EvaluationError(
                f"The generator of these windows has seen subject {', '.join(leaked)}. Judge it on a subject that its "
                "fold leaves out."
            )
    shared = set(test.states.tolist()).intersection(*({*part.states.tolist()} for part in training))
    if len(shared) < 2:
        return float("nan")
    training = [part.take(np.isin(part.states, list(shared))) for part in training]
    tested = test.take(np.isin(test.states, list(shared)))
    said = _said(kind, TASKS["states"], training, tested, seed, trees=RULER_TREES)
    return float(balanced_accuracy_score(said.truth, said.predicted))


def tstr(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """Balanced accuracy of each quick classifier."""
    return {kind: balanced([synthetic], real, kind, context.seed) for kind in QUICK_KINDS}


def trts(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """Balanced accuracy of each quick classifier."""
    return {kind: balanced([real], synthetic, kind, context.seed) for kind in QUICK_KINDS}


def augmentation(real: Judged, synthetic: Judged, context: Context) -> float:
    """Difference of balanced accuracies of the logistic regression. Raises EvaluationError for a leak."""
    learned = context.train
    if learned is None:
        raise EvaluationError("Augmentation needs the windows that the generator learned from: give Context.train.")
    both = sorted(people(learned.windows) & people(real.windows))
    if both:
        raise EvaluationError(f"Subject {', '.join(both)} is in the training and in the test windows. Leave them out.")
    joined = balanced([learned, synthetic], real, "logistic", context.seed)
    return joined - balanced([learned], real, "logistic", context.seed)


_score = partial(
    Score,
    group="usefulness",
    unit="balanced accuracy",
    better="higher",
    control="shuffled_states",
    repeats=5,
    least_windows=16,
)
SCORES = (
    _score(
        name="tstr",
        title="Trained on synthetic, tested on reference windows (TSTR)",
        meaning="Balanced accuracy on reference windows of a classifier that was trained on synthetic windows alone.",
        parts=QUICK_KINDS,
        compute=tstr,
    ),
    _score(
        name="trts",
        title="Trained on reference, tested on synthetic windows (TRTS)",
        meaning="Balanced accuracy on synthetic windows of a classifier that was trained on reference windows alone.",
        parts=QUICK_KINDS,
        compute=trts,
    ),
    _score(
        name="augmentation",
        title="Gain from adding synthetic windows (augmentation)",
        meaning="Change in balanced accuracy on new people when synthetic windows join the reference training windows.",
        needs=("train",),
        compute=augmentation,
    ),
)
