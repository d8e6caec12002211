"""Judge synthetic windows against real ones: scores with floors and controls, tables and a page to read.

The windows are drawn from a bundle, or come from an NPZ file of any tool. The same command goes on with a run that was
interrupted.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from _command import progress, run
from physiosynth.runtime import available_cores, prepare_process

PARTS, WINDOWS = "parts", "windows"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--bundle", default="default", metavar="DIR|ZIP", help="the bundle (default: the embedded one)")
    source.add_argument("--synthetic", type=Path, metavar="FILE.npz", help="arrays ecg, eda, resp, states")
    parser.add_argument("--fold", type=Path, metavar="DIR", help="fold of the real windows (the bundle's own)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where results are written and resumed")
    parser.add_argument("--quick", action="store_true", help="fewer windows and draws: about a minute on two cores")
    parser.add_argument("--windows", type=int, metavar="N", help="windows a state (256; 64 with --quick)")
    parser.add_argument("--seed", type=int, default=0, help="of windows, splits and classifiers (0)")
    parser.add_argument("--controls", action="store_true", help="score noise and simulators beside the windows, too")
    parser.add_argument("--seen", metavar="S2,S3", help="with --synthetic: subjects that their generator has seen")
    parser.add_argument("--device", help="of the sampler: cpu, cuda ... (a GPU where there is one)")
    return parser.parse_args()


def main() -> None:
    options = parse()
    prepare_process()
    from physiosynth.evaluation.plan import full_settings, quick_settings
    from physiosynth.evaluation.report import write_report
    from physiosynth.evaluation.run import run as judge

    make = quick_settings if options.quick else full_settings
    settings = make(options.windows, seed=options.seed, controls=options.controls, workers=available_cores())
    inputs = _from_file(options, settings) if options.synthetic else _from_bundle(options, settings)
    for note in inputs.notes:
        print(f"note: {note}", file=sys.stderr)
    bar = _bar()
    with bar:
        found = judge(
            inputs,
            options.out / PARTS,
            settings,
            on_step=lambda done, total: _moved(bar, done, total),
            on_stage=lambda stage: bar.set_description(stage),
        )
    page = write_report(found, options.out, progress("report", "figure"))
    print(f"{page}\n{options.out / 'metrics.json'}")


def _from_file(options: argparse.Namespace, settings):
    from physiosynth.errors import RequestError
    from physiosynth.evaluation.inputs import from_file, thinned

    if options.fold is None:
        raise RequestError("Windows from a file need real ones to be held against: give --fold DIR.")
    real = _reference(options.fold, settings)
    seen = None if options.seen is None else [name.strip() for name in options.seen.split(",") if name.strip()]
    synthetic, notes = from_file(options.synthetic, real.fold, seen)
    origin = {"file": options.synthetic.name, "fold": real.fold.path.name}
    synthetic = thinned(synthetic, settings.windows, settings.seed)
    return real.inputs(synthetic, None, origin, (*real.fold.notices, *notes))


def _reference(fold: Path, settings):
    from physiosynth.evaluation.inputs import reference

    return reference(fold, settings.windows, settings.train_windows, settings.seed, settings.outsiders, settings.known)


def _from_bundle(options: argparse.Namespace, settings):
    from physiosynth.errors import RequestError
    from physiosynth.evaluation.inputs import Networks, config_of, drawn, seen_by
    from physiosynth.generate.bundle import resolve_bundle
    from physiosynth.generate.core import WESADGenerator

    bundle = resolve_bundle(options.bundle)
    generator = WESADGenerator.from_bundle(bundle, options.device)
    info = generator.info
    where = options.fold or info.reference_dir
    if where is None:
        raise RequestError("The bundle holds no real windows: give --fold DIR.")
    real = _reference(where, settings)
    fold = real.fold
    seen, note = seen_by(info.fold, config_of(info.reference_dir), fold)
    step = progress("drawing windows", "‰")
    folder = options.out / WINDOWS
    synthetic = drawn(generator, real.real.present_states, settings.windows, settings.seed, folder, seen, on_step=step)
    origin = {
        "bundle": str(options.bundle), "bundle_sha256": info.bundle_sha256, "checkpoint": info.checkpoint.name,
        "epoch": info.epoch, "trained_on": info.source, "sampling": vars(info.defaults), "fold": fold.path.name,
    }  # fmt: skip
    notes = tuple(dict.fromkeys((*info.notices, *fold.notices, *([note] if note else []))))
    return real.inputs(synthetic, Networks.of_bundle(bundle, generator), origin, notes)


def _bar():
    from tqdm import tqdm

    return tqdm(total=1, unit="‰", file=sys.stderr, dynamic_ncols=True, bar_format=(
        "{desc}: {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left"
    ))  # fmt: skip


def _moved(bar, done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)


if __name__ == "__main__":
    run(main)
