"""Milestone manifests: which one belongs to a checkpoint, and how it says to sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from physiosynth.errors import BundleError, RequestError
from physiosynth.files import read_json, sha256_of
from physiosynth.generate.batch import Sampling
from physiosynth.generate.weights_file import WEIGHT_SUFFIXES
from physiosynth.models.architecture import Architecture
from physiosynth.models.stream_sampling import STREAMS, StreamSampling, as_type

FINAL = "final.ckpt"  # what older folders name the chosen milestone
# Field of StreamSampling -> key in a manifest or in a checkpoint's meta; "_low" and "_ecg" after a key count first.
SETTING_KEYS = {
    "steps": "sampling_steps",
    "guidance": "cfg_scale",
    "method": "sampling_method",
    "spacing": "sampling_spacing",
    "alpha_bar_start": "ddim_alpha_bar_start",
    "clip_x0": "debug_clip_x0",
    "x0_clip_q": "x0_clip_q",
    "precision": "sampling_precision",
    "alpha_bar_end": "sampling_alpha_bar_end",
    "lowpass_hz": "sampling_lowpass_hz",
    "lift": "sampling_lift",
    "guidance_from": "cfg_from",
    "guidance_to": "cfg_to",
}


@dataclass(frozen=True)
class Manifest:
    """A milestone's JSON; path is None where a folder has none."""

    path: Path | None = None
    content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """The epoch, or -1 where none is written."""
        value = self.content.get("epoch")
        return value if isinstance(value, int) and not isinstance(value, bool) else -1

    @property
    def val_total(self) -> float:
        """The validation loss; infinite where none is written, so that it is never the lowest."""
        value = self.content.get("val_total")
        numeric = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        return float(value) if numeric else math.inf

    def weights(self) -> Path | None:
        """The weights file beside the manifest, or None."""
        paths = [] if self.path is None else [self.path.with_suffix(suffix) for suffix in WEIGHT_SUFFIXES]
        return next((path for path in paths if path.is_file()), None)


def read_manifests(milestones: Path) -> list[Manifest]:
    """All manifests of a folder, by epoch. Raises BundleError for one that is no JSON object."""
    found = []
    for path in sorted(milestones.glob("milestone_*.json")):
        try:
            content = read_json(path)
        except ValueError as error:
            raise BundleError(f"{path.name}: the manifest is not JSON ({error}). Copy or fetch it again.") from error
        if not isinstance(content, dict):
            raise BundleError(f"{path.name}: expected a JSON object of settings, found {type(content).__name__}.")
        found.append(Manifest(path, content))
    return sorted(found, key=lambda manifest: manifest.epoch)


def choose_weights(milestones: Path) -> Path:
    """The weights of a milestone folder.

    The milestone with the lowest val_total (a later epoch wins a tie), else final.ckpt in the folder or above it, else
    the highest ckpt_epoch_*_WEIGHTS above it. Raises BundleError where there is none.
    """
    with_weights = [manifest for manifest in read_manifests(milestones) if manifest.weights()]
    if with_weights:
        return min(with_weights, key=lambda m: (m.val_total, -m.epoch)).weights()
    finals = [folder / FINAL for folder in (milestones, milestones.parent) if (folder / FINAL).is_file()]
    chosen = finals[0] if finals else released_weights(milestones.parent)
    if chosen is None:
        raise BundleError(
            f"{milestones}: expected a milestone with its weights, {FINAL}, or ckpt_epoch_*_WEIGHTS above it; found "
            "none. Give the checkpoint's path, or train first."
        )
    return chosen


def released_weights(folder: Path) -> Path | None:
    """The ckpt_epoch_XXX_WEIGHTS file of the highest epoch, or None."""
    found = [path for path in folder.glob("ckpt_epoch_*_WEIGHTS.*") if path.suffix in WEIGHT_SUFFIXES]
    return max(found, key=lambda p: (_epoch_in(p), -WEIGHT_SUFFIXES.index(p.suffix)), default=None)


def manifest_of(checkpoint: Path, milestones: Path) -> tuple[Manifest, list[str]]:
    """The manifest whose weights have the checkpoint's SHA-256, else the latest; and what the user should know."""
    manifests = read_manifests(milestones)
    if not manifests:
        return Manifest(), [f"{milestones.name} holds no milestone manifest; the checkpoint's own settings are used."]
    digest = sha256_of(checkpoint)
    for manifest in reversed(manifests):
        beside = manifest.weights()
        same_size = beside is not None and beside.stat().st_size == checkpoint.stat().st_size
        if manifest.content.get("weights_sha256") == digest or (same_size and sha256_of(beside) == digest):
            return manifest, []
    latest = manifests[-1]
    return latest, [
        f"No milestone has the weights of {checkpoint.name}; the latest manifest, {latest.path.name}, is used."
    ]


def bundle_sampling(
    manifest: Manifest, meta: Mapping[str, Any], architecture: Architecture
) -> dict[str, StreamSampling]:
    """How each stream is sampled: the manifest's settings, else the checkpoint meta's, else the published defaults.

    The clamp of the predicted signal is off by default for networks other than the published ones.
    Raises BundleError for a setting that cannot be used.
    """
    return {stream: _stream_sampling(stream, manifest, meta, architecture) for stream in STREAMS}


def as_sampling(streams: Mapping[str, StreamSampling]) -> Sampling:
    """The resolved settings as a Sampling without None."""
    low, ecg = streams["low"], streams["ecg"]
    return Sampling(low.steps, ecg.steps, low.guidance, ecg.guidance, ecg.method)


def _stream_sampling(stream: str, manifest: Manifest, meta: Mapping, architecture: Architecture) -> StreamSampling:
    values: dict[str, Any] = {"clip_x0": not architecture.coupled}
    name = manifest.path.name if manifest.path else "checkpoint meta"
    for setting, key in SETTING_KEYS.items():
        spelled = (f"{key}_{stream}", key)
        held = [source[k] for source in (manifest.content, meta) for k in spelled if source.get(k) is not None]
        if held:
            values[setting] = as_type(setting, held[0], lambda text: BundleError(f"{name}: {text}"))
    try:
        return StreamSampling(**values)
    except RequestError as error:
        raise BundleError(f"{name}: {error}") from error


def _epoch_in(path: Path) -> int:
    digits = path.name.removeprefix("ckpt_epoch_").split("_")[0]
    return int(digits) if digits.isdigit() else -1
