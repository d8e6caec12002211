"""physiosynth import FILE --subject NAME --out DIR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from physiosynth.commands import options

EXAMPLE = """\b
Example:
  physiosynth import rest.csv --subject ME --out data/mine \\
    --channels ECG=ecg,EDA=eda,Resp=rsp --units ECG=mV,EDA=uS --rate 100 --labels rest_labels.csv
  physiosynth preprocess --raw data/mine --out data/mine_fold --test-subject ME --reference
"""


def pairs(text: str) -> dict[str, str]:
    """'ECG=a,EDA=b' as a dict. Raises ValueError."""
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    if not parts or not all(name.strip() and equals and value.strip() for name, equals, value in parts):
        raise ValueError(f"expected NAME=VALUE,NAME=VALUE, found {text!r}")
    return {name.strip(): value.strip() for name, _, value in parts}


def rates(text: str) -> float | dict[str, float]:
    """'100' as a number, 'ECG=500,EDA=4' as a dict of numbers. Raises ValueError."""
    try:
        return float(text) if "=" not in text else {name: float(value) for name, value in pairs(text).items()}
    except ValueError as error:
        raise ValueError(f"expected rates in Hz, found {text!r}") from error


@click.command(epilog=EXAMPLE)
@click.argument("file", type=options.PATH)
@click.option("--subject", required=True, metavar="NAME", help="a name for the subject")
@click.option("--out", type=options.PATH, required=True, metavar="DIR", help="DIR/NAME/NAME.pkl is written")
@click.option(
    "--channels",
    type=options.Text(pairs),
    required=True,
    metavar="NAME=..,...",
    help="ECG=..,EDA=..,Resp=.. with the file's names",
)
@click.option(
    "--units",
    type=options.Text(pairs),
    default={},
    show_default=False,
    metavar="NAME=..,...",
    help="such as ECG=uV,EDA=kOhm (the file's, or mV and uS)",
)
@click.option(
    "--flip", multiple=True, metavar="CHANNEL", help="a channel recorded upside down, such as ECG; repeatable"
)
@click.option("--rate", type=options.Text(rates), metavar="HZ", help="of a CSV file: Hz, or ECG=500,EDA=4,Resp=25")
@click.option("--time", metavar="COLUMN", help="of a CSV file: the column of seconds or timestamps")
@click.option("--labels", type=options.PATH, metavar="FILE", help="CSV with start_s, end_s, state")
@click.option("--state", metavar="STATE", help="one state for the whole recording, such as baseline")
def command(file: Path, subject: str, out: Path, labels: Path | None, state: str | None, **read: Any) -> None:
    """FILE is a .csv, .tsv or .txt, the .hea of a WFDB record, an .edf or a .bdf; `physiosynth preprocess` reads the
    subject.
    """
    options.exclusive("--rate", "--time")
    options.exclusive("--labels", "--state", required=True)
    from physiosynth.families.wearable.data.importing import ImportSettings, import_recording
    from physiosynth.families.wearable.data.wesad import write_subject

    settings = ImportSettings(subject, read["channels"], read["units"], read["rate"], read["time"], flip=read["flip"])
    recording = import_recording(file, settings, labels, state)
    path = out / subject / f"{subject}.pkl"
    write_subject(recording, path)
    for note in recording.notes:
        print(f"note: {note}")
    print(f"{path}: {recording.duration_s:.1f} s")
