"""Make a virtual cohort: subject pickles in WESAD's layout from a simulator, with the ground truth beside each."""

from __future__ import annotations

import argparse
from pathlib import Path

from _command import progress, run


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write S2/S2.pkl, S3/S3.pkl, ... into")
    parser.add_argument("--subjects", type=int, default=15, help="how many (15: S2-S11 and S13-S17, as in WESAD)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same subjects (0)")
    parser.add_argument(
        "--minutes-scale", type=float, default=1.0, help="length of the session, 1 is about an hour (1.0)"
    )
    parser.add_argument("--jobs", type=int, default=None, help="processes, about 0.4 GB of memory each (all cores)")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    from physiosynth.datasets.virtual_cohort import CohortSettings, write_cohort

    settings = CohortSettings(options.subjects, options.seed, options.minutes_scale)
    paths = write_cohort(options.out, settings, options.jobs, progress("virtual subjects", "subject"))
    size = sum(file.stat().st_size for path in paths.values() for file in path.parent.iterdir())
    print(f"{len(paths)} virtual subjects in {options.out}, {size / 1e6:.0f} MB. They are synthetic.")


if __name__ == "__main__":
    run(main)
