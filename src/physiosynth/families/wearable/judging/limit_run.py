"""A generator from bundle to report: windows drawn and measured once, targets kept as they are finished."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from physiosynth.errors import EvaluationError, FoldError, RequestError
from physiosynth.families.wearable.data.folds import load_fold
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.judging.judging import common_states
from physiosynth.families.wearable.judging.kept import Kept, plain
from physiosynth.families.wearable.judging.limit_people import attacks, transfers
from physiosynth.families.wearable.judging.limit_requests import compared, requested
from physiosynth.families.wearable.judging.limit_scores import (
    LIMITS,
    TELLING,
    TELLING_BY_NETWORK,
    beside_left_out,
    lying,
)
from physiosynth.families.wearable.judging.limits import DRAW_SEED, Row, first_of_each_state, markdown, met_of
from physiosynth.families.wearable.judging.plan import MEASURE_S, SCALE, OnStage, Steps
from physiosynth.families.wearable.judging.registry import Context
from physiosynth.families.wearable.scores.inputs import Networks, config_of, drawn, seen_by, subjects_of, thinned_at
from physiosynth.families.wearable.scores.usefulness import check_apart
from physiosynth.families.wearable.signals import CONDITIONS
from physiosynth.files import replacing, write_json
from physiosynth.running.keys import code_digest, key_of
from physiosynth.runtime import OnStep, check_seed, quiet

if TYPE_CHECKING:
    from physiosynth.bundles.bundle import Bundle
    from physiosynth.families.wearable.data.batch import Sampling
    from physiosynth.families.wearable.generator.generator import WESADGenerator

TARGETS = {  # in the order of the report: title, and seconds with the full settings on two cores, for the time left
    "clean": ("Clean windows, relative to the reference", 1),
    "means": ("Mean heart rate and RMSSD", 1),
    "ks": ("Feature distributions (Kolmogorov-Smirnov)", 5),
    "contrasts": ("Contrasts between states", 5),
    "coupling": ("Coupling of heart, breathing and skin conductance", 30),
    "spectra": ("Log-spectral distance", 20),
    "usefulness": ("Trained on synthetic, tested on unseen people (TSTR)", 240),
    "discriminative": ("Discriminative score (distance from chance)", 90),
    "closeness": ("Density and coverage", 60),
    "membership": ("Membership inference", 90),
    "steps": ("Default number of denoising steps against many", 60),
    "requested": ("Target rates", 120),
}
OWN_SETTINGS = {  # settings that change one target alone
    "membership": ("attacked", "seen_people"),
    "steps": ("reference_steps", "reference_windows"),
    "requested": ("asked_values", "asked_windows"),
}
FEW_PEOPLE = 20  # unseen ones that usefulness and privacy want
WORTH_A_POOL = 400  # windows; starting processes takes longer than measuring fewer
DRAW_S = 0.08  # to draw one window; a guess for the time left


@dataclass(frozen=True)
class Settings:
    """How a generator is measured.

    windows: synthetic ones per state and seed; real: most reference ones per state of the training subjects; unseen:
    most per state of each unseen person; repeats: draws of a floor; kinds: classifiers; attacked: windows per state and
    side whose denoising loss is asked for; seen_people: how many of those learned from are members in the membership
    attacks (all); reference_steps: evaluations per stream that the default number is held against (not done when None),
    with reference_windows a state (as `windows`); asked_values, asked_windows: requested rates, and windows of each;
    only: names of TARGETS.
    """

    windows: int = 200
    seeds: tuple[int, ...] = (0, 1, 2)
    real: int = 2000
    unseen: int = 24
    repeats: int = 200
    slow_repeats: int = 6
    kinds: tuple[str, ...] = ("logistic", "forest", "resnet")
    attacked: int = 200
    seen_people: int | None = None
    reference_steps: int | None = None
    reference_windows: int | None = None
    asked_values: int = 5
    asked_windows: int = 20
    only: tuple[str, ...] = tuple(TARGETS)
    workers: int = 1

    def __post_init__(self) -> None:
        unknown = sorted(set(self.only) - set(TARGETS))
        if unknown or not self.only:
            raise RequestError(f"No target {', '.join(unknown) or '(none)'}. There are {', '.join(TARGETS)}.")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise RequestError(f"Give one or more seeds, each once; found {', '.join(map(str, self.seeds)) or 'none'}.")
        for seed in self.seeds:
            check_seed(seed)
        for name, value in vars(self).items():
            if isinstance(value, int) and value < 1:
                raise RequestError(f"{name}: expected 1 or more, found {value}.")

    @property
    def wanted(self) -> tuple[str, ...]:
        """The targets to measure, in the order of TARGETS."""
        left_out = {"steps"} if self.reference_steps is None else set()
        return tuple(name for name in TARGETS if name in self.only and name not in left_out)


def settings_of(quick: bool, **fields: Any) -> Settings:
    """Full settings, or with `quick` few windows and draws and no network; what is given and not None comes first."""
    few: dict[str, Any] = {
        "windows": 40, "seeds": (0,), "real": 200, "unseen": 6, "repeats": 100, "slow_repeats": 2,
        "kinds": ("logistic", "forest"), "attacked": 24, "asked_values": 3, "asked_windows": 8,
    }  # fmt: skip
    given = {name: value for name, value in fields.items() if value is not None}
    return Settings(**{**(few if quick else {}), **given})


@dataclass(frozen=True)
class Places:
    """Where things are. fold: the one the generator was trained on; unseen: a fold of other people, all of whose
    splits are unseen; out: results and what is kept of this generator; cache: features, shared between generators."""

    fold: Path
    unseen: Path | None
    out: Path
    cache: Path


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

    @cached_property
    def outsiders(self) -> Judged:
        """Everybody who was not learned from and chose nothing. Raises EvaluationError where there is nobody."""
        known = [each for each in (self.unseen, self.left_out) if each is not None and len(each)]
        if not known:
            raise EvaluationError("No unseen people: give a fold of another cohort (--unseen).")
        return reduce(Judged.joined, known)


@dataclass(frozen=True)
class Findings:
    """rows: every figure; origin: what was measured, for the record; notes: what a reader must know."""

    rows: tuple[Row, ...]
    origin: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def write(self, folder: Path) -> tuple[Path, Path]:
        """targets.json and targets.md, each whole or not at all."""
        data, page = folder / "targets.json", folder / "targets.md"
        rows = [row.to_dict() for row in self.rows]
        write_json(data, {"origin": plain(self.origin), "notes": list(self.notes), "rows": rows})
        lines = ["# Targets", "", f"{met_of(self.rows).replace(' met', ' figures met')}.", ""]
        lines += [f"- {name}: {value}" for name, value in self.origin.items() if name != "settings"]
        lines += [*(f"- note: {note}" for note in self.notes), ""]
        titles = {name: title for name, (title, _) in TARGETS.items()}
        with replacing(page) as temporary:
            temporary.write_text("\n".join(lines) + "\n" + markdown(self.rows, titles), encoding="utf-8")
        return data, page


@dataclass(frozen=True)
class Check:
    """One generator, and everything that its targets are measured with."""

    generator: WESADGenerator
    networks: Networks | None
    places: Places
    settings: Settings
    steps: Steps

    def gathered(self, notes: list[str]) -> Sets:
        """Every set, drawn and measured; `notes` is added to. Raises EvaluationError, for a leak of people before."""
        info, places, settings = self.generator.info, self.places, self.settings
        fold = load_fold(places.fold)
        missing = {"train", "test"} - set(fold.splits())
        if missing:
            raise EvaluationError(
                f"{places.fold}: no {' and no '.join(sorted(missing))} windows. Targets are measured on the fold that "
                "the generator was trained on, with all of its splits."
            )
        seen, note = seen_by(info.fold, config_of(info.reference_dir), fold)
        notes += [*info.notices, *fold.notices, *([note] if note else [])]
        if seen and seen != subjects_of(fold.config):
            notes.append("The bundle lists other people than this fold: it was trained on another one.")
        windows = {
            "reference windows": windows_of(places.fold, ("train",), settings.real),
            "the person left out": windows_of(places.fold, ("test",)),
        }
        if places.unseen is not None:
            splits = load_fold(places.unseen).splits()
            windows["unseen people"] = windows_of(places.unseen, splits, each=settings.unseen, cohort="unseen ")
        left_out, unseen = windows["the person left out"], windows.get("unseen people")
        people = 0 if unseen is None else len(np.unique(unseen.subjects))
        if people < FEW_PEOPLE:
            notes.append(f"{people} unseen people beside the one left out: usefulness and privacy want {FEW_PEOPLE}.")
        check_apart([replace(left_out.take(np.arange(0)), seen_subjects=seen)], left_out)
        if left_out.eda_kind != info.eda:
            raise EvaluationError(
                f"{fold.path}: EDA is {left_out.eda_kind}, the generator's {info.eda}. Use its own fold."
            )
        real, *others = (self.measured(each, self.steps.start(name)) for name, each in windows.items())
        made = tuple(
            self.made(real, seed, self.steps.start(f"synthetic windows, seed {seed}"), seen=seen)
            for seed in settings.seeds
        )
        return Sets(common_states(real, made[0])[0], made, *others)

    def made(
        self, real: Judged, seed: int, on_step: OnStep, sampling: Sampling | None = None, seen: Iterable[str] = ()
    ) -> Judged:
        """Generated windows of the reference's states, measured. Drawing is taken for four fifths of the time."""
        windows = drawn(
            self.generator, real.present_states, self.settings.windows, seed, self.places.out / "windows", seen,
            sampling, lambda done, total: on_step(4 * done, 5 * total),
        )  # fmt: skip
        return self.measured(windows, lambda done, total: on_step(4 * total + done, 5 * total))

    def measured(self, windows: WindowSet, on_step: OnStep = quiet) -> Judged:
        workers = self.settings.workers if len(windows) >= WORTH_A_POOL else 1
        return Judged.of(windows, self.places.cache, None, workers, on_step).measured()

    def rows(self, sets: Sets, kept: Kept) -> tuple[Row, ...]:
        """The rows of every target, those that were kept as they were."""
        rows: list[Row] = []
        for name in self.settings.wanted:
            item, step = name, self.steps.start(name)
            for own in OWN_SETTINGS.get(name, ()):
                item += f" {getattr(self.settings, own)}"
            found = kept.once("targets", item, partial(self.target, name, sets, kept, step))
            rows += [Row.from_dict(row) for row in found]
            step(1, 1)
        return tuple(rows)

    def target(self, name: str, sets: Sets, kept: Kept, on_step: OnStep) -> Sequence[Row]:
        """Measure one of TARGETS."""
        settings, seed, with_network = self.settings, self.settings.seeds[0], "resnet" in self.settings.kinds
        if name in LIMITS:
            return rows_of(name, sets, settings.repeats)
        if name == "usefulness":
            return transfers(sets.real, sets.made, sets.outsiders, settings.seeds, settings.kinds, kept, on_step)
        if name == "membership":
            return attacks(
                sets.real, sets.pooled, sets.outsiders, self.networks, settings.seen_people, settings.attacked,
                settings.repeats, seed, on_step,
            )  # fmt: skip
        if name == "requested":
            given = settings.asked_values, settings.asked_windows, seed, self.places.out / "windows"
            return requested(self.generator, sets.real, *given, self.measured, on_step)
        if name == "steps":
            return self._with_many_steps(sets, on_step)
        limits = (lying(with_network),) if name == "closeness" else (TELLING, TELLING_BY_NETWORK)[: 1 + with_network]
        context = Context(train=sets.unseen if sets.unseen is not None else sets.left_out)
        rows: list[Row] = []
        for place, limit in enumerate(limits):
            on_step(place, len(limits))
            rows += limit.rows(sets.real, sets.made, sets.pooled, settings.slow_repeats, context)
        return rows

    def _with_many_steps(self, sets: Sets, on_step: OnStep) -> Sequence[Row]:
        """The targets of LIMITS with many evaluations per stream, against the default number."""
        from physiosynth.families.wearable.data.batch import Sampling

        settings = self.settings
        count = settings.reference_windows or settings.windows
        many = Sampling(low_steps=settings.reference_steps, ecg_steps=settings.reference_steps)
        few = replace(self, settings=replace(settings, windows=count))
        made = [few.made(sets.real, seed, on_step, many) for seed in settings.seeds]
        first = [first_of_each_state(each, count) for each in sets.made]
        both = (replace(sets, made=tuple(each)) for each in (first, made))
        return compared(*([row for name in LIMITS for row in rows_of(name, each, settings.repeats)] for each in both))


def rows_of(name: str, sets: Sets, repeats: int) -> list[Row]:
    """The rows of one of LIMITS."""
    rows = [row for limit in LIMITS[name] for row in limit.rows(sets.real, sets.made, sets.pooled, repeats)]
    if name == "spectra" and sets.left_out is not None:
        rows += beside_left_out(sets.left_out, sets.real, sets.pooled)
    return rows


def check(
    bundle: Bundle,
    generator: WESADGenerator,
    places: Places,
    settings: Settings,
    on_step: OnStep = quiet,
    on_stage: OnStage = lambda stage: None,
) -> Findings:
    """Measure every target asked for. What was drawn, measured or finished before is not done again.

    on_step counts thousandths of the whole; on_stage is told what is being done. Either may raise to cancel. Raises
    EvaluationError, FoldError, and what the generator raises.
    """
    networks = Networks.of_bundle(bundle, generator) if "membership" in settings.wanted else None
    work = Check(generator, networks, places, settings, Steps(_costs(settings), on_step, on_stage))
    notes: list[str] = []
    sets = work.gathered(notes)
    rows = work.rows(sets, Kept(places.out / "parts", _key(sets, settings, generator)))
    on_step(SCALE, SCALE)
    info = generator.info
    origin = {
        "bundle_sha256": info.bundle_sha256, "checkpoint": info.checkpoint.name, "sampling": vars(info.defaults),
        "fold": str(places.fold.name), "windows per state and seed": settings.windows, "seeds": list(settings.seeds),
        "reference windows": len(sets.real), "training subjects": len(set(sets.real.subjects.tolist())),
        "unseen people": 0 if sets.unseen is None else len(set(sets.unseen.subjects.tolist())),
        "settings": asdict(settings),
    }  # fmt: skip
    return Findings(rows, origin, tuple(dict.fromkeys(notes)))


def windows_of(
    path: Path | str, names: Iterable[str], per_state: int | None = None, each: int | None = None, cohort: str = ""
) -> WindowSet:
    """Windows of these splits of a fold, drawn without reading the rest.

    per_state: most per state and split; each: most per state and person; cohort: put before the people's names, so that
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
    return replace(windows, subjects=np.array([f"{cohort}{name}" for name in windows.subjects]))


def _key(sets: Sets, settings: Settings, generator: WESADGenerator) -> str:
    """Of everything a figure depends on. Which targets are asked for, and the processes, change none of them."""
    there = [each for each in (sets.real, sets.left_out, sets.unseen, *sets.made) if each is not None]
    apart = {"only", "workers", *(name for names in OWN_SETTINGS.values() for name in names)}
    given = {name: value for name, value in asdict(settings).items() if name not in apart}
    return key_of(
        windows=[each.windows.sha256() for each in there], settings=given, code=code_digest(__name__),
        bundle=generator.info.bundle_sha256, sampling=vars(generator.info.defaults),
    )  # fmt: skip


def _costs(settings: Settings) -> dict[str, float]:
    """Seconds that each stage is expected to take, by its name."""
    made = 4 * settings.windows * (MEASURE_S / settings.workers + DRAW_S)
    share = len(settings.seeds) / 3 * max(0.3, settings.windows / 200) * (1.0 if "resnet" in settings.kinds else 0.3)
    costs = {"reference windows": 4 * settings.real * MEASURE_S / settings.workers, "the person left out": 4.0}
    costs |= {"unseen people": 80 * settings.unseen * MEASURE_S / settings.workers}
    costs |= {f"synthetic windows, seed {seed}": made for seed in settings.seeds}
    costs |= {name: TARGETS[name][1] * share for name in settings.wanted}
    if "steps" in costs and settings.reference_steps is not None:
        few = (settings.reference_windows or settings.windows) * len(settings.seeds) * 4
        costs["steps"] += few * DRAW_S * settings.reference_steps / 14
    return costs
