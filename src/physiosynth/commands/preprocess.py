"""physiosynth preprocess --raw DIR --out DIR --test-subject NAME."""

from __future__ import annotations

from pathlib import Path

import click

from physiosynth.commands import options
from physiosynth.commands.bars import Bar


@click.command(cls=options.Several)
@click.option("--raw", type=options.PATH, required=True, metavar="DIR", help="holds S2/S2.pkl (or S2.pkl) and so on")
@click.option(
    "--out", type=options.PATH, required=True, metavar="DIR", help="fold_<subject> and the cache of windows go there"
)
@click.option("--test-subject", required=True, metavar="NAME", help="the subject to leave out, such as S10, or 'all'")
@click.option(
    "--val-subjects",
    multiple=True,
    metavar="NAME ...",
    help="names, or how many to draw (2; 1 of fewer than 7 subjects)",
)
@click.option("--eda", type=click.Choice(("full", "phasic")), default="full", help="keep the tonic level, or remove it")
@click.option("--ecg-band", type=float, nargs=2, default=(0.5, 40.0), metavar="HZ HZ", help="band-pass of the ECG")
@click.option("--eda-lowpass", type=float, default=5.0, metavar="HZ", help="low-pass of the EDA")
@click.option(
    "--resp-band",
    type=float,
    nargs=2,
    default=(0.05, 1.0),
    metavar="HZ HZ",
    help="band-pass of the respiration; published: 0.1 0.35",
)
@click.option("--seed", type=options.SEED, default=0, help="seed that draws the validation subjects")
@click.option("--jobs", type=options.COUNT, default=2, help="subjects processed at once")
@click.option("--reference", is_flag=True, help="write the test subject's windows alone, with nothing to train on")
def command(
    raw: Path,
    out: Path,
    test_subject: str,
    val_subjects: tuple[str, ...],
    eda: str,
    ecg_band: tuple[float, float],
    eda_lowpass: float,
    resp_band: tuple[float, float],
    seed: int,
    jobs: int,
    reference: bool,
) -> None:
    """Writes filtered windows, and normalizers fitted to the training subjects alone. Prints the fold directories."""
    from physiosynth.datasets.splits import validation_choice
    from physiosynth.families.wearable.data.folding import write_folds
    from physiosynth.families.wearable.data.preprocess import PreprocessSettings

    settings = PreprocessSettings(ecg_band_hz=ecg_band, eda_lowpass_hz=eda_lowpass, eda=eda, resp_band_hz=resp_band)
    validation = validation_choice(list(val_subjects) or None)
    bars = {"on_subject": Bar("subjects", "subject"), "on_fold": Bar("folds", "fold")}
    for path in write_folds(raw, out, settings, test_subject, validation, seed, jobs, reference, **bars):
        print(path)
