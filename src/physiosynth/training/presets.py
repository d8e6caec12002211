"""Presets: settings of a run as small TOML files, ours in the package and anybody's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from physiosynth.errors import TrainingError

FOLDER = Path(__file__).parent / "presets"


def preset_names() -> tuple[str, ...]:
    """The presets of the package, shortest run first."""
    order = ("smoke", "demo", "full", "polish")
    found = {path.stem for path in FOLDER.glob("*.toml")}
    return (*(name for name in order if name in found), *sorted(found.difference(order)))


def read_preset(name: str) -> dict[str, Any]:
    """The fields of TrainSettings that a preset sets. name: one of preset_names(), or the path of a TOML file.

    Raises TrainingError for a preset that is not there, cannot be read or sets what nobody knows.
    """
    from physiosynth.training.settings import TrainSettings

    path = FOLDER / f"{name}.toml" if name in preset_names() else Path(name)
    if not path.is_file():
        raise TrainingError(f"No preset {name}. Use {', '.join(preset_names())}, or the path of a TOML file.")
    content = _read_toml(path)
    try:
        TrainSettings.from_dict(content)
    except TrainingError as error:
        raise TrainingError(f"{path.name}: {error}") from error
    return content


def _read_toml(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # tomllib's own errors are ValueErrors
        raise TrainingError(f"{path.name} cannot be read as TOML: {error}. Mend the file.") from error
