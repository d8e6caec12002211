"""Trains both streams jointly.

Every step is a function of the seed and its number, so that a resumed run is the same run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from physiosynth.datasets.folds import FoldDirectory
from physiosynth.datasets.loading import WindowDataset, WindowItem, loader
from physiosynth.errors import TrainingError
from physiosynth.runtime import resolve_device, window_seed
from physiosynth.training.joint import STREAMS, JointLoss, ema_rule
from physiosynth.training.milestones import (
    copy_norms,
    load_torch,
    milestone_manifest,
    sampling_manifest,
    save_torch,
    write_milestone,
)
from physiosynth.training.settings import TrainSettings

VALIDATION_SEED = 2**31  # of the noise that every validation of every run sees
FITTED_WINDOWS = 3000  # looked at to scale what LOW draws
SPEED_STEPS = 8  # timed to plan a run and to choose a precision
VALIDATION_SHARE = 0.12  # of a planned run's time that is not training


@dataclass
class Progress:
    """Where a run stands; what a callback is shown."""

    step: int = 0
    total_steps: int = 0
    epoch: int = 0
    train: dict[str, float] = field(default_factory=dict)  # running mean of each stream's loss
    validation: dict[str, float] = field(default_factory=dict)  # of the last validation, by averaged weights
    best: float = float("inf")
    milestone: Path | None = None


def ignore(progress: Progress) -> None:
    """The callback of a caller that does not watch."""


class Trainer:
    """One run: a fold, settings and an output directory that remembers where it was.

    fold: as preprocessing wrote it; out: the run's directory (milestones/, state.pt, log.csv). A directory that holds
    a run goes on with it; its settings must be the same. Raises TrainingError, FoldError.
    """

    def __init__(self, fold: FoldDirectory, out: Path, settings: TrainSettings, device: str | None = None) -> None:
        self.fold, self.out, self.settings = fold, Path(out), settings
        self.device = resolve_device(device)
        self.data = {split: WindowDataset(fold, split) for split in ("train", "val")}
        for split, data in self.data.items():
            if not len(data):
                raise TrainingError(f"The fold has no {split} windows. Preprocess with more subjects.")
        torch.manual_seed(settings.seed)  # the fresh weights of the networks, nothing else
        self.architecture = settings.build_architecture(self.data["train"].one_hot.shape[1])
        weights = {"low": settings.lambda_low, "ecg": settings.lambda_ecg}
        share = min(1.0, settings.ecg_batch / settings.batch_size)
        self.model = JointLoss(self.architecture, weights, share)
        if self.architecture.coupled and not self.state_path.exists():
            shown = self.data["train"][spread(len(self.data["train"]), FITTED_WINDOWS)]
            self.model.low.space.fit(shown.low, shown.phase, shown.ecg)
        self.model.to(self.device)
        self.average = AveragedModel(self.model, multi_avg_fn=ema_rule(settings.ema_decay), use_buffers=False)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=settings.learning_rate, weight_decay=1e-4)
        self.progress = Progress()
        self.plan: dict[str, Any] = {}
        self._smooth: dict[str, Tensor] = {}
        if self.state_path.exists():
            self._restore(load_torch(self.state_path))

    @property
    def state_path(self) -> Path:
        return self.out / "state.pt"

    def run(
        self, max_minutes: float | None = None, on_step: Callable[[Progress], None] = lambda progress: None
    ) -> Progress:
        """Train to the planned end or for max_minutes; on_step is called after every step and may raise to stop.

        However it ends, the state is kept and the next run() goes on from it.
        """
        started, limit_s = time.monotonic(), math.inf if max_minutes is None else max_minutes * 60
        self._make_plan(max_minutes)
        try:
            self._train_until(lambda: time.monotonic() - started > limit_s, on_step)
        except TrainingError:
            raise  # the weights are spoilt: what was saved before them stays
        except BaseException:
            if self.progress.step:
                self._save()
            raise
        if self.progress.milestone is None:
            self._validate()
        self._save()
        return self.progress

    def _train_until(self, late: Callable[[], bool], on_step: Callable[[Progress], None]) -> None:
        batches = self._batches()
        while not self._ended() and not late():
            self._train_step(next(batches))
            if self.progress.step % self.settings.validate_every == 0 or self._ended():
                self._validate()
                self._save()
            on_step(self.progress)

    def _ended(self) -> bool:
        return self.progress.step >= self.progress.total_steps

    def _batches(self) -> Iterator[WindowItem]:
        """Batches from the current step on, epoch after epoch; their order depends on the seed alone."""
        data, settings = self.data["train"], self.settings
        size = min(settings.batch_size, len(data))
        epoch, done = divmod(self.progress.step, len(data) // size)
        while True:
            yield from loader(data, size, settings.seed, epoch, drop_last=True, start_batch=done)
            epoch, done = epoch + 1, 0

    def _make_plan(self, max_minutes: float | None) -> None:
        """Fix precision and length once; a resumed run keeps them."""
        if not self.plan:
            seconds = {name: self._seconds_a_step(name) for name in self._candidates()}
            precision = min(seconds, key=seconds.get)
            total = self.settings.total_steps
            if total is None:
                if max_minutes is None:
                    raise TrainingError("Say how long to train: --max-minutes, or --steps for an exact number.")
                total = max(int(max_minutes * 60 * (1 - VALIDATION_SHARE) / seconds[precision]), 1)
            self.plan = {"precision": precision, "total_steps": total}
        self.progress.total_steps = self.plan["total_steps"]

    def _candidates(self) -> list[str]:
        wanted = self.settings.precision
        return ["fp32", "bf16"] if wanted == "auto" else [wanted]

    def _seconds_a_step(self, precision: str) -> float:
        """Median seconds of a forward and backward pass, without changing weights or random state."""
        batch = self._to_device(next(self._batches()))
        times = []
        for _ in range(SPEED_STEPS):
            begin = time.perf_counter()
            with self._precision(precision):
                self.model(batch, torch.Generator().manual_seed(0), 0.0)["total"].backward()
            times.append(time.perf_counter() - begin)
        self.optimizer.zero_grad(set_to_none=True)
        return sorted(times)[SPEED_STEPS // 2]

    def _precision(self, name: str) -> AbstractContextManager:
        return torch.autocast(self.device.type, dtype=torch.bfloat16) if name == "bf16" else nullcontext()

    def _to_device(self, batch: WindowItem) -> WindowItem:
        return WindowItem(*(values.to(self.device) for values in batch))

    def _train_step(self, batch: WindowItem) -> None:
        settings, progress = self.settings, self.progress
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * self._rate_factor()
        generator = torch.Generator().manual_seed(window_seed(settings.seed, progress.step))
        with self._precision(self.plan["precision"]):
            losses = self.model(self._to_device(batch), generator, settings.cond_drop_prob)
        if not torch.isfinite(losses["total"]):
            raise TrainingError(
                f"The loss became {losses['total'].item()} at step {progress.step}. The last good state is kept; "
                "train anew with a lower --learning-rate or --precision fp32."
            )
        self.optimizer.zero_grad(set_to_none=True)
        losses["total"].backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.gradient_clip)
        self.optimizer.step()
        self.average.update_parameters(self.model)
        progress.step += 1
        progress.epoch = progress.step * settings.batch_size // len(self.data["train"])
        for name, loss in losses.items():
            kept = self._smooth.get(name, loss.detach())
            self._smooth[name] = 0.98 * kept + 0.02 * loss.detach()
        progress.train = {name: float(value) for name, value in self._smooth.items()}

    def _rate_factor(self) -> float:
        """Share of the learning rate at this step: warm-up, then cosine to zero, or what the plateaus left."""
        step, settings = self.progress.step, self.settings
        warmup = min(1.0, (step + 1) / max(settings.warmup_steps, 1))
        if settings.schedule == "plateau":
            return warmup * self.plan.get("plateau_factor", 1.0)
        return warmup * 0.5 * (1 + math.cos(math.pi * step / self.plan["total_steps"]))

    @torch.inference_mode()
    def _validate(self) -> None:
        """Loss of the averaged weights on the validation subjects, at fixed noise; a milestone where it improved."""
        chosen = spread(len(self.data["val"]), self.settings.validation_windows)
        sums = dict.fromkeys((*STREAMS, "total"), 0.0)
        for first in range(0, len(chosen), self.settings.batch_size):
            rows = chosen[first : first + self.settings.batch_size]
            batch = self._to_device(self.data["val"][rows])
            generator = torch.Generator().manual_seed(window_seed(VALIDATION_SEED, first))
            losses = self.average.module(batch, generator, 0.0, vary=False)
            for name in sums:
                sums[name] += float(losses[name]) * len(rows) / len(chosen)
        self.progress.validation = sums
        self._follow_plateau(sums["total"])
        # Ties go to the later epoch.
        if sums["total"] <= self.progress.best:
            self.progress.best = sums["total"]
            folder = self.out / "milestones"
            copy_norms(self.fold.path, folder)
            self.progress.milestone = write_milestone(folder, self.checkpoint(), self.manifest())
        self._log()

    def _follow_plateau(self, value: float, patience: int = 5) -> None:
        """Halve the rate after `patience` validations without improvement (ReduceLROnPlateau's rule)."""
        if self.settings.schedule != "plateau":
            return
        worse = 0 if value <= self.progress.best else self.plan.get("plateau_worse", 0) + 1
        if worse > patience:
            self.plan["plateau_factor"], worse = self.plan.get("plateau_factor", 1.0) / 2, 0
        self.plan["plateau_worse"] = worse

    def _log(self) -> None:
        """One row a validation; rows of steps that a killed run lost are written again."""
        progress, path = self.progress, self.out / "log.csv"
        row = [progress.step, progress.epoch, *progress.train.values(), *progress.validation.values()]
        if not path.exists():
            names = [f"{kind}_{name}" for kind in ("train", "val") for name in (*STREAMS, "total")]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(",".join(["step", "epoch", *names]) + "\n", encoding="utf-8")
        with path.open("a", encoding="utf-8") as log:
            log.write(",".join(f"{value:.6g}" for value in row) + "\n")

    def manifest(self) -> dict[str, Any]:
        """What stands beside a milestone of this state."""
        progress = self.progress
        run = {"step": progress.step, "training": {**self.settings.to_dict(), **self.plan}, "seed": self.settings.seed}
        return (
            milestone_manifest(
                self.fold, self.architecture, progress.epoch, progress.validation, self.data["train"].rate_ranges()
            )
            | run
        )

    def checkpoint(self) -> dict[str, Any]:
        """The published checkpoint's content for the state of this run."""
        return {
            "epoch": self.progress.epoch,
            **{f"diff_{name}": getattr(self.model, name).state_dict() for name in STREAMS},
            **{f"ema_{name}": getattr(self.average.module, name).state_dict() for name in STREAMS},
            "optimizer": None,
            "scheduler": None,
            "scaler": None,
            "meta": {"condition_dim": self.architecture.condition_dim, **sampling_manifest(self.architecture.coupled)},
        }

    def _save(self) -> None:
        save_torch(
            self.state_path,
            {
                "model": self.model.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "settings": self.settings.to_dict(),
                "plan": self.plan,
                "smooth": self._smooth,
                "progress": {
                    "step": self.progress.step,
                    "epoch": self.progress.epoch,
                    "best": self.progress.best,
                    "validation": self.progress.validation,
                    "milestone": self.progress.milestone and self.progress.milestone.name,
                },
            },
        )

    def _restore(self, state: dict[str, Any]) -> None:
        stored, asked = state["settings"], self.settings.to_dict()
        changed = [name for name in asked if stored.get(name) != asked[name]]
        if changed:
            raise TrainingError(
                f"{self.out} holds a run with other settings ({', '.join(changed)}). Ask for the same, or give another "
                "--out."
            )
        self.model.load_state_dict(state["model"], strict=True)
        self.average.load_state_dict(state["average"], strict=True)
        self.optimizer.load_state_dict(state["optimizer"])
        self.plan, self._smooth = dict(state["plan"]), dict(state["smooth"])
        kept = dict(state["progress"])
        milestone = kept.pop("milestone")
        self.progress = Progress(**kept, milestone=milestone and self.out / "milestones" / milestone)


def spread(count: int, wanted: int) -> list[int]:
    """At most `wanted` indices spread evenly over range(count): every subject and state takes part."""
    wanted = min(count, wanted)
    return [i * count // wanted for i in range(wanted)]
