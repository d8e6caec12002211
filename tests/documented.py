"""The commands that README.md and docs/ tell a reader to type, and a way to run them in this process.

A comment `<!-- tried with --windows 2 -->` before a block or command gives options that are added where it is tried,
for less work; in `<!-- tried with; train: --threads 1; sample: --windows 2 -->` each is for the command of that name.
A block under `<!-- not tried: why -->` is only read.
"""

import re
import shlex
import sys
from dataclasses import dataclass

from physiosynth.commands.main import main
from physiosynth.commands.table import entry_of, load
from places import ROOT

DOCUMENTS = (
    "README.md",
    "docs/TASKS.md",
    "docs/DATA_CARD.md",
    "docs/MODEL_CARD.md",
    "docs/EVALUATION.md",
    "docs/GLOSSARY.md",
)
_NOTE = r"<!-- (tried with|not tried)([^>]*)-->\s*"
_BLOCK = re.compile(rf"(?:{_NOTE})?```bash\n(.*?)```", re.DOTALL)
_INLINE = re.compile(rf"(?:{_NOTE})?`(physiosynth [^`]+)`")
_LOOP = re.compile(r"for (\w+) in ([^;]+); do\n(.*?)done\n", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A line `physiosynth NAME ...`: name, its arguments, those added where it is tried, and whether it is."""

    name: str
    arguments: tuple[str, ...]
    added: tuple[str, ...] = ()
    tried: bool = False

    @property
    def words(self):
        return f"{self.name} {' '.join(self.arguments)}"

    @property
    def line(self):
        """What another process is started with."""
        return [sys.executable, "-m", "physiosynth", *self.name.split(), *self.arguments, *self.added]


def section(document, heading=""):
    """The text under a heading of a document, up to the next one of any level; all of it without a heading."""
    text = (ROOT / document).read_text(encoding="utf-8")
    if not heading:
        return text
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"{document} has no heading {heading!r}"
    return found.group(1)


def commands(text):
    """Every command of a text, in its order, loops of the shell written out."""
    found = [(match.start(), *match.groups()) for match in _BLOCK.finditer(text)]
    rest = _BLOCK.sub(lambda match: " " * len(match.group()), text)
    found += [(match.start(), *match.groups()) for match in _INLINE.finditer(rest)]
    return [each for _, kind, note, block in sorted(found, key=lambda at: at[0]) for each in _lines(kind, note, block)]


def tried(text):
    """Those of them that are tried."""
    return [command for command in commands(text) if command.tried]


def _lines(kind, note, block):
    block = _LOOP.sub(_written_out, block.replace("\\\n", " "))
    for line in block.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] != ["physiosynth"] or words[1:2] == ["--help"]:
            continue
        entry = entry_of(words[1:])
        assert entry, f"there is no command {line!r}"
        arguments = words[1 + len(entry.words) :]
        if not arguments:  # a mention
            continue
        tried = kind == "tried with"
        yield Command(entry.name, tuple(arguments), _added(note, entry.name) if tried else (), tried)


def _written_out(loop):
    variable, values, body = loop.groups()
    return "".join(body.replace(f"${variable}", value) for value in values.split())


def _added(note, name):
    every, *some = note.split(";")
    options = shlex.split(every)
    for part in some:
        command, _, more = part.partition(":")
        if command.strip() == name:
            options += shlex.split(more)
    return tuple(options)


def check_options(command):
    """Parse a command's arguments without running it; raises UsageError where it does not take them."""
    load(command.name).make_context(command.name, list(command.arguments))


def call(command):
    """Run a command with its added options in this process and folder; fails where it ends with an error."""
    assert main([*command.name.split(), *command.arguments, *command.added]) == 0, command.words
