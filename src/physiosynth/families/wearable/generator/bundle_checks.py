"""What is checked in a bundle: every check reads its part and says what it found."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from physiosynth.bundles.bundle import find_fold, norm_path, read_index
from physiosynth.bundles.layout import DIFFUSION, FOLDS, INDEX, MILESTONES
from physiosynth.bundles.manifest import Manifest, choose_weights, manifest_of, released_weights
from physiosynth.bundles.verification import FAILED, NOTE, PASSED, Checks, Found
from physiosynth.bundles.weights_file import SAFETENSORS
from physiosynth.families.wearable.data.batch import Sampling
from physiosynth.families.wearable.data.folds import (
    CONFIG_NAME,
    STREAM_CHANNELS,
    FoldDirectory,
    load_fold,
    read_array,
    read_stream_norm,
)
from physiosynth.families.wearable.generator.checkpoint import LoadedCheckpoint, load_checkpoint
from physiosynth.families.wearable.generator.stored_sampling import bundle_sampling
from physiosynth.families.wearable.signals import (
    ECG_HZ,
    ECG_STEPS,
    LABEL_IDS,
    LOW_HZ,
    LOW_STEPS,
    WINDOW_S,
)

if TYPE_CHECKING:
    from physiosynth.diffusion.stream_sampling import StreamSampling

DRAWN_STEPS = 2  # of the windows that are drawn to see whether the networks answer
CHUNK_WINDOWS = 256
# What a dataset_config.json may say of the windows, and what this project's windows are.
WINDOW_FACTS = {
    "ecg_hz": ECG_HZ, "low_hz": LOW_HZ, "window_s": WINDOW_S, "ecg_steps": ECG_STEPS, "low_steps": LOW_STEPS,
}  # fmt: skip


class OpenedBundle:
    """The parts of a bundle, each read when a check first asks for it; reading raises what the check then reports."""

    def __init__(self, root: Path) -> None:
        self.root, self.milestones = root, root / MILESTONES

    @cached_property
    def index(self) -> dict[str, Any]:
        return read_index(self.root)

    @cached_property
    def checkpoint(self) -> Path:
        return released_weights(self.root / DIFFUSION) or choose_weights(self.milestones)

    @cached_property
    def fold(self) -> Path | None:
        return find_fold(self.root, self.index.get("fold"))

    @cached_property
    def manifest(self) -> tuple[Manifest, list[str]]:
        return manifest_of(self.checkpoint, self.milestones)

    @cached_property
    def networks(self) -> LoadedCheckpoint:
        return load_checkpoint(self.checkpoint, self.manifest[0].content)

    @cached_property
    def directory(self) -> FoldDirectory | None:
        return None if self.fold is None else load_fold(self.fold)

    def name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _weights(bundle: OpenedBundle) -> Found:
    """Both streams load strictly: all keys, shapes, types and finite values."""
    networks = bundle.networks
    for notice in networks.notices:
        yield NOTE, notice
    if bundle.checkpoint.suffix != SAFETENSORS:
        with zipfile.ZipFile(bundle.checkpoint) as parts:
            damaged = parts.testzip()  # torch does not look at the checksums it writes
        if damaged:
            yield FAILED, f"{bundle.name(bundle.checkpoint)}: {damaged} does not have its checksum. Fetch it again."
    count = sum(value.numel() for network in (networks.low, networks.ecg) for value in network.parameters())
    k = networks.architecture.condition_dim
    yield (
        PASSED,
        (
            f"{bundle.name(bundle.checkpoint)}: {networks.architecture.name} networks, {count / 1e6:.2f} million "
            f"parameters, all finite, {k} conditions"
        ),
    )


def _manifest(bundle: OpenedBundle) -> Found:
    """The weights' manifest, its sampling settings, and what it says of the fold and of their origin."""
    manifest, notices = bundle.manifest
    for notice in notices:
        # Our bundles hold the manifest of their weights; a published one may have been trimmed.
        yield (FAILED if bundle.index else NOTE), notice
    networks = bundle.networks
    sampling: Mapping[str, StreamSampling] = bundle_sampling(manifest, networks.meta, networks.architecture)
    for stream, settings in sampling.items():
        most = getattr(networks.architecture, stream).diffusion_steps
        if settings.steps > most:
            yield FAILED, f"{stream}: {settings.steps} sampling steps, the networks were trained on {most}"
    config = {} if bundle.directory is None else bundle.directory.config
    said = {
        "manifest": manifest.content.get("fold"),
        "its data_root": _fold_in(manifest.content.get("data_root")),
        CONFIG_NAME: config.get("test_subject"),
        INDEX: bundle.index.get("fold"),
        "folder": None if bundle.fold is None else bundle.fold.name,
    }
    yield from _agreed("fold", {where: str(value).removeprefix("fold_") for where, value in said.items() if value})
    for key in ("source", "eda"):
        parts = {"manifest": manifest.content, CONFIG_NAME: config, INDEX: bundle.index}
        yield from _agreed(key, {where: str(part[key]) for where, part in parts.items() if part.get(key)})
    name = "no manifest" if manifest.path is None else bundle.name(manifest.path)
    steps = ", ".join(f"{stream} {settings.steps} steps of {settings.method}" for stream, settings in sampling.items())
    yield PASSED, f"{name}: {steps}"


def _fold_in(data_root: Any) -> str | None:
    """The fold that a data_root ends in, whichever system wrote it; None where it ends in another folder."""
    name = str(data_root or "").replace("\\", "/").rstrip("/").rpartition("/")[2]
    return name if name.startswith("fold_") else None


def _agreed(what: str, said: Mapping[str, str]) -> Found:
    if len({value.lower() for value in said.values()}) > 1:
        yield FAILED, f"{what}: " + ", ".join(f"{where} says {value}" for where, value in said.items())


def _norms(bundle: OpenedBundle) -> Found:
    """Each norm file has its stream's channels, finite means and positive finite SDs; copies do not differ."""
    config = {} if bundle.directory is None else bundle.directory.config
    for stream, names in STREAM_CHANNELS.items():
        chosen = norm_path(stream, bundle.milestones, bundle.fold)
        copies = [folder / chosen.name for folder in (bundle.milestones, bundle.fold) if folder is not None]
        norms = {path: read_stream_norm(path, stream, config) for path in copies if path.is_file()}
        for path, (norm, notices) in norms.items():
            for notice in notices:
                yield NOTE, notice
            if set(norm.channels) != set(names):
                yield (
                    FAILED,
                    f"{path.name}: expected the channels {', '.join(names)}, found {', '.join(norm.channels)}.",
                )
                continue
            first = norms[chosen][0]
            if set(first.channels) == set(names):
                ours, theirs = norm.select(*names), first.select(*names)
                if not (np.array_equal(ours.mean, theirs.mean) and np.array_equal(ours.std, theirs.std)):
                    yield (FAILED if bundle.index else NOTE), f"{bundle.name(path)} differs from {bundle.name(chosen)}"
        norm = norms[chosen][0]
        values = ", ".join(f"{c} {m:.4g} ({s:.4g})" for c, m, s in zip(norm.channels, norm.mean, norm.std, strict=True))
        yield PASSED, f"{bundle.name(chosen)}: mean (SD) of {values}"


def _config(bundle: OpenedBundle) -> Found:
    """dataset_config.json and the order of channels that it and the norms say."""
    if bundle.fold is None or bundle.directory is None:
        yield NOTE, f"no fold below {FOLDS}: there are no reference windows"
        return
    path, config = bundle.fold / CONFIG_NAME, bundle.directory.config
    if not path.is_file():
        yield NOTE, f"no {bundle.name(path)}: nothing says how the windows were made"
        return
    for key, expected in WINDOW_FACTS.items():
        if config.get(key, expected) != expected:
            yield FAILED, f"{bundle.name(path)}: {key} is {config[key]!r}, expected {expected}"
    said = config.get("channels_low")
    if said is not None and tuple(name.lower() for name in said) != tuple(
        c.lower() for c in bundle.directory.channels_low
    ):
        order = ", ".join(bundle.directory.channels_low)
        yield FAILED, f"{bundle.name(path)}: channels_low is {', '.join(said)}, the norm file's order is {order}"
    states = config.get("conditions")
    if states is not None and states != {str(label): name for name, label in LABEL_IDS.items()}:
        yield FAILED, f"{bundle.name(path)}: conditions are {states!r}"
    yield PASSED, f"{bundle.name(path)}: low channels in the order {', '.join(bundle.directory.channels_low)}"


def _windows(bundle: OpenedBundle) -> Found:
    """Reference windows have their shapes, finite values, and one label each among the weights' conditions."""
    if bundle.fold is None or bundle.directory is None:
        yield NOTE, "no reference windows"
        return
    folder = bundle.name(bundle.fold)
    for split in bundle.directory.splits():
        arrays = bundle.directory.split(split)
        for part in ("ecg", "low", "phase"):
            values = getattr(arrays, part)
            if values is not None and not _finite(values):
                yield FAILED, f"{folder}/{split}_X_{part}.npy: holds values that are not finite"
        highest = 0 if arrays.conditions is None else arrays.conditions.max(initial=0)
        if arrays.conditions is None:
            yield NOTE, f"{folder}: no {split}_cond.npy, so the windows' conditions are not known"
        elif highest > (k := bundle.networks.architecture.condition_dim):
            yield FAILED, f"{folder}/{split}_cond.npy: label {highest}, the weights know 1 to {k}"
        yield PASSED, f"{folder}: {len(arrays)} {split} windows"
    for path in sorted(bundle.fold.glob("*.npy")):
        read_array(path)


def _finite(values: np.ndarray) -> bool:
    return all(np.isfinite(values[at : at + CHUNK_WINDOWS]).all() for at in range(0, len(values), CHUNK_WINDOWS))


def _sample(bundle: OpenedBundle) -> Found:
    """One short window of each condition is really drawn, and is finite."""
    from physiosynth.families.wearable.generator.generator import WESADGenerator

    generator = WESADGenerator(bundle.milestones, bundle.checkpoint, "cpu", bundle.fold)
    for notice in generator.info.notices:
        yield NOTE, notice
    names = generator.info.conditions
    batch = generator.sample_batch(names, seed=0, sampling=Sampling(low_steps=DRAWN_STEPS, ecg_steps=DRAWN_STEPS))
    if not np.isfinite(batch.fused()).all():
        yield FAILED, f"{bundle.name(bundle.checkpoint)}: draws values that are not finite"
    else:
        yield PASSED, f"{len(names)} windows drawn in {DRAWN_STEPS} steps ({', '.join(names)})"


LOOKS: Mapping[str, Callable[[OpenedBundle], Found]] = {
    "weights": _weights,
    "manifest": _manifest,
    "norms": _norms,
    "config": _config,
    "windows": _windows,
    "sample": _sample,
}


def bundle_checks(root: Path) -> Checks:
    """What is checked in the bundle at a root, beside its files; see bundles.verification."""
    bundle = OpenedBundle(root)
    return {name: partial(look, bundle) for name, look in LOOKS.items()}
