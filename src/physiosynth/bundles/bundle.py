"""Finds and verifies an inference bundle: the embedded one, a folder or a zip."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from physiosynth.bundles.archive import unpack
from physiosynth.bundles.layout import DEFAULT, DIFFUSION, EMBEDDED, FOLDS, INDEX, MILESTONES, find_root
from physiosynth.bundles.manifest import choose_weights, released_weights
from physiosynth.bundles.transport import is_url
from physiosynth.errors import BundleError, PhysiosynthError, brief
from physiosynth.files import read_json, sha256_of

FORMAT = "physiosynth-bundle-1"


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk.

    root: the folder that holds results/ and data/; milestones: manifests and norm files; checkpoint: the weights;
    fold: reference windows and settings, or None; index: bundle.json, empty where there is none.
    """

    root: Path
    milestones: Path
    checkpoint: Path
    fold: Path | None
    index: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over what decides the samples; see content_sha256."""
        return content_sha256(deciding_files(self.milestones, self.checkpoint, self.fold))


@contextmanager
def bundle_errors_alone(named: str) -> Iterator[None]:
    """Whatever goes wrong in reading a bundle leaves as a BundleError that names it.

    Libraries answer hostile bytes with exceptions that share no base of their own; a page or a container that loads
    what a stranger sent must not end in one of them.
    """
    try:
        yield
    except BundleError as error:
        error.args = (brief(error),)
        raise
    except PhysiosynthError as error:
        raise BundleError(brief(error)) from error
    except Exception as error:
        raise BundleError(
            f"{named}: cannot be read ({type(error).__name__}: {brief(error)}). Copy or fetch the bundle again."
        ) from error


def resolve_bundle(path: Path | str = DEFAULT) -> Bundle:
    """Find a bundle: a folder with or without its inference_bundle/ parent, a zip, a zip's URL, or "default".

    "default" is the published layout below the current folder where it is there, else the embedded bundle. A bundle
    with a bundle.json is verified against it. A URL ends with #sha256=...; see fetch_bundle. Raises BundleError.
    """
    if str(path) == DEFAULT:
        here = Path.cwd()
        root = here if (here / MILESTONES).is_dir() else EMBEDDED
        if not (root / MILESTONES).is_dir():
            raise BundleError(
                f"No bundle: expected {MILESTONES} in {here}, or the embedded bundle in {EMBEDDED}; found neither. "
                "Give the path of a bundle folder or zip."
            )
        return open_bundle(root)
    if is_url(str(path)):
        from physiosynth.bundles.fetching import fetch_bundle, unverified_allowed

        path = fetch_bundle(str(path), allow_unverified=unverified_allowed())
    with bundle_errors_alone(str(path)):
        path = Path(path).expanduser()
        if not path.exists():
            raise BundleError(f"{path}: expected a bundle folder or zip, found nothing there. Check the path.")
        return open_bundle(find_root(_unpacked(path) if path.is_file() else path, path))


def open_bundle(root: Path) -> Bundle:
    """The bundle in a folder that holds results/. Raises BundleError for what is missing or was changed."""
    with bundle_errors_alone(root.name):
        index = read_index(root)
        check_files(root, index)
        milestones = root / MILESTONES
        checkpoint = released_weights(root / DIFFUSION) or choose_weights(milestones)
        return Bundle(root, milestones, checkpoint, find_fold(root, index.get("fold")), index)


def find_fold(root: Path, name: str | None = None) -> Path | None:
    """The fold directory below a root: the named one, else the first; None where there is none."""
    folds = sorted(path for path in (root / FOLDS).glob("fold_*") if path.is_dir())
    wanted = [path for path in folds if path.name == name]
    return next(iter(wanted or folds), None)


def root_of(milestones: Path) -> Path | None:
    """The root of a milestones folder that stands in the bundle layout, or None."""
    resolved = milestones.resolve()
    depth = len(MILESTONES.parts)
    in_layout = resolved.parts[-depth:] == MILESTONES.parts
    return resolved.parents[depth - 1] if in_layout else None


def norm_path(stream: str, milestones: Path, fold: Path | None) -> Path:
    """The norm file beside the milestones, else the fold's. Raises BundleError where neither is there."""
    name = f"norm_{stream}.npz"
    folders = [milestones] if fold is None else [milestones, fold]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    where = " nor ".join(str(folder) for folder in folders)
    raise BundleError(f"{name}: expected it in {where}, found none. Samples have no units without it.")


def deciding_files(milestones: Path, checkpoint: Path, fold: Path | None) -> list[Path]:
    """The files that samples depend on, those that are there: weights, manifests, norms and the fold's settings."""
    folders = [milestones] if fold is None else [milestones, fold]
    small = [path for folder in folders for path in (*folder.glob("norm_*.npz"), folder / "dataset_config.json")]
    return [path for path in (checkpoint, *milestones.glob("milestone_*.json"), *small) if path.is_file()]


def content_sha256(paths: Iterable[Path]) -> str:
    """One SHA-256 over the names and contents of files, whatever their order and wherever they stand."""
    lines = sorted(f"{sha256_of(path)}  {path.parent.name}/{path.name}" for path in paths)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _unpacked(path: Path) -> Path:
    if not zipfile.is_zipfile(path):
        raise BundleError(f"{path.name}: expected a bundle zip; the file is another kind, damaged or cut short.")
    return unpack(path, lambda contents: find_root(contents, path))


def read_index(root: Path) -> dict[str, Any]:
    """bundle.json; empty where there is none. Raises BundleError where it is no index or names files outside."""
    path = root / INDEX
    if not path.is_file():
        return {}
    try:
        index = read_json(path)
        files = dict(index["files"])
    except (ValueError, TypeError, KeyError) as error:
        raise BundleError(f"{path}: not a readable index of a bundle. Copy or fetch the bundle again.") from error
    for name in files:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or ":" in name or "\\" in name:
            raise BundleError(f"{path}: {name!r} leads outside the bundle.")
    return index


def check_files(root: Path, index: Mapping[str, Any]) -> None:
    """Raises BundleError for the first file of the index that is missing or was changed."""
    for name, expected in index.get("files", {}).items():
        file = root / name
        found = sha256_of(file) if file.is_file() else "no such file"
        if found != expected:
            raise BundleError(f"{name}: SHA-256 is {found}, expected {expected}. Copy or fetch the bundle again.")
