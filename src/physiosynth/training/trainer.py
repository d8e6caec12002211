"""Trains what a task hands it.

Every step is a function of the seed and its number, so that a resumed run is the same run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel

from physiosynth.errors import TrainingError
from physiosynth.runtime import resolve_device
from physiosynth.training.averaging import ema_rule, power_rule
from physiosynth.training.batches import loader
from physiosynth.training.learning_rate import LearningRate
from physiosynth.training.plan import MOST_RETURNS, Plan, make_plan
from physiosynth.training.run_log import RunLog
from physiosynth.training.settings import RunSettings
from physiosynth.training.state import Progress, restore_state, save_state
from physiosynth.training.task import Batch, Task
from physiosynth.training.validation import mean_losses, to_device

SPEED_STEPS = 8  # timed to plan a run and to choose a precision
SMOOTHING = 0.98  # of the running means that are shown and logged
WEIGHT_DECAY = 1e-4


class NotFinite(TrainingError):
    """A loss or gradient that is not a number: the run goes back to what it saved last."""


class Trainer:
    """One run: a task, settings and an output directory that remembers where it was.

    task: what is trained, see task.py; out: the run's directory (milestones/, state.pt, and the logs of run_log.py). A
    directory that holds a run goes on with it; its settings and data must be the same. Raises TrainingError, and what
    the task raises.
    """

    def __init__(self, task: Task, out: Path, settings: RunSettings, device: str | None = None) -> None:
        self.task, self.out, self.settings = task, Path(out), settings
        self.device = resolve_device(device)
        for split in ("train", "val"):
            if not len(task.data[split]):
                raise TrainingError(f"The fold has no {split} windows. Preprocess with more subjects.")
        torch.manual_seed(settings.seed)  # the fresh weights of the networks, nothing else
        self.model = task.build(fresh=not self.state_path.exists()).to(self.device)
        rule = power_rule(settings.ema_relative_sd) if settings.ema == "power" else ema_rule(settings.ema_decay)
        self.average = AveragedModel(self.model, multi_avg_fn=rule, use_buffers=False)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate, weight_decay=WEIGHT_DECAY
        )
        self.rate = LearningRate(self.optimizer, settings)
        self.progress = Progress()
        self.plan: Plan | None = None
        if self.state_path.exists():
            self._restore()

    @property
    def decided(self) -> Plan:
        """What the run decided when it began. Raises TrainingError before that."""
        if self.plan is None:
            raise TrainingError("The run has not begun: nothing is planned yet.")
        return self.plan

    @property
    def state_path(self) -> Path:
        return self.out / "state.pt"

    def run(
        self, max_minutes: float | None = None, on_step: Callable[[Progress], None] = lambda progress: None
    ) -> Progress:
        """Train to the planned end or for max_minutes; on_step is called after every step and may raise to stop.

        Where it raises, the state is kept and the next run() goes on from that step; an exception from within a step
        leaves what was saved last.
        """
        started, limit_s = time.monotonic(), math.inf if max_minutes is None else max_minutes * 60
        if self.plan is None:
            self.plan = make_plan(self.settings, max_minutes, self._seconds_a_step)
            self.progress.total_steps = self.decided.total_steps
            self._save()
        with RunLog(self.out, self.progress.step) as self.log:
            self._train_until(lambda: time.monotonic() - started > limit_s, on_step)
            if self.progress.milestone is None:
                self._validate()
            self._save()
        return self.progress

    def _train_until(self, late: Callable[[], bool], on_step: Callable[[Progress], None]) -> None:
        batches = self._batches()
        while not self._ended() and not late():
            try:
                self._train_step(next(batches))
                if self.progress.step % self.settings.validate_every == 0 or self._ended():
                    self._validate()
                    self.rate.follow(self.progress.validation["total"])
                    self._save()
            except NotFinite as error:
                self._go_back(error)
                batches = self._batches()
            try:
                on_step(self.progress)
            except BaseException:
                self._save()
                raise

    def _ended(self) -> bool:
        return self.progress.step >= self.progress.total_steps

    def _batches(self) -> Iterator[Batch]:
        """Batches from the current step on, epoch after epoch; their order depends on the seed alone."""
        data, settings = self.task.data["train"], self.settings
        size = min(settings.batch_size, len(data))
        epoch, done = divmod(self.progress.step, len(data) // size)
        while True:
            yield from loader(data, size, settings.seed, epoch, drop_last=True, start_batch=done)
            epoch, done = epoch + 1, 0

    def _seconds_a_step(self, precision: str) -> float:
        """Median seconds of a forward and backward pass, without changing weights or random state."""
        batch = to_device(next(self._batches()), self.device)
        times = []
        for _ in range(SPEED_STEPS):
            begin = time.perf_counter()
            with self._precision(precision):
                loss = self.task.losses(self.model, batch, torch.Generator().manual_seed(0), training=True)["total"]
            loss.backward()
            float(loss.detach())  # a GPU answers when it is done
            times.append(time.perf_counter() - begin)
        self.optimizer.zero_grad(set_to_none=True)
        return sorted(times)[SPEED_STEPS // 2]

    def _precision(self, name: str) -> AbstractContextManager:
        return torch.autocast(self.device.type, dtype=torch.bfloat16) if name == "bf16" else nullcontext()

    def _train_step(self, batch: Batch) -> None:
        settings, progress, plan = self.settings, self.progress, self.decided
        progress.learning_rate = self.rate.set(progress.step, plan.total_steps, plan.rate_factor)
        generator = torch.Generator().manual_seed(plan.step_seed(settings.seed, progress.step))
        with self._precision(plan.precision):
            losses = self.task.losses(self.model, to_device(batch, self.device), generator, training=True)
        self._check_finite("loss", losses["total"], batch)
        self.optimizer.zero_grad(set_to_none=True)
        losses["total"].backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.gradient_clip)
        self._check_finite("gradient norm", norm, batch)
        self.optimizer.step()
        self.average.update_parameters(self.model)
        progress.step += 1
        progress.epoch = progress.step * settings.batch_size // len(self.task.data["train"])
        for name, loss in losses.items():
            progress.train[name] = smoothed(progress.train.get(name), float(loss.detach()))
        progress.gradient_norm = smoothed(progress.gradient_norm or None, float(norm))

    def _validate(self) -> None:
        """Loss of the averaged weights on the validation subjects, at fixed noise; a milestone where it improved."""
        settings, progress = self.settings, self.progress
        losses = mean_losses(
            self.task, self.average.module, self.task.data["val"], settings.validation_windows, settings.batch_size,
            self.device,
        )  # fmt: skip
        self._check_finite("validation loss", torch.tensor(losses["total"]))
        progress.validation = losses
        # Ties go to the later epoch.
        if losses["total"] <= progress.best:
            progress.best = losses["total"]
            progress.milestone = self.task.write_milestone(
                self.out / "milestones", self.model, self.average.module, self.record()
            )
        self.log.validated(progress)
        self._sample()

    def _sample(self) -> None:
        """Let the task draw from the averaged weights where the plan says so; the first time tells how often."""
        progress, plan, every = self.progress, self.decided, self.settings.validate_every
        if plan.sample_every == 0:
            return
        due = plan.sample_every is None or progress.step // every % plan.sample_every == 0
        if due or progress.step == plan.total_steps:
            seconds = self.task.sample(self.log, progress, self.average.module, self.device)
            if plan.sample_every is None:
                plan.sample_every = plan.choose_sample_every(seconds, every)

    def _go_back(self, error: NotFinite) -> None:
        """To the state that was saved last, with other noise and a lower learning rate from there on.

        Raises TrainingError when that has not helped several times.
        """
        step = self.progress.step
        self._restore()
        before = self.decided.returns_to(self.progress.step)
        if before >= MOST_RETURNS:
            raise TrainingError(
                f"{error} at step {step}, after going back to step {self.progress.step} {before} times with other "
                "noise and a lower rate. The last good state is kept; train anew with a lower --learning-rate or "
                "--precision fp32."
            ) from error
        self.decided.returns.append({"step": step, "to_step": self.progress.step, "why": str(error)})
        self.progress.returns = len(self.decided.returns)
        self._save()
        self.log.returned({**self.decided.returns[-1], "learning_rate_factor": self.decided.rate_factor})

    def record(self) -> dict[str, Any]:
        """What a milestone says of this run: epoch and losses, step, settings and plan, and when it was written."""
        progress, settings = self.progress, self.settings
        return {
            "epoch": progress.epoch,
            "validation": progress.validation,
            "step": progress.step,
            "training": {**settings.to_dict(), **self.decided.to_dict()},
            "seed": settings.seed,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }

    def _parts(self) -> dict[str, Any]:
        return {"model": self.model, "average": self.average, "optimizer": self.optimizer, "rate": self.rate}

    def _save(self) -> None:
        # What was saved before is better than weights that are spoilt.
        if torch.isfinite(torch.nn.utils.get_total_norm(self.model.parameters())):
            known = self.settings, self.task.trained_on(), self.decided, self.progress
            save_state(self.state_path, self._parts(), *known)

    def _restore(self) -> None:
        self.plan, self.progress = restore_state(self.state_path, self._parts(), self.settings, self.task.trained_on())

    def _check_finite(self, what: str, value: torch.Tensor, batch: Batch | None = None) -> None:
        """Raises NotFinite, or TrainingError where the batch itself is at fault: going back would not help."""
        if torch.isfinite(value):
            return
        if batch is not None:
            self.task.check(batch)
        raise NotFinite(f"The {what} became {float(value.detach())}")


def smoothed(mean: float | None, value: float) -> float:
    """The running mean with one value more."""
    return value if mean is None else SMOOTHING * mean + (1 - SMOOTHING) * value
