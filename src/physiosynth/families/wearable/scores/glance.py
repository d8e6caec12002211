"""A run at a glance: three figures beside their floors, cheap enough for every run of a history and cell of a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from physiosynth.families.wearable.features.measured import ALL_STATES, Judged
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.judging.judging import evaluate
from physiosynth.families.wearable.judging.metrics import mean_of_known
from physiosynth.families.wearable.judging.registry import Context
from physiosynth.families.wearable.judging.scores_table import score_named
from physiosynth.families.wearable.scores.quick import REPEATS, YardstickCache

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.reference import RealWindows

FEWEST = 4  # windows per state, below which there is no figure


@dataclass(frozen=True)
class Kind:
    """A figure: the mean of a score over its parts and the states. better: "lower" or "higher"."""

    score: str
    title: str
    meaning: str
    unit: str
    better: str


KINDS = {
    "measurements": Kind(
        "feature_ks",
        "Mean feature KS",
        "How differently heart rate, variability, beats, breathing and skin conductance are distributed: the mean "
        "Kolmogorov-Smirnov distance of the features, 0 to 1.",
        "",
        "lower",
    ),
    "spectra": Kind(
        "log_spectral_distance",
        "Log-spectral distance",
        "How many decibels the spectra of ECG, EDA and respiration differ by on average.",
        "dB",
        "lower",
    ),
    "clean": Kind(
        "clean_share",
        "Clean windows",
        "Share of windows whose beats are alike, evenly spaced and of equal amplitude.",
        "",
        "higher",
    ),
}


@dataclass(frozen=True)
class Figure:
    """One of KINDS. value: of the windows; floor, edge: what halves of reference windows score, and the end of that
    towards worse; nan where there are too few windows."""

    kind: str
    value: float
    floor: float
    edge: float

    @property
    def within(self) -> bool:
        """Whether reference windows score as badly. False where there is no figure."""
        turned = score_named(KINDS[self.kind].score).badness
        return bool(np.isfinite(self.value)) and turned(self.value) <= turned(self.edge)


def glance(
    synthetic: WindowSet,
    reference: RealWindows,
    of_strangers: bool = False,
    yardsticks: YardstickCache | None = None,
) -> dict[str, Figure]:
    """The figures of KINDS by name, of the states that both sets hold.

    of_strangers: hold them against simulated people whom no model has seen; see YardstickCache.get. Raises
    EvaluationError for no common state or other EDA.
    """
    against = (yardsticks or YardstickCache()).get(reference, of_strangers)
    wanted = [score_named(kind.score) for kind in KINDS.values()]
    context = Context(against.seed)
    table = evaluate(wanted, against.real, Judged.of(synthetic), context, repeats=REPEATS, controls=False)
    if not of_strangers:
        table = table.without(reference.missing).without_size(reference.scaled)
    found = {}
    for name, kind in KINDS.items():
        rows = [row for row in table.select(kind.score).rows if row.state != ALL_STATES]
        known = [(row.matched, row.random) for row in rows if row.random is not None]
        found[name] = Figure(
            name,
            value=mean_of_known(value for value, _ in known),
            floor=mean_of_known(floor.mean for _, floor in known),
            edge=mean_of_known(floor.edge for _, floor in known),
        )
    return found
