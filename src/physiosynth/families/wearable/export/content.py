"""What files hold, in a form that all of them share: pieces of signal with their labels, and the settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from physiosynth.errors import RecordingError
from physiosynth.families.wearable.data.batch import SYNTHETIC, Provenance, SignalBatch
from physiosynth.families.wearable.data.synthetic_recording import SyntheticRecording
from physiosynth.families.wearable.signals import ECG_HZ, LOW_HZ, WINDOW_S

Signals = SignalBatch | SyntheticRecording
RATES_HZ = {"ECG": ECG_HZ, "EDA": LOW_HZ, "Resp": LOW_HZ}
BEATS = "beats"  # beside the channels, where a tolerance is named


@dataclass(frozen=True)
class Part:
    """A window or a recording without its signals: its number, and (condition, start in s, seconds) of each stretch."""

    number: int
    stretches: tuple[tuple[str, int, int], ...]
    recording: bool = False

    @property
    def seconds(self) -> int:
        return sum(seconds for _, _, seconds in self.stretches)

    @property
    def name(self) -> str:
        """What its files are called: w00005_stress, or recording."""
        return "recording" if self.recording else f"w{self.number:05d}_{self.stretches[0][0]}"


@dataclass(frozen=True)
class Piece:
    """A window or a recording: ecg (175 s,) in mV, eda (4 s,) in uS, resp (4 s,) in %, beats (k,) in s or None."""

    part: Part
    ecg: np.ndarray
    eda: np.ndarray
    resp: np.ndarray
    beats: np.ndarray | None

    @classmethod
    def of(cls, part: Part, channels: Mapping[str, np.ndarray], beats: np.ndarray | None) -> Piece:
        """The piece of these channels, by name."""
        return cls(part, channels["ECG"], channels["EDA"], channels["Resp"], beats)

    @property
    def channels(self) -> dict[str, np.ndarray]:
        return {"ECG": self.ecg, "EDA": self.eda, "Resp": self.resp}


@dataclass(frozen=True)
class Stored:
    """What a file of ours holds.

    provenance: of all of it; pieces: in its order; tolerance: by channel and for beats (s), how far a stored value may
    be from the one that was drawn; 0 where every bit is kept.
    """

    provenance: Provenance
    pieces: tuple[Piece, ...]
    tolerance: Mapping[str, float]


EXACT = {**dict.fromkeys(RATES_HZ, 0.0), BEATS: 0.0}


def parts_of(provenance: Provenance) -> list[Part]:
    """The windows, or the one recording, that a provenance is of. Raises RecordingError where it cannot be told."""
    try:
        if not provenance.schedule or provenance.cut_after_s is not None:
            numbered = zip(provenance.indices, provenance.conditions, strict=True)
            return [Part(int(i), ((str(name), 0, WINDOW_S),)) for i, name in numbered]
        stretches, start = [], 0
        for stretch in provenance.schedule:
            stretches.append((str(stretch["condition"]), start, int(stretch["seconds"])))
            start += stretches[-1][2]
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"The settings do not say which windows these are ({error}).") from error
    return [Part(0, tuple(stretches), recording=True)]


def pieces_of(signals: Signals) -> Iterator[Piece]:
    """Each window, or the recording as one piece."""
    eda, resp = signals.low.select("EDA", "Resp")
    parts = parts_of(signals.provenance)
    if isinstance(signals, SyntheticRecording):
        yield Piece(parts[0], signals.ecg, eda, resp, signals.beats)
        return
    for i, part in enumerate(parts):
        beats = None if signals.beats is None else signals.beats[i]
        yield Piece(part, signals.ecg[i, :, 0], eda[i], resp[i], beats)


def settings_text(provenance: Provenance) -> str:
    """The provenance as one line of JSON."""
    return json.dumps(provenance.to_dict())


def provenance_of(text: str | bytes) -> Provenance:
    """The provenance of settings_text. Raises RecordingError for anything else."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"The settings are no JSON ({error}).") from error
    if not isinstance(content, dict):
        raise RecordingError("The settings are no JSON object.")
    return Provenance.from_dict(content)


def labels(provenance: Provenance) -> dict[str, str]:
    """What every file says in a few words, whatever its form."""
    return {
        "kind": SYNTHETIC,
        "notice": provenance.notice,
        "seed": str(provenance.seed),
        "bundle_sha256": provenance.bundle_sha256,
        "version": f"physiosynth {provenance.version}",
    }


def beats_text(signals: Signals) -> str:
    """The beat times of each piece in s, as JSON; null for a model that draws none."""
    return json.dumps([None if p.beats is None else p.beats.tolist() for p in pieces_of(signals)])


def beats_from(text: str | bytes, count: int) -> list[np.ndarray | None]:
    """What beats_text wrote for `count` pieces. Raises RecordingError for another number."""
    rows = json.loads(text)
    if not isinstance(rows, list) or len(rows) != count:
        raise RecordingError(f"Expected beat times of {count} windows.")
    return [None if row is None else np.array(row, dtype=np.float64) for row in rows]
