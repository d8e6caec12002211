"""Print two evaluations side by side and mark the differences outside their intervals."""

from __future__ import annotations

import argparse
from pathlib import Path

from _command import run


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path, help="metrics.json of one run")
    parser.add_argument("second", type=Path, help="metrics.json of the other")
    parser.add_argument("--marked", action="store_true", help="only what differs outside the intervals")
    return parser.parse_args()


def main() -> None:
    options = parse()
    from physiosynth.evaluation.report.compare import as_text, compare, read_metrics

    found = compare(read_metrics(options.first), read_metrics(options.second))
    print(as_text(found, (str(options.first), str(options.second)), options.marked))


if __name__ == "__main__":
    run(main)
