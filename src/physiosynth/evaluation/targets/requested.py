"""Whether a requested heart rate or breathing rate is met over the range that a state was trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from physiosynth.evaluation.inputs import drawn
from physiosynth.evaluation.judged import Judged, OnStep
from physiosynth.evaluation.targets.plan import Settings
from physiosynth.evaluation.targets.rows import NAN, Row
from physiosynth.evaluation.targets.sets import Sets
from physiosynth.evaluation.windows import WindowSet
from physiosynth.runtime import window_seed

if TYPE_CHECKING:
    from physiosynth.generate.core import WESADGenerator

REACH = {"heart_rate": 3.0, "breathing_rate": 1.5}  # a minute
SHARE_LIMIT, CLEAN_LIMIT = 0.90, 0.97
Measure = Callable[[WindowSet, OnStep], Judged]


def can_be_asked(generator: WESADGenerator) -> bool:
    """Whether this generator takes rates at all."""
    return bool(getattr(generator.info, "target_ranges", None))


def requested(
    generator: WESADGenerator, sets: Sets, settings: Settings, folder: Path, measure: Measure, on_step: OnStep
) -> tuple[Row, ...]:
    """Share of windows that meet the rate asked for, by state and rate, and of those that are clean.

    Values lie evenly over the range that the generator says it was trained on. measure: windows -> Judged. A generator
    that takes no rates has one row, which is not met.
    """
    if not can_be_asked(generator):
        note = "this generator takes no rates"
        return (Row("requested", "all", "heart_rate and breathing_rate", NAN, SHARE_LIMIT, "higher", note=note),)
    jobs = [
        (state, name, tuple(generator.info.target_ranges[state][name]))
        for name in REACH
        for state in sets.states
        if name in generator.info.target_ranges.get(state, {})
    ]
    rows: list[Row] = []
    for place, (state, name, edges) in enumerate(jobs):

        def step(done: int, total: int, place: int = place) -> None:
            on_step(1000 * place + 1000 * done // max(total, 1), 1000 * len(jobs))

        asked = np.linspace(*edges, settings.asked_values)
        windows = [
            drawn(
                generator, (state,), settings.asked_windows, window_seed(settings.seeds[0], 7000 + i), folder,
                on_step=step, targets=_targets(name, float(value)),
            )
            for i, value in enumerate(asked)
        ]  # fmt: skip
        made = windows[0]
        for each in windows[1:]:
            made = made.concat(each)
        judged = measure(made, lambda done, total: None)
        rows += _rows(sets, state, name, edges, np.repeat(asked, settings.asked_windows), judged)
    return tuple(rows)


def _targets(name: str, value: float) -> Any:
    from physiosynth.generate.core import Targets  # only a generator that takes rates has it

    return Targets(**{name: value})


def _rows(sets: Sets, state: str, name: str, edges: tuple[float, float], asked: np.ndarray, made: Judged) -> list[Row]:
    off = made.features[name] - asked
    within = np.abs(off) <= REACH[name]  # a rate that cannot be measured is not met
    values = np.unique(asked)
    each = ", ".join(f"{value:.4g}: {100 * within[asked == value].mean():.0f} %" for value in values)
    known = off[np.isfinite(off)]
    typical = f"{np.abs(known).mean():.2g}" if len(known) else "-"
    note = f"range {edges[0]:.4g} to {edges[1]:.4g}; {each}; mean error {typical}"
    usual = float(sets.real.features["clean"][sets.real.states == state].mean())
    clean = float(made.features["clean"].mean())
    share = clean / usual if usual > 0 else NAN
    title = f"{name} within {REACH[name]:g}/min"
    return [
        Row("requested", state, title, float(within.mean()), SHARE_LIMIT, "higher", note=note),
        Row("requested", state, f"{name}: clean windows, share of real", share, CLEAN_LIMIT, "higher"),
    ]
