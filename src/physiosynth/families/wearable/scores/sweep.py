"""A grid of sampling settings, each cell drawn and scored by itself: what steps and guidance buy and cost."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from physiosynth import __version__
from physiosynth.errors import RequestError
from physiosynth.families.wearable.data.batch import Sampling
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.generator.asking import evaluations
from physiosynth.families.wearable.scores.glance import FEWEST, KINDS, Figure, glance
from physiosynth.families.wearable.scores.inputs import overlaid
from physiosynth.families.wearable.scores.quick import YardstickCache
from physiosynth.runtime import OnStep, quiet

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.reference import RealWindows
    from physiosynth.families.wearable.generator.generator import WESADGenerator

LOW, ECG = "low", "ecg"
STREAMS = {"both": (LOW, ECG), LOW: (LOW,), ECG: (ECG,)}
# Seconds on two cores for a window's network evaluation and for scoring a window; for an estimate before anything ran.
EVALUATION_S, SCORING_S = 0.002, 0.03
FIRST_S = 5.0  # until what windows are held against is measured, which later sweeps find done


@dataclass(frozen=True)
class Cell:
    """One place of the grid. streams: a key of STREAMS, whose steps and guidance are set; the other keeps its own."""

    condition: str
    steps: int
    guidance: float
    streams: str
    windows: int
    seed: int

    @property
    def sampling(self) -> Sampling:
        """What is asked of the sampler."""
        chosen = STREAMS[self.streams]
        given: dict[str, Any] = {f"{stream}_steps": self.steps for stream in chosen}
        return Sampling(**given | {f"{stream}_guidance": self.guidance for stream in chosen})

    def evaluations(self, defaults: Sampling) -> int:
        """Network evaluations that a window takes."""
        return evaluations(self.sampling, defaults)


@dataclass(frozen=True)
class ScoredCell:
    """A finished cell: its figures by name of KINDS, what it cost, and enough to draw it again.

    evaluations: of the networks, for a window; seconds: sampling took, for all windows; sampling: without None;
    against: whose reference windows it was held against.
    """

    cell: Cell
    figures: dict[str, Figure]
    evaluations: int
    seconds: float
    sampling: Sampling
    bundle_sha256: str
    against: str
    created: str

    def row(self) -> dict[str, Any]:
        """One row of a table, with figures, floors, cost and provenance."""
        found: dict[str, Any] = {
            "state": self.cell.condition,
            "windows": self.cell.windows,
            "seed": self.cell.seed,
            **{name: value for name, value in vars(self.sampling).items() if value is not None},
            "evaluations_per_window": self.evaluations,
            "seconds": round(self.seconds, 3),
        }
        for name, figure in self.figures.items():
            found |= {name: figure.value, f"{name}_baseline": figure.floor, f"{name}_baseline_edge": figure.edge}
        return found | {
            "compared_with": self.against,
            "bundle_sha256": self.bundle_sha256,
            "physiosynth": __version__,
            "created": self.created,
            "synthetic": True,
        }


def grid(
    conditions: Sequence[str], steps: Iterable[int], guidance: Iterable[float], streams: str, windows: int, seed: int
) -> tuple[Cell, ...]:
    """Every combination once, the cheapest first. Raises RequestError for an empty grid or too few windows."""
    if streams not in STREAMS or windows < FEWEST:
        raise RequestError(f"Expected {' or '.join(STREAMS)} and {FEWEST} windows or more, found {streams}, {windows}.")
    cells = tuple(
        Cell(state, count, float(weight), streams, windows, seed)
        for count in sorted(set(steps))
        for weight in sorted(set(guidance))
        for state in dict.fromkeys(conditions)
    )
    if not cells:
        raise RequestError("Expected at least one state, number of steps and guidance. Choose some of each.")
    return cells


def work(cells: Iterable[Cell], defaults: Sampling) -> int:
    """Network evaluations of all windows of the cells."""
    return sum(cell.windows * cell.evaluations(defaults) for cell in cells)


def expected_s(cells: Iterable[Cell], defaults: Sampling, done: Iterable[ScoredCell] = ()) -> float:
    """Seconds that the cells are expected to take, by what finished ones took to sample, else by a guess."""
    cells, done = list(cells), list(done)
    taken = sum(each.evaluations * each.cell.windows for each in done)
    each_s = sum(each.seconds for each in done) / taken if taken else EVALUATION_S
    first = 0.0 if done else FIRST_S
    return first + work(cells, defaults) * each_s + SCORING_S * sum(cell.windows for cell in cells)


def score_cell(
    cell: Cell,
    generator: WESADGenerator,
    reference: RealWindows,
    of_strangers: bool,
    on_step: OnStep = quiet,
    yardsticks: YardstickCache | None = None,
) -> ScoredCell:
    """Draw the windows of a cell and score them; on_step counts evaluations and may raise to cancel.

    Raises what the generator and `glance` raise.
    """
    began = time.monotonic()
    batch = generator.sample_batch(cell.condition, cell.windows, cell.seed, cell.sampling, on_step)
    seconds = time.monotonic() - began
    defaults = generator.info.defaults
    return ScoredCell(
        cell=cell,
        figures=glance(WindowSet.from_batch(batch), reference, of_strangers, yardsticks),
        evaluations=cell.evaluations(defaults),
        seconds=seconds,
        sampling=overlaid(defaults, cell.sampling),
        bundle_sha256=generator.info.bundle_sha256,
        against="simulated people whom no model has seen" if of_strangers else f"the reference ({reference.source})",
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def as_csv(done: Iterable[ScoredCell]) -> str:
    """A table of finished cells, a row per cell; numbers that are not known are left empty."""
    rows = [each.row() for each in done]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]) if rows else ["state", *KINDS], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: "" if value != value else value for name, value in row.items()})
    return stream.getvalue()
