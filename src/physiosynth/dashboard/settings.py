"""What an operator sets by environment variables: the model, and what visitors may ask for and look at."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from physiosynth.bundles.layout import DEFAULT
from physiosynth.errors import RequestError

PREFIX = "PHYSIOSYNTH_"
ON, OFF = ("1", "on", "true", "yes"), ("0", "off", "false", "no")


@dataclass(frozen=True)
class Settings:
    """The page's settings; the variable of a field is PHYSIOSYNTH_ and its name in capitals.

    bundle: folder or zip of the model, or "default"; bundle_words: where it came from, for the page; paths: visitors
    may name other folders of the server, below roots; max_windows, max_steps: of one request, the latter of each
    stream; max_work: windows times network evaluations of one request; max_waiting: runs that may wait for their turn;
    max_upload_mb: largest file that a visitor may bring, 0 for none at all.
    """

    bundle: str = DEFAULT
    bundle_words: str = ""
    paths: bool = True
    roots: tuple[Path, ...] = ()
    max_windows: int = 64
    max_steps: int = 1000
    max_work: int = 150_000
    max_waiting: int = 16
    max_upload_mb: int = 50


def settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings as the environment has them now. Raises RequestError for a value that cannot be meant."""
    environment = os.environ if environment is None else environment
    given = {}
    for field in fields(Settings):
        variable = PREFIX + field.name.upper()
        text = environment.get(variable, "").strip()
        if text:
            given[field.name] = _value(variable, text, field.default, 0 if field.name == "max_upload_mb" else 1)
    given.setdefault("roots", _usual_roots())
    return Settings(**given)


def _value(variable: str, text: str, default: object, least: int) -> object:
    if isinstance(default, bool):
        if text.lower() not in ON + OFF:
            raise RequestError(f"{variable}: expected on or off, found {text!r}.")
        return text.lower() in ON
    if isinstance(default, int):
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise RequestError(f"{variable}: expected a whole number from {least}, found {text!r}.")
        return int(text)
    if isinstance(default, tuple):
        return tuple(Path(part).expanduser().resolve() for part in text.split(os.pathsep) if part)
    return text


def _usual_roots() -> tuple[Path, ...]:
    """Where a person at their own machine keeps data: the project, their home and the temporary folder."""
    roots = [Path.cwd(), Path(tempfile.gettempdir())]
    try:
        roots.append(Path.home())
    except RuntimeError:  # a user without a home
        pass
    # A home of "/" (a user made without one) would allow everything.
    return tuple(root.resolve() for root in roots if root.resolve() != Path(root.anchor))
