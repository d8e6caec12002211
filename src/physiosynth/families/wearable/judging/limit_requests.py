"""What is asked of the sampler: whether requested rates are met, and what fewer network evaluations change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from physiosynth.families.wearable.features.measured import ALL_STATES, Judged
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.judging.limit_scores import share
from physiosynth.families.wearable.judging.limits import Row
from physiosynth.families.wearable.judging.metrics import NAN, mean_of_known
from physiosynth.families.wearable.scores.inputs import drawn, joined
from physiosynth.runtime import OnStep, derive_seed

if TYPE_CHECKING:
    from physiosynth.families.wearable.generator.generator import WESADGenerator

REACH = {"heart_rate": 3.0, "breathing_rate": 1.5}  # a minute
MET_LIMIT, CLEAN_LIMIT = 0.90, 0.97
SPREADS = 2.0  # SDs over the seeds that two means may differ by
SAME_LIMIT = 0.95  # of the figures; one in twenty is off by chance


def requested(
    generator: WESADGenerator, real: Judged, values: int, windows: int, seed: int, folder: Path,
    measure: Callable[[WindowSet], Judged], on_step: OnStep,
) -> list[Row]:  # fmt: skip
    """Share of windows that meet the rate asked for, by state and rate, and of those that are clean.

    values: rates that lie evenly over the range that the generator says it was trained on; windows: of each. A
    generator that takes no rates has one row, which is not met.
    """
    from physiosynth.families.wearable.data.batch import Targets

    ranges = getattr(generator.info, "target_ranges", None)
    if not ranges:
        note = "this generator takes no rates"
        return [Row("requested", "all", "heart_rate and breathing_rate", NAN, MET_LIMIT, "higher", note=note)]
    jobs = [
        (state, name, np.linspace(low, high, values))
        for name in REACH
        for state in real.present_states
        if name in ranges.get(state, {})
        for low, high in [ranges[state][name]]
    ]
    rows, total = [], len(jobs) * values
    for place, (state, name, asked) in enumerate(jobs):
        parts = []
        for i, value in enumerate(asked):
            mine = derive_seed(seed, "requested", i)
            parts.append(drawn(generator, (state,), windows, mine, folder, targets=Targets(**{name: float(value)})))
            on_step(place * values + i + 1, total)
        rows += _rows(state, name, np.repeat(asked, windows), measure(joined(parts)), real.of_state(state))
    return rows


def _rows(state: str, name: str, asked: np.ndarray, made: Judged, real: Judged) -> list[Row]:
    off = made.features[name] - asked
    within = np.abs(off) <= REACH[name]  # a rate that cannot be measured is not met
    each = ", ".join(f"{value:.4g}: {100 * within[asked == value].mean():.0f} %" for value in np.unique(asked))
    note = f"range {asked.min():.4g} to {asked.max():.4g}; {each}; mean error {mean_of_known(np.abs(off)):.2g}"
    clean = share(*(float(each.features["clean"].mean()) for each in (made, real)))
    title = f"{name} within {REACH[name]:g}/min"
    return [
        Row("requested", state, title, float(within.mean()), MET_LIMIT, "higher", note=note),
        Row("requested", state, f"{name}: clean windows, relative to the reference", clean, CLEAN_LIMIT, "higher"),
    ]


def compared(default: Sequence[Row], many: Sequence[Row]) -> list[Row]:
    """Every figure with the default number of evaluations less that with many, beside its spread over seeds.

    The spread is that of both numbers of evaluations, pooled over the states of a figure: three seeds alone tell it
    badly. One row, the share of judged figures that stay within it, is judged.
    """
    others = {(row.target, row.state, row.part): row for row in many}
    pairs = [
        (row, other)
        for row in default
        if (other := others.get((row.target, row.state, row.part))) and row.met is not None and row.values
    ]
    variances: dict[tuple[str, str], list[float]] = {}
    for pair in pairs:
        variances.setdefault(_kind(pair[0]), []).extend(row.spread**2 for row in pair)
    rows, within = [], []
    for one, other in pairs:
        spread = float(np.sqrt(mean_of_known(variances[_kind(one)])))
        change = float(np.mean(one.values) - np.mean(other.values))
        inside = bool(abs(change) <= SPREADS * spread)  # a figure that cannot be measured is off
        note = f"{np.mean(one.values):.3g} against {np.mean(other.values):.3g}; spread over seeds {spread:.2g}"
        if np.isfinite(spread):
            within.append(inside)
            note += "" if inside else f", off by more than {SPREADS:g} of it"
        rows.append(Row("steps", one.state, f"{one.target}: {one.part}", change, NAN, "near_zero", note=note))
    note = f"{sum(within)} of {len(within)} figures" if within else "a spread needs two seeds or more"
    part = "figures within the spread of seeds"
    return [Row("steps", ALL_STATES, part, mean_of_known(within), SAME_LIMIT, "higher", note=note), *rows]


def _kind(row: Row) -> tuple[str, str]:
    """What is pooled: one figure's states, or one measurement's contrasts."""
    return row.target, row.part.split(":")[0] if row.target == "contrasts" else row.part
