"""physiosynth evaluate --out DIR."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from physiosynth.commands import options
from physiosynth.commands.bars import PERCENT, Bar

PARTS = "parts"


@click.command()
@options.bundle
@click.option(
    "--synthetic",
    type=options.PATH,
    metavar="FILE.npz",
    help="windows to evaluate instead: arrays ecg, eda, resp, states",
)
@click.option("--fold", type=options.PATH, metavar="DIR", help="fold of the reference windows (the bundle's own)")
@click.option("--out", type=options.PATH, required=True, metavar="DIR", help="results are written and resumed there")
@click.option("--quick", is_flag=True, help="fewer windows and draws: about a minute on two cores")
@click.option("--windows", type=options.COUNT, help="windows per state (256; 64 with --quick)")
@click.option("--seed", type=options.SEED, default=0, help="seed of windows, splits and classifiers")
@click.option("--controls", is_flag=True, help="also score noise and other simulators")
@click.option("--seen", metavar="S2,S3", help="with --synthetic: subjects that their generator has seen")
@options.device
def command(
    bundle: str,
    synthetic: Path | None,
    fold: Path | None,
    out: Path,
    quick: bool,
    windows: int | None,
    seed: int,
    controls: bool,
    seen: str | None,
    device: str | None,
) -> None:
    """The windows are drawn from a bundle, or come from an NPZ file of any tool. Writes a report. The same
    command continues a run that was interrupted.
    """
    options.exclusive("--bundle", "--synthetic")
    from physiosynth.runtime import available_cores, prepare_process

    prepare_process()
    from physiosynth.families.wearable.judging.plan import full_settings, quick_settings
    from physiosynth.families.wearable.judging.report.write import write_report
    from physiosynth.families.wearable.scores.run import run
    from physiosynth.families.wearable.scores.sources import of_bundle, of_file

    make = quick_settings if quick else full_settings
    settings = make(windows, seed=seed, controls=controls, workers=available_cores())
    if synthetic is not None:
        inputs = of_file(synthetic, fold, settings, None if seen is None else options.names(seen))
    else:
        inputs = of_bundle(bundle, fold, settings, out, device, Bar("drawing windows", shape=PERCENT))
    for note in inputs.notes:
        print(f"note: {note}", file=sys.stderr)
    bar = Bar("evaluation", shape=PERCENT)
    found = run(inputs, out / PARTS, settings, on_step=bar, on_stage=bar.stage)
    page = write_report(found, out, Bar("report", "figure"))
    print(f"{page}\n{out / 'metrics.json'}")
