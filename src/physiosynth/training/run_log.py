"""What a run leaves for those who watch it: tables and pictures always, TensorBoard's events where it is installed.

log.csv has one row per validation, returns.csv one each time the run went back to a saved state; samples.csv and the
pictures in panels/ are what the family draws now and then.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from physiosynth.files import replacing
from physiosynth.training.state import Progress


class RunLog:
    """The logs of one run in its directory; what an earlier process wrote of steps after `step` is forgotten."""

    def __init__(self, out: Path, step: int) -> None:
        self.out = Path(out)
        for name in ("log", "samples"):
            _forget_after(self.out / f"{name}.csv", step)
        self._events = _event_writer(self.out / "tensorboard", step)

    def validated(self, progress: Progress) -> None:
        """One row of losses, learning rate and gradient norm."""
        row: dict[str, float] = {"step": progress.step, "epoch": progress.epoch}
        names = tuple(progress.validation)
        row |= {f"train_{name}": progress.train.get(name, np.nan) for name in names}
        row |= {f"val_{name}": progress.validation[name] for name in names}
        row |= {"learning_rate": progress.learning_rate, "gradient_norm": progress.gradient_norm}
        _append(self.out / "log.csv", [row])
        self._scalars({key.replace("_", "/", 1): row[key] for key in row if key.startswith(("train", "val"))}, progress)
        self._scalars({key: row[key] for key in ("learning_rate", "gradient_norm")}, progress)

    def sampled(
        self, progress: Progress, rows: Sequence[Mapping[str, Any]], scalars: Mapping[str, float], picture: np.ndarray
    ) -> None:
        """What was measured of drawn windows: rows of samples.csv, scalars by tag, and a picture (h, w, 3) of them."""
        _append(self.out / "samples.csv", [{"step": progress.step, **row} for row in rows])
        self._scalars(scalars, progress)
        write_png(self.out / "panels" / f"step_{progress.step:06d}.png", picture)
        if self._events is not None:
            self._events.add_image("samples", picture, progress.step, dataformats="HWC")

    def returned(self, record: Mapping[str, Any]) -> None:
        """One row where the run went back."""
        _append(self.out / "returns.csv", [record])

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        """Events reach the disk."""
        if self._events is not None:
            self._events.close()

    def _scalars(self, values: Mapping[str, float], progress: Progress) -> None:
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(name, value, progress.step)


def _event_writer(folder: Path, step: int) -> Any:
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
    """Write a picture (height, width, 3), whole or not at all."""
    from matplotlib.image import imsave

    with replacing(path) as temporary:
        imsave(temporary, picture, format="png")
