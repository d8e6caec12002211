"""Options, and types of options, that several commands have."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


class Whole(click.IntRange):
    """A whole number, shown as N."""

    name = "N"


class Number(click.FloatRange):
    """A number, shown as X."""

    name = "X"


class Text(click.ParamType):
    """Text that a function turns into a value; its ValueError says what was expected and found."""

    name = "text"

    def __init__(self, read: Callable[[str], Any]) -> None:
        self.read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value of a text; a default that is none already is taken as it is."""
        if not isinstance(value, str):
            return value
        try:
            return self.read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Several(click.Command):
    """A command without arguments whose repeatable options also take several values at once: --tasks stress states."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write each further value behind its option again, as click wants it."""
        names = {name for each in self.params if isinstance(each, click.Option) and each.multiple for name in each.opts}
        written: list[str] = []
        option = None
        for word in args:
            if word.startswith("-"):
                option = word if word in names else None
            elif option and written[-1] != option:
                written.append(option)
            written.append(word)
        return super().parse_args(ctx, written)


class Renamed(click.Command):
    """A command whose options had other names: those still work, are not in the help, and a note names the new one.

    old: the present name of each old one.
    """

    def __init__(self, *args: Any, old: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.old = old

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read old names as the present ones."""
        return super().parse_args(ctx, [self._present(word) for word in args])

    def _present(self, word: str) -> str:
        name, equals, value = word.partition("=")
        if name not in self.old:
            return word
        print(f"note: {name} is now called {self.old[name]}; the old name will go.", file=sys.stderr)
        return f"{self.old[name]}{equals}{value}"


def names(text: str) -> tuple[str, ...]:
    """'a, b' as ("a", "b")."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def exclusive(*options: str, required: bool = False) -> None:
    """Raises UsageError where more than one of the running command's options was given, or none that is required."""
    context = click.get_current_context()
    parameters = {name: each.name for each in context.command.params for name in each.opts}
    sources = {name: context.get_parameter_source(parameters[name]) for name in options}
    given = [name for name, source in sources.items() if source is click.core.ParameterSource.COMMANDLINE]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other. Give one of them.", context)
    if required and not given:
        raise click.UsageError(f"Expected one of {', '.join(options)}, found none.", context)


PATH = click.Path(path_type=Path)
SEED, COUNT = Whole(0), Whole(1)

bundle = click.option(
    "--bundle", default="default", metavar="DIR|ZIP", help="the bundle; 'default' is the embedded one"
)
device = click.option("--device", metavar="NAME", help="cpu, cuda ... (a GPU where there is one)")
