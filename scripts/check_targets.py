"""Measure a generator against its targets: every figure with its floor, its limit, and whether it is met.

The same command goes on with a run that was interrupted. Real windows are measured once for any number of generators
that share --cache.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from _command import run
from physiosynth.runtime import available_cores, prepare_process


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", default="default", metavar="DIR|ZIP", help="the bundle (default: the embedded one)")
    parser.add_argument("--fold", type=Path, required=True, metavar="DIR", help="the fold the bundle was trained on")
    parser.add_argument(
        "--unseen", type=Path, metavar="DIR", help="a fold of another cohort: all its people are unseen"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where results are written and resumed")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="measured windows (OUT/features); may be shared")
    parser.add_argument("--windows", type=int, metavar="N", help="synthetic windows a state and seed (200)")
    parser.add_argument("--seeds", type=numbers, metavar="0,1,2", help="seeds of the synthetic windows (0,1,2)")
    parser.add_argument("--only", type=names, metavar="NAMES", help="targets, with commas (all); see the report's list")
    parser.add_argument("--real", type=int, metavar="N", help="most real windows a state (2000)")
    parser.add_argument("--seen-people", type=int, metavar="N", help="members in the membership attacks (all)")
    parser.add_argument(
        "--steps-reference", type=int, metavar="N", help="evaluations to hold the default against: slow"
    )
    parser.add_argument("--steps-windows", type=int, metavar="N", help="windows a state and seed for that (--windows)")
    parser.add_argument("--quick", action="store_true", help="few windows, one seed, no network: a first look")
    parser.add_argument("--device", help="of the sampler: cpu, cuda ... (a GPU where there is one)")
    return parser.parse_args()


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def main() -> None:
    options = parse()
    prepare_process()
    from tqdm import tqdm

    from physiosynth.evaluation.limit_run import Places, check, settings_of
    from physiosynth.generate.bundle import resolve_bundle
    from physiosynth.generate.core import WESADGenerator

    settings = settings_of(
        options.quick, windows=options.windows, seeds=options.seeds, only=options.only, real=options.real,
        seen_people=options.seen_people, reference_steps=options.steps_reference,
        reference_windows=options.steps_windows, workers=available_cores(),
    )  # fmt: skip
    bundle = resolve_bundle(options.bundle)
    generator = WESADGenerator.from_bundle(bundle, options.device)
    places = Places(options.fold, options.unseen, options.out, options.cache or options.out / "features")
    shape = "{desc}: {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left"
    with tqdm(total=1, unit="‰", file=sys.stderr, dynamic_ncols=True, bar_format=shape) as bar:

        def moved(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        found = check(bundle, generator, places, settings, moved, bar.set_description)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    paths = found.write(options.out)
    judged = [row for row in found.rows if row.met is not None]
    for row in judged:
        if not row.met:
            print(f"{row.verdict}: {row.target}, {row.state}, {row.part}: {row.measured:.3g} (limit {row.limit:.3g})")
    print(f"{sum(row.met for row in judged)} of {len(judged)} figures met", *paths, sep="\n")


if __name__ == "__main__":
    run(main)
