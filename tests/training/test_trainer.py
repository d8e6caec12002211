"""Training on a toy fold: it learns, resumes exactly, and leaves what a loader needs."""

import json

import numpy as np
import pytest
import torch

from physiosynth.datasets.fold_writing import write_fold
from physiosynth.datasets.folds import load_fold
from physiosynth.datasets.preprocess import PreprocessSettings
from physiosynth.datasets.splits import Split
from physiosynth.datasets.windows import PHASE_EDGES, SubjectWindows
from physiosynth.errors import TrainingError
from physiosynth.models.architecture import Architecture
from physiosynth.signals import ECG_HZ, ECG_STEPS, LOW_HZ, LOW_STEPS
from physiosynth.training.settings import TrainSettings
from physiosynth.training.trainer import Trainer, spread

SMALL = TrainSettings(
    low_base=8,
    ecg_base=8,
    batch_size=4,
    learning_rate=3e-3,
    warmup_steps=2,
    total_steps=8,
    validate_every=3,
    validation_windows=8,
    precision="fp32",
)


def toy_windows(subject: str, count: int = 8) -> SubjectWindows:
    """Windows of a spike train at 75 beats/min, a breath and a level."""
    rng = np.random.default_rng(sum(map(ord, subject)))
    start = rng.random(count)
    phase = start[:, None] + 1.25 * np.arange(PHASE_EDGES) / LOW_HZ
    cycle = start[:, None] + 1.25 * np.arange(ECG_STEPS) / ECG_HZ
    ecg = np.exp(-(((cycle + 0.5) % 1 - 0.5) ** 2) / 0.001)
    seconds = np.arange(LOW_STEPS) / LOW_HZ
    low = np.stack([4 + 0.01 * seconds, np.sin(1.6 * seconds)], axis=-1) + 0.1 * rng.random((count, 1, 2))
    return SubjectWindows(
        subject,
        "virtual",
        ecg[..., None].astype(np.float32),
        low.astype(np.float32),
        phase.astype(np.float32),
        np.arange(count) % 4 + 1,
        np.arange(count) * 15.0,
        np.ones(count, dtype=bool),
        np.tile(np.float32([75, 15.3, np.nan]), (count, 1)),
    )


@pytest.fixture(scope="module")
def fold(tmp_path_factory):
    path = tmp_path_factory.mktemp("folds") / "fold_S4"
    split = Split(("S2",), ("S3",), ("S4",))
    write_fold({name: toy_windows(name) for name in ("S2", "S3", "S4")}, split, path, PreprocessSettings())
    return load_fold(path)


def weights(out) -> dict:
    return torch.load(out / "state.pt", weights_only=True)["model"]


def test_a_run_leaves_milestones_with_manifest_norms_and_log(fold, tmp_path):
    """The best milestone, its manifest with published keys, the norms beside it and a row a validation are there."""
    progress = Trainer(fold, tmp_path, SMALL).run()
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
    """Stopped in the middle of an epoch and started again, it ends with the same weights."""
    Trainer(fold, tmp_path / "whole", SMALL).run()

    def stop(progress) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trainer(fold, tmp_path / "broken", SMALL).run(on_step=stop)
    again = Trainer(fold, tmp_path / "broken", SMALL)
    assert again.progress.step == 5
    again.run()
    whole, broken = weights(tmp_path / "whole"), weights(tmp_path / "broken")
    assert all(torch.equal(whole[name], broken[name]) for name in whole)


def test_another_setting_is_not_taken_for_the_same_run(fold, tmp_path):
    """Resuming with another batch size names the setting instead of mixing two runs."""
    Trainer(fold, tmp_path, SMALL).run()
    with pytest.raises(TrainingError, match="batch_size"):
        Trainer(fold, tmp_path, TrainSettings.from_dict({**SMALL.to_dict(), "batch_size": 2}))


def test_training_lowers_the_validation_loss(fold, tmp_path):
    """Sixty steps on the toy fold bring the loss of the averaged weights well below that of the first steps."""
    settings = TrainSettings.from_dict({**SMALL.to_dict(), "total_steps": 60, "validate_every": 4, "ema_decay": 0.9})
    Trainer(fold, tmp_path, settings).run()
    table = np.genfromtxt(tmp_path / "log.csv", delimiter=",", names=True)
    assert table["val_total"][-1] < 0.8 * table["val_total"][0]


def test_a_loss_that_is_not_a_number_stops_the_run_with_its_step(fold, tmp_path):
    """Broken weights end in a plain error, and the good state saved before them is kept."""
    trainer = Trainer(fold, tmp_path, SMALL)

    def poison(progress) -> None:
        if progress.step == 4:
            torch.nn.init.constant_(trainer.model.ecg.diff.model.in_conv.bias, float("nan"))

    with pytest.raises(TrainingError, match="step 4"):
        trainer.run(on_step=poison)
    assert all(values.isfinite().all() for values in weights(tmp_path).values())
    assert Trainer(fold, tmp_path, SMALL).progress.step == 3


def test_the_published_networks_train_by_the_same_command(fold, tmp_path):
    """One step of the published architecture gives a milestone that names it."""
    settings = TrainSettings(
        architecture="published", total_steps=1, batch_size=2, validation_windows=2, precision="fp32"
    )
    progress = Trainer(fold, tmp_path, settings).run()
    assert json.loads(progress.milestone.with_suffix(".json").read_text())["architecture"]["name"] == "published"


@pytest.mark.parametrize("wrong", [{"schedule": "linear"}, {"low_base": 12}, {"batch_size": 0}, {"prediction": "x0"}])
def test_settings_that_cannot_be_used_are_named(wrong):
    """Each unusable setting raises TrainingError with its name."""
    with pytest.raises(TrainingError, match=next(iter(wrong))):
        TrainSettings(**wrong)


def test_without_a_length_or_minutes_a_run_asks_for_them(fold, tmp_path):
    """A run whose length nobody gave says how to give it."""
    settings = TrainSettings.from_dict({**SMALL.to_dict(), "total_steps": None})
    with pytest.raises(TrainingError, match="--max-minutes"):
        Trainer(fold, tmp_path, settings).run()


def test_validation_windows_are_spread_over_all_subjects():
    """Four of eight indices are every second one, and more than there are gives all."""
    assert spread(8, 4) == [0, 2, 4, 6]
    assert spread(3, 10) == [0, 1, 2]
