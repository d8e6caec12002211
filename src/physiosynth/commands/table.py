"""The one list of commands: what is typed, the file that answers, and a line of help. Listing them imports none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


@dataclass(frozen=True)
class Entry:
    """A command.

    name: the words typed after `physiosynth`; module: its file in this folder, which defines `command`; section: the
    heading it stands under in the help; resumes: the same command continues where an interrupted one stopped.
    """

    name: str
    module: str
    section: str
    summary: str
    resumes: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The name as separate words."""
        return tuple(self.name.split())


SIGNALS, DATA, TRAINING, EVALUATION, SHELL = "Signals", "Recordings and cohorts", "Training", "Evaluation", "Shell"
TABLE = (
    Entry(
        "sample", "sample", SIGNALS, "Generate synthetic windows, or a continuous recording, and write them to a file."
    ),
    Entry(
        "reproduce", "reproduce", SIGNALS, "Generate a file's signals again and check that every sample is the same."
    ),
)
ENTRIES = {entry.name: entry for entry in TABLE}


@cache
def load(name: str) -> click.Command:
    """The command of an entry; its help begins with the entry's summary."""
    entry = ENTRIES[name]
    command: click.Command = import_module(f"physiosynth.commands.{entry.module}").command
    command.help = f"{entry.summary}\n\n{command.help or ''}".strip()
    return command


def entry_of(arguments: list[str]) -> Entry | None:
    """The entry that a command line begins with."""
    return next((ENTRIES[name] for name in (" ".join(arguments[:n]) for n in (2, 1)) if name in ENTRIES), None)
