"""The learning rate: warm-up, cosine, plateaus."""

import pytest
import torch

from making.folds import small
from physiosynth.training.learning_rate import LearningRate


def rate_of(**changes) -> LearningRate:
    settings = small(learning_rate=0.1, warmup_steps=4, **changes)
    return LearningRate(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=settings.learning_rate), settings)


def test_the_cosine_begins_warm_halves_in_the_middle_and_ends_at_nothing():
    """A quarter of the rate at the first step of four of warm-up, half of it in the middle, none at the end."""
    rate = rate_of()
    assert rate.set(0, 100) == pytest.approx(0.025)
    assert rate.set(50, 100) == pytest.approx(0.05)
    assert rate.set(100, 100) == pytest.approx(0.0)
    assert rate.set(50, 100, factor=0.5) == pytest.approx(0.025)
    assert rate.optimizer.param_groups[0]["lr"] == pytest.approx(0.025)


def test_a_plateau_halves_the_rate_after_more_than_five_validations_without_improvement():
    """Five bad validations change nothing, the sixth halves; a good one in between starts the count anew."""
    rate = rate_of(schedule="plateau")
    for value in [1.0, *[1.1] * 4, 0.9, *[1.0] * 5]:
        rate.set(50, 100)
        rate.follow(value)
    assert rate.set(50, 100) == pytest.approx(0.1)
    rate.follow(1.0)
    assert rate.set(50, 100) == pytest.approx(0.05)


def test_a_plateau_is_remembered_by_the_state():
    """A schedule that is restored in the middle of a plateau halves when the unbroken one does."""
    one, other = rate_of(schedule="plateau"), rate_of(schedule="plateau")
    for value in (1.0, 1.1, 1.1, 1.1):
        one.follow(value)
    other.load_state_dict(one.state_dict())
    for _ in range(3):
        assert other.set(50, 100) == pytest.approx(0.1)
        other.follow(1.1)
    assert other.set(50, 100) == pytest.approx(0.05)
