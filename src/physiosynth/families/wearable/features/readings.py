"""What a physiologist reads off a window: its events, five numbers, and where those fall among reference windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from physiosynth.families.wearable.signals import ECG_HZ, LOW_HZ, WINDOW_S
from physiosynth.physiology import detectors as physiology
from physiosynth.physiology.beat_shape import aligned_beats

if TYPE_CHECKING:
    pass

USUAL = (0.05, 0.95)  # the share of the reference that is called usual
FEWEST = 5  # windows from which quantiles are told


@dataclass(frozen=True)
class Quantity:
    """A number of Readings: its field, plain title, unit ("" for a count) and the decimals worth showing."""

    name: str
    title: str
    unit: str
    digits: int


QUANTITIES = (
    Quantity("heart_rate", "Heart rate", "bpm", 0),
    Quantity("rmssd", "RMSSD", "ms", 0),
    Quantity("breathing_rate", "Respiratory rate", "breaths/min", 1),
    Quantity("scr_count", f"nSCR ({WINDOW_S} s)", "", 0),
    Quantity("eda_median", "Median SCL", "uS", 2),
)


@dataclass(frozen=True)
class Readings:
    """Events of one window in s from its first sample, and its numbers; nan where there are too few events to tell.

    beats_s: (k,) R peaks; inspirations_s: (b,) onsets of inspiration; scrs: skin conductance responses; heart_rate and
    breathing_rate per minute; rmssd in ms; scr_count; eda_median in uS.
    """

    beats_s: np.ndarray
    inspirations_s: np.ndarray
    scrs: physiology.ScrEvents
    heart_rate: float
    rmssd: float
    breathing_rate: float
    scr_count: float
    eda_median: float


@dataclass(frozen=True)
class Spread:
    """A number over windows: median, 5th and 95th percentile, quartiles, and how many of the windows have it.

    All nan below FEWEST windows but the median, which one window has.
    """

    median: float
    low: float
    high: float
    lower: float
    upper: float
    known: int
    windows: int

    def place(self, value: float) -> str:
        """Where a value falls: "usual" from the 5th to the 95th percentile, "low", "high", or "" if not to be told."""
        if not (np.isfinite(value) and np.isfinite(self.low)):
            return ""
        return "low" if value < self.low else "high" if value > self.high else "usual"


@dataclass(frozen=True)
class MeanBeat:
    """The average beat: (s,) time from R in s; mean, 5th and 95th percentile of the beats in mV; their count."""

    lag_s: np.ndarray
    mean_mv: np.ndarray
    low_mv: np.ndarray
    high_mv: np.ndarray
    beats: int


def window_readings(ecg_mv: np.ndarray, resp: np.ndarray | None, eda_us: np.ndarray | None) -> Readings:
    """Measure one window. ecg_mv: (t,) at 175 Hz; resp, eda_us: (s,) at 4 Hz, None where not recorded.

    Raises ChannelError.
    """
    beats, nothing = physiology.r_peaks(ecg_mv, ECG_HZ), np.empty(0)
    resp = nothing if resp is None else resp
    responses = physiology.scrs(nothing if eda_us is None else eda_us, LOW_HZ)
    return Readings(
        beats_s=beats,
        inspirations_s=physiology.inspiration_onsets(resp, LOW_HZ),
        scrs=responses,
        heart_rate=physiology.heart_rate(beats),
        rmssd=physiology.rmssd(beats),
        breathing_rate=physiology.breathing_rate(resp, LOW_HZ),
        scr_count=float("nan") if eda_us is None else float(len(responses)),
        eda_median=float("nan") if eda_us is None else physiology.tonic_level(eda_us),
    )


def spread(readings: Sequence[Readings], name: str) -> Spread:
    """How the number `name` of QUANTITIES spreads over windows; windows without it are left out and counted."""
    values = np.array([getattr(each, name) for each in readings], dtype=float)
    values = values[np.isfinite(values)]
    nan = float("nan")
    median = float(np.median(values)) if len(values) else nan
    if len(values) < FEWEST:
        return Spread(median, nan, nan, nan, nan, len(values), len(readings))
    low, lower, upper, high = np.quantile(values, [USUAL[0], 0.25, 0.75, USUAL[1]]).tolist()
    return Spread(median, low, high, lower, upper, len(values), len(readings))


def tachogram(beats_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The (k - 1,) times in s at which each R-R interval ends, and the intervals in ms. beats_s: (k,) R peaks in s."""
    beats = np.asarray(beats_s, dtype=float)
    return beats[1:], 1000 * np.diff(beats)


def mean_beat(ecgs_mv: Sequence[np.ndarray], beats_s: Sequence[np.ndarray]) -> MeanBeat | None:
    """The average beat over windows and its spread; None with fewer than 3 whole beats.

    ecgs_mv: for each window (t,) at 175 Hz; beats_s: its (k,) R peaks in s. Each beat has its own mean taken off. The
    axis ends where the beats of the fastest window meet their neighbours.
    """
    found = [aligned_beats(ecg, peaks, ECG_HZ) for ecg, peaks in zip(ecgs_mv, beats_s, strict=True) if len(peaks) > 1]
    beats = np.concatenate([each for each, _, _ in found]) if found else np.empty((0, 0))
    if len(beats) < 3:
        return None
    own = np.logical_and.reduce([mask for each, _, mask in found if len(each)])
    lag_s, beats = found[0][1][own], beats[:, own]
    low, high = np.quantile(beats, USUAL, axis=0)
    return MeanBeat(lag_s, beats.mean(axis=0), low, high, len(beats))
