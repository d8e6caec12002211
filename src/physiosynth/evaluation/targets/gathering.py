"""From a bundle and two folds to measured windows of everybody that targets are asked of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from physiosynth.datasets.folds import FoldDirectory, load_fold
from physiosynth.errors import EvaluationError
from physiosynth.evaluation.inputs import config_of, drawn, seen_by, subjects_of
from physiosynth.evaluation.judged import Judged, OnStep
from physiosynth.evaluation.plan import Steps
from physiosynth.evaluation.targets.plan import Settings
from physiosynth.evaluation.targets.sets import Sets, measured, windows_of
from physiosynth.evaluation.usefulness import check_apart
from physiosynth.evaluation.windows import WindowSet

if TYPE_CHECKING:
    from physiosynth.generate.batch import Sampling
    from physiosynth.generate.core import WESADGenerator

FEW_PEOPLE = 20  # unseen ones that usefulness and privacy want
DRAW_S = 0.08  # to draw one window; a guess for the time left


@dataclass(frozen=True)
class Places:
    """Where things are. fold: the one the generator was trained on; unseen: a fold of other people, all of whose
    splits are unseen; out: results and what is kept of this generator; cache: features, shared between generators."""

    fold: Path
    unseen: Path | None
    out: Path
    cache: Path


def gathered(generator: WESADGenerator, places: Places, settings: Settings, steps: Steps, notes: list[str]) -> Sets:
    """Every set, drawn and measured; `notes` is added to. Raises EvaluationError, for a leak of people before that."""
    fold = _own_fold(places.fold)
    seen, note = seen_by(generator.info.fold, config_of(generator.info.reference_dir), fold)
    notes += [*generator.info.notices, *fold.notices, *([note] if note else [])]
    if seen and seen != subjects_of(fold.config):
        notes.append("The bundle lists other people than this fold: it was trained on another one.")
    windows = _real(places, settings, notes)
    left_out = windows["the person left out"]
    check_apart([replace(left_out.take(np.arange(0)), seen_subjects=seen)], left_out)
    kind = left_out.eda_kind
    if kind != generator.info.eda:
        raise EvaluationError(f"{fold.path}: EDA is {kind}, the generator's {generator.info.eda}. Use its own fold.")
    real, person, *others = (
        measured(each, places.cache, settings.workers, steps.start(name)) for name, each in windows.items()
    )
    made = made_of(
        generator, real, places, settings, lambda seed: steps.start(f"synthetic windows, seed {seed}"), seen=seen
    )
    return Sets(real, made, person, others[0] if others else None)


def _own_fold(path: Path) -> FoldDirectory:
    fold = load_fold(path)
    missing = {"train", "test"} - set(fold.splits())
    if missing:
        raise EvaluationError(
            f"{path}: no {' and no '.join(sorted(missing))} windows. Targets are measured on the fold that the "
            "generator was trained on, with all of its splits."
        )
    return fold


def _real(places: Places, settings: Settings, notes: list[str]) -> dict[str, WindowSet]:
    """Real windows by the name of the stage that measures them, those of the people learned from first."""
    sets = {
        "real windows": windows_of(places.fold, ("train",), settings.real),
        "the person left out": windows_of(places.fold, ("test",)),
    }
    people = 0
    if places.unseen is not None:
        others = windows_of(places.unseen, load_fold(places.unseen).splits(), each=settings.unseen, cohort="unseen ")
        people, sets["unseen people"] = len(np.unique(others.subjects)), others
    if people < FEW_PEOPLE:
        notes.append(f"{people} unseen people beside the one left out: usefulness and privacy want {FEW_PEOPLE}.")
    return sets


def made_of(
    generator: WESADGenerator,
    real: Judged,
    places: Places,
    settings: Settings,
    step_of: Callable[[int], OnStep],
    sampling: Sampling | None = None,
    seen: frozenset[str] = frozenset(),
) -> tuple[Judged, ...]:
    """Generated windows of the real ones' states, one measured set a seed; step_of: the callback of a seed."""
    sets = []
    for seed in settings.seeds:
        step = step_of(seed)

        def draw(done: int, total: int, step: OnStep = step) -> None:
            step(4 * done, 5 * total)  # drawing is taken for four fifths of the time

        def measure(done: int, total: int, step: OnStep = step) -> None:
            step(4 * total + done, 5 * total)

        states, folder = real.present_states, places.out / "windows"
        windows = drawn(generator, states, settings.windows, seed, folder, seen, sampling, draw)
        sets.append(measured(windows, places.cache, settings.workers, measure))
    return tuple(sets)
