"""A generator from bundle to report: windows drawn and measured once, targets kept as they are finished."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from physiosynth.evaluation.features import VERSION as FEATURES_VERSION
from physiosynth.evaluation.inputs import Networks
from physiosynth.evaluation.judged import Judged, OnStep
from physiosynth.evaluation.kept import Kept, key_of, plain
from physiosynth.evaluation.plan import MEASURE_S, SCALE, OnStage, Steps
from physiosynth.evaluation.targets.gathering import DRAW_S, Places, gathered, made_of
from physiosynth.evaluation.targets.likeness import lying, telling
from physiosynth.evaluation.targets.memory import attacks
from physiosynth.evaluation.targets.physiology import clean, contrasts, distributions, means
from physiosynth.evaluation.targets.plan import CHEAP, SECONDS, TARGETS, Settings
from physiosynth.evaluation.targets.requested import requested
from physiosynth.evaluation.targets.rows import Row, markdown, summary
from physiosynth.evaluation.targets.sets import Sets, first_of_each_state, measured
from physiosynth.evaluation.targets.signals import coupling, log_spectra
from physiosynth.evaluation.targets.steps import compared
from physiosynth.evaluation.targets.usefulness import transfers
from physiosynth.files import replacing, write_json

if TYPE_CHECKING:
    from physiosynth.generate.bundle import Bundle
    from physiosynth.generate.core import WESADGenerator

READING = (
    "Measured: mean over seeds, or all seeds pooled. Floor: what real windows of the same people score in the place of "
    "the synthetic ones, mean and 95 % quantile towards worse; a limit missed within it cannot be told from chance."
)
OWN_SETTINGS = {  # settings that change one target alone
    "membership": ("attacked", "seen_people"),
    "steps": ("reference_steps", "reference_windows"),
    "requested": ("asked_values", "asked_windows"),
}
CHEAP_TARGETS: Mapping[str, Callable[[Sets, Settings], tuple[Row, ...]]] = {
    "clean": clean,
    "means": means,
    "ks": distributions,
    "contrasts": contrasts,
    "coupling": coupling,
    "spectra": log_spectra,
}


@dataclass(frozen=True)
class Findings:
    """rows: every figure; origin: what was measured, for the record; notes: what a reader must know."""

    rows: tuple[Row, ...]
    origin: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def write(self, folder: Path) -> tuple[Path, Path]:
        """targets.json and targets.md, each whole or not at all."""
        content = {
            "origin": plain(self.origin),
            "notes": list(self.notes),
            "rows": [row.to_dict() for row in self.rows],
        }
        write_json(folder / "targets.json", content)
        judged = [row for row in self.rows if row.met is not None]
        lines = ["# Targets", "", f"{sum(row.met for row in judged)} of {len(judged)} figures met.", ""]
        lines += [f"- {name}: {value}" for name, value in self.origin.items() if name != "settings"]
        lines += [f"- note: {note}" for note in self.notes]
        lines += ["", summary(self.rows, TARGETS).rstrip(), "", READING]
        with replacing(folder / "targets.md") as temporary:
            temporary.write_text("\n".join(lines) + "\n\n" + markdown(self.rows, TARGETS), encoding="utf-8")
        return folder / "targets.json", folder / "targets.md"


def check(
    bundle: Bundle,
    generator: WESADGenerator,
    places: Places,
    settings: Settings,
    on_step: OnStep = lambda done, total: None,
    on_stage: OnStage = lambda stage: None,
) -> Findings:
    """Measure every target asked for. What was drawn, measured or finished before is not done again.

    on_step counts thousandths of the whole; on_stage is told what is being done. Either may raise to cancel. Raises
    EvaluationError, FoldError, and what the generator raises.
    """
    steps = Steps(_costs(settings), on_step, on_stage)
    notes: list[str] = []
    sets = gathered(generator, places, settings, steps, notes)
    key = _key(sets, settings, generator)
    networks = Networks.of_bundle(bundle, generator) if "membership" in settings.wanted else None
    rows = judged(sets, settings, Kept(places.out / "parts", key), generator, networks, places, steps)
    on_step(SCALE, SCALE)
    info = generator.info
    origin = {
        "bundle_sha256": info.bundle_sha256, "checkpoint": info.checkpoint.name, "sampling": vars(info.defaults),
        "fold": str(places.fold.name), "windows a state and seed": settings.windows, "seeds": list(settings.seeds),
        "real windows": len(sets.real), "people learned from": len(set(sets.real.subjects.tolist())),
        "unseen people": 0 if sets.unseen is None else len(set(sets.unseen.subjects.tolist())),
        "settings": asdict(settings),
    }  # fmt: skip
    return Findings(rows, origin, tuple(dict.fromkeys(notes)))


def judged(
    sets: Sets,
    settings: Settings,
    kept: Kept,
    generator: WESADGenerator | None,
    networks: Networks | None,
    places: Places,
    steps: Steps,
) -> tuple[Row, ...]:
    """The rows of every target, those that were kept as they were."""
    have, rows = kept.read("targets"), []

    def of(name: str) -> tuple[Row, ...]:
        item = " ".join([name, *(str(getattr(settings, each)) for each in OWN_SETTINGS.get(name, ()))])
        if item not in have:
            found = _measure(name, sets, settings, kept, generator, networks, places, steps.start(name), of)
            have[item] = [row.to_dict() for row in found]
            kept.add("targets", item, have[item])
        return tuple(Row.from_dict(row) for row in have[item])

    for name in settings.wanted:
        rows += of(name)
        steps.start(name)(1, 1)
    return tuple(rows)


def _measure(name, sets, settings, kept, generator, networks, places, on_step, of) -> tuple[Row, ...]:
    if name in CHEAP_TARGETS:
        return CHEAP_TARGETS[name](sets, settings)
    if name == "usefulness":
        return transfers(sets, settings, kept, on_step)
    if name == "discriminative":
        return telling(sets, settings, on_step)
    if name == "closeness":
        return lying(sets, settings, on_step)
    if name == "membership":
        return attacks(sets, settings, networks, on_step)
    if name == "requested":

        def measure(windows, step) -> Judged:
            return measured(windows, places.cache, 1, step)

        return requested(generator, sets, settings, places.out / "windows", measure, on_step)
    return _with_many_steps(sets, settings, generator, places, on_step, of)


def _with_many_steps(sets, settings, generator, places, on_step, of) -> tuple[Row, ...]:
    """The cheap targets with many evaluations a stream, against the default number."""
    from physiosynth.generate.batch import Sampling

    many = Sampling(low_steps=settings.reference_steps, ecg_steps=settings.reference_steps)
    count = settings.reference_windows or settings.windows
    few = replace(settings, windows=count)
    made = made_of(generator, sets.real, places, few, lambda seed: on_step, many)
    default = sets
    if count != settings.windows:
        default = replace(sets, made=tuple(first_of_each_state(each, count) for each in sets.made))
    rows = [row for name in CHEAP for row in CHEAP_TARGETS[name](replace(sets, made=made), few)]
    if count == settings.windows and set(CHEAP) <= set(settings.wanted):
        return compared([row for name in CHEAP for row in of(name)], rows)
    return compared([row for name in CHEAP for row in CHEAP_TARGETS[name](default, few)], rows)


def _key(sets: Sets, settings: Settings, generator: WESADGenerator) -> str:
    """Of everything a figure depends on. Which targets are asked for, and the processes, change none of them."""
    digest = hashlib.sha256()
    for each in (sets.real, sets.left_out, sets.unseen, *sets.made):
        digest.update(b"none" if each is None else each.windows.sha256().encode())
    apart = {"only", "workers", *(name for names in OWN_SETTINGS.values() for name in names)}
    given = {name: value for name, value in asdict(settings).items() if name not in apart}
    return key_of(
        windows=digest.hexdigest(), settings=given, features=FEATURES_VERSION, bundle=generator.info.bundle_sha256,
        sampling=vars(generator.info.defaults),
    )  # fmt: skip


def _costs(settings: Settings) -> dict[str, float]:
    """Seconds that each stage is expected to take, by its name."""
    made = 4 * settings.windows * (MEASURE_S / settings.workers + DRAW_S)
    share = len(settings.seeds) / 3 * max(0.3, settings.windows / 200) * (1.0 if "resnet" in settings.kinds else 0.3)
    costs = {"real windows": 4 * settings.real * MEASURE_S / settings.workers, "the person left out": 4.0}
    costs |= {"unseen people": 80 * settings.unseen * MEASURE_S / settings.workers}
    costs |= {f"synthetic windows, seed {seed}": made for seed in settings.seeds}
    costs |= {name: SECONDS[name] * share for name in settings.wanted}
    if "steps" in costs:
        few = (settings.reference_windows or settings.windows) * len(settings.seeds) * 4
        costs["steps"] += few * DRAW_S * settings.reference_steps / 14
    return costs
