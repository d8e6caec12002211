"""Finished parts of an evaluation, kept as JSON so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from physiosynth.files import write_json


class Kept:
    """One JSON file a part. A part is given back only under the key it was kept with, so a stale one is made anew."""

    def __init__(self, folder: Path | str, key: str) -> None:
        self.folder, self.key = Path(folder), key

    def read(self, part: str) -> dict[str, Any]:
        """What was kept of this part: name -> content; empty where nothing was, or where the key has changed."""
        try:
            found = json.loads(self._path(part).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # a damaged part is made anew
            return {}
        fits = isinstance(found, dict) and found.get("key") == self.key and isinstance(found.get("kept"), dict)
        return found["kept"] if fits else {}

    def add(self, part: str, name: str, content: Any) -> None:
        """Keep one more item of a part, at once and whole."""
        write_json(self._path(part), {"key": self.key, "kept": {**self.read(part), name: plain(content)}})

    def once(self, part: str, name: str, compute: Callable[[], Any]) -> Any:
        """What was kept of this item, or what `compute` gives, kept at once; as JSON holds it in either case."""
        if name not in self.read(part):
            self.add(part, name, compute())
        return self.read(part)[name]

    def _path(self, part: str) -> Path:
        return self.folder / f"{part}.json"


def plain(content: Any) -> Any:
    """The content as strict JSON knows it: dataclasses become objects, NaN and infinity null, tuples lists."""
    if is_dataclass(content) and not isinstance(content, type):
        content = asdict(content)
    if isinstance(content, Mapping):
        return {str(name): plain(value) for name, value in content.items()}
    if isinstance(content, (list, tuple, set, frozenset)):
        return [plain(value) for value in content]
    if isinstance(content, Path):
        return str(content)
    if hasattr(content, "item") and not isinstance(content, (str, bytes)):
        content = content.item()
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
