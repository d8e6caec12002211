"""Verify an inference bundle: one line a check, each naming the file at fault; exit code 0 when none failed, else 1."""

from __future__ import annotations

import argparse
from pathlib import Path

from _command import progress, run


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", metavar="DIR|ZIP", type=Path, help="a bundle's folder or zip")
    parser.add_argument("--max-files", type=int, metavar="N", help="files a zip may hold (20000)")
    parser.add_argument("--max-bytes", type=int, metavar="N", help="bytes a zip may unpack to (16 GiB)")
    parser.add_argument(
        "--max-ratio", type=float, metavar="N", help="how many times its size a zip may unpack to (200)"
    )
    return parser.parse_args()


def main() -> int:
    options = parse()
    from physiosynth.families.table import checks_of
    from physiosynth.generate.archive import UnpackLimits
    from physiosynth.generate.verification import failures, verify

    asked = {"files": options.max_files, "total_bytes": options.max_bytes, "ratio": options.max_ratio}
    limits = UnpackLimits(**{name: value for name, value in asked.items() if value is not None})
    results = verify(options.bundle, checks_of, limits, progress("verify", "check"))
    for check in results:
        print(check.line())
    return 1 if failures(results) else 0


if __name__ == "__main__":
    run(main)
