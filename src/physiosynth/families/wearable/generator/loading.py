"""Everything a generator needs from disk: networks, norms, sampling settings, and what is known of their origin."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from physiosynth.bundles.bundle import (
    bundle_errors_alone,
    content_sha256,
    deciding_files,
    find_fold,
    norm_path,
    root_of,
)
from physiosynth.bundles.fetching import origin_notices
from physiosynth.bundles.manifest import Manifest, choose_weights, manifest_of
from physiosynth.datasets.normalizer import Normalizer
from physiosynth.errors import BundleError, ConditionError
from physiosynth.families.wearable.data.batch import FULL_EDA, PHASIC_EDA, TRAINED_ON, UNKNOWN_SOURCE, Sampling
from physiosynth.families.wearable.data.folds import CONFIG_NAME, STREAM_CHANNELS, read_config, read_stream_norm
from physiosynth.families.wearable.generator.checkpoint import LoadedCheckpoint, load_checkpoint
from physiosynth.families.wearable.generator.stored_sampling import as_sampling, bundle_sampling
from physiosynth.families.wearable.signals import condition_name

if TYPE_CHECKING:
    from physiosynth.diffusion.stream_sampling import StreamSampling


@dataclass(frozen=True)
class GeneratorInfo:
    """What a loaded generator is.

    Parameters
    ----------
    architecture
        "published" or "coupled".
    epoch
        Of the weights.
    fold
        The test subject's fold, as the manifest names it.
    source
        What it was trained on: "virtual", "recorded", "imported" or "unknown".
    eda
        "full" (tonic level kept) or "phasic" (high-passed, signed).
    conditions
        The states it can draw.
    bundle_sha256
        Of the files that decide what is drawn.
    checkpoint
        The file of weights.
    defaults
        The bundle's own settings, none of them None.
    notices
        What a user should know, one sentence each.
    reference_dir
        The fold directory with reference windows.
    target_ranges
        By state and rate (see Targets): the span in /min that can be requested; empty where the weights take no rates.
    """

    architecture: str
    epoch: int | None
    fold: str | None
    source: str
    eda: str
    conditions: tuple[str, ...]
    bundle_sha256: str
    checkpoint: Path
    defaults: Sampling
    notices: tuple[str, ...]
    reference_dir: Path | None
    target_ranges: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadedBundle:
    """A checkpoint with all that turns its samples into signals."""

    checkpoint: LoadedCheckpoint
    norm_low: Normalizer
    norm_ecg: Normalizer
    sampling: Mapping[str, StreamSampling]
    info: GeneratorInfo


def load(milestones: Path | str, ckpt_path: Path | str | None = None, fold: Path | str | None = None) -> LoadedBundle:
    """Load a checkpoint with its manifest, norms and settings.

    milestones: folder of manifests and norm files; ckpt_path: the weights, else the folder's best milestone; fold: the
    fold directory, else the one of the bundle layout around `milestones`. Raises BundleError or CheckpointError.
    """
    with bundle_errors_alone(str(milestones)):
        return _load(Path(milestones), ckpt_path, fold)


def _load(milestones: Path, ckpt_path: Path | str | None, fold: Path | str | None) -> LoadedBundle:
    if not milestones.is_dir():
        raise BundleError(f"{milestones}: expected a folder of milestones, found none. Check the path.")
    path = choose_weights(milestones) if ckpt_path is None else Path(ckpt_path)
    if not path.is_file():
        raise BundleError(f"{path}: expected a checkpoint, found no such file. Check the path.")
    manifest, notices = manifest_of(path, milestones)
    checkpoint = load_checkpoint(path, manifest.content)
    notices += [*checkpoint.notices, *origin_notices(root_of(milestones))]
    fold = _fold(milestones, fold, manifest)
    config = _config(milestones, fold)
    norm_low, norm_ecg = _norms(milestones, fold, config, notices)
    sampling = bundle_sampling(manifest, checkpoint.meta, checkpoint.architecture)
    info = GeneratorInfo(
        architecture=checkpoint.architecture.name,
        epoch=checkpoint.epoch if manifest.epoch < 0 else manifest.epoch,
        fold=_text(manifest.content.get("fold")) or (fold.name if fold else None),
        source=_one_of(TRAINED_ON, UNKNOWN_SOURCE, manifest.content.get("source"), config.get("source")),
        eda=_eda(manifest, config, notices),
        conditions=checkpoint.architecture.conditions,
        bundle_sha256=content_sha256(deciding_files(milestones, path, fold)),
        checkpoint=path,
        defaults=as_sampling(sampling),
        notices=tuple(notices),
        reference_dir=fold,
        target_ranges=_target_ranges(manifest, checkpoint),
    )
    return LoadedBundle(checkpoint, norm_low, norm_ecg, sampling, info)


def _fold(milestones: Path, fold: Path | str | None, manifest: Manifest) -> Path | None:
    """The given fold directory, else that of the layout around the milestones, preferring the manifest's."""
    if fold is not None:
        if not Path(fold).is_dir():
            raise BundleError(f"{fold}: expected a fold directory, found none. Check the path.")
        return Path(fold)
    root = root_of(milestones)
    name = Path(str(manifest.content.get("data_root") or "").replace("\\", "/")).name
    named = _text(manifest.content.get("fold")) or ""
    return (
        None
        if root is None
        else find_fold(root, name if name.startswith("fold_") else f"fold_{named.removeprefix('fold_')}")
    )


def _config(milestones: Path, fold: Path | None) -> dict[str, Any]:
    """dataset_config.json of the fold or beside the milestones; empty where there is none."""
    paths = (folder / CONFIG_NAME for folder in (fold, milestones) if folder is not None)
    return next((read_config(path) for path in paths if path.is_file()), {})


def _norms(
    milestones: Path, fold: Path | None, config: Mapping[str, Any], notices: list[str]
) -> tuple[Normalizer, Normalizer]:
    """The norms of both streams, their channels by name: LOW in the order the networks draw it."""
    norms = []
    for stream, channels in STREAM_CHANNELS.items():
        path = norm_path(stream, milestones, fold)
        norm, found = read_stream_norm(path, stream, config)
        if set(norm.channels) != set(channels):
            raise BundleError(
                f"{path.name}: expected the channels {', '.join(channels)}, found {', '.join(norm.channels)}."
            )
        notices.extend(found)
        norms.append(norm)
    return norms[0], norms[1]


def _target_ranges(manifest: Manifest, checkpoint: LoadedCheckpoint) -> dict[str, dict[str, tuple[float, float]]]:
    """What the manifest says of the rates of the training windows. Raises BundleError for anything else."""
    content = manifest.content.get("target_ranges")
    if content is None or not checkpoint.architecture.low.told:
        return {}
    try:
        return {
            condition_name(state): {name: (float(low), float(high)) for name, (low, high) in ranges.items()}
            for state, ranges in content.items()
        }
    except (AttributeError, TypeError, ValueError, ConditionError) as error:
        raise BundleError(
            f"{manifest.name}: target_ranges should hold a lowest and a highest rate by state and name ({error})."
        ) from error


def _eda(manifest: Manifest, config: Mapping[str, Any], notices: list[str]) -> str:
    said = [value for value in (manifest.content.get("eda"), config.get("eda")) if value in (FULL_EDA, PHASIC_EDA)]
    if said:
        return said[0]
    notices.append("Nothing says how the EDA was filtered: taken as phasic, as in published bundles.")
    return PHASIC_EDA


def _one_of(known: Container[str], otherwise: str, *values: Any) -> str:
    return next((value for value in values if isinstance(value, str) and value in known), otherwise)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
