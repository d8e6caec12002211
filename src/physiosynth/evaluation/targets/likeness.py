"""Whether trained classifiers tell synthetic from real windows, and how both lie among each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from physiosynth.evaluation.fidelity import SPACES, closeness, discriminate, discriminative, has_space, space_of
from physiosynth.evaluation.judged import Judged, OnStep
from physiosynth.evaluation.registry import ALL_STATES, Context
from physiosynth.evaluation.targets.plan import Settings
from physiosynth.evaluation.targets.rows import Floor, Row
from physiosynth.evaluation.targets.sets import Sets, alone

DISCRIMINATIVE_LIMIT = 0.15
CLOSENESS_LIMIT = 0.8
FIELDS = ("density", "coverage")
Compare = Callable[[Judged, Judged, int], dict[str, float]]


def telling(sets: Sets, settings: Settings, on_step: OnStep) -> tuple[Row, ...]:
    """|balanced accuracy - 0.5| of each seed's windows against as many real ones, people held out in blocks.

    The network on raw windows is told, not judged: it is no registered score.
    """
    found, floor = _both(sets, settings, _tables, on_step)
    rows = [
        Row("discriminative", ALL_STATES, kind, float(np.mean(values)), DISCRIMINATIVE_LIMIT, "lower", tuple(values),
            Floor.of(floor[kind], "lower"))
        for kind, values in found.items()
    ]  # fmt: skip
    if "resnet" in settings.kinds:
        real = [sets.alike(made, 700 + i) for i, made in enumerate(sets.made)]
        values = tuple(_by_network(mine, made, i) for i, (mine, made) in enumerate(zip(real, sets.made, strict=True)))
        usual = [_by_network(real[0], sets.alike(sets.made[0], 800), 0)]
        rows.append(
            Row("discriminative", ALL_STATES, "resnet on raw windows", float(np.mean(values)), None, "lower", values,
                Floor.of(usual, "lower"))
        )  # fmt: skip
    return tuple(rows)


def lying(sets: Sets, settings: Settings, on_step: OnStep) -> tuple[Row, ...]:
    """Density and coverage of each seed's windows among as many real ones, in both spaces.

    The network's space is learned from people of neither set, where there are any; it is asked for with the networks.
    """
    asked = SPACES if "resnet" in settings.kinds else SPACES[:1]
    others = sets.unseen if sets.unseen is not None else sets.left_out
    context = Context(train=None if others is None else alone(others, np.arange(len(others))))

    def compare(real: Judged, made: Judged, seed: int) -> dict[str, float]:
        spaces = [name for name in asked if has_space(name, real, context)]
        close = {name: closeness(*space_of(name, real, made, context)) for name in spaces}
        return {f"{field}, {name}": getattr(close[name], field) for field in FIELDS for name in spaces}

    found, floor = _both(sets, settings, compare, on_step)
    return tuple(
        Row("closeness", ALL_STATES, part, float(np.mean(values)), CLOSENESS_LIMIT, "higher", tuple(values),
            Floor.of(floor[part], "higher"))
        for part, values in found.items()
    )  # fmt: skip


def _both(
    sets: Sets, settings: Settings, compare: Compare, on_step: OnStep
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Each part's values by seed, and those of real windows against other real ones of the same numbers."""
    found: list[dict[str, float]] = []
    floor: list[dict[str, float]] = []
    total = len(sets.made) + settings.slow_repeats
    for i, made in enumerate(sets.made):
        on_step(i, total)
        found.append(compare(sets.alike(made, 700 + i), made, settings.seeds[i]))
    for repeat in range(settings.slow_repeats):
        on_step(len(sets.made) + repeat, total)
        floor.append(compare(*_two_real(sets, 800 + repeat), repeat))
    return _by_part(found), _by_part(floor)


def _two_real(sets: Sets, seed: int) -> tuple[Judged, Judged]:
    """Two disjoint real sets of the size of one seed's windows, or of half of what there is."""
    made = sets.made[0]
    counts = {state: int((made.states == state).sum()) for state in sets.states}
    rng = np.random.default_rng(seed)
    first, second = [], []
    for state, count in counts.items():
        at = rng.permutation(np.flatnonzero(sets.real.states == state))
        size = min(count, len(at) // 2)
        first.append(at[:size])
        second.append(at[size : 2 * size])
    return tuple(alone(sets.real, np.sort(np.concatenate(part))) for part in (first, second))


def _by_part(found: list[dict[str, float]]) -> dict[str, list[float]]:
    return {part: [each[part] for each in found] for part in found[0]} if found else {}


def _tables(real: Judged, made: Judged, seed: int) -> dict[str, float]:
    return discriminative(real, made, Context(seed=seed))


def _by_network(real: Judged, made: Judged, seed: int) -> float:
    return abs(discriminate(real, made, "resnet", seed).balanced_accuracy.value - 0.5)
