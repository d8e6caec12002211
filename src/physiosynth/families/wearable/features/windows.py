"""The windows that judges see: one form for reference ones, generated ones and controls."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from physiosynth.errors import ChannelError, ConditionError, EvaluationError, FoldError
from physiosynth.families.wearable.signals import (
    CONDITIONS,
    ECG_HZ,
    ECG_STEPS,
    LOW_CHANNELS,
    LOW_HZ,
    LOW_STEPS,
    UNITS,
    condition_name,
)

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.batch import SignalBatch

SYNTHETIC = "synthetic"  # source, and the subject of every generated window
_SHAPES = {"ECG": ECG_STEPS, "EDA": LOW_STEPS, "Resp": LOW_STEPS}
RATE_HZ = {"ECG": ECG_HZ, "EDA": LOW_HZ, "Resp": LOW_HZ}


@dataclass(frozen=True)
class WindowSet:
    """n windows of all three channels, each at its own rate, in physical units.

    ecg: (n, 5250) float32 mV; eda: (n, 120) uS; resp: (n, 120) % of the belt; states, subjects: (n,) text, "synthetic"
    being the subject of generated windows; source: "recorded", "virtual", "synthetic", or a control's name; eda_kind:
    "full" or "phasic"; seen_subjects: whom generator, normaliser and selection saw, empty for reference windows.
    Raises EvaluationError where lengths do not fit, a state is unknown, or a value is not a number.
    """

    ecg: np.ndarray
    eda: np.ndarray
    resp: np.ndarray
    states: np.ndarray
    subjects: np.ndarray
    source: str
    eda_kind: str = "full"
    seen_subjects: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "states", np.asarray(self.states, dtype=np.str_))
        object.__setattr__(self, "subjects", np.asarray(self.subjects, dtype=np.str_))
        object.__setattr__(self, "seen_subjects", frozenset(self.seen_subjects))
        for name, steps in _SHAPES.items():
            values = np.ascontiguousarray(self._field(name), dtype=np.float32)
            object.__setattr__(self, name.lower(), values)
            if values.shape != (len(self), steps):
                raise EvaluationError(
                    f"Expected {name} of {len(self)} windows of {steps} samples ({RATE_HZ[name]} Hz), found shape "
                    f"{values.shape}. Resample or cut the windows first."
                )
            if not np.isfinite(values).all():
                bad = int((~np.isfinite(values)).any(axis=1).sum())
                raise EvaluationError(f"{name}: {bad} of {len(self)} windows hold NaN or infinity. Leave those out.")
        if self.states.shape != self.subjects.shape or self.states.ndim != 1:
            raise EvaluationError(f"Expected one state and one subject for each of {len(self)} windows.")
        unknown = sorted(set(self.states.tolist()) - set(CONDITIONS))
        if unknown:
            raise EvaluationError(f"Unknown states {', '.join(unknown)}. States are {', '.join(CONDITIONS)}.")

    def __len__(self) -> int:
        return len(self.states)

    def _field(self, name: str) -> np.ndarray:
        return getattr(self, name.lower())

    def channel(self, name: str) -> np.ndarray:
        """(n, time) of "ECG", "EDA" or "Resp". Raises ChannelError."""
        if name not in _SHAPES:
            raise ChannelError(f"Expected one of {', '.join(_SHAPES)}, found {name!r}.")
        return self._field(name)

    @property
    def present_states(self) -> tuple[str, ...]:
        """The states that have windows, in the project's order."""
        return tuple(name for name in CONDITIONS if (self.states == name).any())

    def take(self, positions: Sequence[int] | np.ndarray) -> WindowSet:
        """The windows at these positions, or where this mask is true."""
        at = np.asarray(positions)
        at = at if at.dtype == bool else at.astype(np.intp)
        return replace(
            self,
            ecg=self.ecg[at],
            eda=self.eda[at],
            resp=self.resp[at],
            states=self.states[at],
            subjects=self.subjects[at],
        )

    def of_state(self, name: str) -> WindowSet:
        """The windows of one state; none is no error."""
        return self.take(self.states == condition_name(name))

    def concat(self, other: WindowSet) -> WindowSet:
        """These windows, then the other's. Raises EvaluationError where one set's EDA is phasic and the other's not."""
        if self.eda_kind != other.eda_kind:
            raise EvaluationError(
                f"Windows with {self.eda_kind} and {other.eda_kind} EDA cannot be put together: prepare both the same."
            )
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])
            for name in ("ecg", "eda", "resp", "states", "subjects")
        }
        source = self.source if self.source == other.source else f"{self.source}+{other.source}"
        return replace(self, **joined, source=source, seen_subjects=self.seen_subjects | other.seen_subjects)

    def halves(self, seed: int, by: Literal["random", "subject"] = "random") -> tuple[WindowSet, WindowSet]:
        """Two disjoint halves; see halves_of. Raises EvaluationError."""
        first, second = halves_of(self.states, self.subjects, seed, by)
        return self.take(first), self.take(second)

    def sha256(self) -> str:
        """SHA-256 over signals and names: the key under which what was measured of these windows is kept."""
        digest = hashlib.sha256(f"{self.source}/{self.eda_kind}/{sorted(self.seen_subjects)}/{len(self)}".encode())
        for array in (self.ecg, self.eda, self.resp):
            digest.update(array.tobytes())
        digest.update("\n".join([*self.states.tolist(), *self.subjects.tolist()]).encode())
        return digest.hexdigest()

    @classmethod
    def from_fold(
        cls, path: Path | str, splits: Iterable[str] = ("test",), at: Mapping[str, np.ndarray] | None = None
    ) -> WindowSet:
        """The windows of one or more splits of a fold directory. Raises FoldError.

        at: positions in each split, so that a large fold need not be read whole; all windows where None.
        """
        from physiosynth.families.wearable.data.folds import load_fold

        fold = load_fold(path)
        order = [fold.channels_low.index(name) for name in LOW_CHANNELS]
        parts = []
        for name in splits:
            split = fold.split(name)
            if split.conditions is None:
                raise FoldError(
                    f"{fold.path}: no {name}_cond.npy, so its windows have no states. Write the fold again."
                )
            rows = slice(None) if at is None else at[name]
            low = np.asarray(split.low[rows])[..., order]
            whose = fold.test_subject or "unknown"
            subjects = split.subject[rows] if split.subject is not None else np.full(len(low), whose)
            states = np.array(CONDITIONS)[np.asarray(split.conditions[rows], dtype=int) - 1]
            ecg = split.ecg[rows][..., 0]
            parts.append(cls(ecg, low[..., 0], low[..., 1], states, subjects, fold.source, fold.eda))
        if not parts:
            raise EvaluationError("Name at least one split of the fold: train, val or test.")
        joined = parts[0]
        for part in parts[1:]:
            joined = joined.concat(part)
        return joined

    @classmethod
    def from_batch(cls, batch: SignalBatch, seen_subjects: Iterable[str] = ()) -> WindowSet:
        """Generated windows. seen_subjects: whom the generator was trained, normalised and chosen on."""
        eda, resp = batch.low.select("EDA", "Resp")
        whose = np.full(len(batch), SYNTHETIC)
        kind = batch.provenance.eda
        return cls(
            batch.ecg[..., 0], eda, resp, np.array(batch.conditions), whose, SYNTHETIC, kind, frozenset(seen_subjects)
        )

    @classmethod
    def from_npz(cls, path: Path | str, seen_subjects: Iterable[str] = ()) -> WindowSet:
        """Synthetic windows of any tool, from an NPZ file that needs no pickle.

        Arrays: ecg (n, 5250) or (n, 5250, 1) in mV; eda and resp (n, 120), uS and % of the belt; states or conditions:
        n names, or condition_ids: n label ids. A file of this project's generator fits. Raises EvaluationError.
        """
        arrays = _read_npz(Path(path))
        settings = _settings_of(arrays)
        missing = [name for name in ("ecg", "eda", "resp") if name not in arrays]
        labels = next((arrays[key] for key in ("states", "conditions", "condition_ids") if key in arrays), None)
        if missing or labels is None:
            missing += ["states"] if labels is None else []
            units = ", ".join(f"{name.lower()} in {UNITS[name]}" for name in _SHAPES)
            raise EvaluationError(
                f"{path}: no array {', '.join(missing)}; found {', '.join(arrays) or 'none'}. Expected {units}, and "
                "states (one name per window)."
            )
        try:
            states = [condition_name(label) for label in np.ravel(labels).tolist()]
        except ConditionError as error:
            raise EvaluationError(f"{path}: {error}") from error
        ecg, eda, resp = (_flat(arrays[name]) for name in ("ecg", "eda", "resp"))
        whose = np.full(len(states), SYNTHETIC)
        kind = settings.get("eda") or str(arrays.get("eda_kind", "full"))
        return cls(ecg, eda, resp, np.array(states), whose, SYNTHETIC, kind, frozenset(seen_subjects))


def halves_of(
    states: np.ndarray, subjects: np.ndarray, seed: int, by: Literal["random", "subject"] = "random"
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of two disjoint halves, drawn with a seed.

    "random": within each state, so that both halves hold the same states; windows of a recording that overlap make such
    halves a little too alike, which is strict on what is held against them. "subject": no subject is in both halves.
    Raises EvaluationError for fewer than two subjects.
    """
    rng = np.random.default_rng(seed)
    if by == "subject":
        people = np.unique(subjects)
        if len(people) < 2:
            raise EvaluationError(f"A split by subject needs two subjects, found {', '.join(people.tolist())}.")
        inside = np.isin(subjects, rng.permutation(people)[: len(people) // 2])
        return np.flatnonzero(inside), np.flatnonzero(~inside)
    first, second = [], []
    for place, state in enumerate(np.unique(states)):
        mixed = rng.permutation(np.flatnonzero(states == state))
        cut = (len(mixed) + place % 2) // 2  # odd counts are rounded up and down in turn
        first.append(mixed[:cut])
        second.append(mixed[cut:])
    return np.sort(np.concatenate(first)), np.sort(np.concatenate(second))


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    import zipfile
    import zlib

    try:
        with np.load(path, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise EvaluationError(f"{path}: not a readable NPZ file without pickled objects ({error}).") from error


def _settings_of(arrays: dict[str, np.ndarray]) -> dict:
    import json

    try:
        settings = json.loads(str(arrays.get("settings", "{}")))
    except ValueError:
        return {}
    return settings if isinstance(settings, dict) else {}


def _flat(values: np.ndarray) -> np.ndarray:
    """(n, t) of (n, t) or (n, t, 1); anything else is left for the shape check to name."""
    return values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values
