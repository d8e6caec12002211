"""Start the page in a container: find and verify the bundle, then become the server. README.md lists the exit codes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from physiosynth.commands.main import guarded


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--check", action="store_true", help="find and verify the bundle, and do not start")
    asked.add_argument("--health", action="store_true", help="end with 0 if the page here is ready, else with 1")
    return parser.parse_args()


def main() -> int | None:
    options = parse()
    if options.health:
        from physiosynth.dashboard.server.health import healthy

        return 0 if healthy() else 1
    from physiosynth.dashboard.server import start_up as starting

    start = starting.prepare(Path.cwd(), lambda line: print(line, file=sys.stderr, flush=True))
    if not options.check:
        starting.serve(start)
    return None


if __name__ == "__main__":
    sys.exit(guarded(main))
