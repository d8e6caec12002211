"""Every score in one list, with its direction, control and floor: the report, the page and the tests read it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.evaluation.features import Features, window_features
from physiosynth.evaluation.windows import WindowSet

GROUPS = ("distributions", "spectra", "physiology", "coupling", "usefulness", "fidelity", "privacy")
ALL_STATES = "all"
Better = Literal["lower", "higher", "near_zero"]
# Modules that register scores; a module that is not there is a fault of the installation, not of the user.
SCORE_MODULES: tuple[str, ...] = ("distributions", "spectra_scores", "physiology_scores", "coupling")
OnStep = Callable[[int, int], None]


def _quiet(done: int, total: int) -> None:
    """The callback of those who do not watch."""


class Judged:
    """A set of windows, with everything that was ever measured of them kept.

    Measuring happens once for the whole set: `take` and `of_state` give views that share it. Build with Judged.of.
    """

    def __init__(self, root: _Measured, at: np.ndarray) -> None:
        self._root = root
        self.at = at  # positions in the whole set
        self._windows: WindowSet | None = root.windows if len(at) == len(root.windows) else None

    @classmethod
    def of(
        cls,
        windows: WindowSet,
        cache_dir: Path | None = None,
        features: Features | None = None,
        workers: int = 1,
        on_step: OnStep = _quiet,
    ) -> Judged:
        """cache_dir: where features are kept by SHA-256 of the windows; features: those measured before; workers:
        processes that measure; on_step counts windows."""
        return cls(_Measured(windows, cache_dir, features, workers, on_step), np.arange(len(windows)))

    def __len__(self) -> int:
        return len(self.at)

    @property
    def whole(self) -> Judged:
        """The whole set that this is a view of."""
        return Judged(self._root, np.arange(len(self._root.windows)))

    @property
    def windows(self) -> WindowSet:
        """The signals of this view."""
        if self._windows is None:
            self._windows = self._root.windows.take(self.at)
        return self._windows

    @property
    def states(self) -> np.ndarray:
        """(n,) state names."""
        return self._root.windows.states[self.at]

    @property
    def subjects(self) -> np.ndarray:
        """(n,) subject names."""
        return self._root.windows.subjects[self.at]

    @property
    def present_states(self) -> tuple[str, ...]:
        """States that have windows here, in the project's order."""
        here = set(self.states.tolist())
        return tuple(name for name in self._root.windows.present_states if name in here)

    @property
    def features(self) -> Features:
        """Features of these windows; the first call measures the whole set."""
        return self._root.features().take(self.at)

    def per_window(self, key: str, compute: Callable[[WindowSet], np.ndarray]) -> np.ndarray:
        """(n, ...) what `compute` gives for every window of the whole set, kept under `key`."""
        return self._root.per_window(key, compute)[self.at]

    def take(self, positions: Sequence[int] | np.ndarray) -> Judged:
        """A view of these positions (or of this mask) that shares what was measured."""
        return Judged(self._root, self.at[np.asarray(positions)])

    def derived(self, windows: WindowSet) -> Judged:
        """Other windows, to be measured the way these are: same cache, same number of processes."""
        return Judged.of(windows, self._root.cache_dir, None, self._root.workers, self._root.on_step)

    def of_state(self, name: str) -> Judged:
        """A view of one state; ALL_STATES is everything."""
        return self if name == ALL_STATES else self.take(self.states == name)


class _Measured:
    """What is known of one whole set of windows."""

    def __init__(self, windows, cache_dir, features, workers, on_step) -> None:
        self.windows, self.cache_dir, self.workers, self.on_step = windows, cache_dir, workers, on_step
        self._features, self._arrays = features, {}

    def features(self) -> Features:
        if self._features is None:
            self._features = window_features(self.windows, self.cache_dir, self.workers, self.on_step)
        return self._features

    def per_window(self, key: str, compute: Callable[[WindowSet], np.ndarray]) -> np.ndarray:
        if key not in self._arrays:
            values = np.asarray(compute(self.windows))
            if len(values) != len(self.windows):
                raise EvaluationError(f"{key}: expected a row a window, {len(self.windows)}, found {len(values)}.")
            self._arrays[key] = values
        return self._arrays[key]


@dataclass(frozen=True)
class Context:
    """What a score may need beside the two sets."""

    seed: int = 0
    train: Judged | None = None  # real windows the generator learned from; other people than the reference
    generator: Any = None  # a loaded generator, for attacks on its own loss
    extra: Mapping[str, Any] = field(default_factory=dict)  # what a module shares between its own scores


Compute = Callable[[Judged, Judged, Context], "float | dict[str, float]"]


@dataclass(frozen=True)
class Score:
    """One figure about synthetic windows, in terms that the page can show.

    name: unique, in snake case; title: plain words; meaning: one sentence for a reader who is no specialist; unit: ""
    for a bare number; better: which way is good; control: the name in controls.CONTROLS of windows that must score
    clearly worse; per_state: computed for each state as well as for all windows; parts: the channels or features a
    dict of values is keyed by, () for a single value; compute: (real, synthetic, context) -> float, or dict by part;
    repeats: split halves of the floor; needs: fields of Context that must be there, "train" or "generator".
    """

    name: str
    group: str
    title: str
    meaning: str
    unit: str
    better: Better
    control: str
    per_state: bool
    parts: tuple[str, ...]
    compute: Compute
    repeats: int = 20
    needs: frozenset[str] = frozenset()
    least_windows: int = 4  # a side; with fewer the score has no row

    def values(self, real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
        """Value by part; the part of a single value is ""."""
        found = self.compute(real, synthetic, context)
        return {k: float(v) for k, v in found.items()} if isinstance(found, dict) else {"": float(found)}

    def badness(self, value: float) -> float:
        """The value turned so that larger is worse."""
        return {"lower": value, "higher": -value, "near_zero": abs(value)}[self.better]


_SCORES: dict[str, Score] = {}


def score(
    *,
    name: str,
    group: str,
    title: str,
    meaning: str,
    better: Better,
    control: str,
    unit: str = "",
    per_state: bool = False,
    parts: Sequence[str] = (),
    repeats: int = 20,
    needs: Sequence[str] = (),
    least_windows: int = 4,
) -> Callable[[Compute], Compute]:
    """Decorator that puts a function (real, synthetic, context) into the registry. The fields are those of Score."""

    def register(compute: Compute) -> Compute:
        if name in _SCORES or group not in GROUPS:
            raise EvaluationError(f"Score {name}: the name is taken, or {group!r} is not one of {', '.join(GROUPS)}.")
        _SCORES[name] = Score(
            name=name,
            group=group,
            title=title,
            meaning=meaning,
            unit=unit,
            better=better,
            control=control,
            per_state=per_state,
            parts=tuple(parts),
            compute=compute,
            repeats=repeats,
            needs=frozenset(needs),
            least_windows=least_windows,
        )
        return compute

    return register


def scores(groups: Sequence[str] = GROUPS) -> tuple[Score, ...]:
    """Every registered score of these groups, in the order of GROUPS and then of registration."""
    for module in SCORE_MODULES:
        importlib.import_module(f"physiosynth.evaluation.{module}")
    return tuple(s for group in groups for s in _SCORES.values() if s.group == group)


def score_named(name: str) -> Score:
    """The score of this name. Raises EvaluationError."""
    found = [s for s in scores() if s.name == name]
    if not found:
        raise EvaluationError(f"No score {name!r}. There are {', '.join(s.name for s in scores())}.")
    return found[0]


@dataclass(frozen=True)
class Floor:
    """What real windows score against real windows. edge: the 95 % quantile towards worse; repeats: draws behind it."""

    mean: float
    edge: float
    repeats: int


@dataclass(frozen=True)
class ScoreRow:
    """One score of one state and part.

    value: with all windows; matched: mean at the sample sizes of the floor, the figure to hold against it; random:
    floor of random split halves; people: floor between people, None where there is one person and no other to ask;
    control: value of the score's control, None where controls were not asked for.
    """

    score: str
    state: str
    part: str
    value: float
    matched: float
    random: Floor | None
    people: Floor | None
    control: float | None
    windows: tuple[int, int]  # real, synthetic

    @property
    def verdict(self) -> str:
        """'as real' (within the random floor), 'as another person', 'between', 'as its control', or 'unknown'."""
        turned = score_named(self.score).badness
        if not np.isfinite(self.matched) or self.random is None or not np.isfinite(self.random.edge):
            return "unknown"
        if turned(self.matched) <= turned(self.random.edge):
            return "as real"
        if self.people is not None and turned(self.matched) <= turned(self.people.edge):
            return "as another person"
        if self.control is not None and turned(self.matched) >= turned(self.control):
            return "as its control"
        return "between"


@dataclass(frozen=True)
class ScoreTable:
    """The rows of a judgement, in the order of the registry."""

    rows: tuple[ScoreRow, ...]

    def select(self, score: str | None = None, state: str | None = None, part: str | None = None) -> ScoreTable:
        """The rows that match every name given."""
        wanted = {"score": score, "state": state, "part": part}
        return ScoreTable(
            tuple(r for r in self.rows if all(v is None or getattr(r, k) == v for k, v in wanted.items()))
        )

    def to_dicts(self) -> list[dict[str, Any]]:
        """Plain values for JSON and CSV, the verdict included; NaN becomes None."""
        return [_plain(row) for row in self.rows]


def _plain(row: ScoreRow) -> dict[str, Any]:
    def number(value: float | None) -> float | None:
        return None if value is None or not np.isfinite(value) else float(value)

    out: dict[str, Any] = {"score": row.score, "state": row.state, "part": row.part}
    out |= {"value": number(row.value), "matched": number(row.matched), "control": number(row.control)}
    for name in ("random", "people"):
        floor = cast("Floor | None", getattr(row, name))
        out[f"floor_{name}_mean"] = number(floor.mean) if floor else None
        out[f"floor_{name}_edge"] = number(floor.edge) if floor else None
        out[f"floor_{name}_repeats"] = floor.repeats if floor else 0
    return out | {"windows_real": row.windows[0], "windows_synthetic": row.windows[1], "verdict": row.verdict}
