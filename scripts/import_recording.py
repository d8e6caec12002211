"""Your own recording (CSV, WFDB or EDF) to a subject that the preprocessing accepts."""

from __future__ import annotations

import argparse
from pathlib import Path

from _command import run

EXAMPLE = """example:
  python scripts/import_recording.py rest.csv --subject ME --out data/mine \\
    --channels ECG=ecg,EDA=eda,Resp=rsp --units ECG=mV,EDA=uS --rate 100 --labels rest_labels.csv
  python scripts/preprocess_wesad.py --raw data/mine --out data/mine_fold --test-subject ME --reference
"""


def pairs(text: str) -> dict[str, str]:
    """'ECG=a,EDA=b' as a dict."""
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    if not parts or not all(name.strip() and equals and value.strip() for name, equals, value in parts):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE,NAME=VALUE, found {text!r}")
    return {name.strip(): value.strip() for name, _, value in parts}


def rates(text: str) -> float | dict[str, float]:
    """'100' as a number, 'ECG=500,EDA=4' as a dict of numbers."""
    try:
        return float(text) if "=" not in text else {name: float(value) for name, value in pairs(text).items()}
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected rates in Hz, found {text!r}") from error


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help=".csv, .tsv or .txt; .hea of a WFDB record; .edf or .bdf")
    parser.add_argument("--subject", required=True, help="a name for the subject")
    parser.add_argument("--out", type=Path, required=True, help="DIR/<subject>/<subject>.pkl is written")
    parser.add_argument("--channels", type=pairs, required=True, help="ECG=..,EDA=..,Resp=.. with the file's names")
    parser.add_argument("--units", type=pairs, default={}, help="such as ECG=uV,EDA=kOhm (the file's, or mV and uS)")
    clock = parser.add_mutually_exclusive_group()
    clock.add_argument("--rate", type=rates, help="for CSV: Hz, or ECG=500,EDA=4,Resp=25")
    clock.add_argument("--time", metavar="COLUMN", help="for CSV: the column of seconds or timestamps")
    state = parser.add_mutually_exclusive_group(required=True)
    state.add_argument("--labels", type=Path, help="CSV with start_s, end_s, state")
    state.add_argument("--state", help="one state for the whole recording, such as baseline")
    return parser.parse_args()


def main() -> None:
    options = parse()
    from physiosynth.datasets.importing import ImportSettings, import_recording
    from physiosynth.datasets.wesad import write_subject

    settings = ImportSettings(options.subject, options.channels, options.units, options.rate, options.time)
    recording = import_recording(options.file, settings, options.labels, options.state)
    path = options.out / options.subject / f"{options.subject}.pkl"
    write_subject(recording, path)
    for note in recording.notes:
        print(f"note: {note}")
    print(f"{path}: {recording.duration_s:.1f} s")


if __name__ == "__main__":
    run(main)
