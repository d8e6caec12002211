"""What is asked once, without floors and controls: tables of usefulness, attacks on privacy, people found again.

Everything is kept as soon as it is known, so that an interrupted run goes on behind the last training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from physiosynth.evaluation.inputs import thinned
from physiosynth.evaluation.judged import Judged
from physiosynth.evaluation.kept import Kept, plain
from physiosynth.evaluation.plan import OnStep, Settings
from physiosynth.evaluation.registry import Context


def transfers(
    real: Judged, synthetic: Judged, train: Judged, settings: Settings, kept: Kept, on_step: OnStep
) -> tuple[Mapping[str, Any], ...]:
    """Tables of usefulness: who was trained on what and tested on whom, as plain usefulness.Transfer."""
    from physiosynth.evaluation.usefulness import Transfer, jobs_of, utility

    jobs, have = jobs_of(settings.kinds), kept.read("transfers")

    def keep(found: Transfer) -> None:
        name = _name((found.setup, found.classifier, found.task))
        have[name] = plain(asdict(found))
        kept.add("transfers", name, have[name])

    done = [job for job in jobs if _name(job) in have]
    if len(done) < len(jobs):
        seed = settings.seed
        utility(train, synthetic, real, settings.kinds, seed=seed, on_step=on_step, on_transfer=keep, skip=done)
    on_step(1, 1)
    return tuple(have[_name(job)] for job in jobs)


def _name(job: tuple[str, str, str]) -> str:
    return " / ".join(job)


@dataclass(frozen=True)
class Sides:
    """Who was learned from and who was not.

    members: windows of the people a generator learned from; outsiders: of people it did not; known: many windows of a
    few members, who can be told apart, None where there are too few.
    """

    members: Judged
    outsiders: Judged
    known: Judged | None = None


def attacks(
    synthetic: Judged, sides: Sides, context: Context, settings: Settings, kept: Kept, on_step: OnStep
) -> tuple[Mapping[str, Any], ...]:
    """Attacks that ask whose windows were learned from, each with its interval, as plain membership.Attack."""
    from physiosynth.evaluation.membership import black_box, judge_attacks, white_box_scores

    have = kept.read("attacks")
    if "black box" not in have:
        found = black_box(synthetic, sides.members, sides.outsiders, settings.seed)
        have["black box"] = plain([asdict(each) for each in found])
        kept.add("attacks", "black box", have["black box"])
    if context.generator is not None and "white box" not in have:
        few = [thinned(each.windows, settings.attacked, settings.seed) for each in (sides.members, sides.outsiders)]
        nets = context.generator
        found = white_box_scores(nets.adapter, nets.norm_low, nets.norm_ecg, *few, settings.seed, on_step=on_step)
        have["white box"] = plain([asdict(each) for each in judge_attacks(found, *few, settings.seed)])
        kept.add("attacks", "white box", have["white box"])
    on_step(1, 1)
    return tuple(attack for name in ("black box", "white box") for attack in have.get(name, ()))


def identity(synthetic: Judged, sides: Sides, seed: int, kept: Kept) -> Mapping[str, Any] | None:
    """Whether synthetic windows look like somebody who was learned from, as plain membership.Identity; None where the
    members are too few to ask."""
    from physiosynth.evaluation.membership import reidentify

    if sides.known is None:
        return None
    have = kept.read("identity")
    if "people" not in have:
        have["people"] = plain(asdict(reidentify(synthetic, sides.known, sides.outsiders, seed)))
        kept.add("identity", "people", have["people"])
    return have["people"]
