"""Milestone manifests: which one belongs to a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from physiosynth.bundles.weights_file import WEIGHT_SUFFIXES
from physiosynth.errors import BundleError
from physiosynth.files import read_json, sha256_of

FINAL = "final.ckpt"  # what older folders name the chosen milestone


@dataclass(frozen=True)
class Manifest:
    """A milestone's JSON; path is None where a folder has none."""

    path: Path | None = None
    content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What messages call it."""
        return "the manifest" if self.path is None else self.path.name

    @property
    def epoch(self) -> int:
        """The epoch, or -1 where none is written."""
        value = self.content.get("epoch")
        return value if isinstance(value, int) and not isinstance(value, bool) else -1

    @property
    def val_total(self) -> float:
        """The validation loss; infinite where none is written, so that it is never the lowest."""
        value = self.content.get("val_total")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return math.inf
        return float(value)

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
    with_weights = [(manifest, path) for manifest in read_manifests(milestones) if (path := manifest.weights())]
    if with_weights:
        return min(with_weights, key=lambda pair: (pair[0].val_total, -pair[0].epoch))[1]
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
        if manifest.content.get("weights_sha256") == digest:
            return manifest, []
        if beside is not None and beside.stat().st_size == checkpoint.stat().st_size and sha256_of(beside) == digest:
            return manifest, []
    latest = manifests[-1]
    return latest, [f"No milestone has the weights of {checkpoint.name}; the latest manifest, {latest.name}, is used."]


def _epoch_in(path: Path) -> int:
    digits = path.name.removeprefix("ckpt_epoch_").split("_")[0]
    return int(digits) if digits.isdigit() else -1
