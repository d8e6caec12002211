"""How close single synthetic windows come to reference ones, and how much of the reference variety they reach.

Two spaces: the standardised table of features and statistics ("features"), and the last layer of a ResNet that was
trained to tell states ("network"). The network learns from context.train where there is one; without, from the
reference itself, which then looks a little closer to itself than it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.tables import TableScaler, table_of
from physiosynth.families.wearable.features.windows import WindowSet, halves_of
from physiosynth.families.wearable.judging.classifiers import RULER_TREES, TREES, train, train_table
from physiosynth.families.wearable.judging.registry import Context, Score
from physiosynth.runtime import derive_seed

if TYPE_CHECKING:
    from physiosynth.families.wearable.features.raw_resnet import TrainedNet

NEIGHBOURS = 5
FOLDS = 4
SPACES = ("features", "network")
REAL, MADE = "real", "synthetic"
NET_WINDOWS = 480  # a network that only gives a space need not see more
RIDGE = 1e-6


@dataclass(frozen=True)
class Closeness:
    """Density and coverage (Naeem et al., 2020), precision and recall (Kynkaanniemi et al., 2019)."""

    precision: float
    recall: float
    density: float
    coverage: float


def closeness(real: np.ndarray, synthetic: np.ndarray, neighbours: int = NEIGHBOURS) -> Closeness:
    """All four from (n, f) and (m, f) points: balls around each point reach to its k-th neighbour in its own set.

    precision: share of synthetic points in any reference ball; recall: share of reference points in any synthetic
    ball; density: mean number of reference balls around a synthetic point, over k; coverage: share of reference
    balls with a synthetic point. A point that is there several times has one ball and is no neighbour of itself, but
    counts as often as it is there; k different points or fewer have no balls. Raises EvaluationError for sets of k
    points or fewer.
    """
    if min(len(real), len(synthetic)) <= neighbours:
        raise EvaluationError(
            f"Density and coverage need more than {neighbours} windows in each set, found {len(real)} and "
            f"{len(synthetic)}."
        )
    real_at, real_counts = _different(real)
    made_at, _ = _different(synthetic)
    between = distances(real, synthetic)
    real_reach = _reach(real[real_at], neighbours)[:, None]
    made_reach = _reach(synthetic[made_at], neighbours)[None]
    inside = between[real_at] < real_reach
    return Closeness(
        precision=float(inside.any(axis=0).mean()),
        recall=float((between[:, made_at] < made_reach).any(axis=1).mean()),
        density=float(inside.sum(axis=0).mean() / neighbours),
        coverage=float(np.repeat(inside.any(axis=1), real_counts).mean()),
    )


def _different(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each different one of (n, f) points stands first, in their order, and how often it is there."""
    _, at, counts = np.unique(points, axis=0, return_index=True, return_counts=True)
    order = np.argsort(at)
    return at[order], counts[order]


def _reach(points: np.ndarray, neighbours: int) -> np.ndarray:
    """(n,) distance of each of n different points to its k-th neighbour; 0 where there are k points or fewer."""
    if len(points) <= neighbours:
        return np.zeros(len(points))
    return np.sort(distances(points, points), axis=1)[:, neighbours]  # column 0 is the point itself


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m) Euclidean distances of (n, f) and (m, f) points."""
    from scipy.spatial.distance import cdist

    return cdist(a, b)


def frechet(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Frechet distance of normal distributions fitted to (n, f) and (m, f) points (Heusel et al., 2017).

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)); the root's trace is the sum of the square roots of the eigenvalues of
    C1^(1/2) C2 C1^(1/2). Raises EvaluationError for fewer than two points a side.
    """
    if min(len(real), len(synthetic)) < 2:
        raise EvaluationError("The Frechet distance needs two windows in each set.")
    first, second = (np.cov(x, rowvar=False) + RIDGE * np.eye(x.shape[1]) for x in (real, synthetic))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0)).sum()
    gap = real.mean(axis=0) - synthetic.mean(axis=0)
    return float(max(gap @ gap + np.trace(first) + np.trace(second) - 2 * shared, 0.0))


def discriminate(real: Judged, synthetic: Judged, kind: str = "forest", seed: int = 0, trees: int = TREES) -> float:
    """Balanced accuracy of a classifier of KINDS that tells reference from synthetic windows; .5 is a perfect forgery.

    Tables: four folds of neighbouring windows; "resnet": trained on one half of the blocks, tested on the other. The
    blocks keep windows that overlap in time on one side. Raises EvaluationError.
    """
    from sklearn.metrics import balanced_accuracy_score

    blocks = [block_of(part.states, FOLDS) for part in (real, synthetic)]
    truth, said = [], []
    for held in [(0, 1)] if kind == "resnet" else [(fold,) for fold in range(FOLDS)]:
        out = [np.isin(block, held) for block in blocks]
        training, tested = (
            [part.take(rows == test) for part, rows in zip((real, synthetic), out, strict=True)]
            for test in (False, True)
        )
        classifier = train(kind, training, _origin(training), seed, trees=trees)
        truth.append(_origin(tested))
        said += [np.asarray(classifier.classes)[classifier.probabilities(part).argmax(axis=1)] for part in tested]
    return float(balanced_accuracy_score(np.concatenate(truth), np.concatenate(said)))


def _origin(parts: list[Judged]) -> np.ndarray:
    return np.repeat([REAL, MADE], [len(part) for part in parts])


def block_of(states: np.ndarray, blocks: int) -> np.ndarray:
    """(n,) number of the block each window lies in; every state is cut into runs of neighbouring windows."""
    found = np.zeros(len(states), dtype=int)
    for state in np.unique(states):
        at = np.flatnonzero(states == state)
        found[at] = np.arange(len(at)) * blocks // len(at)
    return found


def reference_net(real: Judged, context: Context) -> TrainedNet:
    """The network that gives the feature space, trained once for each whole set it learns from."""
    source = context.train or real
    return source.once("reference_net", _train_reference)


def _train_reference(windows: WindowSet) -> TrainedNet:
    from physiosynth.families.wearable.features.raw_resnet import train_resnet

    chosen = np.arange(len(windows))
    for repeat in range(32):
        if len(chosen) <= NET_WINDOWS:
            break
        part = windows.take(chosen)
        chosen = chosen[halves_of(part.states, part.subjects, derive_seed(0, "half", repeat))[0]]
    some = windows.take(chosen)
    return train_resnet(some, some.states, seed=0)


def space_of(name: str, real: Judged, synthetic: Judged, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """(n, f) and (m, f) points of both sets in one of SPACES; what is fitted is fitted on the reference ones."""
    if name == "features":
        first, second = (table_of(part).values for part in (real, synthetic))
        scaler = TableScaler.fit(first)
        return scaler.apply(first), scaler.apply(second)
    net = reference_net(real, context)
    kept = [part.per_window(f"embedded_{net.key}", net.embed) for part in (real, synthetic)]
    return kept[0], kept[1]


def has_space(name: str, real: Judged, context: Context) -> bool:
    """Whether there is this space: a network needs two states to learn from."""
    return name == "features" or len((context.train or real).present_states) > 1


def _closeness_in(name: str, context: Context, real: Judged, synthetic: Judged) -> Closeness:
    return closeness(*space_of(name, real, synthetic, context))


def _four(real: Judged, synthetic: Judged, context: Context, field: str) -> dict[str, float]:
    found = dict.fromkeys(SPACES, float("nan"))
    for name in SPACES:
        if has_space(name, real, context):
            # Seed and training set are those of one evaluation; the pair's sets live no longer than it.
            kept = real.with_other(synthetic, f"closeness {name}", partial(_closeness_in, name, context))
            found[name] = getattr(kept, field)
    return found


def discriminative(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """|balanced accuracy - 0.5| of held-out windows (Yoon et al., 2019)."""
    kinds = ("logistic", "forest")
    return {kind: abs(discriminate(real, synthetic, kind, context.seed, RULER_TREES) - 0.5) for kind in kinds}


def frechet_distance(real: Judged, synthetic: Judged, context: Context) -> float:
    """Frechet distance in the network's space; small sets raise it, so compare at equal sizes alone."""
    if not has_space("network", real, context):
        return float("nan")
    return frechet(*space_of("network", real, synthetic, context))


def linear_probe_score(real: Judged, synthetic: Judged, context: Context) -> float:
    """Balanced accuracy over the states that both sets hold; nan with fewer than two."""
    shared = sorted(set(real.states.tolist()) & set(synthetic.states.tolist()))
    if len(shared) < 2:
        return float("nan")
    from sklearn.metrics import balanced_accuracy_score

    points, made = space_of("network", real, synthetic, context)
    rows, tested = np.isin(synthetic.states, shared), np.isin(real.states, shared)
    probe = train_table("logistic", made[rows], synthetic.states[rows], context.seed)
    said = np.asarray(probe.classes)[probe.of_values(points[tested]).argmax(axis=1)]
    return float(balanced_accuracy_score(real.states[tested], said))


_close = partial(
    Score, group="fidelity", better="higher", control="white_noise", parts=SPACES, repeats=10, least_windows=8
)
SCORES = (
    Score(
        name="discriminative",
        group="fidelity",
        title="Telling synthetic from reference windows (discriminative score)",
        meaning="How far above chance a trained classifier tells synthetic windows from reference ones: 0 is never, "
        "0.5 always.",
        better="lower",
        control="phase_randomised",
        parts=("logistic", "forest"),
        repeats=5,
        least_windows=16,
        compute=discriminative,
    ),
    _close(
        name="precision",
        title="Synthetic windows among reference ones (precision)",
        meaning="Share of synthetic windows that lie among reference ones.",
        compute=partial(_four, field="precision"),
    ),
    _close(
        name="recall",
        title="Diversity of the reference that is covered (recall)",
        meaning="Share of reference windows that lie among synthetic ones.",
        compute=partial(_four, field="recall"),
    ),
    _close(
        name="density",
        title="Reference neighbourhoods around each synthetic window (density)",
        meaning="Mean number, relative to its expectation: about 1 for reference windows; far above 1, windows are "
        "too typical.",
        compute=partial(_four, field="density"),
    ),
    _close(
        name="coverage",
        title="Reference windows with a synthetic neighbour (coverage)",
        meaning="Share of reference windows whose neighbourhood holds a synthetic one; a generator of little "
        "diversity scores low.",
        compute=partial(_four, field="coverage"),
    ),
    Score(
        name="frechet",
        group="fidelity",
        title="Frechet distance of a network's features",
        meaning="How far mean and covariance of a trained network's features differ between synthetic and reference "
        "windows.",
        better="lower",
        control="phase_randomised",
        repeats=10,
        least_windows=16,
        compute=frechet_distance,
    ),
    Score(
        name="linear_probe",
        group="fidelity",
        title="States told by a linear probe on a network's features",
        meaning="Balanced accuracy on reference windows of a linear layer that was fitted on a network's features of "
        "synthetic ones.",
        unit="balanced accuracy",
        better="higher",
        control="shuffled_states",
        repeats=10,
        least_windows=16,
        compute=linear_probe_score,
    ),
)
