"""Subject pickles to leave-one-subject-out folds: filters, windows, train-only norms."""

from __future__ import annotations

import argparse
from pathlib import Path

from _command import progress, run


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="folder with S2/S2.pkl (or S2.pkl) and so on")
    parser.add_argument("--out", type=Path, required=True, help="where fold_<subject> and the cache of windows go")
    parser.add_argument("--test-subject", required=True, help="the subject to leave out, such as S10, or 'all'")
    parser.add_argument(
        "--val-subjects", nargs="+", metavar="NAME", help="names, or one number of subjects to draw (2; 1 of under 7)"
    )
    parser.add_argument("--eda", choices=("full", "phasic"), default="full", help="keep the tonic level, or remove it")
    parser.add_argument("--ecg-band", type=float, nargs=2, default=(0.5, 40.0), metavar="HZ", help="(0.5 40)")
    parser.add_argument("--eda-lowpass", type=float, default=5.0, metavar="HZ", help="(5)")
    parser.add_argument(
        "--resp-band", type=float, nargs=2, default=(0.05, 1.0), metavar="HZ", help="(0.05 1; published 0.1 0.35)"
    )
    parser.add_argument("--seed", type=int, default=0, help="draws the validation subjects (0)")
    parser.add_argument("--jobs", type=int, default=2, help="subjects at a time (2)")
    parser.add_argument(
        "--reference", action="store_true", help="write the test subject's windows alone, with nothing to train on"
    )
    return parser.parse_args()


def main() -> None:
    options = parse()
    from physiosynth.datasets.fold_writing import fold_path, write_fold, write_reference
    from physiosynth.datasets.preprocess import PreprocessSettings
    from physiosynth.datasets.splits import split_for, subjects_to_test, validation_choice
    from physiosynth.datasets.subject_cache import prepare_subjects, read_windows
    from physiosynth.datasets.wesad import find_subjects

    settings = PreprocessSettings(
        ecg_band_hz=tuple(options.ecg_band),
        eda_lowpass_hz=options.eda_lowpass,
        eda=options.eda,
        resp_band_hz=tuple(options.resp_band),
    )
    subjects = tuple(find_subjects(options.raw))
    tested = subjects_to_test(subjects, options.test_subject)
    splits = {}
    if not options.reference:
        validation = validation_choice(options.val_subjects)
        splits = {name: split_for(subjects, name, validation, options.seed) for name in tested}
    folders = prepare_subjects(
        options.raw,
        options.out / "subjects",
        settings,
        options.jobs,
        progress("subjects", "subject"),
        only=tested if options.reference else None,
    )
    windows = {name: read_windows(folder) for name, folder in folders.items()}
    on_fold = progress("folds", "fold")
    for done, name in enumerate(tested, 1):
        path = fold_path(options.out, name)
        if options.reference:
            write_reference(windows[name], path, settings)
        else:
            write_fold(windows, splits[name], path, settings, options.seed)
        on_fold(done, len(tested))
    for name in tested:
        print(fold_path(options.out, name))


if __name__ == "__main__":
    run(main)
