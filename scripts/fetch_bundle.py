"""Fetch a bundle zip from a URL, compare its SHA-256 and unpack it; the bundle's folder is printed."""

from __future__ import annotations

import argparse
import os
import sys
import time

from _command import run
from physiosynth.errors import BundleError, FetchCause

LINE_S = 5.0
CODES = ", ".join(f"{cause.value} {cause.name.lower().replace('_', ' ')}" for cause in FetchCause)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"Exit codes: 0 done, 2 a wrong option or a zip that is refused, {CODES}, 130 interrupted. "
        "After 13 to 15, 17, 20 and 130 the same command may go on where it ended.",
    )
    parser.add_argument("--url", help="http(s):// or file:// (default: $WEIGHTS_ZIP_URL, which no process list shows)")
    parser.add_argument("--sha256", metavar="HEX", help="of the zip (default: $BUNDLE_SHA256)")
    parser.add_argument("--into", metavar="DIR", help="a new or empty folder, or a bundle to replace (a cache)")
    return parser.parse_args()


def main() -> None:
    options = parse()
    url = options.url or os.environ.get("WEIGHTS_ZIP_URL")
    sha256 = options.sha256 or os.environ.get("BUNDLE_SHA256")
    if not url:
        raise BundleError("Expected a URL, found none. Give --url or set WEIGHTS_ZIP_URL.")
    from physiosynth.generate.fetching import fetch_bundle, origin_notices, unverified_allowed

    root = fetch_bundle(url, sha256, options.into, unverified_allowed(), on_progress=_teller())
    for notice in origin_notices(root):
        print(f"note: {notice}", file=sys.stderr)
    print(root)


def _teller():
    """One line that is written over on a terminal, a line every few seconds in a log."""
    on_terminal, told = sys.stderr.isatty(), 0.0

    def tell(progress) -> None:
        nonlocal told
        if on_terminal:
            ended = progress.done == progress.total
            print(f"\r\033[K{progress}", end="\n" if ended else "", file=sys.stderr, flush=True)
        elif time.monotonic() - told >= LINE_S or progress.done == progress.total:
            told = time.monotonic()
            print(progress, file=sys.stderr, flush=True)

    return tell


if __name__ == "__main__":
    run(main)
