"""A recording that a visitor brought: its files laid out for the readers in a folder that goes away with the work."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from physiosynth.dashboard.settings import settings
from physiosynth.errors import RequestError
from physiosynth.recordings.recording_files import CSV_SUFFIXES, EDF_SUFFIXES, Listed, list_signals
from physiosynth.running.jobs import Job

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.importing import ImportSettings
    from physiosynth.families.wearable.scores.own_reference import OwnReference

TYPES = ("csv", "tsv", "txt", "edf", "bdf", "hea", "dat")
LABELS = "labels of the recording.csv"  # a space: no file of a visitor is called so
LONGEST_NAME = 40


@dataclass(frozen=True)
class Brought:
    """A file as it came. name: made safe, at most LONGEST_NAME characters and an ending; key: another one's differs."""

    name: str
    data: bytes
    key: str = ""


def safe_name(name: str) -> str:
    """A file's name without folders and with nothing but letters, digits, dots, dashes and underscores."""
    stem, _, suffix = re.sub(r"[^A-Za-z0-9._-]", "_", re.split(r"[/\\]", name)[-1]).rpartition(".")
    return f"{stem.lstrip('.-')[:LONGEST_NAME] or 'recording'}.{suffix[:8].lower()}"


def recording_of(names: Sequence[str]) -> str:
    """Which of the files is the recording. Raises RequestError unless they are exactly one."""
    heads = [name for name in names if name.endswith((*CSV_SUFFIXES, *EDF_SUFFIXES, ".hea"))]
    others = [name for name in names if name not in heads]
    if len(heads) != 1 or len(set(names)) != len(names) or (others and not heads[0].endswith(".hea")):
        raise RequestError(
            "Expected one recording: a CSV, an EDF file, or the .hea file of a WFDB record with its .dat files. "
            f"Found {', '.join(names)}."
        )
    return heads[0]


@contextmanager
def laid_out(files: Sequence[Brought]) -> Iterator[Path]:
    """The path of the recording, beside the files it needs, for as long as the block runs. Raises RequestError."""
    head = recording_of([file.name for file in files if file.name != LABELS])
    with tempfile.TemporaryDirectory(prefix="physiosynth-") as folder:
        for file in files:
            Path(folder, file.name).write_bytes(file.data)
        yield Path(folder, head)


def listed(files: Sequence[Brought]) -> tuple[Listed, ...]:
    """What the recording holds. Raises RecordingError or RequestError."""
    with laid_out(files) as path:
        found = list_signals(path)
    if all(signal.is_text for signal in found):
        raise RequestError("Expected at least one column of numbers, found none. Choose another file.")
    return found


def start(
    files: Sequence[Brought],
    import_settings: ImportSettings,
    state: str | None,
    eda: str,
    resp_sd: float | None,
    page_open: Callable[[], bool],
) -> Job:
    """Queue up what makes a reference of the files; the result is an OwnReference. state: None where LABELS is there.

    Raises RequestError where too many runs wait.
    """

    def work(on_step: Callable[[int, int], None], on_part: Callable[[object], None]) -> OwnReference:
        from physiosynth.families.wearable.scores.own_reference import own_reference

        with laid_out(files) as path:
            labels = path.with_name(LABELS) if state is None else None
            return own_reference(path, import_settings, labels, state, eda=eda, resp_sd=resp_sd, on_step=on_step)

    return Job(work, page_open).start(settings().max_waiting)
