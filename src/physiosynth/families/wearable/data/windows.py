"""Constant-label windows of both streams, with the beats they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from physiosynth.families.wearable.data.preprocess import PreparedSubject, Run
from physiosynth.families.wearable.signals import ECG_HZ, ECG_STEPS, HOP_S, LOW_CHANNELS, LOW_HZ, LOW_STEPS, WINDOW_S
from physiosynth.physiology.detectors import beat_phase, beats_of_phase, breathing_rate, heart_rate, r_peaks, scr_rate

PHASE_EDGES = LOW_STEPS + 1  # a window's LOW steps have one edge more than steps
FEWEST_BEATS = 15  # in a window: 30 beats/min
ADVANCE_LIMITS = (0.08, 1.0)  # advance in one LOW step: 19 and 240 beats/min
USUAL_ADVANCE = 70 / 60 / LOW_HZ  # where a subject has no usable window at all
RATES = ("heart_rate", "breathing_rate", "scr_rate")  # measured in each window, each in /min
AROUND_S = 5  # ECG on both sides of a run that helps the detector at its ends


@dataclass(frozen=True)
class SubjectWindows:
    """All windows of one subject, in order of time.

    ecg: (n, ECG_STEPS, 1) float32 mV; low: (n, LOW_STEPS, 2) float32 [EDA, Resp]; phase: (n, PHASE_EDGES) float32
    beats at the edges of the LOW steps, whole at each R peak, the first in [0, 1); labels: (n,) int64 raw ids;
    start_s: (n,) float64; beat_found: (n,) bool, False where the R peaks were not usable and `phase` runs at the
    subject's median rate instead; source and notes: as the recording's.
    """

    subject: str
    source: str
    ecg: np.ndarray
    low: np.ndarray
    phase: np.ndarray
    labels: np.ndarray
    start_s: np.ndarray
    beat_found: np.ndarray
    rates: np.ndarray
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


def window_starts(run: Run) -> range:
    """Start of each window in a run, in s: every HOP_S seconds as long as a whole window fits."""
    return range(run.start_s, run.stop_s - WINDOW_S + 1, HOP_S)


def cut_windows(prepared: PreparedSubject) -> SubjectWindows:
    """All windows of WINDOW_S that lie inside one run; none crosses a cut or touches a second run."""
    starts = labelled_starts(prepared)
    ecg, low = window_signals(prepared, [start for start, _ in starts])
    phase, found = _phases(prepared)
    rates = [window_rates(*window) for window in zip(phase, low, strict=True)]
    return SubjectWindows(
        subject=prepared.subject,
        source=prepared.source,
        ecg=ecg,
        low=low,
        phase=phase.astype(np.float32),
        labels=np.array([label for _, label in starts], dtype=np.int64),
        start_s=np.array([start for start, _ in starts], dtype=np.float64),
        beat_found=found,
        rates=np.array(rates, dtype=np.float32).reshape(len(starts), len(RATES)),
        notes=prepared.notes,
    )


def labelled_starts(prepared: PreparedSubject) -> list[tuple[int, int]]:
    """Where each window starts, in s, and its label id; in order of time."""
    return [(start, run.label) for run in prepared.runs for start in window_starts(run)]


def window_signals(prepared: PreparedSubject, starts_s: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """(n, ECG_STEPS, 1) and (n, LOW_STEPS, 2) float32: what both streams hold from each of these seconds on."""
    ecg = [prepared.ecg[start * ECG_HZ :][:ECG_STEPS] for start in starts_s]
    low = [prepared.low[start * LOW_HZ :][:LOW_STEPS] for start in starts_s]
    return (
        np.array(ecg, dtype=np.float32).reshape(len(ecg), ECG_STEPS, 1),
        np.array(low, dtype=np.float32).reshape(len(low), LOW_STEPS, len(LOW_CHANNELS)),
    )


def window_rates(phase: np.ndarray, low: np.ndarray) -> tuple[float, float, float]:
    """RATES of one window, each in /min: phase (PHASE_EDGES,) beats, low (LOW_STEPS, 2) [EDA in uS, Resp]."""
    eda, resp = (low[:, LOW_CHANNELS.index(name)] for name in ("EDA", "Resp"))
    return heart_rate(beats_of_phase(phase, LOW_HZ)), breathing_rate(resp, LOW_HZ), scr_rate(eda, LOW_HZ)


def _phases(prepared: PreparedSubject) -> tuple[np.ndarray, np.ndarray]:
    """(n, PHASE_EDGES) cardiac phase of every window without nan, and (n,) whether its R peaks were usable."""
    rows = [row for run in prepared.runs for row in _run_phases(prepared, run)]
    phase = np.array(rows, dtype=np.float64).reshape(len(rows), PHASE_EDGES)
    low, high = ADVANCE_LIMITS
    advance = np.diff(phase, axis=1)
    found = np.array(np.isfinite(phase).all(axis=1))
    found[found] = ((advance[found] >= low) & (advance[found] <= high)).all(1) & (advance[found].sum(1) >= FEWEST_BEATS)
    usual = np.median(advance[found]) if found.any() else USUAL_ADVANCE
    phase[~found] = usual * np.arange(PHASE_EDGES)
    # Which beat is called number 0 means nothing: each window starts within its first one.
    return phase - np.floor(phase[:, :1]), found


def _run_phases(prepared: PreparedSubject, run: Run) -> list[np.ndarray]:
    """(PHASE_EDGES,) phase for each window of a run, from R peaks detected in the whole run and a little around it."""
    first = max(0, run.start_s - AROUND_S)
    peaks = r_peaks(prepared.ecg[first * ECG_HZ : (run.stop_s + AROUND_S) * ECG_HZ], ECG_HZ) + first
    edges = np.arange((run.stop_s - run.start_s) * LOW_HZ + 1) / LOW_HZ
    phase = beat_phase(peaks - run.start_s, edges)
    return [phase[(start - run.start_s) * LOW_HZ :][:PHASE_EDGES] for start in window_starts(run)]
