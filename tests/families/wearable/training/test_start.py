"""Runs that begin with another run's weights."""

import pytest
import torch

from making.folds import SMALL, small
from physiosynth.errors import TrainingError
from physiosynth.families.wearable.training.task import trainer_of


@pytest.fixture(scope="module")
def milestone(fold, tmp_path_factory):
    """The milestone of a short run."""
    return trainer_of(fold, tmp_path_factory.mktemp("first"), SMALL).run().milestone


def test_a_run_polishes_one_stream_of_another(fold, tmp_path, milestone):
    """LOW goes on from the milestone's averaged weights, scales included; the ECG network stays to the bit."""
    start = torch.load(milestone, weights_only=True)
    progress = trainer_of(fold, tmp_path, small(lambda_ecg=0.0, total_steps=3), start_from=milestone).run()
    end = torch.load(progress.milestone, weights_only=True)
    assert all(torch.equal(end["ema_ecg"][name], value) for name, value in start["ema_ecg"].items())
    assert torch.equal(end["ema_low"]["space.knots"], start["ema_low"]["space.knots"])
    name = "diff.model.in_conv.weight"
    assert 0 < (end["ema_low"][name] - start["ema_low"][name]).abs().max() < 0.1


def test_the_milestone_says_what_it_started_from(fold, tmp_path, milestone):
    """Its manifest names the milestone and its hash."""
    trainer = trainer_of(fold, tmp_path, small(total_steps=1), start_from=milestone)
    trainer.run()
    assert trainer.task.manifest(trainer.record())["started_from"]["milestone"] == milestone.name


def test_a_start_that_does_not_fit_is_told_in_words(fold, tmp_path, milestone):
    """Other widths, another kind of file and a missing one."""
    with pytest.raises(TrainingError, match="other networks"):
        trainer_of(fold, tmp_path, small(low_base=16), start_from=milestone)
    with pytest.raises(TrainingError, match="no such file"):
        trainer_of(fold, tmp_path, SMALL, start_from=tmp_path / "nothing.pt")
    torch.save({"epoch": 1}, tmp_path / "other.pt")
    with pytest.raises(TrainingError, match="no ema_low and ema_ecg"):
        trainer_of(fold, tmp_path, SMALL, start_from=tmp_path / "other.pt")
