"""The ResNet on raw windows: learns, repeats itself, and leaves the caller's random numbers alone."""

import numpy as np
import pytest
import torch

from making.people import cohort
from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.raw_resnet import FEATURES, NetSettings, RawScaler, train_resnet

QUICK = NetSettings(epochs=4, least_steps=32)


@pytest.fixture(scope="module")
def train_windows():
    return cohort(range(4), 8)


@pytest.fixture(scope="module")
def net(train_windows):
    return train_resnet(train_windows, train_windows.states, seed=3, settings=QUICK)


def test_states_of_new_people_are_told_from_raw_windows(net):
    """Trained on four people, the network names most states of two others; chance is a quarter."""
    test = cohort(range(10, 12), 8)
    said = np.asarray(net.classes)[net.probabilities(test).argmax(axis=1)]
    assert (said == test.states).mean() > 0.6


def test_the_same_seed_gives_the_same_network(net, train_windows):
    """Probabilities repeat with the seed, differ with another, and no global random number is used up."""
    before = torch.random.get_rng_state()
    again = train_resnet(train_windows, train_windows.states, seed=3, settings=QUICK)
    other = train_resnet(train_windows, train_windows.states, seed=4, settings=NetSettings(1, 5))
    assert torch.equal(before, torch.random.get_rng_state())
    few = train_windows.take(range(6))
    np.testing.assert_array_equal(net.probabilities(few), again.probabilities(few))
    assert np.abs(net.probabilities(few) - other.probabilities(few)).max() > 0.01


def test_probabilities_sum_to_one_and_features_have_their_size(net, train_windows):
    """Rows of probabilities sum to 1; the feature space has its fixed size, whatever the number of windows."""
    np.testing.assert_allclose(net.probabilities(train_windows).sum(axis=1), 1)
    assert net.embed(train_windows.take(range(70))).shape == (70, FEATURES)
    assert net.probabilities(train_windows.take([])).shape[0] == 0


def test_scaling_comes_from_the_training_windows(train_windows):
    """A window is scaled by the mean and SD of the windows that were fitted on, not by its own."""
    scaler = RawScaler.fit(train_windows)
    ecg, low = scaler.tensors(train_windows.take([0]))
    np.testing.assert_allclose(
        ecg[0, 0], (train_windows.ecg[0] - train_windows.ecg.mean()) / train_windows.ecg.std(), atol=1e-3
    )
    np.testing.assert_allclose(
        low[0, 0], (train_windows.eda[0] - train_windows.eda.mean()) / train_windows.eda.std(), atol=1e-3
    )


def test_progress_is_told_and_one_class_is_refused(train_windows):
    """The callback counts to the total; windows of a single class cannot train a classifier."""
    seen = []
    train_resnet(train_windows, train_windows.states, settings=NetSettings(1, 5), on_step=lambda *at: seen.append(at))
    assert seen[-1][0] == seen[-1][1] == len(seen)
    with pytest.raises(EvaluationError, match="two classes"):
        train_resnet(train_windows, ["stress"] * len(train_windows))
