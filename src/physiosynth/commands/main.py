"""From a command line to an exit code: a user's mistake becomes one plain message, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import groupby

import click

from physiosynth import __version__
from physiosynth.commands.table import ENTRIES, TABLE, Entry, entry_of, load
from physiosynth.errors import PhysiosynthError
from physiosynth.extras import install_hint, missing_module

OK, FAILED, INTERRUPTED = 0, 2, 130
UNFINISHED = "Nothing was finished."
RESUMES = "Finished parts are kept; the same command continues from there."
NO_ENTRY = Entry("", "", "", "")
SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100}


class Commands(click.Group):
    """The commands of the table that begin with the words `under`; a command's file is imported when it is called."""

    def __init__(self, *under: str, help: str) -> None:
        super().__init__(under[-1] if under else "physiosynth", help=help, context_settings=SETTINGS)
        self.under = under

    def _entries(self, *words: str) -> list[tuple[str, ...]]:
        wanted = (*self.under, *words)
        return [entry.words for entry in TABLE if entry.words[: len(wanted)] == wanted]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The next words, each once, in the table's order."""
        return list(dict.fromkeys(words[len(self.under)] for words in self._entries()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, or the group of those that go on after it."""
        words = (*self.under, cmd_name)
        if (name := " ".join(words)) in ENTRIES:
            return load(name)
        return Commands(*words, help=f"Commands on a {cmd_name}.") if self._entries(cmd_name) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and summaries under the table's headings."""
        entries = [ENTRIES[" ".join(words)] for words in self._entries()]
        for section, group in groupby(entries, key=lambda entry: entry.section):
            with formatter.section(section):
                formatter.write_dl([(" ".join(each.words[len(self.under) :]), each.summary) for each in group])


physiosynth = click.version_option(__version__, prog_name="physiosynth")(
    Commands(help="Synthetic ECG, EDA and respiration: generate, evaluate, train. Not for clinical use.")
)


def main(arguments: Sequence[object] | None = None) -> int:
    """Run one command line and give its exit code.

    0 when done, 2 or the error's own code for a user's mistake, 130 when interrupted; a command may return another.
    """
    words = [str(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    return guarded(
        lambda: physiosynth.main(words, prog_name="physiosynth", standalone_mode=False), entry_of(words) or NO_ENTRY
    )


def guarded(call: Callable[[], int | None], entry: Entry = NO_ENTRY) -> int:
    """The exit code of a call, as main gives it; entry: the command that it is, for the messages."""
    try:
        return call() or OK
    except PhysiosynthError as error:
        return _ended(str(error), error.exit_code)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "physiosynth"
        return _ended(f"{error.format_message()} See '{path} --help'.", FAILED)
    except (click.Abort, KeyboardInterrupt):
        print(f"Interrupted. {RESUMES if entry.resumes else UNFINISHED}", file=sys.stderr)
        return INTERRUPTED
    except ModuleNotFoundError as error:
        if (module := missing_module(error)) is None:
            raise
        return _ended(install_hint(f"physiosynth {entry.name}", module, entry.extra), FAILED)
    except OSError as error:
        if error.filename is None:
            raise
        return _ended(f"{error.filename}: {error.strerror}.", FAILED)


def _ended(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code


def run(*words: str) -> None:
    """Run the command that the words and this process's arguments make, and exit."""
    sys.exit(main([*words, *sys.argv[1:]]))
