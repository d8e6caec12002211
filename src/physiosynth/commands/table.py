"""The one list of commands: what is typed, the file that answers, and a line of help. Listing them imports none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import cleandoc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


@dataclass(frozen=True)
class Entry:
    """A command.

    name: the words typed after `physiosynth`; module: its file in this folder, which defines `command`; section: the
    heading it stands under in the help; resumes: the same command continues where an interrupted one stopped; extra:
    the set of optional packages that it needs, see pyproject.toml.
    """

    name: str
    module: str
    section: str
    summary: str
    resumes: bool = False
    extra: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The name as separate words."""
        return tuple(self.name.split())


SIGNALS, DATA, TRAINING = "Signals", "Recordings and cohorts", "Training and bundles"
EVALUATION, SHELL = "Evaluation", "Shell"
TABLE = (
    Entry("app", "app", SIGNALS, "Start the dashboard.", extra="app"),
    Entry("sample", "sample", SIGNALS, "Generate synthetic windows, or a continuous recording, into a file."),
    Entry("reproduce", "reproduce", SIGNALS, "Generate a file's signals again and compare every sample."),
    Entry(
        "import",
        "import_recording",
        DATA,
        "Turn your own recording (CSV, WFDB or EDF) into a subject.",
        extra="formats",
    ),
    Entry("cohort", "cohort", DATA, "Simulate a cohort in WESAD's layout, with its ground truth."),
    Entry(
        "preprocess",
        "preprocess",
        DATA,
        "Turn subjects into leave-one-subject-out folds.",
        resumes=True,
        extra="training",
    ),
    Entry("train", "train", TRAINING, "Train both streams jointly on a fold.", resumes=True, extra="training"),
    Entry(
        "train-loso", "train_loso", TRAINING, "Train one model per subject left out.", resumes=True, extra="training"
    ),
    Entry("bundle build", "bundle_build", TRAINING, "Make an inference bundle of a training run."),
    Entry("bundle verify", "bundle_verify", TRAINING, "Check every file of an inference bundle."),
    Entry("bundle fetch", "bundle_fetch", TRAINING, "Download a bundle, check its SHA-256, unpack it.", resumes=True),
    Entry(
        "evaluate",
        "evaluate",
        EVALUATION,
        "Score synthetic windows against reference windows.",
        resumes=True,
        extra="evaluation",
    ),
    Entry("compare", "compare", EVALUATION, "Print two evaluations side by side.", extra="evaluation"),
    Entry(
        "targets", "targets", EVALUATION, "Measure a generator against its limits.", resumes=True, extra="evaluation"
    ),
    Entry(
        "check-recordings",
        "check_recordings",
        EVALUATION,
        "Score a bundle's continuous recordings.",
        extra="evaluation",
    ),
    Entry(
        "loso-utility",
        "loso_utility",
        EVALUATION,
        "Classify the states of subjects left out.",
        resumes=True,
        extra="evaluation",
    ),
    Entry("completion", "completion", SHELL, "Print what completes this command in a shell."),
)
ENTRIES = {entry.name: entry for entry in TABLE}


@cache
def load(name: str) -> click.Command:
    """The command of an entry; its help begins with the entry's summary."""
    entry = ENTRIES[name]
    command: click.Command = import_module(f"physiosynth.commands.{entry.module}").command
    command.help = f"{entry.summary}\n\n{cleandoc(command.help or '')}".strip()
    return command


def entry_of(arguments: list[str]) -> Entry | None:
    """The entry that a command line begins with."""
    return next((ENTRIES[name] for name in (" ".join(arguments[:n]) for n in (2, 1)) if name in ENTRIES), None)
