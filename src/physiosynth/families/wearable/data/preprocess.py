"""Filters, decimation and label masks: a Recording becomes both streams at their own rates, and runs of one label."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from itertools import pairwise

import numpy as np

from physiosynth.errors import RecordingError, RequestError
from physiosynth.families.wearable.signals import (
    CHEST_HZ,
    ECG_HZ,
    LABEL_IDS,
    LOW_CHANNELS,
    LOW_HZ,
    TRANSIENT_ID,
    WINDOW_S,
)
from physiosynth.recordings.recording import Recording

EDA_KINDS = ("full", "phasic")
MIDDLE_HZ = 20  # where EDA and Resp are filtered: a band of 0.05 Hz is ill-conditioned at 700 Hz
ECG_STAGES = (CHEST_HZ // ECG_HZ,)  # 700 -> 175 Hz
MIDDLE_STAGES = (7, 5)  # 700 -> 100 -> 20 Hz
LOW_STAGES = (MIDDLE_HZ // LOW_HZ,)  # 20 -> 4 Hz
ATTENUATION_DB = 60.0  # of every anti-alias filter, from the new Nyquist frequency on


@dataclass(frozen=True)
class PreprocessSettings:
    """How recordings become windows. Raises RequestError for edges that cannot be.

    Butterworth filters run forward and backward, so that nothing is delayed and the order counts twice.
    """

    ecg_band_hz: tuple[float, float] = (0.5, 40.0)
    eda_lowpass_hz: float = 5.0
    eda: str = "full"  # "full" keeps the tonic level; "phasic" removes what is slower than phasic_highpass_hz
    phasic_highpass_hz: float = 0.03
    resp_band_hz: tuple[float, float] = (0.05, 1.0)  # 0.1-0.35 as published; real breathing leaves that band
    order: int = 2
    trim_s: float = 5.0  # cut off at each transition of the label
    shortest_run_s: float = float(WINDOW_S)

    def __post_init__(self) -> None:
        for name in ("ecg_band_hz", "resp_band_hz"):
            object.__setattr__(self, name, tuple(float(edge) for edge in getattr(self, name)))
        if self.eda not in EDA_KINDS:
            raise RequestError(f"EDA is either {' or '.join(EDA_KINDS)}, found {self.eda!r}.")
        for name, rate in (("ecg_band_hz", CHEST_HZ), ("resp_band_hz", MIDDLE_HZ)):
            edges = getattr(self, name)
            if len(edges) != 2 or not 0 < edges[0] < edges[1] < rate / 2:
                raise RequestError(f"{name} needs two rising edges between 0 and {rate / 2:g} Hz, found {edges}.")
        for name in ("eda_lowpass_hz", "phasic_highpass_hz"):
            if not 0 < getattr(self, name) < MIDDLE_HZ / 2:
                raise RequestError(f"{name} must lie between 0 and {MIDDLE_HZ / 2:g}, found {getattr(self, name)}.")
        if self.order < 1 or self.trim_s < 0 or self.shortest_run_s < WINDOW_S:
            raise RequestError(
                f"Needed: order >= 1, trim_s >= 0, shortest_run_s >= {WINDOW_S}; found {self.order}, {self.trim_s}, "
                f"{self.shortest_run_s}."
            )

    def to_dict(self) -> dict:
        """Plain JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict) -> PreprocessSettings:
        """The settings of to_dict. Raises RequestError for unknown keys."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise RequestError(f"Unknown preprocessing settings: {', '.join(sorted(unknown))}.")
        return cls(**values)


@dataclass(frozen=True)
class Run:
    """One unbroken stretch of one label, transitions cut off: whole seconds from start_s up to stop_s."""

    start_s: int
    stop_s: int
    label: int


@dataclass(frozen=True)
class PreparedSubject:
    """Both streams of one recording, aligned: ECG sample j is at j / 175 s, LOW sample k at k / 4 s.

    ecg: (t,) float32 mV at ECG_HZ; low: (u, 2) float32 in LOW_CHANNELS order at LOW_HZ; runs: in order of time.
    """

    subject: str
    source: str
    ecg: np.ndarray
    low: np.ndarray
    runs: tuple[Run, ...]
    notes: tuple[str, ...]


def prepare(recording: Recording, settings: PreprocessSettings | None = None) -> PreparedSubject:
    """Filter, decimate and mask one recording in the WESAD layout: recorded, virtual or a user's own.

    Missing values are bridged for the filters and cut out of the runs like a transition. Raises RecordingError for a
    missing channel or rates other than the chest device's.
    """
    settings = settings or PreprocessSettings()
    if recording.label_hz != CHEST_HZ:
        raise RecordingError(f"{recording.subject}: expected labels at {CHEST_HZ} Hz, found {recording.label_hz:g} Hz.")
    ecg, ecg_found = _bridged(recording, "ECG")
    eda, eda_found = _bridged(recording, "EDA")
    resp, resp_found = _bridged(recording, "Resp")
    label = np.where(ecg_found & eda_found & resp_found, recording.label, TRANSIENT_ID)
    low = np.column_stack([filter_eda(eda, settings), filter_resp(resp, settings)])
    return PreparedSubject(
        subject=recording.subject,
        source=recording.source,
        ecg=filter_ecg(ecg, settings).astype(np.float32),
        low=low.astype(np.float32),
        runs=label_runs(label, CHEST_HZ, settings),
        notes=recording.notes,
    )


def _bridged(recording: Recording, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A chest channel as (t,) float64 with gaps bridged by straight lines, and where it had values."""
    channel = recording.chest_channel(name)
    values = np.asarray(channel.values, dtype=np.float64).reshape(-1)
    if channel.rate_hz != CHEST_HZ or len(values) != len(recording.label):
        raise RecordingError(
            f"{recording.subject}: expected {name} at {CHEST_HZ} Hz and as long as the {len(recording.label)} labels, "
            f"found {len(values)} samples at {channel.rate_hz:g} Hz."
        )
    found = np.isfinite(values)
    if not found.any():
        raise RecordingError(f"{recording.subject}: {name} has no values at all.")
    if not found.all():
        values = values.copy()
        values[~found] = np.interp(np.flatnonzero(~found), np.flatnonzero(found), values[found])
    return values, found


def filter_ecg(ecg_mv: np.ndarray, settings: PreprocessSettings) -> np.ndarray:
    """(n,) chest ECG at CHEST_HZ -> (ceil(n / 4),) band-passed at ECG_HZ, mV."""
    return decimate(_butterworth(ecg_mv, settings.order, settings.ecg_band_hz, "bandpass", CHEST_HZ), ECG_STAGES)


def filter_eda(eda_us: np.ndarray, settings: PreprocessSettings) -> np.ndarray:
    """(n,) chest EDA at CHEST_HZ -> (ceil(n / 175),) at LOW_HZ, uS; signed where settings.eda is "phasic"."""
    eda = decimate(eda_us, MIDDLE_STAGES)
    eda = _butterworth(eda, settings.order, settings.eda_lowpass_hz, "lowpass", MIDDLE_HZ)
    if settings.eda == "phasic":
        eda = _butterworth(eda, settings.order, settings.phasic_highpass_hz, "highpass", MIDDLE_HZ)
    return decimate(eda, LOW_STAGES)


def filter_resp(resp: np.ndarray, settings: PreprocessSettings) -> np.ndarray:
    """(n,) chest Resp at CHEST_HZ -> (ceil(n / 175),) band-passed at LOW_HZ, percent of the belt's range."""
    resp = decimate(resp, MIDDLE_STAGES)
    return decimate(_butterworth(resp, settings.order, settings.resp_band_hz, "bandpass", MIDDLE_HZ), LOW_STAGES)


def _butterworth(signal: np.ndarray, order: int, edges: float | tuple, kind: str, rate_hz: float) -> np.ndarray:
    from scipy.signal import butter, sosfiltfilt

    sections = butter(order, edges, kind, fs=rate_hz, output="sos")
    # Mirrored ends as long as a few periods of the slowest edge let the filter settle before the first sample.
    slowest = min(edges) if isinstance(edges, tuple) else edges
    return sosfiltfilt(sections, signal, padlen=min(len(signal) - 1, int(3 * rate_hz / slowest)))


def decimate(signal: np.ndarray, stages: tuple[int, ...]) -> np.ndarray:
    """Keep every f-th sample for each factor f, behind a zero-phase anti-alias filter of that stage.

    signal: (n,); returns (ceil(n / product),): output k is at the time of input k * product. The filter is a Kaiser
    window FIR, flat to 80 % of the new Nyquist frequency and ATTENUATION_DB down from that frequency on.
    """
    from scipy.signal import firwin, kaiserord, oaconvolve

    for factor in stages:
        taps, beta = kaiserord(ATTENUATION_DB, 0.2 / factor)
        window = firwin(taps | 1, 0.9 / factor, window=("kaiser", beta))
        half = len(window) // 2
        mirrored = np.pad(signal, half, mode="reflect", reflect_type="odd")
        signal = oaconvolve(mirrored, window, mode="valid")[::factor]
    return signal


def label_runs(label: np.ndarray, rate_hz: float, settings: PreprocessSettings) -> tuple[Run, ...]:
    """Stretches of one condition's label, with trim_s cut off both ends and at least shortest_run_s left.

    label: (n,) ids. The ends of the recording count as transitions. Runs start and end on whole seconds, the only
    instants at which both streams have a sample.
    """
    edges = np.concatenate([[0], np.flatnonzero(np.diff(label)) + 1, [len(label)]])
    runs = []
    for first, last in pairwise(edges):
        start = int(np.ceil(first / rate_hz + settings.trim_s - 1e-9))
        stop = int(np.floor(last / rate_hz - settings.trim_s + 1e-9))
        if label[first] in LABEL_IDS.values() and stop - start >= settings.shortest_run_s:
            runs.append(Run(start, stop, int(label[first])))
    return tuple(runs)


def filter_description(settings: PreprocessSettings) -> dict:
    """The filters in words and numbers, for dataset_config.json."""
    return settings.to_dict() | {
        "kind": "Butterworth, forward and backward (zero phase, order counts twice)",
        "anti_alias": f"Kaiser FIR before each decimation, -{ATTENUATION_DB:g} dB from the new Nyquist frequency",
        "channels_low": list(LOW_CHANNELS),
    }
