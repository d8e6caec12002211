"""Every subject's windows, made once: in parallel, kept on disk, resumed where it stopped."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

import numpy as np

from physiosynth.families.wearable.data.preprocess import PreprocessSettings, prepare
from physiosynth.families.wearable.data.wesad import find_subjects, read_subject
from physiosynth.families.wearable.data.windows import SubjectWindows, cut_windows
from physiosynth.files import replacing_folder, write_json
from physiosynth.running.pool import LocalPool
from physiosynth.runtime import OnStep, quiet

CACHE_VERSION = 3  # raised whenever the same pickle and settings would give other windows
ARRAYS = ("ecg", "low", "phase", "labels", "start_s", "beat_found", "rates")
KEY_NAME = "key.json"


def prepare_subjects(
    raw: Path | str,
    cache: Path | str,
    settings: PreprocessSettings,
    jobs: int = 1,
    on_step: OnStep = quiet,
    only: Collection[str] | None = None,
) -> dict[str, Path]:
    """Preprocess the subjects in `raw` into folders of windows under `cache`; finished ones are taken as they are.

    jobs: processes at a time, each holding one subject; only: names, all where None. on_step counts subjects; raising
    from it stops after the subjects under way, and what is finished stays. Returns subject name to folder. Raises
    RecordingError for a folder without subjects or a pickle that cannot be used, RequestError for jobs below 1.
    """
    subjects = {name: path for name, path in find_subjects(raw).items() if only is None or name in only}
    folders = {name: Path(cache) / name for name in subjects}
    due = [name for name in subjects if not _is_current(folders[name], subjects[name], settings)]
    done = len(subjects) - len(due)
    on_step(done, len(subjects))
    tasks = [(name, subjects[name], folders[name], settings) for name in due]
    with closing(LocalPool(jobs).results(prepare_one, tasks)) as finished:
        for _ in finished:
            done += 1
            on_step(done, len(subjects))
    return folders


def prepare_one(name: str, pickle: Path, folder: Path, settings: PreprocessSettings) -> str:
    """Read, filter and cut one subject into `folder`, whole or not at all. Returns its name. Raises RecordingError."""
    windows = cut_windows(prepare(read_subject(pickle), settings))
    with replacing_folder(folder) as temporary:
        for array in ARRAYS:
            np.save(temporary / f"{array}.npy", getattr(windows, array), allow_pickle=False)
        known = {"subject": name, "source": windows.source, "notes": list(windows.notes)}
        write_json(temporary / KEY_NAME, _key(pickle, settings) | known)
    return name


def read_windows(folder: Path) -> SubjectWindows:
    """One subject's windows from its folder, memory-mapped."""
    known = json.loads((folder / KEY_NAME).read_text(encoding="utf-8"))
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
    return SubjectWindows(known["subject"], known["source"], **arrays, notes=tuple(known["notes"]))


def _key(pickle: Path, settings: PreprocessSettings) -> dict:
    """What the windows depend on. A pickle of another size or time is taken for another pickle."""
    status = pickle.stat()
    truth = pickle.with_name(f"{pickle.stem}_truth.npz").is_file()
    return {
        "cache_version": CACHE_VERSION,
        "pickle": [status.st_size, status.st_mtime_ns, truth],
        "settings": settings.to_dict(),
    }


def _is_current(folder: Path, pickle: Path, settings: PreprocessSettings) -> bool:
    try:
        known = json.loads((folder / KEY_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no folder yet, or one that was damaged: it is made again
        return False
    wanted = _key(pickle, settings)
    complete = all((folder / f"{name}.npy").is_file() for name in ARRAYS)
    return complete and {key: known.get(key) for key in wanted} == wanted
