"""What can be measured of a window: the one table behind the physiology, coupling, usefulness and fidelity judges.

A window is taken as it is: nothing is filtered first to look better. What cannot be measured is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features import pairs
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.signals import ECG_HZ, LOW_HZ, LOW_STEPS, WINDOW_S
from physiosynth.files import write_npz
from physiosynth.physiology import detectors as physiology
from physiosynth.physiology.beat_shape import beat_shape, template_steps
from physiosynth.running.keys import code_digest, key_of
from physiosynth.running.pool import LocalPool
from physiosynth.runtime import OnStep, quiet

VERSION = 2  # of the measurements as published; what is kept is found by the code itself
MOST_BEATS = 150  # 300 beats/min


@dataclass(frozen=True)
class Feature:
    """title: the field's term; unit: "" for a bare number; channels: what it is measured on."""

    title: str
    unit: str
    channels: tuple[str, ...]


_ECG, _EDA, _RESP = ("ECG",), ("EDA",), ("Resp",)
FEATURES: dict[str, Feature] = {
    "heart_rate": Feature("Heart rate", "bpm", _ECG),
    "rmssd": Feature("RMSSD (beat-to-beat variability)", "ms", _ECG),
    "sdnn": Feature("SDNN (SD of RR intervals)", "ms", _ECG),
    "r_amplitude": Feature("R-wave amplitude", "mV", _ECG),
    "p_wave": Feature("P-wave amplitude (0 = absent)", "mV", _ECG),
    "t_wave": Feature("T-wave amplitude (0 = absent)", "mV", _ECG),
    "qrs_width": Feature("QRS duration", "ms", _ECG),
    "template_correlation": Feature("Beat-template correlation", "", _ECG),
    "signal_quality": Feature("Beat signal-to-noise ratio (mean beat over residual)", "dB", _ECG),
    "clean": Feature("Clean window (1 = yes)", "", _ECG),
    "breathing_rate": Feature("Respiratory rate", "breaths/min", _RESP),
    "breath_depth": Feature("Respiration amplitude", "%", _RESP),
    "breath_regularity": Feature("Respiratory regularity (share of power at the respiratory rate)", "", _RESP),
    "tonic_level": Feature("Skin conductance level (SCL)", "uS", _EDA),
    "scr_rate": Feature("SCR rate", "1/min", _EDA),
    "scr_amplitude": Feature("SCR amplitude (0 = no response)", "uS", _EDA),
    "eda_slope": Feature("SCL slope", "uS/min", _EDA),
    "resp_heart": Feature("Respiratory sinus arrhythmia", "", ("ECG", "Resp")),
    "resp_coherence": Feature("HR-respiration coherence", "", ("ECG", "Resp")),
    "edr_resp": Feature("ECG-derived respiration (R-amplitude modulation)", "", ("ECG", "Resp")),
    "scr_heart": Feature("Heart-rate response to SCRs", "", ("ECG", "EDA")),
}
COUPLINGS = ("resp_heart", "resp_coherence", "edr_resp", "scr_heart")
# What one window is described by; what is left out says the same as another.
DESCRIPTION = tuple(name for name in FEATURES if name not in ("clean", "resp_coherence"))


@dataclass(frozen=True)
class Features:
    """Measurements of n windows.

    values: (n,) float64 by name of FEATURES; rate: (n, 120) heart rate in beats/min in each 250 ms, nan without beats;
    r_height: (n, 120) R height in mV on the same steps; beat: (n, template_steps(ECG_HZ)) median beat in mV; beats_s:
    (n, 150) times of the R peaks in s, rows end in nan.
    """

    values: dict[str, np.ndarray]
    rate: np.ndarray
    r_height: np.ndarray
    beat: np.ndarray
    beats_s: np.ndarray

    def __len__(self) -> int:
        return len(self.rate)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.values:
            raise EvaluationError(f"No feature {name!r}. There are {', '.join(self.values)}.")
        return self.values[name]

    def take(self, positions: Sequence[int] | np.ndarray) -> Features:
        """The rows at these positions, or where this mask is true."""
        at = np.asarray(positions)
        rows = (self.rate, self.r_height, self.beat, self.beats_s)
        return Features({name: column[at] for name, column in self.values.items()}, *(row[at] for row in rows))

    def joined(self, other: Features) -> Features:
        """These rows, then the other's."""
        names = ("rate", "r_height", "beat", "beats_s")
        values = {name: np.concatenate([column, other[name]]) for name, column in self.values.items()}
        return Features(values, *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))

    def table(self, names: Sequence[str] = DESCRIPTION) -> np.ndarray:
        """(n, len(names)) float64, NaN where a figure could not be measured."""
        return np.stack([self[name] for name in names], axis=1)

    def beats_of(self, i: int) -> np.ndarray:
        """(k,) R-peak times of window i in s."""
        return self.beats_s[i][np.isfinite(self.beats_s[i])]


def window_features(
    windows: WindowSet,
    cache_dir: Path | None = None,
    workers: int = 1,
    on_step: OnStep = quiet,
) -> Features:
    """Measure every window, each channel once.

    cache_dir: measured before, the same windows are read from there; workers: processes; on_step counts windows.
    """
    path = None
    if cache_dir is not None:
        key = key_of(windows=windows.sha256(), code=code_digest(__name__))[:24]
        path = Path(cache_dir) / f"features_v{VERSION}_{key}.npz"
    kept = _read(path, len(windows))
    if kept is not None:
        on_step(len(windows), len(windows))
        return kept
    chunks = np.array_split(np.arange(len(windows)), max(1, min(len(windows), 8 * workers)))
    measured: dict[int, list[dict]] = {}
    tasks = [(windows.ecg[at], windows.eda[at], windows.resp[at]) for at in chunks]
    with closing(LocalPool(max(1, workers)).results(_measure_rows, tasks)) as results:
        for place, part in results:
            measured[place] = part
            on_step(sum(map(len, measured.values())), len(windows))
    features = _assembled([row for place in sorted(measured) for row in measured[place]], windows)
    if path is not None:
        signals = {"rate": features.rate, "r_height": features.r_height, "beat": features.beat}
        named = {f"value_{name}": column for name, column in features.values.items()}
        write_npz(path, beats_s=features.beats_s, **signals, **named)
    return features


def with_pairing(features: Features, windows: WindowSet, resp_from: np.ndarray, eda_from: np.ndarray) -> Features:
    """Features after the low channels changed places, without detecting anything anew.

    windows: already re-paired; window i holds its own ECG, the Resp of resp_from[i] and the EDA of eda_from[i].
    """
    values = dict(features.values)
    for channels, at in ((_RESP, resp_from), (_EDA, eda_from)):
        values |= {name: features[name][at] for name, known in FEATURES.items() if known.channels == channels}
    values |= pairs.couplings(features.rate, features.r_height, windows.resp, windows.eda)
    return Features(values, features.rate, features.r_height, features.beat, features.beats_s)


def _measure_rows(ecg: np.ndarray, eda: np.ndarray, resp: np.ndarray) -> list[dict]:
    return [
        _of_ecg(ecg.astype(float)) | _of_resp(resp.astype(float)) | _of_eda(eda.astype(float))
        for ecg, eda, resp in zip(ecg, eda, resp, strict=True)
    ]


def _of_ecg(ecg: np.ndarray) -> dict:
    peaks = physiology.r_peaks(ecg, ECG_HZ)[:MOST_BEATS]
    shape = beat_shape(ecg, peaks, ECG_HZ)
    edges = np.arange(LOW_STEPS + 1) / LOW_HZ
    steps = edges[:-1] + 0.5 / LOW_HZ
    height = np.interp(steps, peaks, shape.amplitudes) if len(peaks) > 2 else np.full(LOW_STEPS, np.nan)
    return {
        "heart_rate": physiology.heart_rate(peaks),
        "rmssd": physiology.rmssd(peaks),
        "sdnn": physiology.sdnn(peaks),
        "r_amplitude": shape.r_mv,
        "p_wave": shape.p_mv,
        "t_wave": shape.t_mv,
        "qrs_width": shape.qrs_ms,
        "template_correlation": shape.correlation,
        "signal_quality": shape.quality_db,
        "clean": float(shape.clean),
        "_rate": 60 * LOW_HZ * np.diff(physiology.beat_phase(peaks, edges)),
        "_r_height": height,
        "_beat": shape.template,
        "_beats_s": np.pad(peaks, (0, MOST_BEATS - len(peaks)), constant_values=np.nan),
    }


def _of_resp(resp: np.ndarray) -> dict:
    tops = physiology.breaths(resp, LOW_HZ)
    intervals = np.diff(tops)
    at = np.clip(np.round(tops * LOW_HZ).astype(int), 0, len(resp) - 1)
    depths = [(resp[a] + resp[b]) / 2 - resp[a : b + 1].min() for a, b in pairwise(at) if b > a]
    return {
        "breathing_rate": float(60 / intervals.mean()) if len(intervals) else np.nan,
        "breath_depth": float(np.median(depths)) if depths else np.nan,
        "breath_regularity": _regularity(resp),
    }


def _regularity(resp: np.ndarray) -> float:
    """Share of the power between 0.05 and 1 Hz that lies within a tenth of a hertz around its peak; nan when flat."""
    from scipy.signal import periodogram

    frequency, power = periodogram(resp, LOW_HZ, window="hann", detrend="linear")
    inside = (frequency >= 0.05) & (frequency <= 1.0)
    frequency, power = frequency[inside], power[inside]
    if power.sum() <= 1e-12 * max(1.0, float(np.square(resp).mean())):
        return float("nan")
    return float(power[np.abs(frequency - frequency[power.argmax()]) <= 0.05].sum() / power.sum())


def _of_eda(eda: np.ndarray) -> dict:
    found = physiology.scrs(eda, LOW_HZ)
    return {
        "tonic_level": physiology.tonic_level(eda),
        "scr_rate": 60.0 * len(found) / WINDOW_S,
        "scr_amplitude": float(found.amplitude_us.mean()) if len(found) else 0.0,
        "eda_slope": float(60 * LOW_HZ * np.polyfit(np.arange(len(eda)), eda, 1)[0]),
    }


def _assembled(parts: list[dict], windows: WindowSet) -> Features:
    def rows(key: str, steps: int) -> np.ndarray:
        return np.array([part[key] for part in parts], dtype=float).reshape(len(parts), steps)

    values = {name: np.array([part[name] for part in parts], dtype=float) for name in FEATURES if name not in COUPLINGS}
    rate, height = rows("_rate", LOW_STEPS), rows("_r_height", LOW_STEPS)
    values |= pairs.couplings(rate, height, windows.resp, windows.eda)
    return Features(values, rate, height, rows("_beat", template_steps(ECG_HZ)), rows("_beats_s", MOST_BEATS))


def _read(path: Path | None, count: int) -> Features | None:
    """Features kept before, or None where there are none that fit."""
    if path is None or not path.is_file():
        return None
    import zipfile
    import zlib

    try:
        with np.load(path, allow_pickle=False) as kept:
            values = {name: kept[f"value_{name}"] for name in FEATURES}
            rows = [kept[name] for name in ("rate", "r_height", "beat", "beats_s")]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):  # measured anew
        return None
    return Features(values, *rows) if len(rows[0]) == count else None
