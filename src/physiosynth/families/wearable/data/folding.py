"""From subject pickles to fold directories: filtered once, kept, and split with each tested subject left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from physiosynth.datasets.splits import split_for, subjects_to_test
from physiosynth.families.wearable.data.fold_writing import fold_path, write_fold, write_reference
from physiosynth.families.wearable.data.preprocess import PreprocessSettings
from physiosynth.families.wearable.data.subject_cache import prepare_subjects, read_windows
from physiosynth.families.wearable.data.wesad import find_subjects

OnStep = Callable[[int, int], None]


def write_folds(
    raw: Path,
    out: Path,
    settings: PreprocessSettings,
    test_subject: str,
    validation: Sequence[str] | int | None,
    seed: int,
    jobs: int,
    reference: bool,
    on_subject: OnStep,
    on_fold: OnStep,
) -> list[Path]:
    """Write OUT/fold_<subject> for the tested subject, or for each where it is "all", and give their paths.

    raw: holds S2/S2.pkl or S2.pkl and so on; validation: names, a number of subjects drawn with the seed, or None for
    the usual number; reference: the tested subjects' windows alone, with nothing to train on. The callbacks count
    subjects and folds. Raises FoldError, RecordingError or RequestError before a fold is written.
    """
    subjects = tuple(find_subjects(raw))
    tested = subjects_to_test(subjects, test_subject)
    splits = {} if reference else {name: split_for(subjects, name, validation, seed) for name in tested}
    needed = tested if reference else None
    folders = prepare_subjects(raw, out / "subjects", settings, jobs, on_subject, only=needed)
    windows = {name: read_windows(folder) for name, folder in folders.items()}
    paths = [fold_path(out, name) for name in tested]
    for done, (name, path) in enumerate(zip(tested, paths, strict=True), 1):
        if reference:
            write_reference(windows[name], path, settings)
        else:
            write_fold(windows, splits[name], path, settings, seed)
        on_fold(done, len(tested))
    return paths
