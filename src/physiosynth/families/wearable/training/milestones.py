"""Milestones: weights and their manifest, written whenever validation improves."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from physiosynth import __version__
from physiosynth.errors import TrainingError
from physiosynth.families.wearable.data.folds import FoldDirectory
from physiosynth.families.wearable.model.architecture import Architecture
from physiosynth.families.wearable.training.joint import STREAMS, JointLoss
from physiosynth.files import replacing, sha256_of, write_json
from physiosynth.training.state import load_torch, save_torch

KEPT = 2  # the best and the one before it: a run that improves a hundred times must not fill the disk
COUPLED_STEPS = {"low": 16, "ecg": 12}
ABOVE_BAND = 1.15  # of the band the ECG was filtered to: a Butterworth filter's own slope is left as it is
LIFT = 1.4  # see band.low_passed
COUPLED_GUIDANCE = {"low": 0.0, "ecg": 0.0}


def write_milestone(folder: Path, content: dict[str, Any], manifest: dict[str, Any]) -> Path:
    """Write milestone_eXXX_*.pt and its .json into `folder`; older ones but the last few are removed.

    content: what torch saves; manifest: the JSON beside it, to which the weights' SHA-256 and the version are added.
    """
    stem = f"milestone_e{manifest['epoch']:03d}_val{manifest['val_total']:.4f}"
    weights = folder / f"{stem}.pt"
    save_torch(weights, content)
    record = {**manifest, "weights_sha256": sha256_of(weights), "physiosynth_version": __version__, "synthetic": True}
    write_json(weights.with_suffix(".json"), record)
    for old in sorted(folder.glob("milestone_e*.json"), key=lambda p: p.stat().st_mtime_ns)[:-KEPT]:
        old.with_suffix(".pt").unlink(missing_ok=True)
        old.unlink()
    return weights


def copy_norms(fold: Path, folder: Path) -> None:
    """The norms the weights need, beside the milestones."""
    for path in sorted(fold.glob("norm_*.npz")):
        with replacing(folder / path.name) as temporary:
            shutil.copyfile(path, temporary)


def milestone_manifest(
    fold: FoldDirectory,
    architecture: Architecture,
    epoch: int,
    validation: dict[str, float],
    ranges: dict[str, dict[str, list[float]]],
) -> dict[str, Any]:
    """What a manifest says of the data, the networks and their validation: published keys first, then ours."""
    return {
        "epoch": epoch,
        "fold": fold.test_subject,
        "data_root": fold.path.name,
        **{f"val_{name}": validation[name] for name in ("total", "low", "ecg")},
        **sampling_manifest(architecture.coupled, fold.config.get("filters")),
        "architecture": architecture.to_dict(),
        **({"target_ranges": ranges} if architecture.low.told else {}),
        "source": fold.source,
        "eda": fold.eda,
        "subjects": fold.config.get("subjects"),
    }


def sampling_manifest(coupled: bool, filters: dict[str, Any] | None = None) -> dict[str, Any]:
    """The sampling settings that a manifest recommends, under the published keys and our own per-stream ones.

    filters: what the fold's signals were filtered with.
    """
    if not coupled:
        return {
            "sampling_method": "ddim",
            "sampling_steps": 150,
            "cfg_scale": 0.0,
            "ddim_alpha_bar_start_low": 0.0,
            "ddim_alpha_bar_start_ecg": 0.0,
            "debug_clip_x0_low": True,
            "debug_clip_x0_ecg": True,
        }
    return {
        "sampling_method": "dpm-solver++",
        "sampling_spacing": "karras",
        "sampling_steps": max(COUPLED_STEPS.values()),
        "sampling_steps_low": COUPLED_STEPS["low"],
        "sampling_steps_ecg": COUPLED_STEPS["ecg"],
        "cfg_scale": 0.0,
        "cfg_scale_low": COUPLED_GUIDANCE["low"],
        "cfg_scale_ecg": COUPLED_GUIDANCE["ecg"],
        # What is the same throughout a window shows through far more noise than a shape does.
        "ddim_alpha_bar_start_low": 5e-6,
        # The last of the noise is taken off in one step: the network's own errors are what is left of it.
        "sampling_alpha_bar_end_low": 0.996,
        "ddim_alpha_bar_start_ecg": 5e-6,
        # Later steps draw the beats less alike than they are. Without them noise above 35 Hz is missing: it is lifted.
        "sampling_alpha_bar_end_ecg": 0.97,
        "debug_clip_x0_low": False,
        "debug_clip_x0_ecg": False,
        **(
            {"sampling_lowpass_hz_ecg": ABOVE_BAND * filters["ecg_band_hz"][1], "sampling_lift_ecg": LIFT}
            if filters
            else {}
        ),
    }


@dataclass(frozen=True)
class Start:
    """A milestone's averaged weights, by stream; the scales of what LOW draws are among them."""

    path: Path
    weights: dict[str, dict[str, Tensor]]

    def fill(self, model: JointLoss) -> None:
        """Put the weights into both streams. Raises TrainingError where the networks differ."""
        for name, weights in self.weights.items():
            try:
                getattr(model, name).load_state_dict(weights, strict=True)
            except RuntimeError as error:
                found = str(error).splitlines()[-1].strip()
                raise TrainingError(
                    f"{self.path.name} holds other networks than this run trains: {found} "
                    "Ask for the widths and the architecture that it was trained with."
                ) from error

    def record(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"milestone": self.path.name, "sha256": sha256_of(self.path)}


def start_of(path: Path) -> Start:
    """The start that a milestone's weights file gives. Raises TrainingError where it is none."""
    if not path.is_file():
        raise TrainingError(f"{path}: expected the weights of a milestone (milestone_e*.pt), found no such file.")
    content = load_torch(path)
    missing = [f"ema_{name}" for name in STREAMS if not isinstance(content.get(f"ema_{name}"), dict)]
    if missing:
        raise TrainingError(f"{path.name}: expected a milestone of a training run, found no {' and '.join(missing)}.")
    return Start(path, {name: content[f"ema_{name}"] for name in STREAMS})
