"""What a run leaves for those who watch it: tables and pictures always, TensorBoard's events where it is installed.

log.csv has a row a validation, samples.csv a row a state and drawing, returns.csv a row each time the run went back to
a saved state; panels/ has the pictures, that of validation windows among them.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from physiosynth.datasets.loading import WindowDataset
from physiosynth.files import replacing
from physiosynth.training.joint import STREAMS, JointLoss
from physiosynth.training.panel import draw_panel
from physiosynth.training.plan import Plan
from physiosynth.training.samples import StateRates, drawn, rates_of, recorded
from physiosynth.training.settings import TrainSettings
from physiosynth.training.state import Progress

TOTALS = (*STREAMS, "total")
KNOWN_WINDOWS = 24  # validation windows a state that samples are put beside


class Watcher:
    """Writes the logs of a run and draws windows from its averaged weights now and then.

    step: where the run goes on; data: its validation windows. A context manager, so that events reach the disk.
    """

    def __init__(
        self, out: Path, step: int, settings: TrainSettings, data: WindowDataset, device: torch.device
    ) -> None:
        self.settings, self.data, self.device = settings, data, device
        self.log = RunLog(out, step)
        self._known: list[StateRates] | None = None

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.log.close()

    def validated(self, progress: Progress, plan: Plan, model: JointLoss) -> None:
        """Called after every validation with the averaged weights; draws where the plan says so."""
        self.log.validated(progress)
        if plan.sample_every == 0:
            return
        validations = progress.step // self.settings.validate_every
        if plan.sample_every is None or validations % plan.sample_every == 0 or progress.step == plan.total_steps:
            seconds = self._sample(progress, model)
            if plan.sample_every is None:
                plan.sample_every = plan.choose_sample_every(seconds, self.settings.validate_every)

    def returned(self, plan: Plan) -> None:
        """Called when the run has gone back to a saved state."""
        self.log.returned({**plan.returns[-1], "learning_rate_factor": plan.rate_factor})

    def _sample(self, progress: Progress, model: JointLoss) -> float:
        """Draw, measure and log; the seconds it took, without what is measured once."""
        if self._known is None:
            windows = recorded(self.data, KNOWN_WINDOWS)
            self._known = [rates_of(mine) for mine in windows]
            write_png(self.log.out / "panels" / "validation.png", draw_panel(windows, "validation windows"))
        begin = time.perf_counter()
        windows = drawn(
            model, self.data, [rates.state for rates in self._known], self.settings.sample_windows, self.device
        )
        panel = draw_panel(windows, f"synthetic, step {progress.step}")
        self.log.sampled(progress, [rates_of(mine) for mine in windows], self._known, panel)
        return time.perf_counter() - begin


class RunLog:
    """The logs of one run in its directory; what an earlier process wrote of steps after `step` is forgotten."""

    def __init__(self, out: Path, step: int) -> None:
        self.out = Path(out)
        for name in ("log", "samples"):
            _forget_after(self.out / f"{name}.csv", step)
        self._events = _event_writer(self.out / "tensorboard", step)

    def validated(self, progress: Progress) -> None:
        """One row of losses, learning rate and gradient norm."""
        row = {"step": progress.step, "epoch": progress.epoch}
        row |= {f"train_{name}": progress.train.get(name, np.nan) for name in TOTALS}
        row |= {f"val_{name}": progress.validation[name] for name in TOTALS}
        row |= {"learning_rate": progress.learning_rate, "gradient_norm": progress.gradient_norm}
        _append(self.out / "log.csv", [row])
        self._scalars({key.replace("_", "/", 1): row[key] for key in row if key.startswith(("train", "val"))}, progress)
        self._scalars({key: row[key] for key in ("learning_rate", "gradient_norm")}, progress)

    def sampled(
        self, progress: Progress, drawn: Sequence[StateRates], known: Sequence[StateRates], panel: np.ndarray
    ) -> None:
        """Rates of drawn windows beside those of validation windows of the same state, and the picture (h, w, 3)."""
        rows = []
        for mine, real in zip(drawn, known, strict=True):
            recorded = {f"val_{key}": value for key, value in asdict(real).items() if key != "state"}
            rows.append({"step": progress.step, **asdict(mine), **recorded})
            for key in ("heart_rate", "breathing_rate"):
                pair = {f"{key}/{mine.state}": rows[-1][key], f"{key}/{mine.state} validation": rows[-1][f"val_{key}"]}
                self._scalars(pair, progress)
        _append(self.out / "samples.csv", rows)
        write_png(self.out / "panels" / f"step_{progress.step:06d}.png", panel)
        if self._events is not None:
            self._events.add_image("samples", panel, progress.step, dataformats="HWC")

    def returned(self, record: Mapping[str, Any]) -> None:
        """One row where the run went back."""
        _append(self.out / "returns.csv", [record])

    def close(self) -> None:
        if self._events is not None:
            self._events.close()

    def _scalars(self, values: Mapping[str, float], progress: Progress) -> None:
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(name, value, progress.step)


def _event_writer(folder: Path, step: int):
    """TensorBoard's writer, or None where it is not installed (the extra 'training')."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if folder.exists() else None)


def _append(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
        if fresh:
            writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def _forget_after(path: Path, step: int) -> None:
    """Drop rows of steps that a killed run lost: they are written again."""
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines[1:] if line.endswith("\n") and int(line.split(",", 1)[0]) <= step]
    if len(kept) < len(lines) - 1:
        with replacing(path) as temporary:
            temporary.write_text("".join(lines[:1] + kept), encoding="utf-8")


def write_png(path: Path, picture: np.ndarray) -> None:
    from matplotlib.image import imsave

    with replacing(path) as temporary:
        imsave(temporary, picture, format="png")
