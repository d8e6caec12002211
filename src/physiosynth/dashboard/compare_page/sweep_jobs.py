"""The sweep of the Compare page: what may be asked, the job that scores cell after cell, and what a session keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard import session
from physiosynth.dashboard.settings import settings
from physiosynth.errors import RequestError
from physiosynth.running.jobs import Job

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.reference import RealWindows
    from physiosynth.families.wearable.generator.generator import WESADGenerator
    from physiosynth.families.wearable.scores.sweep import Cell, ScoredCell

MOST_CELLS = 64
MOST_KEPT = 256  # cells of a session

Key = tuple[object, ...]


def check(cells: tuple[Cell, ...], model: WESADGenerator) -> None:
    """Raise RequestError for a grid above the operator's limits."""
    from physiosynth.families.wearable.scores.sweep import work

    limits, asked = settings(), work(cells, model.info.defaults)
    if len(cells) > MOST_CELLS:
        raise RequestError(
            f"Expected at most {MOST_CELLS} cells, found {len(cells)}. Choose fewer states, steps or guidance scales."
        )
    for what, number, most in (
        ("windows", max(cell.windows for cell in cells), limits.max_windows),
        ("steps", max(cell.steps for cell in cells), limits.max_steps),
    ):
        if number > most:
            raise RequestError(f"Expected at most {most} {what} per cell, found {number}. Choose fewer.")
    if asked > limits.max_work:
        raise RequestError(
            f"This grid takes {asked:,} network evaluations; a request may take {limits.max_work:,}. Choose fewer "
            "windows, steps or cells."
        )


def key_of(cell: Cell, bundle: str, against: str) -> Key:
    """Under which a cell is kept. against: a digest of what it is held against."""
    return bundle, against, cell


def finished(cells: tuple[Cell, ...], bundle: str, against: str) -> list[ScoredCell]:
    """The cells of a grid that this session has scored, in its order."""
    held = _kept()
    keys = [key_of(cell, bundle, against) for cell in cells]
    return [held[key] for key in keys if key in held]


def keep(scored: ScoredCell, against: str) -> None:
    """Keep a finished cell; the oldest make room for it."""
    held = _kept()
    held[key_of(scored.cell, scored.bundle_sha256, against)] = scored
    while len(held) > MOST_KEPT:
        held.pop(next(iter(held)))


def _kept() -> dict[Key, ScoredCell]:
    return st.session_state.setdefault("sweep_cells", {})


def start(
    cells: list[Cell],
    model: WESADGenerator,
    reference: RealWindows,
    of_strangers: bool,
    page_open: Callable[[], bool],
) -> Job:
    """Queue the cells up; each finished one is a part of the job. Raises RequestError where too many runs wait."""
    yardsticks = session.yardsticks(reference, of_strangers)

    def work(on_step: Callable[[int, int], None], on_part: Callable[[object], None]) -> int:
        from physiosynth.families.wearable.scores.sweep import score_cell
        from physiosynth.families.wearable.scores.sweep import work as evaluations_of

        costs = [evaluations_of([cell], model.info.defaults) for cell in cells]
        whole, before = sum(costs), 0
        on_step(0, whole)
        yardsticks.get(reference, of_strangers, lambda done, total: on_step(0, whole))
        for cell, cost in zip(cells, costs, strict=True):

            def step(done: int, total: int, before: int = before, cost: int = cost) -> None:
                on_step(before + round(cost * done / max(total, 1)), whole)

            on_part(score_cell(cell, model, reference, of_strangers, step, yardsticks))
            before += cost
            on_step(before, whole)
        return len(cells)

    return Job(work, page_open).start(settings().max_waiting)


def start_glances(
    batches: dict[str, object], reference: RealWindows, of_strangers: bool, page_open: Callable[[], bool]
) -> Job:
    """Queue up a glance at each run; each part is (key of the run, its figures). batches: windows by that key."""
    yardsticks = session.yardsticks(reference, of_strangers)

    def work(on_step: Callable[[int, int], None], on_part: Callable[[object], None]) -> int:
        from physiosynth.families.wearable.features.windows import WindowSet
        from physiosynth.families.wearable.scores.glance import glance

        yardsticks.get(reference, of_strangers, lambda done, total: on_step(done, 2 * total))
        for done, (key, batch) in enumerate(batches.items()):
            on_step(len(batches) + done, 2 * len(batches))
            on_part((key, glance(WindowSet.from_batch(batch), reference, of_strangers, yardsticks)))
        return len(batches)

    return Job(work, page_open).start(settings().max_waiting)
