"""Draw again what a file of synthetic signals says it holds, and check that every sample is the same.

Ends with 0 where it is, 1 where it is not, 2 where the file or the bundle cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from _command import progress, run

OTHER = 1  # exit code: drawn again, and not the same


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="written by sample.py or the page, in any of their formats")
    parser.add_argument(
        "--bundle",
        default="default",
        metavar="DIR|ZIP",
        help="the bundle it was drawn with (default: the embedded one)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the signals that were drawn again")
    parser.add_argument("--device", help="cpu, cuda ... (a GPU where there is one)")
    return parser.parse_args()


def main() -> int:
    options = parse()
    from physiosynth.generate.bundle import resolve_bundle
    from physiosynth.generate.export import format_of, read, write
    from physiosynth.generate.reproducing import check_bundle, compare, reproduce

    if options.out is not None:
        format_of(options.out)
    stored = read(options.file)
    bundle = resolve_bundle(options.bundle)
    check_bundle(stored.provenance, bundle.sha256)

    from physiosynth.generate.core import WESADGenerator

    generator = WESADGenerator.from_bundle(bundle, options.device)
    drawn = reproduce(stored.provenance, generator, progress(options.file.name))
    if options.out is not None:
        print(f"{write(drawn, options.out)}: drawn again.")
    found = compare(stored, drawn)
    verdict = "identical" if found.identical else "NOT identical"
    print(f"{options.file.name}: {verdict}. Largest differences: {found.words}.")
    if found.identical:
        return 0
    before, now = ((p.version, p.made_with) for p in (stored.provenance, drawn.provenance))
    if before != now:
        told = "drawn by physiosynth {} on {}".format
        print(f"The file was {told(*before)}; now {told(*now)}: last bits may depend on it.", file=sys.stderr)
    return OTHER


if __name__ == "__main__":
    run(main)
