"""Windows with everything that was ever measured of them kept, and views that share it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.features import Features, window_features
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.runtime import OnStep, quiet

ALL_STATES = "all"


class Judged:
    """A set of windows, with everything that was ever measured of them kept.

    Measuring happens once for the whole set: `take` and `of_state` give views that share it. Build with Judged.of.
    """

    def __init__(self, root: _Measured, at: np.ndarray) -> None:
        self._root = root
        self.at = at  # positions in the whole set
        whole = len(at) == len(root.windows) and bool((at == np.arange(len(at))).all())
        self._windows: WindowSet | None = root.windows if whole else None
        self._features: Features | None = None

    @classmethod
    def of(
        cls,
        windows: WindowSet,
        cache_dir: Path | None = None,
        features: Features | None = None,
        workers: int = 1,
        on_step: OnStep = quiet,
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
        if self._features is None:
            self._features = self._root.features().take(self.at)
        return self._features

    def feature(self, name: str) -> np.ndarray:
        """(n,) one measurement of these windows, without a copy of the others."""
        return self._root.features()[name][self.at]

    def measured(self) -> Judged:
        """These windows, with the whole set measured now, while somebody watches the steps."""
        self._root.features()
        return self

    def per_window(self, key: str, compute: Callable[[WindowSet], np.ndarray]) -> np.ndarray:
        """(n, ...) what `compute` gives for every window of the whole set, kept under `key`."""
        return self._root.per_window(key, compute)[self.at]

    def with_other(self, other: Judged, key: str, compute: Callable[[Judged, Judged], Any]) -> Any:
        """What `compute` gives for this view and another, kept under `key`: several scores ask the same of a pair."""
        pair = (key, self.at.tobytes(), id(other._root), other.at.tobytes())
        # The other set is kept beside the answer, so that its id is not given to a new one meanwhile.
        return self._root.once(pair, lambda: (other._root, compute(self, other)))[1]

    def once(self, key: str, compute: Callable[[WindowSet], Any]) -> Any:
        """What `compute` gives for the whole set, kept under `key` as long as the windows are."""
        return self._root.once((key,), lambda: compute(self._root.windows))

    def joined(self, other: Judged) -> Judged:
        """Both views as one whole set, without measuring anything anew."""
        return Judged.of(self.windows.concat(other.windows), self._root.cache_dir, self.features.joined(other.features))

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

    def __init__(
        self, windows: WindowSet, cache_dir: Path | None, features: Features | None, workers: int, on_step: OnStep
    ) -> None:
        self.windows, self.cache_dir, self.workers, self.on_step = windows, cache_dir, workers, on_step
        self._features = features
        self._known: dict[tuple, Any] = {}

    def features(self) -> Features:
        if self._features is None:
            self._features = window_features(self.windows, self.cache_dir, self.workers, self.on_step)
        return self._features

    def per_window(self, key: str, compute: Callable[[WindowSet], np.ndarray]) -> np.ndarray:
        def rows() -> np.ndarray:
            values = np.asarray(compute(self.windows))
            if len(values) != len(self.windows):
                raise EvaluationError(f"{key}: expected a row per window, {len(self.windows)}, found {len(values)}.")
            return values

        return self.once(("per window", key), rows)

    def once(self, key: tuple, compute: Callable[[], Any]) -> Any:
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]
