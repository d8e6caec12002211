"""Zips for formats of many files: what they have in common, written and read without unpacking them to disk."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from physiosynth.errors import RecordingError
from physiosynth.families.wearable.data.batch import Provenance
from physiosynth.families.wearable.export.content import provenance_of, settings_text

SETTINGS = "settings.json"
MOST_BYTES = 1 << 30  # of a member that is read


@contextmanager
def writing(stream: BinaryIO, provenance: Provenance, settings: str = SETTINGS) -> Iterator[zipfile.ZipFile]:
    """A zip to add members to; the settings are in it already."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(settings, settings_text(provenance) + "\n")
        yield zipped


@contextmanager
def reading(path: Path, settings: str = SETTINGS) -> Iterator[tuple[zipfile.ZipFile, Provenance]]:
    """A zip of ours and its provenance. Raises RecordingError where the settings are missing."""
    with zipfile.ZipFile(path) as zipped:
        yield zipped, provenance_of(member(zipped, settings))


def member(zipped: zipfile.ZipFile, name: str) -> bytes:
    """A member's content. Raises RecordingError for one that is missing or too large to be ours."""
    if name not in zipped.namelist():
        raise RecordingError(f"It holds no {name}.")
    if zipped.getinfo(name).file_size > MOST_BYTES:
        raise RecordingError(f"Its {name} is larger than {MOST_BYTES} bytes.")
    return zipped.read(name)
