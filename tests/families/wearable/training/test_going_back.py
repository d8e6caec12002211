"""A loss that is not a number: the run goes back, tries something else, and says so."""

import csv

import numpy as np
import pytest
import torch

from making.folds import SMALL, make_fold, same, weights
from physiosynth.errors import TrainingError
from physiosynth.families.wearable.training.task import trainer_of
from physiosynth.runtime import window_seed
from physiosynth.training.plan import Plan

NAN = float("nan")


def poison(trainer, step: int, times: int):
    """A callback that spoils a weight after `step`, so many times; it may go on to stop the run after another step."""
    left = [times]

    def on_step(progress, stop_at: int | None = None) -> None:
        if progress.step == step and left[0]:
            left[0] -= 1
            torch.nn.init.constant_(trainer.model.ecg.diff.model.in_conv.bias, NAN)
        if progress.step == stop_at:
            raise KeyboardInterrupt

    return on_step


@pytest.fixture(scope="module")
def recovered(fold, tmp_path_factory):
    """A run whose weights were spoilt twice after step 4, and its directory."""
    out = tmp_path_factory.mktemp("recovered")
    trainer = trainer_of(fold, out, SMALL)
    trainer.run(on_step=poison(trainer, step=4, times=2))
    return trainer, out


def test_a_spoilt_weight_sends_the_run_back_and_it_ends_well(recovered):
    """The run goes on from step 3 with half the rate each time and is finite at its end; it is on record."""
    trainer, out = recovered
    assert (trainer.progress.step, trainer.progress.returns) == (8, 2)
    assert [(record["step"], record["to_step"]) for record in trainer.plan.returns] == [(4, 3)] * 2
    assert trainer.plan.rate_factor == 0.25
    assert all(values.isfinite().all() for values in weights(out).values())
    first, _ = csv.DictReader((out / "returns.csv").open())
    assert first == {"step": "4", "to_step": "3", "why": "The loss became nan", "learning_rate_factor": "0.5"}
    assert [row["step"] for row in csv.DictReader((out / "log.csv").open())] == ["3", "6", "8"]


def test_after_going_back_the_noise_of_a_step_is_another(recovered):
    """Two returns, one and none give three different seeds for one step; none gives that of window_seed."""
    returns = recovered[0].plan.returns
    seeds = [Plan("fp32", 8, 0.0, 0, returns[:count]).step_seed(SMALL.seed, 5) for count in range(3)]
    assert len(set(seeds)) == 3
    assert seeds[0] == window_seed(SMALL.seed, 5)


def test_a_run_that_went_back_resumes_exactly(fold, recovered, tmp_path):
    """Interrupted after going back, it ends with the weights of a run that went back and was not interrupted."""
    broken = trainer_of(fold, tmp_path, SMALL)
    spoil = poison(broken, step=4, times=2)
    with pytest.raises(KeyboardInterrupt):
        broken.run(on_step=lambda progress: spoil(progress, stop_at=5))
    trainer_of(fold, tmp_path, SMALL).run()
    assert same(weights(recovered[1]), weights(tmp_path))


def test_a_loss_that_stays_not_a_number_stops_the_run_with_its_step(fold, tmp_path):
    """Spoilt every time, it stops after three returns with a plain error, and the good state is kept."""
    trainer = trainer_of(fold, tmp_path, SMALL)
    with pytest.raises(TrainingError, match="nan at step 4, after going back to step 3 3 times"):
        trainer.run(on_step=poison(trainer, step=4, times=99))
    assert all(values.isfinite().all() for values in weights(tmp_path).values())
    again = trainer_of(fold, tmp_path, SMALL)
    assert (again.progress.step, len(again.plan.returns)) == (3, 3)


def test_a_gradient_that_is_not_a_number_never_reaches_the_weights(fold, tmp_path):
    """A finite loss with a spoilt gradient in the first step sends the run back to its beginning."""
    trainer = trainer_of(fold, tmp_path, SMALL)
    calls = []

    def spoil(gradient):
        calls.append(1)
        # The steps that are timed come first.
        return gradient * NAN if trainer.plan is not None and not trainer.plan.returns else gradient

    next(trainer.model.parameters()).register_hook(spoil)
    assert trainer.run().step == SMALL.total_steps
    assert trainer.plan.returns == [{"step": 0, "to_step": 0, "why": "The gradient norm became nan"}]
    assert len(calls) > SMALL.total_steps


def test_spoilt_windows_are_named_at_once(tmp_path):
    """A fold with a value that is not finite is told as that: no other noise would help."""
    fold = make_fold(tmp_path / "fold_S4")
    ecg = np.load(fold.path / "train_X_ecg.npy")
    ecg[5, 100] = np.nan
    np.save(fold.path / "train_X_ecg.npy", ecg)
    with pytest.raises(TrainingError, match="Training windows 5 of the fold"):
        trainer_of(fold, tmp_path / "run", SMALL).run()
