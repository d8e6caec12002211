"""Makes a bundle out of a training run and its fold: a folder, or a zip that is the same bytes every time."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from physiosynth import __version__
from physiosynth.bundles.bundle import FORMAT, INDEX, norm_path
from physiosynth.bundles.layout import DIFFUSION, FOLDS, MILESTONES, PARENT
from physiosynth.bundles.manifest import Manifest, choose_weights, manifest_of
from physiosynth.bundles.weights_file import METADATA_KEY
from physiosynth.errors import BundleError, RequestError
from physiosynth.families.wearable.data.batch import LICENCE, SYNTHETIC, TRAINED_ON, UNKNOWN_SOURCE
from physiosynth.families.wearable.data.folds import CONFIG_NAME, load_fold
from physiosynth.families.wearable.generator.checkpoint import LoadedCheckpoint, load_checkpoint
from physiosynth.files import replacing, sha256_of, swap_in, write_json, write_npy
from physiosynth.runtime import ignore_step

if TYPE_CHECKING:
    from torch import Tensor

ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold: the same contents make the same bytes
ZIP_MODE = 0o100644 << 16
MODEL_PREFIX = "diff.model."
FAMILY = "wearable"
STEPS = 4  # weights, reference, index, package


@dataclass(frozen=True)
class BuiltBundle:
    """A finished bundle: sha256 of the zip, or of a folder's bundle.json, which holds those of its files."""

    path: Path
    sha256: str
    size_bytes: int


def build_bundle(
    run: Path | str,
    fold: Path | str,
    out: Path | str,
    reference_windows: int | None = 24,
    half: bool = True,
    checkpoint: Path | str | None = None,
    on_step: Callable[[int, int], None] = ignore_step,
) -> BuiltBundle:
    """Make a bundle of the run's best milestone.

    run: a training run's folder (or its milestones); fold: its fold directory; out: a folder, or a path that ends in
    .zip; what was there is replaced when the new one is whole. reference_windows: test windows kept of each condition,
    None for all; half: store the networks' parameters as float16 (the noise schedule stays float32); checkpoint:
    weights other than the best milestone's. Raises BundleError, CheckpointError, FoldError or RequestError.
    """
    out, milestones = Path(out), _milestones(Path(run))
    if reference_windows is not None and reference_windows < 1:
        raise RequestError(f"Reference windows: expected at least 1 of each condition, found {reference_windows}.")
    _check_place(out)
    path = Path(checkpoint) if checkpoint else choose_weights(milestones)
    manifest, _ = manifest_of(path, milestones)
    loaded = load_checkpoint(path, manifest.content)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as temporary:
        root = Path(temporary) / PARENT
        _write_weights(root, milestones, Path(fold), loaded, manifest, half)
        on_step(1, STEPS)
        name = _write_reference(root, Path(fold), reference_windows)
        on_step(2, STEPS)
        _write_index(root, manifest, name)
        on_step(3, STEPS)
        built = _zipped(root, out) if out.suffix.lower() == ".zip" else _placed(root, out)
    on_step(STEPS, STEPS)
    return built


def _check_place(out: Path) -> None:
    """Raises BundleError where `out` is something that must not be replaced."""
    if out.suffix.lower() == ".zip":
        mistaken = out.is_dir()
    else:
        mistaken = out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / INDEX).is_file())
    if mistaken:
        raise BundleError(f"{out}: is there and is no bundle of this kind; nothing was written. Choose another place.")


def _milestones(run: Path) -> Path:
    for folder in (run / "milestones", run / MILESTONES, run):
        if any(folder.glob("milestone_*.json")):
            return folder
    raise BundleError(f"{run}: expected a training run with milestones, found none. Train first.")


def _write_weights(
    root: Path, milestones: Path, fold: Path, loaded: LoadedCheckpoint, manifest: Manifest, half: bool
) -> None:
    """The weights once, their manifest, and the norms beside it."""
    from safetensors.torch import save_file

    epoch = loaded.epoch or max(manifest.epoch, 0)
    folder = root / MILESTONES
    folder.mkdir(parents=True)
    path = root / DIFFUSION / f"ckpt_epoch_{epoch:03d}_WEIGHTS.safetensors"
    tensors: dict[str, Tensor] = {}
    for stream, network in (("low", loaded.low), ("ecg", loaded.ecg)):
        for name, tensor in network.state_dict().items():
            smaller = half and name.startswith(MODEL_PREFIX)
            tensors[f"ema_{stream}.{name}"] = (tensor.half() if smaller else tensor).contiguous()
            if smaller and not tensors[f"ema_{stream}.{name}"].isfinite().all():
                raise BundleError(f"{name} of {stream} does not fit into float16. Build the bundle without it.")
    # One entry: safetensors writes several in no fixed order, and the bundle's bytes are to be the same every time.
    metadata = {METADATA_KEY: json.dumps({"architecture": loaded.architecture.to_dict(), "epoch": epoch})}
    with replacing(path) as temporary:  # safetensors makes its files private
        save_file(tensors, temporary, metadata)
    content = {**manifest.content, "epoch": epoch, "architecture": loaded.architecture.to_dict()}
    content |= {"weights_sha256": sha256_of(path), "data_root": str(FOLDS / fold.name)}
    write_json(folder / f"milestone_e{epoch:03d}_bundle.json", content)
    for stream in ("low", "ecg"):
        shutil.copyfile(norm_path(stream, milestones, fold), folder / f"norm_{stream}.npz")
    for extra in sorted(milestones.glob("norm_*.npz")):
        shutil.copyfile(extra, folder / extra.name)


def _write_reference(root: Path, fold: Path, per_condition: int | None) -> str:
    """The fold's settings and norms, and test windows evenly spread over each condition's."""
    directory = load_fold(fold)
    conditions = directory.split("test").conditions
    if conditions is None:
        raise BundleError(f"{fold}: no test_cond.npy; reference windows need their states.")
    rows = np.sort(np.concatenate([_spread(conditions == label, per_condition) for label in np.unique(conditions)]))
    target = root / FOLDS / fold.name
    target.mkdir(parents=True)
    for path in sorted(fold.glob("test_*.npy")):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if len(array) == len(conditions):
            write_npy(target / path.name, np.asarray(array[rows]))
    for path in (*sorted(fold.glob("norm_*.npz")), fold / CONFIG_NAME):
        if path.is_file():
            shutil.copyfile(path, target / path.name)
    return fold.name


def _spread(mask: np.ndarray, most: int | None) -> np.ndarray:
    """At most `most` of the positions where mask is set, evenly spread."""
    found = np.flatnonzero(mask)
    if most is None or len(found) <= most:
        return found
    return found[np.linspace(0, len(found) - 1, most).round().astype(int)]


def _write_index(root: Path, manifest: Manifest, fold: str) -> None:
    """bundle.json: what this is, and the SHA-256 of every file."""
    source = manifest.content.get("source", UNKNOWN_SOURCE)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    content: dict[str, Any] = {
        "format": FORMAT,
        "family": FAMILY,
        "version": __version__,
        "samples": SYNTHETIC,
        "source": source,
        "description": f"Weights trained on {TRAINED_ON.get(source, TRAINED_ON[UNKNOWN_SOURCE])}.",
        "licence": LICENCE,
        "fold": fold,
        "files": {path.relative_to(root).as_posix(): sha256_of(path) for path in files},
    }
    write_json(root / INDEX, content)


def _zipped(root: Path, out: Path) -> BuiltBundle:
    """Pack the folder, names sorted and dates fixed, and put the zip in place."""
    with replacing(out) as temporary, zipfile.ZipFile(temporary, "w") as zipped:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                info = zipfile.ZipInfo(f"{PARENT}/{path.relative_to(root).as_posix()}", ZIP_DATE)
                info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, ZIP_MODE, 3
                zipped.writestr(info, path.read_bytes(), compresslevel=9)
    return BuiltBundle(out, sha256_of(out), out.stat().st_size)


def _placed(root: Path, out: Path) -> BuiltBundle:
    """Put the folder in place of the one that was there."""
    swap_in(root, out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return BuiltBundle(out, sha256_of(out / INDEX), size)
