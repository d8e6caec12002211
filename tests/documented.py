"""The commands that README.md and docs/ tell a reader to type, and a way to run them in this process.

A comment `<!-- tried with --windows 2 -->` before a block or command gives options that are added where it is tried,
for less work; in `<!-- tried with; train: --threads 1; sample: --windows 2 -->` each is for the command of that name.
A block under `<!-- not tried: why -->` is only read.
"""

import re
import runpy
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from places import ROOT

DOCUMENTS = ("README.md", "docs/TASKS.md", "docs/DATA_CARD.md", "docs/MODEL_CARD.md", "docs/EVALUATION.md")
_NOTE = r"<!-- (tried with|not tried)([^>]*)-->\s*"
_BLOCK = re.compile(rf"(?:{_NOTE})?```bash\n(.*?)```", re.DOTALL)
_INLINE = re.compile(rf"(?:{_NOTE})?`(python scripts/[^`]+)`")
_LOOP = re.compile(r"for (\w+) in ([^;]+); do\n(.*?)done\n", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A line `python scripts/NAME.py ...`: name, its arguments, those added where it is tried, and whether it is."""

    name: str
    arguments: tuple[str, ...]
    added: tuple[str, ...] = ()
    tried: bool = False

    @property
    def words(self):
        return f"{self.name} {' '.join(self.arguments)}"


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
        if words[:1] == ["python"] and words[1].startswith("scripts/"):
            name = Path(words[1]).stem
            tried = kind == "tried with"
            yield Command(name, tuple(words[2:]), _added(note, name) if tried else (), tried)


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


def script(name, monkeypatch):
    """The names that a script defines, with what it imports from its own folder."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return runpy.run_path(str(ROOT / "scripts" / f"{name}.py"), run_name="documented")


def call(command, monkeypatch):
    """Run a command with its added options in this process and folder; fails where it ends with an error."""
    monkeypatch.setattr(sys, "argv", [command.name, *command.arguments, *command.added])
    assert not script(command.name, monkeypatch)["main"](), command.words
