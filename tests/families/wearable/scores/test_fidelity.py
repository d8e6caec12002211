"""Fidelity: known answers in the plane, and every registered score of H's groups falls with its control."""

from dataclasses import astuple

import numpy as np
import pytest

from making.people import cohort
from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.raw_resnet import NetSettings, train_resnet
from physiosynth.families.wearable.judging.judging import Controls
from physiosynth.families.wearable.judging.registry import Context
from physiosynth.families.wearable.judging.scores_table import scores
from physiosynth.families.wearable.scores.fidelity import (
    Closeness,
    block_of,
    closeness,
    discriminate,
    distances,
    frechet,
)

LEAST = {"tstr": 0.3, "trts": 0.3, "augmentation": 0.05, "discriminative": 0.2, "frechet": 1.0, "linear_probe": 0.3}
LEAST |= {"nearest_distance": 0.8, "mahalanobis_distance": 0.8, "membership": 0.2, "membership_tpr": 0.4}


def quick_net(windows):
    """The network of the feature space, trained for half as long as in earnest."""
    net = train_resnet(windows, windows.states, settings=NetSettings(epochs=4, least_steps=60))
    kept = np.empty(len(windows), dtype=object)
    kept[:] = [net] * len(windows)
    return kept


@pytest.fixture(scope="module")
def sets():
    """A reference person pair, honest synthetic windows of such people, controls, and other people."""
    real, train = Judged.of(cohort(range(2), 12)), Judged.of(cohort(range(4, 8), 5))
    train.per_window("reference_net", quick_net)
    honest = Judged.of(cohort(range(2), 12, seed=9))
    return real, honest, Controls(real, 0), Context(train=train)


@pytest.fixture(scope="module")
def strangers():
    """A generator that learned from a third group of people."""
    return Judged.of(cohort(range(20, 26), 5))


def registered():
    return scores(("usefulness", "fidelity", "privacy"))


def test_the_modules_register_what_the_report_needs():
    """Usefulness, fidelity and privacy each have their scores, and each names a control."""
    names = {s.name for s in registered()}
    assert {"tstr", "trts", "augmentation", "discriminative", "density", "coverage", "precision", "recall"} <= names
    assert {"frechet", "linear_probe", "nearest_distance", "mahalanobis_distance", "copies", "membership"} <= names


@pytest.mark.parametrize("score", registered(), ids=lambda s: s.name)
def test_every_score_is_worse_for_its_control(score, sets, strangers):
    """Honest windows score clearly better than the score's control, in every part."""
    real, honest, controls, context = sets
    # A generator that draws two members' own kind of windows gives away who they are, copies or not.
    good = score.values(real, strangers if score.name.startswith("membership") else honest, context)
    bad = score.values(real, controls[score.control], context)
    margins = {part: score.badness(bad[part]) - score.badness(value) for part, value in good.items()}
    if score.name == "copies":  # noise keeps the memorised windows from being exact copies
        margins.pop("exact")
    assert min(margins.values()) > LEAST.get(score.name, 0.25), (good, bad)


def test_a_set_is_as_close_to_itself_as_can_be():
    """The same points: precision, recall and coverage 1, density 1."""
    points = np.random.default_rng(0).normal(size=(60, 3))
    found = closeness(points, points + 1e-9)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    assert found.density == pytest.approx(1, abs=0.3)


def close_to(found):
    """Equal but for rounding of the means."""
    return Closeness(*(pytest.approx(value, abs=1e-12) for value in astuple(found)))


def test_repeated_rows_change_nothing():
    """Rows that are there twice or six times, on both sides or on one, give the figures of once."""
    points = np.random.default_rng(3).normal(size=(200, 8))
    other = np.random.default_rng(4).normal(size=(200, 8))
    assert closeness(points, points) == Closeness(1, 1, 1, 1)
    for first, second in ((points, points), (points, other)):
        once = closeness(first, second)
        for copies in (2, 6):
            assert closeness(np.repeat(first, copies, axis=0), np.tile(second, (copies, 1))) == close_to(once)
            assert closeness(np.tile(first, (copies, 1)), second) == close_to(once)


def test_one_row_repeated_reaches_no_variety():
    """A set that holds one row 200 times has recall 0 and covers little."""
    points = np.random.default_rng(3).normal(size=(200, 8))
    found = closeness(points, np.repeat(points[:1], 200, axis=0))
    assert found.recall == 0 and found.coverage < 0.1


def test_without_repeated_rows_the_figures_are_the_published_ones():
    """To the last digit what the definitions give when written down plainly."""
    rng, k = np.random.default_rng(5), 5
    real, made = rng.normal(size=(90, 4)), 0.8 * rng.normal(size=(70, 4))
    between = distances(real, made)
    reach = [np.sort(distances(points, points), axis=1)[:, k] for points in (real, made)]
    inside = between < reach[0][:, None]
    assert closeness(real, made) == Closeness(
        float(inside.any(axis=0).mean()),
        float((between < reach[1]).any(axis=1).mean()),
        float(inside.sum(axis=0).mean() / k),
        float(inside.any(axis=1).mean()),
    )


def test_collapse_costs_coverage_and_recall_but_not_precision():
    """A generator of one kind looks precise and covers next to nothing."""
    rng = np.random.default_rng(1)
    real, collapsed = rng.normal(size=(80, 2)), 0.01 * rng.normal(size=(80, 2))
    found = closeness(real, collapsed)
    assert found.precision > 0.9 and found.recall < 0.1 and found.coverage < 0.3


def test_frechet_distance_of_known_normals():
    """Means three apart and the same spread: 9; spreads 1 and 2 in one axis: (2 - 1)^2."""
    rng = np.random.default_rng(2)
    points = rng.normal(size=(20_000, 2))
    assert frechet(points, points + np.array([3, 0])) == pytest.approx(9, rel=1e-6)
    assert frechet(points, points * [2, 1]) == pytest.approx(points[:, 0].var(), rel=0.01)
    assert frechet(points, points) == pytest.approx(0, abs=1e-6)


def test_blocks_keep_neighbours_together():
    """Each state is cut into runs, so that overlapping windows do not meet a classifier on both sides."""
    assert block_of(np.array(["a"] * 6 + ["b"] * 4), 2).tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 1, 1]


def test_a_trained_classifier_tells_noise_but_not_a_second_draw(sets):
    """The discriminator is right on phase-randomised windows and near guessing on honest ones."""
    real, honest, controls, _ = sets
    assert discriminate(real, controls["phase_randomised"], "forest") > 0.95
    assert discriminate(real, honest, "forest") < 0.7


def test_too_few_windows_are_refused():
    """Neighbourhoods of five need six windows."""
    with pytest.raises(EvaluationError, match="more than 5 windows"):
        closeness(np.zeros((5, 2)), np.zeros((9, 2)))
