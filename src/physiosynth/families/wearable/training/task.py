"""Both streams on a fold, as the shared trainer trains them."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from physiosynth.errors import TrainingError
from physiosynth.families.wearable.data.folds import FoldDirectory
from physiosynth.families.wearable.data.loading import WindowDataset, WindowItem
from physiosynth.families.wearable.training.joint import STREAMS, JointLoss
from physiosynth.families.wearable.training.milestones import (
    copy_norms,
    milestone_manifest,
    sampling_manifest,
    start_of,
    write_milestone,
)
from physiosynth.families.wearable.training.samples import StateRates, draw_panel, drawn, rates_of, recorded
from physiosynth.families.wearable.training.settings import TrainSettings
from physiosynth.training.run_log import RunLog, write_png
from physiosynth.training.state import Progress
from physiosynth.training.task import Losses
from physiosynth.training.trainer import Trainer
from physiosynth.training.validation import spread

FITTED_WINDOWS = 3000  # looked at to scale what LOW draws
KNOWN_WINDOWS = 24  # validation windows per state that samples are put beside


class TwoStreamTask:
    """The pair of networks and a fold's windows; see training.task.Task.

    fold: as preprocessing wrote it; start_from: a milestone of the same networks whose averaged weights a new run
    begins with. Raises TrainingError, FoldError.
    """

    def __init__(self, fold: FoldDirectory, settings: TrainSettings, start_from: Path | None = None) -> None:
        self.fold, self.settings = fold, settings
        self.data = {split: WindowDataset(fold, split) for split in ("train", "val")}
        self.architecture = settings.build_architecture(self.data["train"].one_hot.shape[1])
        self.start = None if start_from is None else start_of(Path(start_from))
        self._known: list[StateRates] | None = None

    def build(self, fresh: bool) -> JointLoss:
        """Both networks; fresh ones of a coupled pair are fitted to the scales of the training windows."""
        settings = self.settings
        weights = {"low": settings.lambda_low, "ecg": settings.lambda_ecg}
        share = min(1.0, settings.ecg_batch / settings.batch_size)
        model = JointLoss(self.architecture, weights, share, settings.eda_weight, settings.beat_variation)
        if self.start is not None:
            self.start.fill(model)
        elif self.architecture.coupled and fresh:
            shown = self.data["train"][spread(len(self.data["train"]), FITTED_WINDOWS)]
            self.check(shown)
            model.low.space.fit(shown.low, shown.phase, shown.ecg)
        return model

    def losses(self, model: JointLoss, batch: WindowItem, generator: torch.Generator, training: bool) -> Losses:
        """Loss of each stream and their weighted sum; training drops conditions and varies the windows."""
        return model(batch, generator, self.settings.cond_drop_prob if training else 0.0, vary=training)

    def check(self, batch: WindowItem) -> None:
        """Raises TrainingError where signals are not finite."""
        for windows in (batch.ecg, batch.low, batch.phase):
            spoilt = ~torch.isfinite(windows.reshape(len(windows), -1)).all(dim=1)
            if spoilt.any():
                raise TrainingError(
                    f"Training windows {', '.join(map(str, batch.index[spoilt].tolist()))} of the fold hold values "
                    "that are not finite. Preprocess the recordings again."
                )

    def trained_on(self) -> dict[str, Any]:
        """What tells this fold from another."""
        return {"test subject": self.fold.test_subject, **{f"{k} windows": len(v) for k, v in self.data.items()}}

    def write_milestone(self, folder: Path, model: JointLoss, average: JointLoss, record: dict[str, Any]) -> Path:
        """Weights in the published checkpoint's layout, their manifest, and the norms beside them."""
        copy_norms(self.fold.path, folder)
        return write_milestone(folder, self._checkpoint(model, average, record["epoch"]), self.manifest(record))

    def manifest(self, record: dict[str, Any]) -> dict[str, Any]:
        """What stands beside a milestone; record: what the trainer says of its run."""
        run = dict(record)
        epoch, validation = run.pop("epoch"), run.pop("validation")
        run["started_from"] = None if self.start is None else self.start.record()
        ranges = self.data["train"].rate_ranges()
        return milestone_manifest(self.fold, self.architecture, epoch, validation, ranges) | run

    def _checkpoint(self, model: JointLoss, average: JointLoss, epoch: int) -> dict[str, Any]:
        return {
            "epoch": epoch,
            **{f"diff_{name}": getattr(model, name).state_dict() for name in STREAMS},
            **{f"ema_{name}": getattr(average, name).state_dict() for name in STREAMS},
            "optimizer": None,
            "scheduler": None,
            "scaler": None,
            "meta": {"condition_dim": self.architecture.condition_dim, **sampling_manifest(self.architecture.coupled)},
        }

    def sample(self, log: RunLog, progress: Progress, model: JointLoss, device: torch.device) -> float:
        """Windows of each state from these weights: their rates beside those of validation windows, and a picture."""
        data = self.data["val"]
        if self._known is None:
            windows = recorded(data, KNOWN_WINDOWS)
            self._known = [rates_of(mine) for mine in windows]
            write_png(log.out / "panels" / "validation.png", draw_panel(windows, "validation windows"))
        begin = time.perf_counter()
        windows = drawn(model, data, [rates.state for rates in self._known], self.settings.sample_windows, device)
        rows, scalars = [], {}
        for mine, known in zip(map(rates_of, windows), self._known, strict=True):
            beside = {f"val_{key}": value for key, value in asdict(known).items() if key != "state"}
            rows.append({**asdict(mine), **beside})
            for key in ("heart_rate", "breathing_rate"):
                scalars[f"{key}/{mine.state}"] = rows[-1][key]
                scalars[f"{key}/{mine.state} validation"] = rows[-1][f"val_{key}"]
        log.sampled(progress, rows, scalars, draw_panel(windows, f"synthetic, step {progress.step}"))
        return time.perf_counter() - begin


def trainer_of(
    fold: FoldDirectory,
    out: Path,
    settings: TrainSettings,
    device: str | None = None,
    start_from: Path | None = None,
) -> Trainer:
    """The trainer of both streams on a fold; see TwoStreamTask and Trainer."""
    return Trainer(TwoStreamTask(fold, settings, start_from), out, settings, device)
