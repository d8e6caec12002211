"""Constant-label windows of both streams, with the beats they hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.datasets.preprocess import PreparedSubject, Run
from physiosynth.physiology import beat_advance, r_peaks
from physiosynth.signals import ECG_HZ, ECG_STEPS, HOP_S, LOW_CHANNELS, LOW_HZ, LOW_STEPS, WINDOW_S

BEAT_CHANNELS = ("Beat",)
BEAT_UNIT = f"beats per {1000 // LOW_HZ} ms"
FEWEST_BEATS = 15  # in a window: 30 beats/min
BEAT_LIMITS = (0.08, 1.0)  # advance in one LOW step: 19 and 240 beats/min
USUAL_ADVANCE = 70 / 60 / LOW_HZ  # where a subject has no usable window at all
AROUND_S = 5  # ECG on both sides of a run that helps the detector at its ends


@dataclass(frozen=True)
class SubjectWindows:
    """All windows of one subject, in order of time.

    ecg: (n, 5250, 1) float32 mV; low: (n, 120, 2) float32 [EDA, Resp]; beat: (n, 120, 1) float32 beats in each LOW
    step; labels: (n,) int64 raw ids; start_s: (n,) float64; beat_found: (n,) bool, False where the R peaks were not
    usable and `beat` is the subject's median rate instead; source and notes: as the recording's.
    """

    subject: str
    source: str
    ecg: np.ndarray
    low: np.ndarray
    beat: np.ndarray
    labels: np.ndarray
    start_s: np.ndarray
    beat_found: np.ndarray
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


def window_starts(run: Run) -> range:
    """Start of each window in a run, in s: every HOP_S seconds as long as a whole window fits."""
    return range(run.start_s, run.stop_s - WINDOW_S + 1, HOP_S)


def cut_windows(prepared: PreparedSubject) -> SubjectWindows:
    """All windows of WINDOW_S that lie inside one run; none crosses a cut or touches a second run."""
    starts = [(start, run) for run in prepared.runs for start in window_starts(run)]
    ecg = [prepared.ecg[start * ECG_HZ :][:ECG_STEPS] for start, _ in starts]
    low = [prepared.low[start * LOW_HZ :][:LOW_STEPS] for start, _ in starts]
    beat, found = _beats(prepared)
    return SubjectWindows(
        subject=prepared.subject,
        source=prepared.source,
        ecg=np.array(ecg, dtype=np.float32).reshape(len(starts), ECG_STEPS, 1),
        low=np.array(low, dtype=np.float32).reshape(len(starts), LOW_STEPS, len(LOW_CHANNELS)),
        beat=beat.astype(np.float32)[..., None],
        labels=np.array([run.label for _, run in starts], dtype=np.int64),
        start_s=np.array([start for start, _ in starts], dtype=np.float64),
        beat_found=found,
        notes=prepared.notes,
    )


def _beats(prepared: PreparedSubject) -> tuple[np.ndarray, np.ndarray]:
    """(n, 120) beat advance of every window without nan, and (n,) whether its R peaks were usable."""
    rows = [row for run in prepared.runs for row in _run_beats(prepared, run)]
    beat = np.array(rows, dtype=np.float64).reshape(len(rows), LOW_STEPS)
    low, high = BEAT_LIMITS
    found = np.isfinite(beat).all(axis=1)
    found[found] = ((beat[found] >= low) & (beat[found] <= high)).all(1) & (beat[found].sum(1) >= FEWEST_BEATS)
    beat[~found] = np.median(beat[found]) if found.any() else USUAL_ADVANCE
    return beat, found


def _run_beats(prepared: PreparedSubject, run: Run) -> list[np.ndarray]:
    """(120,) beat advance for each window of a run, from R peaks detected in the whole run and a little around it."""
    first = max(0, run.start_s - AROUND_S)
    peaks = r_peaks(prepared.ecg[first * ECG_HZ : (run.stop_s + AROUND_S) * ECG_HZ]) + first
    advance = beat_advance(peaks - run.start_s, run.stop_s - run.start_s)
    return [advance[(start - run.start_s) * LOW_HZ :][:LOW_STEPS] for start in window_starts(run)]
