"""Training on a toy fold: it learns, resumes exactly, and leaves what a loader needs."""

import json

import numpy as np
import pytest
import torch

from making.folds import SMALL, same, small, weights
from physiosynth.errors import TrainingError
from physiosynth.families.wearable.model.architecture import Architecture
from physiosynth.families.wearable.training.settings import TrainSettings
from physiosynth.families.wearable.training.task import trainer_of
from physiosynth.training.validation import spread


def test_a_run_leaves_milestones_with_manifest_norms_and_log(fold, tmp_path):
    """The best milestone, its manifest with published keys, the norms beside it and a row a validation are there."""
    progress = trainer_of(fold, tmp_path, SMALL).run()
    assert progress.step == 8
    manifest = json.loads(progress.milestone.with_suffix(".json").read_text())
    assert manifest["fold"] == "S4"
    assert manifest["source"] == "virtual"
    assert manifest["val_total"] == pytest.approx(progress.best)
    assert Architecture.from_dict(manifest["architecture"]).coupled
    checkpoint = torch.load(progress.milestone, weights_only=True)
    assert set(checkpoint) >= {"epoch", "diff_low", "diff_ecg", "ema_low", "ema_ecg", "meta"}
    low, ecg = Architecture.from_dict(manifest["architecture"]).build()
    low.load_state_dict(checkpoint["ema_low"], strict=True)
    ecg.load_state_dict(checkpoint["ema_ecg"], strict=True)
    assert (tmp_path / "milestones" / "norm_low.npz").exists()
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "3", "6", "8"]


def test_an_interrupted_run_ends_bit_equal_to_an_unbroken_one(fold, tmp_path):
    """Stopped in the middle of an epoch and started again, it ends with the same weights and averages.

    The settings that keep most between steps; test_killed.py has the usual ones.
    """
    settings = small(schedule="plateau", precision="bf16", ema="power")
    trainer_of(fold, tmp_path / "whole", settings).run()

    def stop(progress) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer_of(fold, tmp_path / "broken", settings).run(on_step=stop)
    again = trainer_of(fold, tmp_path / "broken", settings)
    assert again.progress.step == 5
    again.run()
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))


def test_another_setting_is_not_taken_for_the_same_run(fold, tmp_path):
    """Resuming with another batch size names the setting instead of mixing two runs."""
    trainer_of(fold, tmp_path, SMALL).run()
    with pytest.raises(TrainingError, match="batch_size"):
        trainer_of(fold, tmp_path, small(batch_size=2))


def test_training_lowers_the_validation_loss(fold, tmp_path):
    """Sixty steps on the toy fold bring the loss of the averaged weights below that of the first steps."""
    settings = small(total_steps=60, validate_every=15, ema_decay=0.9)
    trainer_of(fold, tmp_path, settings).run()
    table = np.genfromtxt(tmp_path / "log.csv", delimiter=",", names=True)
    assert table["val_total"][-1] < 0.95 * table["val_total"][0]
    assert table["train_total"][-1] < table["train_total"][0]
    assert table["learning_rate"][-1] < 0.01 * settings.learning_rate < table["learning_rate"][0]
    assert (table["gradient_norm"] > 0).all()


def test_the_published_networks_train_by_the_same_command(fold, tmp_path):
    """One step of the published architecture gives a milestone that names it."""
    settings = TrainSettings(
        architecture="published", total_steps=1, batch_size=2, validation_windows=2, precision="fp32", sample_every=0
    )
    progress = trainer_of(fold, tmp_path, settings).run()
    assert json.loads(progress.milestone.with_suffix(".json").read_text())["architecture"]["name"] == "published"


@pytest.mark.parametrize("wrong", [{"schedule": "linear"}, {"low_base": 12}, {"batch_size": 0}, {"prediction": "x0"}])
def test_settings_that_cannot_be_used_are_named(wrong):
    """Each unusable setting raises TrainingError with its name."""
    with pytest.raises(TrainingError, match=next(iter(wrong))):
        TrainSettings(**wrong)


def test_without_a_length_or_minutes_a_run_asks_for_them(fold, tmp_path):
    """A run whose length nobody gave says how to give it."""
    settings = small(total_steps=None)
    with pytest.raises(TrainingError, match="--max-minutes"):
        trainer_of(fold, tmp_path, settings).run()


def test_validation_windows_are_spread_over_all_subjects():
    """Four of eight indices are every second one, and more than there are gives all."""
    assert spread(8, 4) == [0, 2, 4, 6]
    assert spread(3, 10) == [0, 1, 2]
