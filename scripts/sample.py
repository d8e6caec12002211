"""Draw synthetic windows of one or more states, or a continuous recording through several, and write them to a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from _command import progress, run
from physiosynth.models.stream_sampling import METHODS

REFERENCE = "reference"
ENDINGS = (".csv", ".npz", ".parquet", ".h5", ".wfdb.zip", ".edf.zip", ".bids.zip")  # of generate.export, which is slow


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", default="default", metavar="DIR|ZIP", help="the bundle (default: the embedded one)")
    parser.add_argument(
        "--condition", default="baseline", metavar="STATE[:WINDOWS],...",
        help="baseline, stress, amusement or meditation, or several such as stress:8,baseline:4 (baseline)",
    )  # fmt: skip
    parser.add_argument("--windows", type=int, default=4, help="how many windows of 30 s of each state (4)")
    parser.add_argument("--seconds", type=int, help="a continuous recording of this length instead of windows")
    parser.add_argument(
        "--schedule",
        metavar="STATE:SECONDS,...",
        help="its states, such as baseline:120,stress:120:heart_rate=95,baseline:60; rates are optional",
    )
    parser.add_argument("--wesad", type=Path, metavar="DIR", help="write the recording as DIR/SUBJECT/SUBJECT.pkl, too")
    parser.add_argument("--subject", default="S901", help="its name there (S901)")
    parser.add_argument("--first-window", type=int, default=0, help="number of the first one, of a single state (0)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same windows (0)")
    parser.add_argument(
        "--heart-rate", type=float, metavar="BPM", help="asked of every window, within the state's range"
    )
    parser.add_argument("--breathing-rate", type=float, metavar="PER_MIN", help="likewise")
    parser.add_argument("--scr-rate", type=float, metavar="PER_MIN", help="skin conductance responses, likewise")
    parser.add_argument("--out", type=Path, metavar="FILE", help=f"ends in one of {', '.join(ENDINGS)}")
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
    from physiosynth.generate.core import WESADGenerator
    from physiosynth.generate.export import format_of, write

    recording = _recording(options)
    counts = _counts(options)
    if options.out is not None:
        format_of(options.out)
    generator = WESADGenerator.from_bundle(options.bundle, options.device)
    for notice in generator.info.notices:
        print(f"note: {notice}", file=sys.stderr)
    calibrator = None
    if options.calibrate:
        calibrator = _calibrator(options.calibrate, generator.info.reference_dir)
        calibrator.check(tuple(counts), generator.info.eda)
    sampling = _sampling(options)
    if recording is not None:
        _record(generator, recording, sampling, options)
        return
    batch = _windows(generator, counts, sampling, options)
    if calibrator is not None:
        batch = calibrator.apply(batch)
    print(f"{write(batch, options.out)}: {len(batch)} windows. {batch.provenance.notice}")


def _counts(options: argparse.Namespace) -> dict[str, int]:
    """How many windows of each state; a recording has a state and no number."""
    from physiosynth.errors import RequestError
    from physiosynth.signals import condition_name

    counts: dict[str, int] = {}
    for part in options.condition.split(","):
        state, _, number = part.strip().partition(":")
        name = condition_name(state)
        if name in counts or (number and not number.isdecimal()):
            raise RequestError(
                f"{part!r}: expected each state once, with a number of windows or none: stress:8,baseline."
            )
        counts[name] = int(number) if number else options.windows
    if len(counts) > 1 and options.first_window:
        raise RequestError("--first-window is for one state; several count their windows from 0.")
    return counts


def _windows(generator, counts: dict[str, int], sampling, options: argparse.Namespace):
    """The windows of each state, one state after another."""
    from physiosynth.generate.core import Targets
    from physiosynth.generate.request import Request

    targets = Targets(options.heart_rate, options.breathing_rate, options.scr_rate)
    numbers = tuple(counts.values())
    request = Request(tuple(counts), numbers, options.seed, sampling, targets, options.first_window)
    bar = progress(", ".join(f"{number} windows of {name}" for name, number in counts.items()))
    return generator.sample(request, on_step=bar)


def _recording(options: argparse.Namespace):
    """The stretches of the recording that is asked for, or None for windows."""
    from physiosynth.errors import RequestError
    from physiosynth.generate.recording import check_subject, schedule_of

    if options.seconds is None and options.schedule is None:
        if options.out is None or options.wesad is not None:
            raise RequestError("Windows go to --out FILE; --wesad needs --seconds or --schedule.")
        return None
    if options.out is None and options.wesad is None:
        raise RequestError("Say where the recording goes: --out FILE, --wesad DIR, or both.")
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
