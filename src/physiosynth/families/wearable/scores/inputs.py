"""What an evaluation is given: reference windows of a person left out, windows to judge, and those learned from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from physiosynth.errors import EvaluationError, RequestError
from physiosynth.families.wearable.data.folds import FoldDirectory, load_fold
from physiosynth.families.wearable.features.windows import RATE_HZ, SYNTHETIC, WindowSet
from physiosynth.families.wearable.signals import CONDITIONS
from physiosynth.running.keys import code_digest, key_of
from physiosynth.runtime import OnStep, check_seed, derive_seed, quiet

if TYPE_CHECKING:
    from physiosynth.bundles.bundle import Bundle
    from physiosynth.datasets.normalizer import Normalizer
    from physiosynth.families.wearable.generator.generator import Sampling, WESADGenerator

WINDOWS_A_FILE = 32
KNOWN_PEOPLE = 8
COLUMNS = ("ecg", "eda", "resp", "states", "subjects")


@dataclass(frozen=True)
class Networks:
    """What an attack on a generator's own loss needs of it. bundle_sha256: of what was loaded."""

    adapter: Any
    norm_low: Normalizer
    norm_ecg: Normalizer
    bundle_sha256: str

    @classmethod
    def of_bundle(cls, bundle: Bundle, generator: WESADGenerator) -> Networks:
        """The networks of a loaded generator, with the norms of its bundle. Raises BundleError."""
        from physiosynth.families.wearable.generator.loading import load

        loaded = load(bundle.milestones, bundle.checkpoint, bundle.fold)
        return cls(generator.adapter, loaded.norm_low, loaded.norm_ecg, generator.info.bundle_sha256)


@dataclass(frozen=True)
class Inputs:
    """Windows and what is known of them.

    real: windows that nothing in the generator's making has seen; synthetic: windows to judge; train: reference
    windows of other people, None where the fold holds none; outsiders: reference windows of people who were not
    learned from (they may have chosen the checkpoint); known: many windows of a few of those who were; generator:
    its networks, where they are at hand; origin: what is known of each, for the record; notes: what a reader must know.
    """

    real: WindowSet
    synthetic: WindowSet
    train: WindowSet | None = None
    generator: Networks | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    outsiders: WindowSet | None = None
    known: WindowSet | None = None


@dataclass(frozen=True)
class Reference:
    """The reference windows of a fold, as Inputs wants them."""

    fold: FoldDirectory
    real: WindowSet
    train: WindowSet | None
    outsiders: WindowSet | None
    known: WindowSet | None

    def inputs(
        self,
        synthetic: WindowSet,
        generator: Networks | None = None,
        origin: Mapping[str, Any] | None = None,
        notes: tuple[str, ...] = (),
    ) -> Inputs:
        """Everything an evaluation is given, with synthetic windows to judge."""
        sets = {"outsiders": self.outsiders, "known": self.known}
        return Inputs(self.real, synthetic, self.train, generator, origin or {}, notes, **sets)


def reference(
    fold_dir: Path | str,
    per_state: int | None,
    train_per_state: int | None,
    seed: int,
    outsiders: int | None = None,
    known: int | None = None,
) -> Reference:
    """A fold's test windows, training windows and validation windows, at most so many a state (None: all).

    outsiders: most per state of the validation windows; known: most per state of each of KNOWN_PEOPLE training
    subjects. Splits that the fold does not hold are None. Fewer are drawn with the seed. Raises FoldError.
    """
    fold = load_fold(fold_dir)
    real = thinned(WindowSet.from_fold(fold_dir, ("test",)), per_state, seed)
    train = others = few = None
    if "train" in fold.splits():
        everybody = WindowSet.from_fold(fold_dir, ("train",))
        train, few = thinned(everybody, train_per_state, seed), known_people(everybody, known, seed)
    if "val" in fold.splits():
        others = thinned(WindowSet.from_fold(fold_dir, ("val",)), outsiders, seed)
    return Reference(fold, real, train, others, few)


def known_people(windows: WindowSet, per_state: int | None, seed: int) -> WindowSet | None:
    """Windows of KNOWN_PEOPLE of these people, at most so many a state of each; None for fewer than two people."""
    names = np.unique(windows.subjects)
    if len(names) < 2:
        return None
    rng = np.random.default_rng(derive_seed(seed, "known people"))
    parts = [
        thinned(windows.take(windows.subjects == name), per_state, seed)
        for name in sorted(rng.permutation(names)[:KNOWN_PEOPLE])
    ]
    return _together(parts)


def thinned(windows: WindowSet, per_state: int | None, seed: int) -> WindowSet:
    """At most `per_state` windows of each state, drawn with the seed; all of them for None."""
    return windows if per_state is None else windows.take(thinned_at(windows.states, per_state, seed))


def thinned_at(states: np.ndarray, per_state: int, seed: int) -> np.ndarray:
    """Positions, in order, of at most `per_state` windows of each state, drawn with the seed."""
    rng = np.random.default_rng(derive_seed(seed, "thinned"))
    present = [name for name in CONDITIONS if (states == name).any()]
    kept = [rng.permutation(np.flatnonzero(states == name))[:per_state] for name in present]
    return np.sort(np.concatenate(kept))


def seen_by(fold_name: str | None, own_config: Mapping[str, Any], fold: FoldDirectory) -> tuple[frozenset[str], str]:
    """The subjects a bundle has seen, and a note ("" for none) on where that is known from.

    fold_name: the fold that its manifest names; own_config: dataset_config.json of its own fold; fold: the fold that it
    is judged on. Empty where nothing is known.
    """
    own = subjects_of(own_config)
    if own:
        return own, ""
    name = (fold_name or "").removeprefix("fold_")
    if name and name == fold.test_subject:
        note = f"The bundle names fold {name} but lists no subjects; taken as this fold's training and validation ones."
        return subjects_of(fold.config), note
    return frozenset(), "Nothing says whose recordings the generator has seen: independence is not verified."


def config_of(own_fold: Path | None) -> Mapping[str, Any]:
    """The settings of a bundle's own fold, empty where there is none. Raises FoldError."""
    return {} if own_fold is None else load_fold(own_fold).config


def subjects_of(config: Mapping[str, Any]) -> frozenset[str]:
    """Training and validation subjects that a fold's settings list."""
    listed = config.get("subjects")
    listed = listed if isinstance(listed, Mapping) else {}
    return frozenset(str(name) for split in ("train", "val") for name in listed.get(split) or ())


def from_file(path: Path | str, fold: FoldDirectory, seen: Iterable[str] | None) -> tuple[WindowSet, tuple[str, ...]]:
    """Windows of any tool from an NPZ, with notes. seen: whom its generator saw, None for what the fold suggests.

    Raises EvaluationError.
    """
    windows = WindowSet.from_npz(path, subjects_of(fold.config) if seen is None else seen)
    notes = unusual(windows)
    if seen is None:
        notes.append(
            f"{Path(path).name} does not say whose recordings its generator has seen; taken as the fold's training and "
            "validation subjects."
        )
    return windows, tuple(notes)


def unusual(windows: WindowSet) -> list[str]:
    """Notes on windows that are there more than once, and on channels that do not vary."""
    joined = np.concatenate([windows.channel(name) for name in RATE_HZ], axis=1)
    repeated = len(windows) - len({row.tobytes() for row in joined})
    notes = [f"{repeated} of {len(windows)} windows repeat another one exactly."] if repeated else []
    for name in RATE_HZ:
        flat = int((np.ptp(windows.channel(name), axis=1) == 0).sum())
        if flat:
            notes.append(f"{name} is constant in {flat} of {len(windows)} windows.")
    return notes


def drawn(
    generator: WESADGenerator,
    states: Iterable[str],
    per_state: int,
    seed: int,
    folder: Path | str,
    seen: Iterable[str] = (),
    sampling: Sampling | None = None,
    on_step: OnStep = quiet,
    targets: Any = None,
) -> WindowSet:
    """`per_state` synthetic windows of each state, drawn in files of 32 under `folder` and read from there next time.

    A window depends on the bundle, the seed, its state, its number and the generator's code alone, so a file serves any
    run with the same key. targets: the rates asked for, as the generator takes them. on_step counts thousandths of a
    file. Raises RequestError, EvaluationError and what the generator raises.
    """
    from physiosynth.families.wearable.generator import generator as core

    check_seed(seed)
    if per_state < 1:
        raise RequestError(f"Draw at least 1 window per state, found {per_state}.")
    states = [state for state in states if state in generator.info.conditions]
    if not states:
        raise EvaluationError("The generator knows none of the reference's states. Use another fold or bundle.")
    settings = generator.info.defaults if sampling is None else overlaid(generator.info.defaults, sampling)
    asked = {} if targets is None else {"targets": targets}
    known = {"bundle": generator.info.bundle_sha256, "seed": seed, "sampling": vars(settings)}
    key = key_of(code=code_digest(core.__name__), **known, **{name: vars(rates) for name, rates in asked.items()})[:16]
    pieces = [(state, first) for state in states for first in range(0, per_state, WINDOWS_A_FILE)]
    parts = []
    for place, (state, first) in enumerate(pieces):
        count = min(WINDOWS_A_FILE, per_state - first)
        path = Path(folder) / key / f"{state}_{first:05d}_{count}.npz"
        if not path.is_file():

            def step(done: int, total: int, place: int = place) -> None:
                on_step(1000 * place + 1000 * done // max(total, 1), 1000 * len(pieces))

            batch = generator.sample_batch(state, count, seed, sampling, step, first_window=first, **asked)
            generator.write_npz(batch, path)
        parts.append(WindowSet.from_npz(path, seen))
        on_step(1000 * (place + 1), 1000 * len(pieces))
    return joined(parts)


def joined(parts: list[WindowSet]) -> WindowSet:
    """Synthetic windows of several files as one set, copied once."""
    return replace(_together(parts), source=SYNTHETIC)


def _together(parts: list[WindowSet]) -> WindowSet:
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    return replace(parts[0], **columns)


def overlaid(defaults: Sampling, sampling: Sampling) -> Sampling:
    """The defaults with what was asked for in their place."""
    return replace(defaults, **{name: value for name, value in vars(sampling).items() if value is not None})
