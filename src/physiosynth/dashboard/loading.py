"""What the page samples from and compares with: loaded once for all pages, again when a file changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import streamlit as st

from physiosynth.bundles.bundle import deciding_files, resolve_bundle, root_of
from physiosynth.dashboard.settings import settings
from physiosynth.errors import BundleError, FoldError, PhysiosynthError, RequestError

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.reference import RealWindows
    from physiosynth.families.wearable.generator.generator import WESADGenerator

Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Paths:
    """Where the model and the reference are, as typed; an empty checkpoint or fold is found beside the milestones."""

    NAMES: ClassVar[tuple[str, ...]] = ("milestones", "checkpoint", "fold")

    milestones: str
    checkpoint: str
    fold: str


def default_paths() -> Paths:
    """Those of the bundle the operator named, else the published places or the embedded one; empty without any."""
    try:
        return _default_paths(settings().bundle, str(Path.cwd()))
    except PhysiosynthError:
        return Paths("", "", "")


@st.cache_data(ttl=30, show_spinner=False)
def _default_paths(named: str, folder: str) -> Paths:
    bundle = resolve_bundle(named)
    return Paths(str(bundle.milestones), str(bundle.checkpoint), str(bundle.fold or ""))


def load_generator(paths: Paths) -> WESADGenerator:
    """The generator at these paths. Raises PhysiosynthError, in words for the page."""
    if not paths.milestones:
        resolve_bundle(settings().bundle)  # says what is missing and where it was sought
    milestones = _allowed(paths.milestones)
    checkpoint = _allowed(paths.checkpoint) if paths.checkpoint else None
    if not milestones.is_dir():
        raise BundleError(f"{milestones}: expected the checkpoint folder, found none. Check the path under Advanced.")
    if checkpoint is not None and not checkpoint.is_file():
        raise BundleError(f"{checkpoint}: expected the checkpoint file, found none. Check the path under Advanced.")
    files = deciding_files(milestones, checkpoint or milestones, None) + sorted(milestones.glob("*.*"))
    return _generator(str(milestones), str(checkpoint or ""), _fingerprint(files))


@st.cache_resource(max_entries=3, show_spinner="Loading the model ...")
def _generator(milestones: str, checkpoint: str, files: Fingerprint) -> WESADGenerator:
    from physiosynth.families.wearable.generator.generator import WESADGenerator

    return WESADGenerator(milestones, checkpoint or None)


def load_reference(fold: str | Path) -> RealWindows:
    """The test windows of a fold. Raises PhysiosynthError, in words for the page."""
    folder = _allowed(fold)
    if not folder.is_dir():
        raise FoldError(f"{folder}: expected a reference fold, found no such folder. Check the path under Advanced.")
    return _reference(str(folder), _fingerprint(sorted(folder.glob("*.*"))))


@st.cache_resource(max_entries=3, show_spinner="Loading the reference ...")
def _reference(folder: str, files: Fingerprint) -> RealWindows:
    from physiosynth.families.wearable.data.reference import RealWESADPreparer

    return RealWESADPreparer(Path(folder)).load()


def _allowed(typed: str | Path) -> Path:
    """A path as typed, if it is the bundle's own or, links followed, below an allowed folder. Raises RequestError.

    Asked before anything is looked up, so that nobody learns what exists elsewhere.
    """
    if str(typed) in vars(default_paths()).values():
        return Path(typed)
    allowed = settings()
    try:
        path = Path(typed).expanduser()
        target = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a user that is not there, a null byte
        raise RequestError("Expected a path, found text that is not one. Check it under Advanced.") from error
    roots = (*allowed.roots, *_bundle_root())
    if not allowed.paths or not any(target.is_relative_to(root) for root in roots):
        raise RequestError(
            f"{typed}: expected a path below one of the folders this page may read, found one outside. The operator "
            "of this page can allow others with PHYSIOSYNTH_ROOTS."
        )
    return path


def _bundle_root() -> list[Path]:
    milestones = default_paths().milestones
    root = root_of(Path(milestones)) if milestones else None
    return [] if root is None else [root]


def _fingerprint(files: list[Path]) -> Fingerprint:
    """Names, sizes and times of files: a changed file is loaded again."""
    stats = [(path, path.stat()) for path in files if path.is_file()]
    return tuple((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)
