"""One evaluation from windows to scores: what is measured, in which order, and how an interrupted run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from physiosynth.errors import EvaluationError, RequestError
from physiosynth.evaluation.features import VERSION as FEATURES_VERSION
from physiosynth.evaluation.inputs import Inputs, thinned
from physiosynth.evaluation.judging import common_states, evaluate
from physiosynth.evaluation.kept import Kept, key_of, plain, rows_from_plain, rows_to_plain
from physiosynth.evaluation.registry import GROUPS, Context, Judged, Score, ScoreRow, ScoreTable, scores
from physiosynth.evaluation.windows import WindowSet
from physiosynth.runtime import check_seed

OnStep = Callable[[int, int], None]
OnStage = Callable[[str], None]
SCALE = 1000  # steps that a whole run is told in
MEASURE_S = 0.02  # to measure one window, on one core
GROUP_S = {  # seconds a group takes with `--quick`; they steer the time left and nothing else
    "distributions": 12, "spectra": 3, "physiology": 4, "coupling": 3, "usefulness": 15, "fidelity": 15,
    "privacy": 10, "transfer": 12, "attacks": 10,
}  # fmt: skip
BASELINE_REPEATS = 3
WORTH_A_POOL = 800  # windows; starting processes takes longer than measuring fewer


@dataclass(frozen=True)
class Settings:
    """How an evaluation is run.

    windows: most a state; train_windows: most a state of the people learned from; repeats: split halves of a floor,
    None for each score's own number; kinds: classifiers of the tables of usefulness; controls: score the baselines
    too; workers: processes that measure windows.
    """

    windows: int | None = None
    train_windows: int | None = None
    seed: int = 0
    repeats: int | None = None
    kinds: tuple[str, ...] = ("logistic", "forest", "resnet")
    controls: bool = False
    workers: int = 1
    attacked: int = 48  # windows a state and side whose denoising loss is asked for
    quick: bool = False

    def __post_init__(self) -> None:
        check_seed(self.seed)
        for name in ("windows", "train_windows", "repeats", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RequestError(f"{name}: expected 1 or more, found {value}.")


def quick_settings(windows: int | None = None, **fields: Any) -> Settings:
    """Settings that end within 90 s for 64 windows a state on two cores."""
    given = {"train_windows": 48, "repeats": 4, "kinds": ("logistic", "forest"), "attacked": 12, "quick": True}
    return Settings(windows=windows or 64, **{**given, **fields})


def full_settings(windows: int | None = None, **fields: Any) -> Settings:
    """Settings of a full evaluation."""
    return Settings(windows=windows or 256, **{"train_windows": 400, **fields})


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation.

    transfers, attacks: usefulness.Transfer and membership.Attack as plain values; baselines: the table of every other
    set of windows that was scored, by its title; seconds: what each part took when it was computed.
    """

    table: ScoreTable
    transfers: tuple[Mapping[str, Any], ...]
    attacks: tuple[Mapping[str, Any], ...]
    baselines: Mapping[str, ScoreTable]
    real: Judged
    synthetic: Judged
    train: Judged | None
    settings: Settings
    inputs: Inputs
    hashes: Mapping[str, str]
    seconds: Mapping[str, float] = field(default_factory=dict)


class Steps:
    """Turns the steps of the parts of a run into steps of the whole, weighed by the seconds that each takes."""

    def __init__(self, costs: Mapping[str, float], on_step: OnStep, on_stage: OnStage) -> None:
        self._costs, self._on_step, self._on_stage = dict(costs), on_step, on_stage
        self._total, self._done = sum(costs.values()) or 1.0, 0.0

    def start(self, stage: str) -> OnStep:
        """Begin a stage; the callback given back takes its own steps."""
        self._on_stage(stage)
        before, cost = self._done, self._costs[stage]

        def step(done: int, total: int) -> None:
            self._done = max(self._done, before + cost * min(1.0, done / max(total, 1)))
            self._on_step(round(SCALE * self._done / self._total), SCALE)

        return step


def run(
    inputs: Inputs,
    folder: Path | str,
    settings: Settings | None = None,
    groups: tuple[str, ...] = GROUPS,
    on_step: OnStep = lambda done, total: None,
    on_stage: OnStage = lambda stage: None,
) -> Evaluation:
    """Score everything, keeping each finished score under `folder`; a later call computes the rest.

    on_step counts thousandths of the whole run; on_stage is told what is being done. Either may raise to cancel.
    Raises EvaluationError, for a leak of subjects before anything is computed.
    """
    settings, folder = settings or Settings(), Path(folder)
    _check(inputs)
    wanted = scores(groups)
    hashes = {
        name: windows.sha256()
        for name in ("real", "synthetic", "train")
        if (windows := getattr(inputs, name)) is not None
    }
    key = key_of(
        hashes=hashes, seed=settings.seed, repeats=settings.repeats, features=FEATURES_VERSION,
        bundle=None if inputs.generator is None else inputs.generator.bundle_sha256,
    )  # fmt: skip
    kept = Kept(folder, key)
    steps = Steps(_costs(inputs, settings, wanted), on_step, on_stage)
    real, synthetic, train = _measured(inputs, folder, settings, steps)
    real, synthetic = common_states(real, synthetic)
    context = Context(settings.seed, train, inputs.generator)
    table, seconds = _scored(wanted, real, synthetic, context, settings.repeats, kept, steps)
    transfers = _transfers(real, synthetic, train, settings, kept, steps) if "usefulness" in groups else ()
    attacks = _attacks(real, synthetic, context, settings, kept, steps) if "privacy" in groups else ()
    baselines = _baselines(wanted, real, context, settings, kept, steps) if settings.controls else {}
    on_step(SCALE, SCALE)
    return Evaluation(table, transfers, attacks, baselines, real, synthetic, train, settings, inputs, hashes, seconds)


def _check(inputs: Inputs) -> None:
    from physiosynth.evaluation.usefulness import check_apart

    learned = [inputs.synthetic] + ([] if inputs.train is None else [inputs.train])
    check_apart(learned, inputs.real)
    if not len(inputs.real) or not len(inputs.synthetic):
        raise EvaluationError("There are no windows to judge. Give some of each state.")


def _costs(inputs: Inputs, settings: Settings, wanted: tuple[Score, ...]) -> dict[str, float]:
    """Seconds that each stage is expected to take, by its name."""
    costs = {name: MEASURE_S * len(windows) for name, windows in _to_measure(inputs)}
    larger = 1.0 if settings.quick else 4.0
    size = larger * max(0.2, len(inputs.real) / 256)
    costs |= {group: GROUP_S[group] * size for group in dict.fromkeys(score.group for score in wanted)}
    costs["attacks"] = GROUP_S["attacks"] * larger
    costs["trained and tested"] = GROUP_S["transfer"] * size * (1 if settings.quick else 3)
    whole = sum(GROUP_S.values()) * size
    return costs | ({f"baseline: {name}": whole / 3 for name in baseline_makers()} if settings.controls else {})


def _to_measure(inputs: Inputs) -> list[tuple[str, Any]]:
    sets = {"real windows": inputs.real, "synthetic windows": inputs.synthetic, "training windows": inputs.train}
    return [(name, windows) for name, windows in sets.items() if windows is not None]


def _measured(inputs: Inputs, folder: Path, settings: Settings, steps: Steps) -> tuple[Judged, Judged, Judged | None]:
    found = {}
    for name, windows in _to_measure(inputs):
        step = steps.start(name)
        workers = settings.workers if len(windows) >= WORTH_A_POOL else 1
        found[name] = Judged.of(windows, folder, None, workers, step)
        step(len(found[name].features), len(windows))
    return found["real windows"], found["synthetic windows"], found.get("training windows")


def _scored(
    wanted: tuple[Score, ...],
    real: Judged,
    synthetic: Judged,
    context: Context,
    repeats: int | None,
    kept: Kept,
    steps: Steps,
) -> tuple[ScoreTable, dict[str, float]]:
    """The table of every score, a group at a time, and the seconds each group took when it was computed."""
    rows, seconds = [], {}
    for group in dict.fromkeys(score.group for score in wanted):
        mine = [score for score in wanted if score.group == group]
        against = _against(group, real, synthetic, context)
        found = _group(group, mine, *against, repeats, kept, steps.start(group))
        rows += _rows(mine, found)
        seconds[group] = round(sum(each["seconds"] for each in found.values()), 2)
    return ScoreTable(tuple(rows)), seconds


def _against(group: str, real: Judged, synthetic: Judged, context: Context) -> tuple[Judged, Judged, Context]:
    """Privacy is asked about those the generator learned from, everything else about a person it has not seen."""
    if group == "privacy" and context.train is not None:
        return *common_states(context.train, synthetic), replace(context, extra={"outsiders": real})
    return real, synthetic, context


def _group(
    part: str,
    wanted: Sequence[Score],
    real: Judged,
    synthetic: Judged,
    context: Context,
    repeats: int | None,
    kept: Kept,
    step: OnStep,
    controls: bool = True,
) -> dict[str, Any]:
    """{score: {"rows", "seconds"}} of one part; what is kept is not computed again."""
    have = kept.read(part)
    missing = [score for score in wanted if score.name not in have]
    before, clock = len(wanted) - len(missing), {"score": "", "since": 0.0}

    def on_step(done: int, _: int) -> None:
        if done < len(missing):
            clock.update(score=missing[done].name, since=time.monotonic())
        step(before + done, len(wanted))

    def on_rows(rows: tuple[ScoreRow, ...]) -> None:
        seconds = round(time.monotonic() - clock["since"], 3)
        have[clock["score"]] = {"rows": rows_to_plain(rows), "seconds": seconds}
        kept.add(part, clock["score"], have[clock["score"]])

    if missing:
        evaluate(
            missing, real, synthetic, context, repeats=repeats, controls=controls, on_step=on_step, on_rows=on_rows
        )
    step(len(wanted), len(wanted))
    return have


def _rows(wanted: Sequence[Score], found: Mapping[str, Any]) -> tuple[ScoreRow, ...]:
    """The rows of these scores; one whose needs were not met has none."""
    return tuple(row for score in wanted if score.name in found for row in rows_from_plain(found[score.name]["rows"]))


def _transfers(real, synthetic, train: Judged | None, settings: Settings, kept: Kept, steps: Steps) -> tuple:
    """Tables of usefulness: who was trained on what and tested on whom."""
    from physiosynth.evaluation.usefulness import utility

    step = steps.start("trained and tested")
    if train is None:
        return ()
    name = "+".join(settings.kinds)
    have = kept.read("transfers")
    if name not in have:
        found = utility(train, synthetic, real, settings.kinds, seed=settings.seed, on_step=step)
        have[name] = plain([asdict(each) for each in found])
        kept.add("transfers", name, have[name])
    return tuple(have[name])


def _attacks(real, synthetic, context: Context, settings: Settings, kept: Kept, steps: Steps) -> tuple:
    """Attacks that ask whose windows were learned from, each with its interval."""
    from physiosynth.evaluation.membership import black_box, white_box

    step, members = steps.start("attacks"), context.train
    if members is None:
        return ()
    have = kept.read("attacks")
    if "black box" not in have:
        have["black box"] = plain([asdict(each) for each in black_box(synthetic, members, real, settings.seed)])
        kept.add("attacks", "black box", have["black box"])
    if context.generator is not None and "white box" not in have:
        sides = [thinned(each.windows, settings.attacked, settings.seed) for each in (members, real)]
        networks = context.generator
        found = white_box(networks.adapter, networks.norm_low, networks.norm_ecg, *sides, settings.seed, on_step=step)
        have["white box"] = plain([asdict(each) for each in found])
        kept.add("attacks", "white box", have["white box"])
    step(1, 1)
    return tuple(attack for name in ("black box", "white box") for attack in have.get(name, ()))


def _baselines(wanted, real: Judged, context: Context, settings: Settings, kept: Kept, steps: Steps) -> dict:
    """The table of every set of windows that a generator should beat, by title."""
    wanted = [score for score in wanted if "generator" not in score.needs and score.group != "privacy"]
    tables = {}
    for title, make in baseline_makers().items():
        stage = steps.start(f"baseline: {title}")
        part = "baseline_" + "".join(c if c.isalnum() else "_" for c in title.lower())
        other = real.derived(make(real, settings.seed))
        found = _group(part, wanted, real, other, context, BASELINE_REPEATS, kept, stage, controls=False)
        tables[title] = ScoreTable(_rows(wanted, found))
    return tables


def baseline_makers() -> dict[str, Callable[[Judged, int], WindowSet]]:
    """What makes each baseline from the real windows and a seed, by title."""
    from physiosynth.evaluation.controls import phase_randomised, white_noise
    from physiosynth.evaluation.simulators import neurokit_simulated, targets_of

    def simulated(real: Judged, seed: int) -> WindowSet:
        counts = {state: int((real.states == state).sum()) for state in real.present_states}
        return neurokit_simulated(counts, targets_of(real.windows, real.features), seed, real.windows.eda_kind)

    return {
        "NeuroKit2 simulators": simulated,
        "Phases randomised": lambda real, seed: phase_randomised(real.windows, seed),
        "White noise": lambda real, seed: white_noise(real.windows, seed),
    }
