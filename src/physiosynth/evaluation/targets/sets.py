"""The windows that targets are measured on: of people learned from, of people nobody has seen, and generated ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from pathlib import Path

import numpy as np

from physiosynth.datasets.folds import load_fold
from physiosynth.errors import EvaluationError, FoldError
from physiosynth.evaluation.features import window_features
from physiosynth.evaluation.inputs import thinned_at
from physiosynth.evaluation.judged import Judged, OnStep
from physiosynth.evaluation.windows import WindowSet, halves_of
from physiosynth.runtime import window_seed
from physiosynth.signals import CONDITIONS

DRAW_SEED = 0  # real windows are drawn the same for every bundle, so that what is measured of them can be kept
AT_ONCE = 2000  # windows measured before they are kept


@dataclass(frozen=True)
class Sets:
    """real: of people learned from; made: generated, one set a seed; left_out: of the person the fold leaves out;
    unseen: of people of another cohort, None where there are none."""

    real: Judged
    made: tuple[Judged, ...]
    left_out: Judged | None = None
    unseen: Judged | None = None

    @cached_property
    def pooled(self) -> Judged:
        """The generated windows of every seed."""
        return reduce(Judged.joined, self.made)

    @property
    def states(self) -> tuple[str, ...]:
        """The states that real and generated windows share. Raises EvaluationError where there is none."""
        both = tuple(state for state in self.real.present_states if state in self.pooled.present_states)
        if not both:
            raise EvaluationError("The generator knows none of the states of the fold. Use another fold or bundle.")
        return both

    @cached_property
    def outsiders(self) -> Judged:
        """Everybody who was not learned from and chose nothing. Raises EvaluationError where there is nobody."""
        known = [each for each in (self.unseen, self.left_out) if each is not None and len(each)]
        if not known:
            raise EvaluationError("No unseen people: give a fold of another cohort (--unseen).")
        return reduce(Judged.joined, known)

    def alike(self, made: Judged, seed: int) -> Judged:
        """As many real windows of each state as `made` has, or as there are, as a set of their own."""
        return drawn_like(self.real, made, seed)


def drawn_like(real: Judged, other: Judged, seed: int, taken: np.ndarray | None = None) -> Judged:
    """Real windows in the other's states and numbers, drawn with the seed, as a set of their own.

    taken: positions that are not to be drawn.
    """
    rng, parts = np.random.default_rng(window_seed(seed, 41)), []
    free = np.ones(len(real), dtype=bool)
    free[[] if taken is None else taken] = False
    for state in real.present_states:
        at = rng.permutation(np.flatnonzero((real.states == state) & free))
        parts.append(at[: int((other.states == state).sum())])
    return alone(real, np.sort(np.concatenate(parts)))


def alone(judged: Judged, at: np.ndarray) -> Judged:
    """The windows at these positions as a set of their own: what is measured later is measured of them alone."""
    view = judged.take(at)
    return Judged.of(view.windows, features=view.features)


def first_of_each_state(judged: Judged, count: int) -> Judged:
    """The first `count` windows of each state, as a set of their own."""
    mine = [np.flatnonzero(judged.states == state)[:count] for state in judged.present_states]
    return alone(judged, np.concatenate(mine))


def splits(count: int, first: int, second: int, repeats: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Disjoint random positions of two sets of these sizes; both shrink alike where `count` does not hold them."""
    share = min(1.0, count / max(first + second, 1))
    sizes = max(1, int(share * first)), max(1, int(share * second))
    for repeat in range(repeats):
        mixed = np.random.default_rng(window_seed(seed, 100 + repeat)).permutation(count)
        yield mixed[: sizes[0]], mixed[sizes[0] : sum(sizes)]


def resampled(count: int, size: int, repeats: int, seed: int) -> Iterator[np.ndarray]:
    """Positions of bootstrap draws: what a mean over `size` new windows of the same kind varies by."""
    for repeat in range(repeats):
        yield np.random.default_rng(window_seed(seed, 9000 + repeat)).integers(count, size=size)


def people_splits(view: Judged, size: int, repeats: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions of windows of one half of the people and of the other, at most `size` each; none for one person."""
    if len(np.unique(view.subjects)) < 2:
        return
    for repeat in range(repeats):
        rng = np.random.default_rng(window_seed(seed, 5000 + repeat))
        halves = halves_of(view.states, view.subjects, int(rng.integers(2**32)), "subject")
        yield tuple(rng.permutation(half)[:size] for half in halves)


def windows_of(
    path: Path | str,
    names: Iterable[str],
    per_state: int | None = None,
    each: int | None = None,
    cohort: str = "",
) -> WindowSet:
    """Windows of these splits of a fold, drawn without reading the rest.

    per_state: most a state and split; each: most a state and person; cohort: put before the people's names, so that
    those of two cohorts are not taken for each other. Raises FoldError.
    """
    fold, at = load_fold(path), {}
    for name in names:
        split = fold.split(name)
        if split.conditions is None or split.subject is None:
            raise FoldError(f"{fold.path}: {name} windows have no states or no subjects. Write the fold again.")
        states, people = np.array(CONDITIONS)[split.conditions - 1], np.asarray(split.subject)
        rows = np.arange(len(states))
        if each is not None:
            mine = (np.flatnonzero(people == person) for person in np.unique(people))
            rows = np.sort(np.concatenate([at_[thinned_at(states[at_], each, DRAW_SEED)] for at_ in mine]))
        if per_state is not None:
            rows = rows[thinned_at(states[rows], per_state, DRAW_SEED)]
        at[name] = rows
    windows = WindowSet.from_fold(path, at, at)
    return replace(windows, subjects=[f"{cohort}{name}" for name in windows.subjects.tolist()])


def measured(windows: WindowSet, cache: Path, workers: int, on_step: OnStep) -> Judged:
    """The windows with their features, kept under `cache` a few thousand at a time. on_step counts windows."""
    parts = []
    for first in range(0, len(windows), AT_ONCE):
        chunk = windows.take(np.arange(first, min(first + AT_ONCE, len(windows))))

        def step(done: int, _: int, first: int = first) -> None:
            on_step(first + done, len(windows))

        parts.append(window_features(chunk, cache, workers if len(chunk) >= 400 else 1, step))
    return Judged.of(windows, features=reduce(lambda a, b: a.joined(b), parts))
