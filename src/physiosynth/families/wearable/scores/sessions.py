"""Minutes instead of windows: heart rate variability, breathing and EDA of recordings beside a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.data.synthetic_recording import SyntheticRecording
from physiosynth.families.wearable.judging.metrics import ks
from physiosynth.families.wearable.signals import CONDITIONS, ECG_HZ, LOW_CHANNELS, LOW_HZ, WINDOW_S
from physiosynth.physiology.detectors import breathing_rate, heart_rate, r_peaks, rmssd, scr_rate, sdnn

TACHOGRAM_HZ = 4.0
LOW_BAND_HZ, HIGH_BAND_HZ = (0.04, 0.15), (0.15, 0.40)  # Task Force of the ESC and NASPE, 1996
SEGMENT_S = 100  # of the tachogram's spectrum
RESAMPLES = 200
FEWEST = 4


@dataclass(frozen=True)
class Session:
    """Minutes in one state: ecg (175 s,) in mV, eda (4 s,) in uS, resp (4 s,) in % of the belt."""

    ecg: np.ndarray
    eda: np.ndarray
    resp: np.ndarray
    state: str


@dataclass(frozen=True)
class Comparison:
    """One measure in one state. ks: Kolmogorov-Smirnov distance of synthetic from reference sessions; floor: the 95 %
    quantile of that of two random parts of the reference ones as large as can be, nan where there are too few."""

    state: str
    measure: str
    real: float
    synthetic: float
    ks: float
    floor: float
    sessions: tuple[int, int]


def synthetic_sessions(recordings: Sequence[SyntheticRecording], seconds: int, after_s: int = 40) -> list[Session]:
    """The first `seconds` of each stretch that lasts long enough, from `after_s` after its beginning on."""
    found = []
    for recording in recordings:
        eda, resp = recording.low.select("EDA", "Resp")
        begins = 0
        for part in recording.provenance.schedule:
            if part["seconds"] >= after_s + seconds:
                fast, slow = (slice(rate * (begins + after_s), rate * (begins + after_s + seconds)) for rate in _RATES)
                found.append(Session(recording.ecg[fast], eda[slow], resp[slow], part["condition"]))
            begins += part["seconds"]
    return found


def recorded_sessions(fold: Path | str, seconds: int, splits: Sequence[str] = ("train",)) -> list[Session]:
    """One stretch of each subject and state of a fold, put together from its windows side by side. Raises FoldError."""
    from physiosynth.families.wearable.data.folds import load_fold

    directory = load_fold(fold)
    order = [directory.channels_low.index(name) for name in LOW_CHANNELS]
    found = []
    for name in splits:
        split = directory.split(name)
        if split.conditions is None or split.subject is None or split.start_s is None:
            raise EvaluationError(
                f"{directory.path}: {name} does not say whose its windows are, and when. Write it again."
            )
        subject, start, state = (np.asarray(part) for part in (split.subject, split.start_s, split.conditions))
        for who, what in sorted(set(zip(subject.tolist(), state.tolist(), strict=True))):
            rows = _side_by_side(np.flatnonzero((subject == who) & (state == what)), start, seconds)
            if rows:
                low = np.concatenate([split.low[row] for row in rows])[:, order]
                ecg = np.concatenate([split.ecg[row, :, 0] for row in rows])
                found.append(Session(ecg, low[:, 0], low[:, 1], CONDITIONS[int(what) - 1]))
    return found


def session_measures(session: Session) -> dict[str, float]:
    """What is measured of one session; R peaks are detected, whoever made it."""
    peaks = r_peaks(session.ecg, ECG_HZ)
    low, high = _tachogram_powers(peaks)
    windows = range(len(session.eda) // (WINDOW_S * LOW_HZ))
    at = [slice(i * WINDOW_S * LOW_HZ, (i + 1) * WINDOW_S * LOW_HZ) for i in windows]
    rates = [heart_rate(peaks[(peaks >= i * WINDOW_S) & (peaks < (i + 1) * WINDOW_S)]) for i in windows]
    return {
        "heart rate /min": heart_rate(peaks),
        "SDNN ms": sdnn(peaks),
        "RMSSD ms": rmssd(peaks),
        "LF ms2": low,
        "HF ms2": high,
        "drift of heart rate /min": float(np.std(rates)),
        "breathing /min": breathing_rate(session.resp, LOW_HZ),
        "drift of breathing /min": float(np.nanstd([breathing_rate(session.resp[w], LOW_HZ) for w in at])),
        "tonic EDA uS": float(np.median(session.eda)),
        "drift of EDA uS": float(np.std([np.median(session.eda[w]) for w in at])),
        "SCR /min": scr_rate(session.eda, LOW_HZ),
    }


def compare_sessions(real: Sequence[Session], synthetic: Sequence[Session], seed: int = 0) -> list[Comparison]:
    """Every measure in every state that has FEWEST sessions of both kinds; means are medians over the sessions."""
    rows = []
    for state in CONDITIONS:
        mine, theirs = ([session_measures(s) for s in part if s.state == state] for part in (real, synthetic))
        if min(len(mine), len(theirs)) < FEWEST:
            continue
        for measure in mine[0]:
            a, b = (np.array([found[measure] for found in part]) for part in (mine, theirs))
            a, b = a[np.isfinite(a)], b[np.isfinite(b)]
            floor = _floor(a, len(b), seed)
            rows.append(
                Comparison(state, measure, float(np.median(a)), float(np.median(b)), ks(a, b), floor, (len(a), len(b)))
            )
    return rows


_RATES = (ECG_HZ, LOW_HZ)


def _side_by_side(rows: np.ndarray, start_s: np.ndarray, seconds: int) -> list[int]:
    """The rows of windows that follow one another for `seconds`, or none."""
    by_start = {round(start_s[row]): int(row) for row in rows}
    for first in sorted(by_start):
        starts = range(first, first + seconds, WINDOW_S)
        if all(start in by_start for start in starts):
            return [by_start[start] for start in starts]
    return []


def _tachogram_powers(peaks_s: np.ndarray) -> tuple[float, float]:
    """Power in ms^2 of the R-R intervals, evenly sampled, in the low and the high band; nan for too few beats."""
    if len(peaks_s) < 30:
        return float("nan"), float("nan")
    from scipy.signal import welch

    intervals = 1000 * np.diff(peaks_s)
    times = np.arange(peaks_s[1], peaks_s[-1], 1 / TACHOGRAM_HZ)
    even = np.interp(times, peaks_s[1:], intervals)
    segment = min(len(even), round(SEGMENT_S * TACHOGRAM_HZ))
    frequency, power = welch(even, TACHOGRAM_HZ, nperseg=segment, detrend="linear")
    step = frequency[1]
    low, high = (float(power[(frequency >= a) & (frequency < b)].sum() * step) for a, b in (LOW_BAND_HZ, HIGH_BAND_HZ))
    return low, high


def _floor(values: np.ndarray, size: int, seed: int) -> float:
    """The 95 % quantile of the distance of `size` of the values, or of half of them, from the others."""
    size = min(size, len(values) // 2)
    if size < 2:
        return float("nan")
    rng = np.random.default_rng(seed)
    mixed = [rng.permutation(values) for _ in range(RESAMPLES)]
    return float(np.quantile([ks(row[:size], row[size:]) for row in mixed], 0.95))
