"""A person's own recording as reference windows: prepared as the training data were, bounded in length and number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from physiosynth.errors import RecordingError
from physiosynth.families.wearable.data.importing import CHANNELS, ImportSettings, import_recording
from physiosynth.families.wearable.data.preprocess import PreprocessSettings, prepare
from physiosynth.families.wearable.data.reference import RealWindows
from physiosynth.families.wearable.data.windows import labelled_starts, window_signals
from physiosynth.families.wearable.signals import (
    CHEST_HZ,
    CONDITIONS,
    ECG_HZ,
    LABEL_IDS,
    LOW_CHANNELS,
    LOW_HZ,
    UNITS,
    WINDOW_S,
)
from physiosynth.physiology import detectors as physiology
from physiosynth.recordings.recording import RecordedChannel
from physiosynth.runtime import OnStep, quiet
from physiosynth.signals import NamedSignals

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.preprocess import PreparedSubject
    from physiosynth.recordings.recording import Recording

NEEDED = ("ECG",)
LONGEST_S = 2 * 3600.0
MOST_WINDOWS = 64  # a state, spread evenly over what there is
HEART_RATES = (25.0, 220.0)  # beats/min; outside of that the detector has not found beats
STAGES = {"reading": 0.0, "resampling": 0.3, "filtering": 0.6, "cutting": 0.7, "measuring": 0.75}  # share done before


@dataclass(frozen=True)
class OwnReference:
    """windows: the reference; found: windows in the recording by state, of which windows holds MOST_WINDOWS at most;
    duration_s: of the part that was used; heart_rate: median of the windows in beats/min; notes: sentences."""

    windows: RealWindows
    found: dict[str, int]
    duration_s: float
    heart_rate: float
    notes: tuple[str, ...]


def own_reference(
    path: Path | str,
    settings: ImportSettings,
    labels: Path | str | None = None,
    state: str | None = None,
    *,
    eda: str = "full",
    resp_sd: float | None = None,
    on_step: OnStep = quiet,
) -> OwnReference:
    """Import a recording, prepare it and cut it into windows.

    settings: with needed=NEEDED EDA and Resp may be left out: those channels of the windows are zeros and named in
    `missing`. labels, state: see import_recording. eda: "full" or "phasic", what the model's is. resp_sd: the SD that
    the respiration is scaled to, where its unit is not the project's. on_step counts thousandths and may raise to stop.
    Raises RecordingError where no window is left, and what import_recording raises.
    """

    def stage(name: str, share: float = 0.0) -> None:
        later = [start for start in (*STAGES.values(), 1.0) if start > STAGES[name]]
        on_step(round(1000 * (STAGES[name] + share * (later[0] - STAGES[name]))), 1000)

    recording = import_recording(path, settings, labels, state, LONGEST_S, stage)
    missing = tuple(name for name in CHANNELS if name not in recording.chest)
    stage("filtering")
    prepared = prepare(_with_zeros(recording, missing), PreprocessSettings(eda=eda))
    stage("cutting")
    starts, found = _chosen(prepared)
    ecg, low = window_signals(prepared, [start for start, _ in starts])
    rates = []
    for i, window in enumerate(ecg):
        stage("measuring", i / len(ecg))
        rates.append(physiology.heart_rate(physiology.r_peaks(window[:, 0], ECG_HZ)))
    beating = (np.array(rates) >= HEART_RATES[0]) & (np.array(rates) <= HEART_RATES[1])
    notes = [*recording.notes, *_notes(found, beating)]
    kept = np.flatnonzero(beating)
    low = low[kept]
    scaled: tuple[str, ...] = ()
    if resp_sd is not None and "Resp" not in missing:
        scaled = ("Resp",)
        low = _scaled(low, resp_sd, notes)
    names = [CONDITIONS[label - 1] for _, label in starts]
    windows = RealWindows(
        ecg=ecg[kept],
        low=NamedSignals(low, LOW_CHANNELS, LOW_HZ),
        conditions=tuple(names[i] for i in kept),
        source="imported",
        eda=eda,
        subjects=(recording.subject,) * len(kept),
        notices=tuple(notes),
        missing=missing,
        scaled=scaled,
    )
    on_step(1000, 1000)
    return OwnReference(windows, found, recording.duration_s, float(np.median(np.array(rates)[kept])), tuple(notes))


def _with_zeros(recording: Recording, missing: tuple[str, ...]) -> Recording:
    flat = {
        name: RecordedChannel(name, np.zeros(len(recording.label)), float(CHEST_HZ), UNITS[name]) for name in missing
    }
    return replace(recording, chest={**recording.chest, **flat})


def _chosen(prepared: PreparedSubject) -> tuple[list[tuple[int, int]], dict[str, int]]:
    """(start in s, label) of at most MOST_WINDOWS windows per state, and how many each state has. Raises RecordingError
    where there is none."""
    starts = labelled_starts(prepared)
    kept: list[tuple[int, int]] = []
    found = {}
    for name, label in LABEL_IDS.items():
        mine = [each for each in starts if each[1] == label]
        if mine:
            found[name] = len(mine)
            at = np.unique(np.linspace(0, len(mine) - 1, min(len(mine), MOST_WINDOWS)).round().astype(int))
            kept += [mine[i] for i in at]
    if not kept:
        needed = WINDOW_S + 2 * PreprocessSettings().trim_s
        raise RecordingError(
            f"Expected at least {needed:g} s of one state without a gap ({WINDOW_S} s, and what is cut off at both "
            f"ends), found none in {len(prepared.ecg) / ECG_HZ:.0f} s. Bring a longer recording or longer labels."
        )
    return kept, found


def _notes(found: dict[str, int], beating: np.ndarray) -> list[str]:
    """What was left out, in words. Raises RecordingError where no window has a heart beat."""
    if not beating.any():
        raise RecordingError(
            "No heart beats were found in the ECG. Check which signal is the ECG, its unit and the sampling rate."
        )
    notes = [
        f"Of {count} windows of {name} {MOST_WINDOWS}, evenly spread, are kept."
        for name, count in found.items()
        if count > MOST_WINDOWS
    ]
    if not beating.all():
        left = int((~beating).sum())
        notes.append(f"{left} of {len(beating)} windows were left out: no heart beats were found in their ECG.")
    return notes


def _scaled(low: np.ndarray, resp_sd: float, notes: list[str]) -> np.ndarray:
    """Windows whose respiration has that SD, in the median over windows."""
    at = LOW_CHANNELS.index("Resp")
    sd = float(np.median(low[:, :, at].std(axis=1)))
    if sd > 0:
        low = low.copy()
        low[:, :, at] *= resp_sd / sd
        notes[:] = [note for note in notes if not note.startswith("Resp is kept")]
        notes.append(
            "Respiration has arbitrary units and was rescaled to the model's reference: amplitude is not interpreted."
        )
    return low


def typical_resp_sd(reference: RealWindows | None) -> float | None:
    """The SD of the respiration in a window of a reference, in the median; None without one."""
    if reference is None or "Resp" in reference.missing or not len(reference):
        return None
    return float(np.median(reference.low.select("Resp")[0].std(axis=1)))
