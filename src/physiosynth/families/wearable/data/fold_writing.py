"""The fold directory written: windows of each split, train-only norms, and what they were made with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

import physiosynth
from physiosynth.datasets.normalizer import Normalizer
from physiosynth.datasets.splits import Split
from physiosynth.errors import FoldError
from physiosynth.families.wearable.data.folds import CONFIG_NAME, FORMAT_VERSION, SPLITS
from physiosynth.families.wearable.data.preprocess import PreprocessSettings, filter_description
from physiosynth.families.wearable.data.windows import PHASE_EDGES, RATES, SubjectWindows
from physiosynth.families.wearable.signals import (
    CONDITIONS,
    ECG_CHANNELS,
    ECG_HZ,
    ECG_STEPS,
    HOP_S,
    LABEL_IDS,
    LOW_CHANNELS,
    LOW_HZ,
    LOW_STEPS,
    UNITS,
    WINDOW_S,
)
from physiosynth.files import replacing_folder, write_json
from physiosynth.runtime import OnStep, quiet

STREAMS = {  # field of SubjectWindows and part of the file's name -> steps, channels, units
    "ecg": (ECG_STEPS, ECG_CHANNELS, [UNITS[name] for name in ECG_CHANNELS]),
    "low": (LOW_STEPS, LOW_CHANNELS, [UNITS[name] for name in LOW_CHANNELS]),
}


def fold_path(out: Path | str, test_subject: str) -> Path:
    """OUT/fold_S10."""
    return Path(out) / f"fold_{test_subject}"


def write_fold(
    windows: Mapping[str, SubjectWindows],
    split: Split,
    path: Path | str,
    settings: PreprocessSettings,
    seed: int = 0,
    on_step: OnStep = quiet,
) -> None:
    """Write one fold directory, whole or not at all, one subject in memory at a time.

    windows: by subject, for everyone in the split. on_step counts subjects. Raises FoldError where a split has no
    windows, or where recorded and virtual subjects are mixed.
    """
    groups = {name: [windows[subject] for subject in getattr(split, name)] for name in SPLITS}
    source = _source(groups)
    for name, members in groups.items():
        _check_windows(name, members)
    total, done = sum(len(members) for members in groups.values()), 0
    with replacing_folder(Path(path)) as folder:
        for name, members in groups.items():
            for _ in _write_split(folder, name, members):
                done += 1
                on_step(done, total)
        for part, (_, channels, units) in STREAMS.items():
            train = np.load(folder / f"train_X_{part}.npy", mmap_mode="r", allow_pickle=False)
            Normalizer.fit(train, channels, units).save(folder / f"norm_{part}.npz")
        write_json(folder / CONFIG_NAME, _config(groups, settings, source) | {"seed": seed})


def write_reference(windows: SubjectWindows, path: Path | str, settings: PreprocessSettings) -> None:
    """Write one subject's windows as the test windows of a fold without training data: a reference to compare with.

    There are no norm files, because nothing was trained on. Raises FoldError where the subject has no windows.
    """
    _check_windows("test", [windows])
    groups = {name: [windows] if name == "test" else [] for name in SPLITS}
    with replacing_folder(Path(path)) as folder:
        for _ in _write_split(folder, "test", [windows]):
            continue
        write_json(folder / CONFIG_NAME, _config(groups, settings, _source(groups)) | {"seed": 0})


def _check_windows(name: str, members: list[SubjectWindows]) -> None:
    empty = [member.subject for member in members if not len(member)]
    if (name == "test" and empty) or len(empty) == len(members):
        raise FoldError(
            f"No windows for {name} ({', '.join(empty)}): no stretch of one label lasts {WINDOW_S} s after the "
            "transitions are cut off. Check the labels, or choose other subjects."
        )


def _source(groups: Mapping[str, list[SubjectWindows]]) -> str:
    """'recorded', 'virtual' or 'synthetic'; a user's imported recordings are recorded ones."""
    subjects: dict[str, list[str]] = {}
    for member in (member for members in groups.values() for member in members):
        source = "recorded" if member.source == "imported" else member.source
        subjects.setdefault(source, []).append(member.subject)
    if len(subjects) > 1:
        found = " and ".join(f"{source} subjects ({', '.join(names)})" for source, names in sorted(subjects.items()))
        raise FoldError(
            f"There are {found} in one folder. Keep them apart, so that it stays clear what a model was trained on."
        )
    return next(iter(subjects))


def _write_split(folder: Path, name: str, members: list[SubjectWindows]) -> Iterator[str]:
    """Write one split's arrays, yielding each subject's name as it is written."""
    count = sum(len(member) for member in members)
    arrays = {
        part: open_memmap(folder / f"{name}_X_{part}.npy", "w+", np.float32, (count, steps, len(channels)))
        for part, (steps, channels, _) in STREAMS.items()
    }
    phase = folder / f"{name}_X_phase.npy"
    arrays["phase"] = open_memmap(phase, "w+", np.float32, (count, PHASE_EDGES))
    first = 0
    for member in members:
        here = slice(first, first + len(member))
        for part, array in arrays.items():
            array[here] = getattr(member, part)
        first += len(member)
        yield member.subject
    for array in arrays.values():
        array.flush()
    subjects = [member.subject for member in members for _ in range(len(member))]
    labels = [np.asarray(member.labels) for member in members]
    starts = [np.asarray(member.start_s) for member in members]
    np.save(folder / f"{name}_cond.npy", np.concatenate(labels).astype(np.int64), allow_pickle=False)
    rates = [np.asarray(member.rates) for member in members]
    np.save(folder / f"{name}_rates.npy", np.concatenate(rates).astype(np.float32), allow_pickle=False)
    np.save(folder / f"{name}_start_s.npy", np.concatenate(starts).astype(np.float64), allow_pickle=False)
    np.save(folder / f"{name}_subject.npy", np.array(subjects, dtype=np.str_), allow_pickle=False)


def _config(groups: Mapping[str, list[SubjectWindows]], settings: PreprocessSettings, source: str) -> dict:
    members = [member for group in groups.values() for member in group]
    return {
        "format_version": FORMAT_VERSION,
        "physiosynth_version": physiosynth.__version__,
        "test_subject": groups["test"][0].subject,
        "source": source,
        "eda": settings.eda,
        "ecg_hz": ECG_HZ,
        "low_hz": LOW_HZ,
        "window_s": WINDOW_S,
        "hop_s": HOP_S,
        "ecg_steps": ECG_STEPS,
        "low_steps": LOW_STEPS,
        "channels_ecg": list(ECG_CHANNELS),
        "channels_low": list(LOW_CHANNELS),
        "units": {name: UNITS[name] for name in (*ECG_CHANNELS, *LOW_CHANNELS)},
        "phase": f"beats at the edges of the {LOW_HZ} Hz steps, whole at each R peak",
        "rates": [f"{name} /min" for name in RATES],
        "normalized": False,
        "conditions": {str(LABEL_IDS[name]): name for name in CONDITIONS},
        "filters": filter_description(settings),
        "subjects": {name: [member.subject for member in group] for name, group in groups.items()},
        "counts": {name: _counts(group) for name, group in groups.items()},
        "beat_not_found": {
            name: int(sum(int((~np.asarray(member.beat_found)).sum()) for member in group))
            for name, group in groups.items()
        },
        "notes": {member.subject: list(member.notes) for member in members if member.notes},
    }


def _counts(members: list[SubjectWindows]) -> dict[str, int]:
    """Windows of each condition, and of all."""
    labels = np.concatenate([np.zeros(0, np.int64), *(np.asarray(member.labels) for member in members)])
    by_condition = {name: int((labels == LABEL_IDS[name]).sum()) for name in CONDITIONS}
    return by_condition | {"all": len(labels)}
