"""Membership inference: can one tell whose windows a generator learned from?

Black-box attacks see windows and no network; the white-box attack asks the generator's own denoising loss. All compare
members (windows that were learned from) with outsiders (windows of people who were not). The two groups are different
people, and a generator that draws its members' kind of windows gives away who they are without copying any: with one
outsider even new reference windows of the members score high. Read an AUC beside its floor. TPR at 1 % FPR after
Carlini et al., 2022.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.tables import TableScaler, table_of
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.judging.classifiers import RULER_TREES, TREES, train_table
from physiosynth.families.wearable.judging.metrics import auroc, interval
from physiosynth.families.wearable.judging.registry import Context, Score
from physiosynth.families.wearable.scores.fidelity import MADE, REAL, block_of
from physiosynth.families.wearable.scores.privacy import nearest
from physiosynth.runtime import OnStep, derive_seed, quiet

if TYPE_CHECKING:
    from physiosynth.datasets.normalizer import Normalizer
    from physiosynth.families.wearable.model.adapter import TwoStreamDiffusionAdapter

FALSE_POSITIVES = 0.01
RESAMPLES = 300
ATTACKS = ("distance", "discriminator")


@dataclass(frozen=True)
class Attack:
    """How well an attack tells members from outsiders.

    auc: .5 is guessing; low, high: its 95 % bootstrap interval, drawn over `over` ("subjects" or "windows"); tpr: share
    of members found at 1 % false alarms (.01 is guessing; with under 100 outsiders, at no false alarm).
    """

    name: str
    auc: float
    low: float
    high: float
    over: str
    tpr: float
    members: int
    outsiders: int


def judge_attack(
    name: str,
    members: np.ndarray,
    outsiders: np.ndarray,
    member_subjects: np.ndarray,
    outsider_subjects: np.ndarray,
    seed: int = 0,
) -> Attack:
    """Figures of an attack from its scores, (n,) and (m,), higher where it believes in a member.

    Subjects are drawn where both sides have several, windows otherwise. Raises EvaluationError for an empty side.
    """
    if not len(members) or not len(outsiders):
        raise EvaluationError("A membership attack needs windows of members and of outsiders.")
    low, high, over = bootstrapped(auroc, members, outsiders, member_subjects, outsider_subjects, seed)
    tpr = true_positives(members, outsiders)
    return Attack(name, auroc(members, outsiders), low, high, over, tpr, len(members), len(outsiders))


def judge_attacks(
    found: dict[str, tuple[np.ndarray, np.ndarray]],
    members: Judged | WindowSet,
    outsiders: Judged | WindowSet,
    seed: int = 0,
) -> tuple[Attack, ...]:
    """Figures of every attack from its scores of these members and outsiders; see judge_attack."""
    whose = members.subjects, outsiders.subjects
    return tuple(judge_attack(name, *scores, *whose, seed) for name, scores in found.items())


def bootstrapped(
    figure: Callable[[np.ndarray, np.ndarray], float],
    members: np.ndarray,
    outsiders: np.ndarray,
    member_subjects: np.ndarray,
    outsider_subjects: np.ndarray,
    seed: int = 0,
) -> tuple[float, float, str]:
    """The 95 % interval of figure(members, outsiders), and what was drawn for it: "subjects" or "windows"."""
    several = min(len(np.unique(member_subjects)), len(np.unique(outsider_subjects))) > 1
    rng, drawn = np.random.default_rng(derive_seed(seed, "bootstrap")), []
    sides = [
        _units(scores, whose if several else np.arange(len(scores)))
        for scores, whose in ((members, member_subjects), (outsiders, outsider_subjects))
    ]
    for _ in range(RESAMPLES):
        picked = [np.concatenate([units[i] for i in rng.integers(len(units), size=len(units))]) for units in sides]
        drawn.append(figure(*picked))
    return *interval(drawn), "subjects" if several else "windows"


def _units(scores: np.ndarray, whose: np.ndarray) -> list[np.ndarray]:
    return [scores[whose == name] for name in np.unique(whose)]


def true_positives(members: np.ndarray, outsiders: np.ndarray, rate: float = FALSE_POSITIVES) -> float:
    """Share of members above the threshold that at most `rate` of the outsiders exceed."""
    threshold = np.sort(outsiders)[::-1][int(rate * len(outsiders))]
    return float((members > threshold).mean())


def black_box(synthetic: Judged, members: Judged, outsiders: Judged, seed: int = 0) -> tuple[Attack, ...]:
    """Both attacks that need no network. Raises EvaluationError."""
    return judge_attacks(black_box_scores(synthetic, members, outsiders, seed), members, outsiders, seed)


def black_box_scores(
    synthetic: Judged, members: Judged, outsiders: Judged, seed: int = 0
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What both attacks that need no network say of members and outsiders, by attack. Raises EvaluationError."""
    _check_sides(members.windows, outsiders.windows)
    return {
        "distance": distance_scores(synthetic, members, outsiders),
        "discriminator": discriminator_scores(synthetic, members, outsiders, seed),
    }


def distance_scores(synthetic: Judged, members: Judged, outsiders: Judged) -> tuple[np.ndarray, np.ndarray]:
    """Nearness of each member and outsider to its nearest synthetic window, in the standardised table.

    The table is standardised by the synthetic windows: an attacker has no others.
    """
    tables = [table_of(part).values for part in (synthetic, members, outsiders)]
    scaler = TableScaler.fit(tables[0])
    made, inside, outside = (scaler.apply(values) for values in tables)
    return -nearest(inside, made), -nearest(outside, made)


def discriminator_scores(
    synthetic: Judged, members: Judged, outsiders: Judged, seed: int = 0, trees: int = TREES
) -> tuple[np.ndarray, np.ndarray]:
    """How synthetic a forest finds each window that learned synthetic from reference windows of both sides.

    Half of each side's windows, in blocks of neighbours, are the forest's reference ones; it scores the other half.
    Both sides are treated alike: a forest that knew outsiders alone would learn their looks and tell nothing of memory.
    """
    made, inside, outside = (table_of(part).values for part in (synthetic, members, outsiders))
    values = np.concatenate([inside, outside])
    half = np.concatenate([block_of(part.states, 2) for part in (members, outsiders)])
    found = np.zeros(len(values))
    for part in (0, 1):
        known = values[half == part]
        origin = np.repeat([MADE, REAL], [len(made), len(known)])
        model = train_table("forest", np.concatenate([made, known]), origin, seed, trees)
        found[half != part] = model.of_values(values[half != part])[:, model.classes.index(MADE)]
    return found[: len(inside)], found[len(inside) :]


def _check_sides(members: WindowSet, outsiders: WindowSet) -> None:
    both = sorted(set(members.subjects.tolist()) & set(outsiders.subjects.tolist()))
    if both:
        raise EvaluationError(
            f"Subject {', '.join(both)} is among the members and among the outsiders. An outsider is someone the "
            "generator has never seen."
        )


@dataclass(frozen=True)
class Identity:
    """Whether synthetic windows look like one of the people who were learned from.

    accuracy: of a classifier that names the person of a reference window it has not seen; chance: of guessing; auc: how
    often a synthetic window is ascribed to someone with more confidence than an outsider's window (.5: like nobody in
    particular; near 1: like somebody it knows).
    """

    accuracy: float
    chance: float
    auc: float
    subjects: int


def reidentify(synthetic: Judged, members: Judged, outsiders: Judged, seed: int = 0) -> Identity:
    """Train a forest to name the members' subjects, then show it synthetic windows. Raises EvaluationError.

    The first half of each state of each member trains it, the second half tests it.
    """
    names = np.unique(members.subjects)
    if len(names) < 2:
        raise EvaluationError("Re-identification needs two subjects among the members.")
    _check_sides(members.windows, outsiders.windows)
    late = np.zeros(len(members), dtype=bool)
    for name in names:
        mine = np.flatnonzero(members.subjects == name)
        late[mine] = block_of(members.states[mine], 2) == 1
    values = table_of(members).values
    model = train_table("forest", values[~late], members.subjects[~late], seed)
    said = np.asarray(model.classes)[model.of_values(values[late]).argmax(axis=1)]
    made, outside = (model.of_values(table_of(part).values).max(axis=1) for part in (synthetic, outsiders))
    return Identity(
        accuracy=float((said == members.subjects[late]).mean()),
        chance=1 / len(names),
        auc=auroc(made, outside),
        subjects=len(names),
    )


def white_box_scores(
    adapter: TwoStreamDiffusionAdapter,
    norm_low: Normalizer,
    norm_ecg: Normalizer,
    members: WindowSet,
    outsiders: WindowSet,
    seed: int = 0,
    steps: int = 6,
    draws: int = 1,
    on_step: OnStep = quiet,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The attack that has the networks: a member's denoising loss is lower. One attack a stream, and their sum.

    adapter: loaded networks; norm_low, norm_ecg: the norms of their training; steps, draws: see denoising_losses.
    on_step counts network evaluations. Scores as of judge_attack, by attack. Raises EvaluationError.
    """
    from physiosynth.families.wearable.scores.denoising import denoising_losses

    _check_sides(members, outsiders)
    joined = members.concat(outsiders)
    losses = denoising_losses(adapter, norm_low, norm_ecg, joined, seed, steps, draws, on_step)
    cut = len(members)
    streams = {"low loss": losses.low, "ecg loss": losses.ecg, "both losses": losses.low + losses.ecg}
    return {name: (-loss[:cut], -loss[cut:]) for name, loss in streams.items()}


def outsiders_of(reference: Judged, context: Context) -> Judged:
    """Reference windows of other people than the reference: context.extra["outsiders"], or context.train.

    Where the reference is what a generator learned from, the outsiders are its test windows. Raises EvaluationError
    where neither is there with other people only.
    """
    known = set(reference.subjects.tolist())
    for found in (context.extra.get("outsiders"), context.train):
        if found is not None and known.isdisjoint(found.subjects.tolist()):
            return found
    raise EvaluationError(
        'Membership needs windows of people who are not in the reference. Give Context.extra["outsiders"], such as the '
        "test windows of the generator's fold."
    )


def membership(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """AUC of each black-box attack on the reference windows, against other people's."""
    others = outsiders_of(real, context)
    scores = {
        "distance": distance_scores(synthetic, real, others),
        "discriminator": discriminator_scores(synthetic, real, others, context.seed, RULER_TREES),
    }
    return {name: auroc(*pair) for name, pair in scores.items()}


def membership_tpr(real: Judged, synthetic: Judged, context: Context) -> float:
    """TPR at 1 % FPR of the distance attack."""
    return true_positives(*distance_scores(synthetic, real, outsiders_of(real, context)))


SCORES = (
    Score(
        name="membership",
        group="privacy",
        title="Membership inference (AUC)",
        meaning="How often an attacker ranks a training window above another person's window: 0.5 is chance.",
        unit="AUC",
        better="lower",
        control="memorised",
        parts=ATTACKS,
        repeats=5,
        needs=("train",),
        least_windows=16,
        compute=membership,
    ),
    Score(
        name="membership_tpr",
        group="privacy",
        title="Membership inference (true positives at 1 % false positives)",
        meaning="Share of the training windows that an attacker finds at one false alarm per hundred other windows.",
        better="lower",
        control="memorised",
        repeats=5,
        needs=("train",),
        least_windows=16,
        compute=membership_tpr,
    ),
)
