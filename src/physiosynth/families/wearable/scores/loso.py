"""Leave-one-subject-out: every person is tested by classifiers that have seen everybody else.

Each person's predictions are a file of their own, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.data.folds import load_fold
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.judging.classifiers import KINDS, TITLES, predictions, train
from physiosynth.families.wearable.judging.kept import Kept
from physiosynth.families.wearable.judging.metrics import Predictions, Quality, quality
from physiosynth.families.wearable.scores.usefulness import TASKS, Task, check_apart, people
from physiosynth.files import write_json
from physiosynth.running.keys import code_digest, key_of
from physiosynth.runtime import OnStep, quiet

TRAINED_ON = ("real", "synthetic", "real+synthetic")
FIELDS = ("probabilities", "truth", "subjects")


@dataclass(frozen=True)
class LosoResult:
    """One classifier and task over everybody.

    quality: of all predictions pooled, intervals over subjects; accuracy: of each subject; seconds: of all trainings
    and predictions, as measured when they were done.
    """

    classifier: str
    task: str
    trained_on: str
    quality: Quality
    accuracy: dict[str, float]
    seconds: float

    @property
    def title(self) -> str:
        return f"{TITLES[self.classifier]}, {TASKS[self.task].title}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def leave_one_out(
    everybody: Judged,
    out: Path,
    kinds: Sequence[str] = KINDS,
    tasks: Sequence[str] = tuple(TASKS),
    seed: int = 0,
    synthetic: Mapping[str, Judged] | None = None,
    on_step: OnStep = quiet,
) -> list[LosoResult]:
    """Train on all but one subject, test on that one, for each; results are kept under `out`.

    synthetic: for each subject, windows of a generator that has not seen that subject; with them every classifier is
    also trained on synthetic windows alone and on both. on_step counts trainings. Raises EvaluationError for a leak, a
    subject without synthetic windows, or fewer than three subjects.
    """
    names = sorted(people(everybody.windows))
    _check(everybody, names, synthetic)
    modes = TRAINED_ON if synthetic is not None else TRAINED_ON[:1]
    jobs = [(mode, kind, task, name) for mode in modes for task in tasks for kind in kinds for name in names]
    parts: dict[tuple[str, str, str], list[tuple[Predictions, float]]] = {}
    base = f"{everybody.windows.sha256()}/{code_digest(__name__)}"
    for done, (mode, kind, task, name) in enumerate(jobs, 1):
        made = None if synthetic is None else synthetic[name]
        drawn = None if made is None else made.windows.sha256()
        kept = Kept(Path(out) / "folds", key_of(everybody=base, made=drawn, seed=seed))
        compute = partial(_tested, everybody, name, mode, kind, TASKS[task], seed, made)
        found = kept.once(f"{mode}_{kind}_{task}_{name}", "predictions", compute)
        arrays = [np.array(found[field]) for field in FIELDS]
        said = Predictions(tuple(found["classes"]), *arrays), found["seconds"]
        parts.setdefault((mode, kind, task), []).append(said)
        on_step(done, len(jobs))
    return [_pooled(*which, found, seed) for which, found in parts.items()]


def leave_fold_out(
    fold: Path,
    out: Path,
    kinds: Sequence[str],
    tasks: Sequence[str],
    seed: int,
    jobs: int,
    on_window: OnStep,
    on_training: OnStep,
) -> list[LosoResult]:
    """leave_one_out over all splits of a fold directory, also written to OUT/loso.json.

    jobs: processes that measure windows; the callbacks count windows and trainings. Raises EvaluationError, FoldError.
    """
    windows = WindowSet.from_fold(fold, load_fold(fold).splits())
    everybody = Judged.of(windows, out, workers=jobs, on_step=on_window)
    found = leave_one_out(everybody, out, kinds, tasks, seed, on_step=on_training)
    content = {"windows_sha256": windows.sha256(), "source": windows.source, "seed": seed}
    write_json(out / "loso.json", content | {"results": [result.to_dict() for result in found]})
    return found


def _check(everybody: Judged, names: list[str], synthetic: Mapping[str, Judged] | None) -> None:
    if len(names) < 3:
        raise EvaluationError(f"Leaving one subject out needs three subjects at least, found {len(names)}.")
    if synthetic is None:
        return
    missing = [name for name in names if name not in synthetic]
    if missing:
        raise EvaluationError(f"No synthetic windows for the folds of {', '.join(missing)}. Generate them first.")
    for name in names:
        check_apart([synthetic[name].windows], everybody.take(everybody.subjects == name).windows)


def _tested(
    everybody: Judged, name: str, mode: str, kind: str, task: Task, seed: int, made: Judged | None
) -> dict[str, Any]:
    """Predictions for one subject, as JSON holds them, and the seconds they took."""
    started = time.monotonic()
    test, others = everybody.take(everybody.subjects == name), everybody.take(everybody.subjects != name)
    training = [others] if "real" in mode else []
    training += [made] if "synthetic" in mode and made is not None else []
    check_apart([part.windows for part in training], test.windows)
    labels = np.concatenate([task.labels(part.states) for part in training])
    said = predictions(train(kind, training, labels, seed), test, task.labels(test.states))
    content = {field: getattr(said, field).tolist() for field in FIELDS}
    return content | {"classes": said.classes, "seconds": time.monotonic() - started}


def _pooled(mode: str, kind: str, task: str, found: list[tuple[Predictions, float]], seed: int) -> LosoResult:
    said = found[0][0]
    for part, _ in found[1:]:
        said = said.join(part)
    accuracy = {str(part.subjects[0]): float((part.predicted == part.truth).mean()) for part, _ in found}
    seconds = round(sum(seconds for _, seconds in found), 1)
    return LosoResult(kind, task, mode, quality(said, seed), accuracy, seconds)
