"""What the page samples from and compares with: loaded once for all pages, again when a file changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import streamlit as st

from physiosynth.errors import BundleError, FoldError, PhysiosynthError
from physiosynth.generate.bundle import DEFAULT, deciding_files, resolve_bundle

if TYPE_CHECKING:
    from physiosynth.evaluation.wesad_real import RealWindows
    from physiosynth.generate.core import WESADGenerator

Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Paths:
    """Where the model and the reference are, as typed; an empty checkpoint or fold is found beside the milestones."""

    NAMES: ClassVar[tuple[str, ...]] = ("milestones", "checkpoint", "fold")

    milestones: str
    checkpoint: str
    fold: str


def default_paths() -> Paths:
    """The published places where they exist, else the embedded bundle; empty where there is neither."""
    try:
        return _default_paths(str(Path.cwd()))
    except PhysiosynthError:
        return Paths("", "", "")


@st.cache_data(ttl=30, show_spinner=False)
def _default_paths(folder: str) -> Paths:
    bundle = resolve_bundle(DEFAULT)
    return Paths(str(bundle.milestones), str(bundle.checkpoint), str(bundle.fold or ""))


def load_generator(paths: Paths) -> WESADGenerator:
    """The generator at these paths. Raises PhysiosynthError, in words for the page."""
    if not paths.milestones:
        resolve_bundle(DEFAULT)  # says what is missing and where it was sought
    milestones = Path(paths.milestones).expanduser()
    checkpoint = Path(paths.checkpoint).expanduser() if paths.checkpoint else None
    if not milestones.is_dir():
        raise BundleError(f"{milestones}: expected the milestones folder, found none. Check the path under Advanced.")
    if checkpoint is not None and not checkpoint.is_file():
        raise BundleError(f"{checkpoint}: expected the checkpoint file, found none. Check the path under Advanced.")
    files = deciding_files(milestones, checkpoint or milestones, None) + sorted(milestones.glob("*.*"))
    return _generator(str(milestones), str(checkpoint or ""), _fingerprint(files))


@st.cache_resource(max_entries=3, show_spinner="Loading the model ...")
def _generator(milestones: str, checkpoint: str, files: Fingerprint) -> WESADGenerator:
    from physiosynth.generate.core import WESADGenerator

    return WESADGenerator(milestones, checkpoint or None)


def load_reference(fold: str | Path) -> RealWindows:
    """The test windows of a fold. Raises PhysiosynthError, in words for the page."""
    folder = Path(fold).expanduser()
    if not folder.is_dir():
        raise FoldError(f"{folder}: expected a reference fold, found no such folder. Check the path under Advanced.")
    return _reference(str(folder), _fingerprint(sorted(folder.glob("*.*"))))


@st.cache_resource(max_entries=3, show_spinner="Loading the reference ...")
def _reference(folder: str, files: Fingerprint) -> RealWindows:
    from physiosynth.evaluation.wesad_real import RealWESADPreparer

    return RealWESADPreparer(Path(folder)).load()


def _fingerprint(files: list[Path]) -> Fingerprint:
    """Names, sizes and times of files: a changed file is loaded again."""
    stats = [(path, path.stat()) for path in files if path.is_file()]
    return tuple((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)
