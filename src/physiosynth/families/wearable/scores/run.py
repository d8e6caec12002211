"""One evaluation from windows to scores: what is measured, in which order, and how an interrupted run goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.judging.judging import Controls, common_states, evaluate
from physiosynth.families.wearable.judging.kept import Kept
from physiosynth.families.wearable.judging.plan import SCALE, OnStage, Settings, Steps, costs_of, to_measure
from physiosynth.families.wearable.judging.registry import GROUPS, Context, Score
from physiosynth.families.wearable.judging.rows import ScoreRow, ScoreTable, rows_from_dicts
from physiosynth.families.wearable.judging.scores_table import scores
from physiosynth.families.wearable.scores.asked_once import Sides, attacks, identity, transfers
from physiosynth.families.wearable.scores.baselines import baseline_makers
from physiosynth.families.wearable.scores.inputs import Inputs, thinned_at
from physiosynth.running.keys import code_digest, key_of
from physiosynth.runtime import OnStep, quiet

BASELINE_REPEATS = 3
LEAST_EACH = 4  # windows per state of the person left out among the outsiders
WORTH_A_POOL = 800  # windows; starting processes takes longer than measuring fewer


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation.

    transfers, attacks, identity: usefulness.Transfer, membership.Attack and membership.Identity as plain values, the
    last None where there are too few people to ask; baselines: the table of every other
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
    identity: Mapping[str, Any] | None = None


def run(
    inputs: Inputs,
    folder: Path | str,
    settings: Settings | None = None,
    groups: tuple[str, ...] = GROUPS,
    on_step: OnStep = quiet,
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
        for name in ("real", "synthetic", "train", "outsiders", "known")
        if (windows := getattr(inputs, name)) is not None
    }
    key = key_of(
        hashes=hashes, seed=settings.seed, repeats=settings.repeats, code=code_digest(__name__),
        attacked=settings.attacked,
        bundle=None if inputs.generator is None else inputs.generator.bundle_sha256,
    )  # fmt: skip
    kept = Kept(folder, key)
    steps = Steps(costs_of(inputs, settings, wanted, baseline_makers() if settings.controls else ()), on_step, on_stage)
    sets = _measured(inputs, folder, settings, steps)
    real, synthetic = common_states(sets["reference windows"], sets["synthetic windows"])
    train, sides = sets.get("training windows"), _sides(sets, settings.seed)
    extra = {} if sides is None else {"outsiders": sides.outsiders}
    context = Context(settings.seed, train, inputs.generator, extra)
    table, seconds = _scored(wanted, real, synthetic, context, settings.repeats, kept, steps)
    step = steps.start("trained and tested")
    tables: tuple[Mapping[str, Any], ...] = ()
    if "usefulness" in groups and train is not None:
        tables = transfers(real, synthetic, train, settings, kept, step)
    step, known = steps.start("attacks"), None
    attacked: tuple[Mapping[str, Any], ...] = ()
    if "privacy" in groups and sides is not None:
        known = identity(synthetic, sides, settings.seed, kept)
        attacked = attacks(synthetic, sides, context, settings, kept, step)
    rivals = _baselines(wanted, real, context, settings, kept, steps) if settings.controls else {}
    on_step(SCALE, SCALE)
    return Evaluation(table, tables, attacked, rivals, real, synthetic, train, settings, inputs, hashes, seconds, known)


def _check(inputs: Inputs) -> None:
    from physiosynth.families.wearable.scores.usefulness import check_apart

    learned = [inputs.synthetic] + ([] if inputs.train is None else [inputs.train])
    check_apart(learned, inputs.real)
    if not len(inputs.real) or not len(inputs.synthetic):
        raise EvaluationError("There are no windows to evaluate. Give some of each state.")


def _measured(inputs: Inputs, folder: Path, settings: Settings, steps: Steps) -> dict[str, Judged]:
    """Every set of windows, measured, by the name of its stage."""
    found = {}
    for name, windows in to_measure(inputs):
        step = steps.start(name)
        workers = settings.workers if len(windows) >= WORTH_A_POOL else 1
        found[name] = Judged.of(windows, folder, None, workers, step)
        step(len(found[name].features), len(windows))
    return found


def _sides(sets: Mapping[str, Judged], seed: int) -> Sides | None:
    """Who was learned from and who was not; the person left out counts as much as each other outsider."""
    real = sets["reference windows"]
    members, others = sets.get("training windows"), sets.get("windows of outsiders")
    if members is None:
        return None
    outsiders = real
    if others is not None:
        others = others.take(~np.isin(others.subjects, np.union1d(members.subjects, real.subjects)))
    if others is not None and len(others):
        each = len(others) / len(np.unique(others.subjects)) / len(others.present_states)
        outsiders = others.joined(real.take(thinned_at(real.states, max(LEAST_EACH, round(each)), seed)))
    known = sets.get("windows of known people")
    return Sides(members, outsiders, known)


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
    rows: list[ScoreRow] = []
    seconds = {}
    for group in dict.fromkeys(score.group for score in wanted):
        mine = [score for score in wanted if score.group == group]
        against = _against(group, real, synthetic, context)
        found = _group(group, mine, *against, repeats, kept, steps.start(group))
        rows += _rows(found)
        seconds[group] = round(sum(each["seconds"] for each in found.values()), 2)
    return ScoreTable(tuple(rows)), seconds


def _against(group: str, real: Judged, synthetic: Judged, context: Context) -> tuple[Judged, Judged, Context]:
    """Privacy is asked about those the generator learned from, everything else about a person it has not seen."""
    if group == "privacy" and context.train is not None:
        return *common_states(context.train, synthetic), context
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
    wrong = Controls(real, context.seed) if controls else False
    found = {}
    for done, score in enumerate(wanted):
        step(done, len(wanted))

        def compute(score: Score = score) -> dict[str, Any]:
            since = time.monotonic()
            rows = evaluate([score], real, synthetic, context, repeats=repeats, controls=wrong).rows
            return {"rows": ScoreTable(rows).to_dicts(), "seconds": round(time.monotonic() - since, 3)}

        found[score.name] = kept.once(part, score.name, compute)
    step(len(wanted), len(wanted))
    return found


def _rows(found: Mapping[str, Any]) -> tuple[ScoreRow, ...]:
    """The rows of these scores; one whose needs were not met has none."""
    return tuple(row for each in found.values() for row in rows_from_dicts(each["rows"]))


def _baselines(
    wanted: Sequence[Score], real: Judged, context: Context, settings: Settings, kept: Kept, steps: Steps
) -> dict[str, ScoreTable]:
    """The table of every set of windows that a generator should beat, by title."""
    wanted = [score for score in wanted if "generator" not in score.needs and score.group != "privacy"]
    tables = {}
    for title, make in baseline_makers().items():
        stage = steps.start(f"baseline: {title}")
        part = "baseline_" + "".join(c if c.isalnum() else "_" for c in title.lower())
        other = real.derived(make(real, settings.seed))
        found = _group(part, wanted, real, other, context, BASELINE_REPEATS, kept, stage, controls=False)
        tables[title] = ScoreTable(_rows(found))
    return tables
