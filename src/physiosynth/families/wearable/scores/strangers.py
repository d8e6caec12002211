"""Windows of simulated people whom no model has seen: what people differ by, where a fold holds one alone."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.signals import CONDITIONS, ECG_HZ, ECG_STEPS, LOW_CHANNELS, LOW_HZ, LOW_STEPS
from physiosynth.runtime import OnStep, quiet

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.preprocess import PreparedSubject

SEED = 2_026_117  # of a cohort that nothing was trained on
PEOPLE = 16  # over as many the simulator spreads every trait evenly
EACH = 2  # windows per person and state
MINUTES_SCALE = 0.3  # of the study's session: long enough for its states to settle, and quick to make
CHANNELS = ("chest/ECG", "chest/EDA", "chest/Resp")


def strangers(people: int = PEOPLE, on_step: OnStep = quiet) -> WindowSet:
    """EACH windows of every state of each of `people`, prepared as a fold's are; the same ones at every call.

    on_step counts people and may raise to cancel; a person is simulated once a process.
    """
    parts = []
    for index in range(people):
        on_step(index, people)
        parts.append(_stranger(index))
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.concat(part)
    return joined


@lru_cache(maxsize=PEOPLE)
def _stranger(index: int) -> WindowSet:
    from physiosynth.families.wearable.data.preprocess import prepare
    from physiosynth.families.wearable.data.virtual_cohort import simulate_subject

    recording, _ = simulate_subject(index, SEED, MINUTES_SCALE, CHANNELS)
    return _last_windows(prepare(recording), f"stranger {index + 1}")


def _last_windows(prepared: PreparedSubject, name: str) -> WindowSet:
    """The last windows of every state, none over another; datasets.windows would find their beats as well, slowly."""
    from physiosynth.families.wearable.data.windows import window_starts

    starts: dict[str, list[int]] = {state: [] for state in CONDITIONS}
    for run in prepared.runs:
        starts[CONDITIONS[run.label - 1]] += list(window_starts(run))[::2]
    chosen = [(state, start) for state, found in starts.items() for start in found[-EACH:]]
    ecg = np.stack([prepared.ecg[start * ECG_HZ :][:ECG_STEPS] for _, start in chosen])
    low = np.stack([prepared.low[start * LOW_HZ :][:LOW_STEPS] for _, start in chosen])
    eda, resp = (low[..., LOW_CHANNELS.index(channel)] for channel in ("EDA", "Resp"))
    return WindowSet(ecg, eda, resp, np.array([state for state, _ in chosen]), np.full(len(chosen), name), "virtual")
