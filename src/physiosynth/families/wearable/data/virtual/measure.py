"""A cohort measured with the detectors, the way the published aggregates were, and set beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.families.wearable.signals import CHEST_HZ, CONDITIONS, ECG_HZ, LABEL_IDS, LOW_HZ, WINDOW_S, WRIST_HZ
from physiosynth.physiology import detectors as physiology
from physiosynth.recordings.recording import RecordedChannel, Recording

NEEDED_CHANNELS = ("chest/ECG", "chest/EDA", "chest/Resp", "wrist/BVP", "wrist/EDA")
_MARGIN_S = 5.0  # off each end of a labelled run
_MEANS = ("breathing_rate", "heart_rate_wrist", "eda_wrist", "scr_per_min_wrist")  # of windows; medians of all others


@dataclass(frozen=True)
class Comparison:
    """One measure in one state: mean and SD across subjects, found and in the reference."""

    condition: str
    measure: str
    mean: float
    sd: float
    reference_mean: float
    reference_sd: float

    @property
    def deviation(self) -> float:
        """Difference of the means in between-subject SDs of the reference."""
        return (self.mean - self.reference_mean) / self.reference_sd


def measure_recording(recording: Recording) -> dict[str, dict[str, float]]:
    """One subject's figures by condition and measure, from 30 s windows inside each labelled run.

    Chest: medians over windows of heart_rate, rmssd, sdnn (beats/min, ms), tonic_eda_chest (uS) and resp_belt_sd (%),
    and the mean breathing_rate (/min); wrist: means of heart_rate_wrist, eda_wrist (uS) and scr_per_min_wrist.
    """
    figures = {}
    for condition in CONDITIONS:
        windows: dict[str, list[float]] = {}
        for start, end in _runs(recording.label, LABEL_IDS[condition]):
            for name, values in {**_chest_run(recording, start, end), **_wrist_run(recording, start, end)}.items():
                windows.setdefault(name, []).extend(values)
        figures[condition] = {
            name: float(np.nanmean(values) if name in _MEANS else np.nanmedian(values))
            for name, values in windows.items()
        }
    return figures


def compare(figures: list[dict[str, dict[str, float]]], reference: dict) -> list[Comparison]:
    """Every measure of the reference (parsed JSON of means and SDs by condition) beside the cohort's, in its order."""
    rows = []
    for condition in CONDITIONS:
        for measure, (mean, sd) in reference[condition].items():
            values = np.array([subject[condition][measure] for subject in figures])
            rows.append(Comparison(condition, measure, values.mean(), values.std(ddof=1), mean, sd))
    return rows


def _runs(label: np.ndarray, wanted: int) -> list[tuple[float, float]]:
    """(start, end) in s of each run of one label, less the margins, that holds a window."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (label == wanted).astype(np.int8), [0]])))
    pairs = edges.reshape(-1, 2) / CHEST_HZ + np.array([_MARGIN_S, -_MARGIN_S])
    return [(start, end) for start, end in pairs if end - start >= WINDOW_S]


def _cut(channel: RecordedChannel, start_s: float, end_s: float) -> np.ndarray:
    return channel.values[round(start_s * channel.rate_hz) : round(end_s * channel.rate_hz)]


def _thinned(values: np.ndarray, rate_hz: int, wanted_hz: int) -> np.ndarray:
    """The signal at a lower rate that divides its own, low-passed at 0.4 of the new one."""
    from scipy.signal import butter, sosfiltfilt

    step = rate_hz // wanted_hz
    return sosfiltfilt(butter(4, 0.4 * wanted_hz, fs=rate_hz, output="sos"), values)[::step]


def _windows(start: float, end: float) -> np.ndarray:
    """Starts of the windows of a run, relative to it."""
    return np.arange(int((end - start) // WINDOW_S)) * float(WINDOW_S)


def _split(values: np.ndarray, count: int, rate_hz: int) -> np.ndarray:
    """(count, steps) whole windows of a run."""
    steps = WINDOW_S * rate_hz
    return values[: count * steps].reshape(count, steps)


def _by_window(peaks_s: np.ndarray, starts: np.ndarray) -> list[np.ndarray]:
    return [peaks_s[(peaks_s >= start) & (peaks_s < start + WINDOW_S)] for start in starts]


def _chest_run(recording: Recording, start: float, end: float) -> dict[str, list[float]]:
    starts = _windows(start, end)
    ecg = _thinned(_cut(recording.chest_channel("ECG"), start, end), CHEST_HZ, ECG_HZ)
    beats = _by_window(physiology.r_peaks(ecg, ECG_HZ), starts)
    resp = _cut(recording.chest_channel("Resp"), start, end)
    slow = _split(_thinned(resp, CHEST_HZ, LOW_HZ), len(starts), LOW_HZ)
    eda = _split(_cut(recording.chest_channel("EDA"), start, end), len(starts), CHEST_HZ)
    return {
        "heart_rate": [physiology.heart_rate(peaks) for peaks in beats],
        "rmssd": [physiology.rmssd(peaks) for peaks in beats],
        "sdnn": [physiology.sdnn(peaks) for peaks in beats],
        "tonic_eda_chest": [physiology.tonic_level(window) for window in eda],
        "breathing_rate": [physiology.breathing_rate(window, LOW_HZ) for window in slow],
        "resp_belt_sd": list(_split(resp, len(starts), CHEST_HZ).std(axis=1)),
    }


def _wrist_run(recording: Recording, start: float, end: float) -> dict[str, list[float]]:
    import neurokit2 as nk

    rate = WRIST_HZ["BVP"]
    clean = nk.ppg_clean(_cut(recording.wrist["BVP"], start, end), sampling_rate=rate, method="elgendi")
    pulses = nk.ppg_findpeaks(clean, sampling_rate=rate, method="elgendi")["PPG_Peaks"] / rate
    eda = _cut(recording.wrist["EDA"], start, end)
    return {
        "heart_rate_wrist": [physiology.heart_rate(peaks) for peaks in _by_window(pulses, _windows(start, end))],
        "eda_wrist": list(_split(eda, len(_windows(start, end)), WRIST_HZ["EDA"]).mean(axis=1)),
        "scr_per_min_wrist": [physiology.scr_rate(eda, WRIST_HZ["EDA"])],
    }
