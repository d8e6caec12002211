"""What is asked once, without floors and controls: tables of usefulness, attacks on privacy, people found again.

Everything is kept as soon as it is known, so that an interrupted run goes on behind the last training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.judging.kept import Kept
from physiosynth.families.wearable.judging.plan import Settings
from physiosynth.families.wearable.judging.registry import Context
from physiosynth.families.wearable.scores.inputs import thinned
from physiosynth.runtime import OnStep


def transfers(
    real: Judged, synthetic: Judged, train: Judged, settings: Settings, kept: Kept, on_step: OnStep
) -> tuple[Mapping[str, Any], ...]:
    """Tables of usefulness: who was trained on what and tested on whom, as plain usefulness.Transfer."""
    from physiosynth.families.wearable.scores.usefulness import utility

    def keep(name: str, compute: Callable[[], Any]) -> Mapping[str, Any]:
        return kept.once("transfers", name, compute)

    return tuple(utility(train, synthetic, real, settings.kinds, seed=settings.seed, on_step=on_step, keep=keep))


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
    from physiosynth.families.wearable.scores.membership import Attack, black_box, judge_attacks, white_box_scores

    seed, nets = settings.seed, context.generator

    def white_box() -> tuple[Attack, ...]:
        members, others = (thinned(each.windows, settings.attacked, seed) for each in (sides.members, sides.outsiders))
        networks = nets.adapter, nets.norm_low, nets.norm_ecg
        found = white_box_scores(*networks, members, others, seed, on_step=on_step)
        return judge_attacks(found, members, others, seed)

    known = sides.members, sides.outsiders
    found = kept.once("attacks", "black box", lambda: black_box(synthetic, *known, seed))
    if nets is not None:
        found = found + kept.once("attacks", "white box", white_box)
    on_step(1, 1)
    return tuple(found)


def identity(synthetic: Judged, sides: Sides, seed: int, kept: Kept) -> Mapping[str, Any] | None:
    """Whether synthetic windows look like somebody who was learned from, as plain membership.Identity; None where the
    members are too few to ask."""
    from physiosynth.families.wearable.scores.membership import reidentify

    known = sides.known
    if known is None:
        return None
    return kept.once("identity", "people", lambda: reidentify(synthetic, known, sides.outsiders, seed))
