"""physiosynth sample --out FILE."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from physiosynth.commands import options
from physiosynth.commands.bars import Bar
from physiosynth.diffusion.stream_sampling import METHODS

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.batch import Sampling
    from physiosynth.families.wearable.data.synthetic_recording import Stretch
    from physiosynth.families.wearable.generator.amplitude_matching import AmplitudeMatcher
    from physiosynth.families.wearable.generator.generator import WESADGenerator
    from physiosynth.families.wearable.generator.request import Request

WINDOWS, REFERENCE = 4, "reference"
ENDINGS = (".csv", ".npz", ".parquet", ".h5", ".wfdb.zip", ".edf.zip", ".bids.zip")  # of generate.export, which is slow
OLD = {"--low-steps": "--slow-steps", "--low-guidance": "--slow-guidance", "--calibrate": "--match-amplitudes"}
STEPS, GUIDANCE = options.Whole(1, 1000), options.Number(0)


@click.command(cls=options.Renamed, old=OLD)
@options.bundle
@click.option(
    "--condition",
    default="baseline",
    metavar="STATE[:WINDOWS],...",
    help="baseline, stress, amusement or meditation, or several such as stress:8,baseline:4",
)
@click.option("--windows", type=options.COUNT, help="windows of 30 s", show_default=f"{WINDOWS} per state")
@click.option("--seconds", type=options.COUNT, help="a continuous recording of this length instead of windows")
@click.option(
    "--schedule",
    metavar="STATE:SECONDS,...",
    help="a recording through states, such as baseline:120,stress:120:heart_rate=95,baseline:60",
)
@click.option("--wesad", type=options.PATH, metavar="DIR", help="also write the recording as DIR/SUBJECT/SUBJECT.pkl")
@click.option("--subject", default="S901", metavar="NAME", help="the subject's name in --wesad DIR")
@click.option("--first-window", type=options.Whole(0), default=0, help="index of the first window, for a single state")
@click.option("--seed", type=options.SEED, default=0, help="the same seed gives the same windows")
@click.option(
    "--heart-rate", type=float, metavar="BPM", help="target heart rate of every window, within the state's range"
)
@click.option("--breathing-rate", type=float, metavar="PER_MIN", help="target respiratory rate")
@click.option("--scr-rate", type=float, metavar="PER_MIN", help="target rate of skin conductance responses")
@click.option("--out", type=options.PATH, metavar="FILE", help=f"ends in one of {', '.join(ENDINGS)}")
@click.option("--steps", type=STEPS, help="denoising steps of the slow signals and the ECG (the bundle's)")
@click.option("--slow-steps", "low_steps", type=STEPS, help="of the slow signals (EDA, respiration, RR)")
@click.option("--ecg-steps", type=STEPS, help="of the ECG")
@click.option("--guidance", type=GUIDANCE, help="guidance scale of both; 0 is off (the bundle's)")
@click.option("--slow-guidance", "low_guidance", type=GUIDANCE, help="of the slow signals")
@click.option("--ecg-guidance", type=GUIDANCE, help="of the ECG")
@click.option("--method", type=click.Choice(METHODS), help="sampler (the bundle's)")
@click.option(
    "--match-amplitudes",
    is_flag=False,
    flag_value=REFERENCE,
    metavar="[JSON]",
    help="match amplitudes to the bundle's reference windows, or to targets in a JSON file",
)
@options.device
def command(**given: object) -> None:
    """The output file's name chooses its format. Window i of a seed is the same whatever else is drawn with it."""
    from physiosynth.families.wearable.export import format_of
    from physiosynth.families.wearable.generator.generator import WESADGenerator
    from physiosynth.files import check_writable

    asked = SimpleNamespace(**given)
    sampling = _sampling(asked)
    recording = _recording(asked)
    request = _request(asked, sampling) if recording is None else None
    if asked.out is not None:
        format_of(asked.out)
        check_writable(asked.out)
    if asked.wesad is not None:
        check_writable(asked.wesad / asked.subject / "recording")
    generator = WESADGenerator.from_bundle(asked.bundle, asked.device)
    for notice in generator.info.notices:
        print(f"note: {notice}", file=sys.stderr)
    if request is not None:
        _draw(generator, request, asked)
    elif recording is not None:
        _record(generator, recording, sampling, asked)


def _request(asked: SimpleNamespace, sampling: Sampling) -> Request:
    """The windows of each state, with what they are to have."""
    from physiosynth.errors import RequestError
    from physiosynth.families.wearable.data.batch import Targets
    from physiosynth.families.wearable.generator.request import Request

    counts: dict[str, int] = {}
    for part in asked.condition.split(","):
        state, _, number = part.strip().partition(":")
        if state in counts or (number and not number.isdecimal()):
            raise RequestError(
                f"{part!r}: expected each state once, with a number of windows or none: stress:8,baseline."
            )
        counts[state] = int(number) if number else asked.windows or WINDOWS
    if len(counts) > 1 and asked.first_window:
        raise RequestError("--first-window is for one state; several count their windows from 0.")
    rates = Targets(asked.heart_rate, asked.breathing_rate, asked.scr_rate)
    request = Request(tuple(counts), tuple(counts.values()), asked.seed, sampling, rates, asked.first_window)
    request.numbered()
    return request


def _sampling(asked: SimpleNamespace) -> Sampling:
    """The settings of both streams; those of one stream count before the common ones."""
    from physiosynth.families.wearable.data.batch import Sampling

    def first(*values: Any) -> Any:
        return next((value for value in values if value is not None), None)

    return Sampling(
        low_steps=first(asked.low_steps, asked.steps),
        ecg_steps=first(asked.ecg_steps, asked.steps),
        low_guidance=first(asked.low_guidance, asked.guidance),
        ecg_guidance=first(asked.ecg_guidance, asked.guidance),
        method=asked.method,
    )


def _draw(generator: WESADGenerator, request: Request, asked: SimpleNamespace) -> None:
    """Write windows of each state, one state after another."""
    from physiosynth.families.wearable.export import write

    matcher = None
    if asked.match_amplitudes:
        matcher = _matcher(asked.match_amplitudes, generator.info.reference_dir)
        matcher.check(request.conditions, generator.info.eda)
    label = ", ".join(f"{_windows(number)} of {name}" for name, number in request.counts.items())
    batch = generator.sample(request, on_step=Bar(label))
    if matcher is not None:
        batch = matcher.apply(batch, generator, Bar("the model's own amplitudes"))
    print(f"{write(batch, asked.out)}: {_windows(len(batch))}. {batch.provenance.notice}")


def _windows(number: int) -> str:
    return f"{number} window{'' if number == 1 else 's'}"


def _recording(asked: SimpleNamespace) -> tuple[Stretch, ...] | None:
    """The stretches of the recording that is wanted, or None for windows."""
    from physiosynth.errors import RequestError
    from physiosynth.families.wearable.data.synthetic_recording import check_subject, schedule_of

    if asked.seconds is None and asked.schedule is None:
        if asked.wesad is not None:
            raise RequestError("--wesad writes a recording: it needs --seconds or --schedule.")
        if asked.out is None:
            raise RequestError("--out FILE is required.")
        return None
    if asked.out is None and asked.wesad is None:
        raise RequestError("Say where the recording goes: --out FILE, --wesad DIR, or both.")
    if any(rate is not None for rate in (asked.heart_rate, asked.breathing_rate, asked.scr_rate)):
        raise RequestError("Rates of a recording belong to its stretches: --schedule stress:120:heart_rate=95.")
    if asked.match_amplitudes:
        raise RequestError("--match-amplitudes is for windows; a recording keeps the levels it has. Leave it out.")
    if asked.windows is not None:
        raise RequestError("--windows is for windows; the length of a recording is in --seconds or --schedule.")
    if asked.wesad is not None:
        check_subject(asked.wesad, asked.subject)
    return schedule_of(asked.schedule, asked.seconds, asked.condition)


def _record(
    generator: WESADGenerator, schedule: tuple[Stretch, ...], sampling: Sampling, asked: SimpleNamespace
) -> None:
    """Write one recording through the stretches."""
    from physiosynth.families.wearable.data.synthetic_recording import write_wesad
    from physiosynth.families.wearable.export import write

    recording = generator.sample_recording(schedule, asked.seed, sampling, Bar("recording", "window"))
    paths = [] if asked.out is None else [write(recording, asked.out)]
    if asked.wesad is not None:
        paths.append(write_wesad(recording, asked.wesad, asked.subject))
    print(f"{', '.join(map(str, paths))}: {recording.seconds} s. {recording.provenance.notice}")


def _matcher(source: str, reference_dir: Path | None) -> AmplitudeMatcher:
    """Targets from a JSON file, or measured on the bundle's reference windows."""
    from physiosynth.errors import CalibrationError
    from physiosynth.families.wearable.data.reference import RealWESADPreparer
    from physiosynth.families.wearable.generator.amplitude_matching import AmplitudeMatcher

    if source != REFERENCE:
        return AmplitudeMatcher.load(source)
    if reference_dir is None:
        raise CalibrationError("The bundle holds no reference windows. Give --match-amplitudes a JSON file of targets.")
    real = RealWESADPreparer(reference_dir).load()
    name = f"{real.source} reference windows of {reference_dir.name}"
    return AmplitudeMatcher.from_real(real.fused, real.conditions, real.eda, name)
