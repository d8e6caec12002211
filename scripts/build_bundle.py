"""Make an inference bundle out of a training run and its fold, and print its SHA-256."""

from __future__ import annotations

import argparse
from pathlib import Path

from _command import progress, run


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="the folder scripts/train.py wrote")
    parser.add_argument("--fold", type=Path, required=True, help="the fold directory it was trained on")
    parser.add_argument("--out", type=Path, required=True, help="FILE.zip, or a folder for an unpacked bundle")
    parser.add_argument("--checkpoint", type=Path, help="weights other than the best milestone's")
    parser.add_argument(
        "--reference-windows",
        type=int,
        default=24,
        metavar="N",
        help="test windows kept of each state; 0 keeps all (24)",
    )
    parser.add_argument("--float32", action="store_true", help="store the weights in full, in twice the space")
    return parser.parse_args()


def main() -> None:
    options = parse()
    from physiosynth.generate.building import build_bundle

    built = build_bundle(
        options.run,
        options.fold,
        options.out,
        options.reference_windows or None,
        not options.float32,
        options.checkpoint,
        progress("bundle", "part"),
    )
    print(f"{built.path}: {built.size_bytes / 1e6:.1f} MB")
    print(f"SHA-256 {built.sha256}")


if __name__ == "__main__":
    run(main)
