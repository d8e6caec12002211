"""Virtual cohort: coupled physiology written as subject pickles in the WESAD layout, the ground truth beside each."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from physiosynth.errors import RequestError
from physiosynth.families.wearable.data.virtual.subject import CHANNELS, Truth, simulate_subject, subject_name
from physiosynth.families.wearable.data.wesad import read_subject, write_subject
from physiosynth.files import write_npz
from physiosynth.running.pool import LocalPool
from physiosynth.runtime import OnStep, available_cores, check_seed, quiet

__all__ = ["CHANNELS", "CohortSettings", "Truth", "read_truth", "simulate_subject", "subject_name", "write_cohort"]

# Raised whenever the same seed would give other samples, so that an older cohort is not taken for a finished one.
SIMULATOR_REVISION = 4
_MOST_SUBJECTS = 10_000


@dataclass(frozen=True)
class CohortSettings:
    """What a cohort is made of. Raises RequestError for a setting outside what can be made."""

    subjects: int = 15
    seed: int = 0
    minutes_scale: float = 1.0  # length of every stretch of the protocol relative to WESAD's

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if not 1 <= self.subjects <= _MOST_SUBJECTS:
            raise RequestError(f"A cohort has 1 to {_MOST_SUBJECTS} subjects, found {self.subjects}.")
        if not 0.05 <= self.minutes_scale <= 3:
            raise RequestError(
                f"The minutes scale is 0.05 to 3 (1 is the length of WESAD's session), found {self.minutes_scale}."
            )


def write_cohort(
    out: Path | str,
    settings: CohortSettings | None = None,
    jobs: int | None = None,
    on_step: OnStep = quiet,
) -> dict[str, Path]:
    """Write OUT/S2/S2.pkl and OUT/S2/S2_truth.npz, and so on; returns subject name to pickle.

    Subjects already there with the same settings are kept, others are made anew; each file is written whole or not at
    all. jobs: processes (all cores unless given; each needs about 0.4 GB for a full session). Raises RequestError where
    a recording that is not virtual would be overwritten. An exception from on_step stops the work between subjects.
    """
    settings = settings or CohortSettings()
    out = Path(out)
    paths = {subject_name(index): _pickle_path(out, index) for index in range(settings.subjects)}
    missing = [index for index, path in enumerate(paths.values()) if not _is_done(path, settings, index)]
    for index in missing:
        _refuse_recording(_pickle_path(out, index))
    done = settings.subjects - len(missing)
    on_step(done, settings.subjects)
    # Closed here, so that an exception from on_step waits for the subjects under way and leaves no part of a file.
    tasks = [(out, settings, index) for index in missing]
    with closing(LocalPool(jobs or available_cores()).results(_write_one, tasks)) as written:
        for _ in written:
            done += 1
            on_step(done, settings.subjects)
    return paths


def read_truth(pickle_path: Path | str) -> dict[str, np.ndarray] | None:
    """The arrays of the truth file beside a subject pickle, or None where there is none (or none that can be read)."""
    path = truth_path(pickle_path)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError):
        return None


def truth_path(pickle_path: Path | str) -> Path:
    """Where the ground truth of a subject pickle lies."""
    pickle_path = Path(pickle_path)
    return pickle_path.with_name(f"{pickle_path.stem}_truth.npz")


def _pickle_path(out: Path, index: int) -> Path:
    name = subject_name(index)
    return out / name / f"{name}.pkl"


def _settings_text(settings: CohortSettings, index: int) -> str:
    """What a subject depends on; the size of the cohort is not part of it."""
    kept = {name: value for name, value in asdict(settings).items() if name != "subjects"}
    return json.dumps({**kept, "index": index, "simulator_revision": SIMULATOR_REVISION}, sort_keys=True)


def _is_done(path: Path, settings: CohortSettings, index: int) -> bool:
    truth = read_truth(path) if path.is_file() else None
    return truth is not None and str(truth.get("settings", "")) == _settings_text(settings, index)


def _refuse_recording(path: Path) -> None:
    """Raise RequestError when a pickle is there that no simulator made."""
    if path.is_file() and not truth_path(path).is_file() and read_subject(path).source != "virtual":
        raise RequestError(f"{path}: this is a recording and would be overwritten. Give another folder for the cohort.")


def _write_one(out: Path, settings: CohortSettings, index: int) -> None:
    recording, truth = simulate_subject(index, settings.seed, settings.minutes_scale)
    path = _pickle_path(out, index)
    # The truth file is the sign that a subject is finished: the old one goes first, the new one comes last.
    truth_path(path).unlink(missing_ok=True)
    write_subject(recording, path)
    write_npz(truth_path(path), **truth.arrays(), settings=np.array(_settings_text(settings, index)))
