"""Draw synthetic windows of a state and write them as NPZ or CSV."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from _command import progress, run
from physiosynth.models.stream_sampling import METHODS

REFERENCE = "reference"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", default="default", metavar="DIR|ZIP", help="the bundle (default: the embedded one)")
    parser.add_argument("--condition", default="baseline", help="baseline, stress, amusement or meditation (baseline)")
    parser.add_argument("--windows", type=int, default=4, help="how many windows of 30 s (4)")
    parser.add_argument("--first-window", type=int, default=0, help="number of the first one (0)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same windows (0)")
    parser.add_argument("--out", type=Path, required=True, help="FILE.npz or FILE.csv")
    parser.add_argument("--steps", type=int, help="steps of both streams (what the bundle says)")
    parser.add_argument("--low-steps", type=int, help="of EDA and respiration")
    parser.add_argument("--ecg-steps", type=int, help="of the ECG")
    parser.add_argument("--guidance", type=float, metavar="W", help="of both streams; 0 is none (what the bundle says)")
    parser.add_argument("--low-guidance", type=float, metavar="W", help="of EDA and respiration")
    parser.add_argument("--ecg-guidance", type=float, metavar="W", help="of the ECG")
    parser.add_argument("--method", choices=METHODS, help="(what the bundle says)")
    parser.add_argument(
        "--calibrate", nargs="?", const=REFERENCE, metavar="JSON",
        help="match amplitudes to the bundle's reference windows, or to targets in a JSON file",
    )  # fmt: skip
    parser.add_argument("--device", help="cpu, cuda ... (a GPU where there is one)")
    return parser.parse_args()


def main() -> None:
    options = parse()
    from physiosynth.generate.core import Sampling, WESADGenerator
    from physiosynth.generate.export import check_format, write
    from physiosynth.signals import condition_name

    check_format(options.out)
    generator = WESADGenerator.from_bundle(options.bundle, options.device)
    for notice in generator.info.notices:
        print(f"note: {notice}", file=sys.stderr)
    calibrator = None
    if options.calibrate:
        calibrator = _calibrator(options.calibrate, generator.info.reference_dir)
        calibrator.check((condition_name(options.condition),), generator.info.eda)
    sampling = Sampling(
        low_steps=_first(options.low_steps, options.steps),
        ecg_steps=_first(options.ecg_steps, options.steps),
        low_guidance=_first(options.low_guidance, options.guidance),
        ecg_guidance=_first(options.ecg_guidance, options.guidance),
        method=options.method,
    )
    batch = generator.sample_batch(
        options.condition,
        options.windows,
        options.seed,
        sampling,
        progress(f"{options.windows} windows of {options.condition}"),
        first_window=options.first_window,
    )
    if calibrator is not None:
        batch = calibrator.apply(batch)
    print(f"{write(batch, options.out)}: {len(batch)} windows. {batch.provenance.notice}")


def _first(*values):
    return next((value for value in values if value is not None), None)


def _calibrator(source: str, reference_dir: Path | None):
    """Targets from a JSON file, or measured on the bundle's reference windows."""
    from physiosynth.errors import CalibrationError
    from physiosynth.evaluation.wesad_real import RealWESADPreparer
    from physiosynth.generate.calibration import WESADCalibrator

    if source != REFERENCE:
        return WESADCalibrator.load(source)
    if reference_dir is None:
        raise CalibrationError("The bundle holds no reference windows. Give --calibrate a JSON file of targets.")
    real = RealWESADPreparer(reference_dir).load()
    name = f"{real.source} reference windows of {reference_dir.name}"
    return WESADCalibrator.from_real(real.fused, real.conditions, real.eda, name)


if __name__ == "__main__":
    run(main)
