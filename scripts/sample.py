"""Draw synthetic windows of a state, or a continuous recording through several, and write them as NPZ or CSV."""

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
    parser.add_argument("--seconds", type=int, help="a continuous recording of this length instead of windows")
    parser.add_argument(
        "--schedule",
        metavar="STATE:SECONDS,...",
        help="its states, such as baseline:120,stress:120:heart_rate=95,baseline:60; rates are optional",
    )
    parser.add_argument("--wesad", type=Path, metavar="DIR", help="write the recording as DIR/SUBJECT/SUBJECT.pkl, too")
    parser.add_argument("--subject", default="S901", help="its name there (S901)")
    parser.add_argument("--first-window", type=int, default=0, help="number of the first one (0)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same windows (0)")
    parser.add_argument(
        "--heart-rate", type=float, metavar="BPM", help="asked of every window, within the state's range"
    )
    parser.add_argument("--breathing-rate", type=float, metavar="PER_MIN", help="likewise")
    parser.add_argument("--scr-rate", type=float, metavar="PER_MIN", help="skin conductance responses, likewise")
    parser.add_argument("--out", type=Path, help="FILE.npz or FILE.csv")
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
    from physiosynth.generate.core import Targets, WESADGenerator
    from physiosynth.generate.export import check_format, write
    from physiosynth.signals import condition_name

    recording = _recording(options)
    if options.out is not None:
        check_format(options.out)
    generator = WESADGenerator.from_bundle(options.bundle, options.device)
    for notice in generator.info.notices:
        print(f"note: {notice}", file=sys.stderr)
    calibrator = None
    if options.calibrate:
        calibrator = _calibrator(options.calibrate, generator.info.reference_dir)
        calibrator.check((condition_name(options.condition),), generator.info.eda)
    sampling = _sampling(options)
    if recording is not None:
        _record(generator, recording, sampling, options)
        return
    batch = generator.sample_batch(
        options.condition,
        options.windows,
        options.seed,
        sampling,
        progress(f"{options.windows} windows of {options.condition}"),
        first_window=options.first_window,
        targets=Targets(options.heart_rate, options.breathing_rate, options.scr_rate),
    )
    if calibrator is not None:
        batch = calibrator.apply(batch)
    print(f"{write(batch, options.out)}: {len(batch)} windows. {batch.provenance.notice}")


def _recording(options: argparse.Namespace):
    """The stretches of the recording that is asked for, or None for windows."""
    from physiosynth.errors import RequestError
    from physiosynth.generate.recording import check_subject, schedule_of

    if options.seconds is None and options.schedule is None:
        if options.out is None or options.wesad is not None:
            raise RequestError("Windows go to --out FILE.npz or FILE.csv; --wesad needs --seconds or --schedule.")
        return None
    if options.out is None and options.wesad is None:
        raise RequestError("Say where the recording goes: --out FILE.npz or FILE.csv, --wesad DIR, or both.")
    if any(rate is not None for rate in (options.heart_rate, options.breathing_rate, options.scr_rate)):
        raise RequestError("Rates of a recording belong to its stretches: --schedule stress:120:heart_rate=95.")
    if options.calibrate:
        raise RequestError("--calibrate matches windows; a recording keeps the levels it was drawn with. Leave it out.")
    if options.wesad is not None:
        check_subject(options.wesad, options.subject)
    return schedule_of(options.schedule, options.seconds, options.condition)


def _record(generator, schedule, sampling, options: argparse.Namespace) -> None:
    from physiosynth.generate.export import write
    from physiosynth.generate.recording import write_wesad

    recording = generator.sample_recording(schedule, options.seed, sampling, progress("recording", "window"))
    paths = [] if options.out is None else [write(recording, options.out)]
    if options.wesad is not None:
        paths.append(write_wesad(recording, options.wesad, options.subject))
    print(f"{', '.join(map(str, paths))}: {recording.seconds} s. {recording.provenance.notice}")


def _sampling(options: argparse.Namespace):
    from physiosynth.generate.core import Sampling

    return Sampling(
        low_steps=_first(options.low_steps, options.steps),
        ecg_steps=_first(options.ecg_steps, options.steps),
        low_guidance=_first(options.low_guidance, options.guidance),
        ecg_guidance=_first(options.ecg_guidance, options.guidance),
        method=options.method,
    )


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
