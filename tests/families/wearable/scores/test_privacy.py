"""Privacy: planted copies are found, noise is not called private, and honest windows are left in peace."""

from dataclasses import replace

import numpy as np
import pytest

from making.people import cohort, near_copies, synthetic
from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.scores.controls import white_noise
from physiosynth.families.wearable.scores.privacy import AS_NEW, TOO_FAR, TOO_NEAR, find_copies, read, read_distances
from physiosynth.families.wearable.signals import ECG_HZ


@pytest.fixture(scope="module")
def members():
    return Judged.of(cohort(range(4), 3))


@pytest.fixture(scope="module")
def made(members):
    """Windows of three generators, and new real ones."""
    sets = {
        "copies": near_copies(members.windows),
        "noise": white_noise(members.windows, 0),
        "honest": synthetic(range(4), 3),
        "new": cohort(range(4), 3, seed=5),
    }
    return {name: Judged.of(windows) for name, windows in sets.items()}


@pytest.mark.parametrize("space", ["euclidean", "mahalanobis"])
def test_distance_reads_copies_as_too_near_and_noise_as_too_far(members, made, space):
    """Neither end counts as private: copies lie too near, noise too far, honest windows as new real ones do."""
    readings = {
        name: read_distances(members, judged, made["new"], space) for name, judged in made.items() if name != "new"
    }
    assert [readings[name].reading for name in ("copies", "noise", "honest")] == [TOO_NEAR, TOO_FAR, AS_NEW]
    assert readings["copies"].ratio < 0.5 < 2 < readings["noise"].ratio
    assert "no proof of privacy" in readings["noise"].meaning


@pytest.mark.parametrize(("made", "usual"), [(24, 48), (48, 48), (400, 48), (48, 400), (1000, 1000)])
def test_fair_distances_are_left_in_peace_at_any_count(made, usual):
    """Distances of the yardstick's own kind are hardly ever too near, however few there are on either side."""
    rng = np.random.default_rng(made + usual)
    found = [read(rng.lognormal(0, 0.3, made), rng.lognormal(0, 0.3, usual)).reading for _ in range(400)]
    assert found.count(AS_NEW) >= 398


@pytest.mark.parametrize("seed", range(5))
def test_a_fifth_of_copies_among_fair_windows_is_too_near(seed):
    """A generator that gives back some windows and draws the others is found, though its ratio is a fair one's."""
    rng = np.random.default_rng(seed)
    some = np.concatenate([rng.lognormal(0, 0.3, 96), rng.lognormal(-2, 0.3, 24)])
    found = read(some, rng.lognormal(0, 0.3, 120))
    assert found.reading == TOO_NEAR and found.ratio > 0.5 and found.nearest >= 0.2


def test_the_reading_holds_for_other_windows():
    """What copies, noise and honest windows are called does not hang on one draw of people's windows."""
    members, new = (Judged.of(cohort(range(4), 3, seed=seed)) for seed in (10, 15))
    sets = near_copies(members.windows), white_noise(members.windows, 10), synthetic(range(4), 3, 11)
    found = [read_distances(members, Judged.of(each), yardstick) for each in sets for yardstick in (new, None)]
    assert [each.reading for each in found] == [TOO_NEAR] * 2 + [TOO_FAR] * 2 + [AS_NEW] * 2


def test_exact_shifted_and_noisy_copies_are_found_and_new_windows_are_not(members):
    """A window given back as it is, shifted, at half the height, or with noise is a copy; a new one is none."""
    real = members.windows
    shift = 2 * ECG_HZ
    shifted = np.concatenate([real.ecg[3, shift:], real.ecg[9, :shift]])
    noisy = real.ecg[5] + 0.02 * np.random.default_rng(0).normal(size=real.ecg.shape[1])
    made = replace(real.take([2, 3, 4, 5]), ecg=np.stack([real.ecg[2], shifted, 0.5 * real.ecg[4], noisy]))
    found = find_copies(real, made)
    assert found.match.tolist() == [2, 3, 4, 5]
    assert found.correlation[0] > 0.9999 and found.correlation[2] > 0.9999 and (found.correlation > 0.95).all()
    assert found.near == 1 and 0.5 <= found.exact < 1
    honest = find_copies(real, synthetic(range(4), 3))
    assert honest.near == 0 and honest.correlation.max() < 0.9


def test_a_flat_line_copies_nothing(members):
    """Windows without a signal correlate with nothing and raise no error."""
    flat = replace(members.windows.take([0, 1]), ecg=np.zeros((2, members.windows.ecg.shape[1])))
    assert find_copies(members.windows, flat).near == 0


def test_a_distance_needs_windows_and_a_known_space(members):
    """Too few windows and an unknown space are refused in plain words."""
    with pytest.raises(EvaluationError, match="3 windows in each set"):
        read_distances(members, members.take([0, 1]))
    with pytest.raises(EvaluationError, match="euclidean or mahalanobis"):
        read_distances(members, members, space="hyperbolic")
