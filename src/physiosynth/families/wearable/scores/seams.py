"""Whether the joints of the windows that a recording was made of can be found in it.

A classifier is trained to tell stretches centred on a joint from stretches centred between two joints of the same
recordings, and asked about recordings it has not seen. Without seams it guesses: an AUC of 0.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.data.batch import SignalBatch
from physiosynth.families.wearable.data.synthetic_recording import SyntheticRecording
from physiosynth.families.wearable.judging.metrics import auroc
from physiosynth.families.wearable.model.joined import ECG_HOP_S, LOW_HOP_S
from physiosynth.families.wearable.signals import ECG_HZ, LOW_HZ, WINDOW_S
from physiosynth.runtime import check_seed
from physiosynth.signals import NamedSignals

STRETCH_S = 10
CHANGE_S = 40  # so long after a change of state the levels move, joint or not
FOLDS = 5
TREES = 100
BANDS_HZ = {ECG_HZ: (0.5, 5.0, 15.0, 30.0, 60.0), LOW_HZ: (0.0, 0.3, 0.6, 1.0, 2.01)}
Joints = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class SeamScore:
    """auc: of stretches of unseen recordings, 0.5 where joints cannot be found; sd: over the held-out recordings'
    folds; stretches: how many were judged, half of them (nearly) joints."""

    auc: float
    sd: float
    stretches: int


def low_joints(seconds: int) -> np.ndarray:
    """Times in s at which a window of the LOW stream begins or ends."""
    return np.arange(LOW_HOP_S, seconds, LOW_HOP_S, dtype=float)


def ecg_joints(seconds: int) -> np.ndarray:
    """Times in s at which two windows of the ECG stream are halfway faded into each other."""
    return np.arange((ECG_HOP_S + WINDOW_S) / 2, seconds, ECG_HOP_S)


def window_ends(seconds: int) -> np.ndarray:
    """Times in s at which windows put end to end meet."""
    return np.arange(WINDOW_S, seconds, WINDOW_S, dtype=float)


def put_end_to_end(batch: SignalBatch) -> SyntheticRecording:
    """Windows of one state, one after the other: a recording full of seams, which a judge of seams must find.

    Raises EvaluationError for windows without beats.
    """
    if batch.beats is None:
        raise EvaluationError("Expected windows of a model that draws beats; these have none.")
    beats = np.concatenate([times + i * WINDOW_S for i, times in enumerate(batch.beats)])
    schedule = ({"condition": batch.conditions[0], "seconds": WINDOW_S * len(batch)},)
    low = NamedSignals(np.concatenate(list(batch.low.values)), batch.low.channels, batch.low.rate_hz)
    return SyntheticRecording(batch.ecg.reshape(-1), low, beats, replace(batch.provenance, schedule=schedule))


def seam_score(recordings: Sequence[SyntheticRecording], joints: Joints = low_joints, seed: int = 0) -> SeamScore:
    """How well a random forest finds the joints of recordings that it was not trained on.

    joints: their times, for a length in seconds. Raises EvaluationError for fewer than FOLDS recordings.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GroupKFold

    if len(recordings) < FOLDS:
        raise EvaluationError(f"Seams are sought in {FOLDS} or more recordings, found {len(recordings)}.")
    parts = [(i, *part) for i, recording in enumerate(recordings) for part in _stretches(recording, joints)]
    if len({joint for _, joint, _ in parts}) < 2:
        raise EvaluationError(f"The recordings are too short: none has a joint {CHANGE_S} s after a change of state.")
    groups, truth = np.array([part[0] for part in parts]), np.array([part[1] for part in parts])
    table = np.array([part[2] for part in parts])
    aucs = []
    for train, test in GroupKFold(FOLDS).split(table, truth, groups):
        forest = RandomForestClassifier(
            TREES, min_samples_leaf=3, max_features=0.3, class_weight="balanced", n_jobs=1,
            random_state=check_seed(seed) % 2**32,
        )  # fmt: skip
        said = forest.fit(table[train], truth[train]).predict_proba(table[test])[:, 1]
        aucs.append(auroc(said[truth[test]], said[~truth[test]]))
    return SeamScore(float(np.mean(aucs)), float(np.std(aucs, ddof=1)), len(parts))


def _stretches(recording: SyntheticRecording, joints: Joints) -> Iterator[tuple[bool, np.ndarray]]:
    """(whether its middle is a joint, its features) of each stretch that no change of state is near."""
    times = joints(recording.seconds)
    ends = np.cumsum([part["seconds"] for part in recording.provenance.schedule])
    places = [(t, True) for t in times] + [(t, False) for t in (times[1:] + times[:-1]) / 2]
    for middle, joint in places:
        before, after = middle - ends[ends <= middle], ends[ends > middle] - middle
        if middle > STRETCH_S and (before >= CHANGE_S).all() and (after >= STRETCH_S).all():
            yield joint, features(recording, middle)


def features(recording: SyntheticRecording, middle_s: float) -> np.ndarray:
    """What a joint at middle_s would show in: differences, steps of the level and spectra there against around it."""
    eda, resp = recording.low.select("EDA", "Resp")
    values = []
    for signal, rate in ((recording.ecg, ECG_HZ), (eda, LOW_HZ), (resp, LOW_HZ)):
        first = round((middle_s - STRETCH_S / 2) * rate)
        values += _signal_features(signal[first : first + STRETCH_S * rate].astype(float), rate)
    return np.array(values + _beat_features(recording.beats - middle_s))


def _signal_features(x: np.ndarray, rate: int) -> list[float]:
    half, size = len(x) // 2, max(float(x.std()), 1e-9)
    found = []
    for order in (1, 2):
        change = np.abs(np.diff(x, order))
        usual = np.median(change) + 1e-3 * size / rate
        for reach in (max(1, rate // 50), max(1, rate // 4), rate):
            found.append(np.log(change[half - order - reach + 1 : half + reach].max() / usual))
    for reach in (rate, 3 * rate):
        step = (x[half : half + reach].mean() - x[half - reach : half].mean()) / size
        found += [step, abs(step)]
    third = STRETCH_S * rate // 3
    powers = [_band_powers(part, rate) for part in (x[:third], x[third : 2 * third], x[2 * third : 3 * third])]
    found += list(powers[1] - (powers[0] + powers[2]) / 2) + list(np.abs(powers[2] - powers[0]))
    around = np.r_[x[:third], x[2 * third :]]
    return [*found, np.log(x[third : 2 * third].std() / max(around.std(), 1e-9) + 1e-9)]


def _band_powers(x: np.ndarray, rate: int) -> np.ndarray:
    """Logarithm of the power in each of the rate's bands."""
    power = np.abs(np.fft.rfft((x - x.mean()) * np.hanning(len(x)))) ** 2
    frequency = np.fft.rfftfreq(len(x), 1 / rate)
    edges = BANDS_HZ[rate]
    sums = [power[(frequency >= a) & (frequency < b)].sum() for a, b in pairwise(edges)]
    return np.log(np.array(sums) + 1e-12)


def _beat_features(beats: np.ndarray) -> list[float]:
    """beats: times in s from the middle."""
    near = beats[np.abs(beats) < STRETCH_S / 2]
    intervals = np.diff(near)
    if len(intervals) < 4:
        return [0.0] * 5
    usual, at = np.median(intervals), int(np.clip(np.searchsorted(near, 0.0) - 1, 1, len(intervals) - 2))
    across = intervals[at]
    changes = np.abs(np.diff(intervals))
    return [
        across / usual - 1,
        abs(across / usual - 1),
        float(np.abs(np.diff(intervals[at - 1 : at + 2])).max() / (np.median(changes) + 0.01)),
        float(intervals[at:].mean() - intervals[:at].mean()),
        abs(float(intervals[at:].mean() - intervals[:at].mean())),
    ]
