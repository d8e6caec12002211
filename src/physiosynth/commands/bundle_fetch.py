"""physiosynth bundle fetch --url URL --sha256 HEX."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import click

from physiosynth.errors import FetchCause

LINE_S = 5.0
CODES = ", ".join(f"{cause.value} {cause.name.lower().replace('_', ' ')}" for cause in FetchCause)


@click.command(
    epilog=f"Exit codes: 0 done, 2 a wrong option or a zip that is refused, {CODES}, 130 interrupted. After 13 to 15, "
    "17, 20 and 130 the same command may continue where it ended."
)
@click.option(
    "--url",
    envvar="WEIGHTS_ZIP_URL",
    required=True,
    metavar="URL",
    show_envvar=True,
    help="http(s):// or file://; as a variable, it is not shown in a list of processes",
)
@click.option("--sha256", envvar="BUNDLE_SHA256", metavar="HEX", show_envvar=True, help="SHA-256 of the zip")
@click.option("--into", metavar="DIR", help="a new or empty folder, or a bundle to replace (a cache)")
def command(url: str, sha256: str | None, into: str | None) -> None:
    """The bundle is unpacked once its SHA-256 is the expected one; its folder is printed."""
    from physiosynth.bundles.fetching import fetch_bundle, origin_notices, unverified_allowed

    root = fetch_bundle(url, sha256, into, unverified_allowed(), on_progress=_teller())
    for notice in origin_notices(root):
        print(f"note: {notice}", file=sys.stderr)
    print(root)


def _teller() -> Callable[[Any], None]:
    """One line that is written over on a terminal, a line every few seconds in a log."""
    on_terminal, told = sys.stderr.isatty(), 0.0

    def tell(progress: Any) -> None:
        nonlocal told
        if on_terminal:
            ended = progress.done == progress.total
            print(f"\r\033[K{progress}", end="\n" if ended else "", file=sys.stderr, flush=True)
        elif time.monotonic() - told >= LINE_S or progress.done == progress.total:
            told = time.monotonic()
            print(progress, file=sys.stderr, flush=True)

    return tell
