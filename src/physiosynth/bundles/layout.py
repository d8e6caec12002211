"""Where things stand in an inference bundle."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from physiosynth.errors import BundleError

PARENT = "inference_bundle"
INDEX = "bundle.json"
DEFAULT = "default"  # named in place of a path: the published layout below the current folder, else the embedded bundle
EMBEDDED = Path(__file__).parents[1] / "embedded_bundle"
# The layout below a bundle's root; the published application looks for the same, relative to where it is started.
DIFFUSION = PurePosixPath("results/checkpoints/diffusion")
MILESTONES = DIFFUSION / "milestones"
FOLDS = PurePosixPath("data/processed/two_stream")


def find_root(folder: Path, named: Path) -> Path:
    """The folder itself, its inference_bundle/, or its only child that holds the layout. Raises BundleError."""
    children = sorted(child for child in folder.iterdir() if child.is_dir())
    for root in (folder, folder / PARENT, *children):
        if (root / MILESTONES).is_dir():
            return root
    found = ", ".join(child.name for child in children[:6]) or "no folders"
    raise BundleError(
        f"{named.name}: expected {MILESTONES} (perhaps below {PARENT}/), found {found}. No bundle is here."
    )
