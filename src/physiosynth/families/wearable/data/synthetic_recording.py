"""A continuous synthetic recording: what is asked for, what it holds, and the subject it makes in the WESAD layout."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from physiosynth.errors import ChannelError, RequestError
from physiosynth.families.wearable.data.batch import SYNTHETIC, Provenance, SignalBatch, Targets
from physiosynth.families.wearable.data.wesad import CHEST_UNITS, read_subject, write_subject
from physiosynth.families.wearable.signals import CHEST_HZ, ECG_HZ, LABEL_IDS, LOW_HZ, WINDOW_S, condition_name
from physiosynth.recordings.recording import RecordedChannel, Recording
from physiosynth.signals import NamedSignals

MAX_SECONDS = 6 * 3600
EXAMPLE = "baseline:120,stress:120:heart_rate=95,baseline:60"


@dataclass(frozen=True)
class Stretch:
    """Part of a recording in one state.

    Parameters
    ----------
    condition
        The state, by name or by WESAD's number.
    seconds
        Whole seconds, 30 or more.
    targets
        Requested rates.

    Raises
    ------
    ConditionError
        For an unknown state.
    RequestError
        For a length that cannot be.
    """

    condition: str
    seconds: int
    targets: Targets = field(default_factory=Targets)

    def __post_init__(self) -> None:
        object.__setattr__(self, "condition", condition_name(self.condition))
        whole = isinstance(self.seconds, (int, np.integer)) and not isinstance(self.seconds, bool)
        if not whole or not WINDOW_S <= self.seconds <= MAX_SECONDS:
            raise RequestError(
                f"{self.condition}: expected {WINDOW_S} to {MAX_SECONDS} whole seconds, found {self.seconds!r}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; from_dict reads them back.

        Returns
        -------
        dict
            condition, seconds, and the requested rates.
        """
        return {"condition": self.condition, "seconds": int(self.seconds), **self.targets.given()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Stretch:
        """The stretch of to_dict.

        Parameters
        ----------
        content
            What to_dict gave.

        Raises
        ------
        ConditionError, RequestError
            As the class does, and for missing or unknown values.
        """
        rates = dict(content)
        try:
            return cls(rates.pop("condition"), rates.pop("seconds"), Targets(**rates))
        except (KeyError, TypeError) as error:
            raise RequestError(f"Expected a stretch with condition, seconds and rates, found {content!r}.") from error


def parse_schedule(text: str) -> tuple[Stretch, ...]:
    """The schedule that a text names.

    Parameters
    ----------
    text
        Stretches of state, seconds and rates: 'baseline:120,stress:120:heart_rate=95,baseline:60'.

    Returns
    -------
    tuple of Stretch
        In the order of the text.

    Raises
    ------
    ConditionError, RequestError
        As Stretch does, and for another form of text.
    """
    return tuple(_stretch(part.strip()) for part in text.split(","))


def schedule_of(text: str | None, seconds: int | None, condition: str) -> tuple[Stretch, ...]:
    """The schedule that a text, a length, or both name; a length alone is of `condition`.

    Raises ConditionError or RequestError.
    """
    schedule = parse_schedule(text) if text else (Stretch(condition, seconds or 0),)
    total = sum(stretch.seconds for stretch in schedule)
    if seconds is not None and total != seconds:
        raise RequestError(f"The stretches of the schedule last {total} s together, but {seconds} s are asked for.")
    return check_schedule(schedule)


def _stretch(text: str) -> Stretch:
    condition, _, rest = text.partition(":")
    seconds, *rates = rest.split(":")
    known = [f.name for f in fields(Targets)]
    asked: dict[str, float] = {}
    for rate in rates:
        name, _, value = rate.partition("=")
        if name not in known or name in asked or not _is_number(value):
            raise RequestError(f"{text!r}: {rate!r} is no rate. Write one of {', '.join(known)}, '=' and a number.")
        asked[name] = float(value)
    if not seconds.strip().isdecimal():
        raise RequestError(f"{text!r}: expected a state, ':' and whole seconds, such as {EXAMPLE}.")
    return Stretch(condition, int(seconds), Targets(**asked))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def check_schedule(schedule: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """The stretches, if there are any and they are not too long together. Raises RequestError."""
    total = sum(stretch.seconds for stretch in schedule)
    if not 0 < total <= MAX_SECONDS:
        raise RequestError(f"A recording lasts {WINDOW_S} to {MAX_SECONDS} s; the schedule has {total} s.")
    return tuple(schedule)


@dataclass(frozen=True)
class SyntheticRecording:
    """s seconds of one synthetic person.

    Parameters
    ----------
    ecg
        (175 s,) float32 in mV, at 175 Hz.
    low
        (4 s, 2) float32 EDA in uS and Resp in % of the belt, at 4 Hz.
    beats
        (k,) times of the heartbeats in s.
    provenance
        Where it came from; its schedule holds the states.

    Raises
    ------
    ChannelError
        When lengths do not fit together.
    """

    ecg: np.ndarray
    low: NamedSignals
    beats: np.ndarray
    provenance: Provenance

    def __post_init__(self) -> None:
        s = self.seconds
        if self.ecg.shape != (s * ECG_HZ,) or self.low.values.shape[:1] != (s * LOW_HZ,):
            raise ChannelError(
                f"Expected {s} s of ECG at {ECG_HZ} Hz and of EDA and Resp at {LOW_HZ} Hz, found ECG {self.ecg.shape} "
                f"and low {self.low.values.shape}."
            )

    @property
    def seconds(self) -> int:
        return sum(part["seconds"] for part in self.provenance.schedule)

    @property
    def states(self) -> np.ndarray:
        """(s,) name of the state in each second."""
        schedule = self.provenance.schedule
        return np.repeat([part["condition"] for part in schedule], [part["seconds"] for part in schedule])

    def windows(self, after_s: int = 0) -> SignalBatch:
        """Cut the recording into windows side by side.

        Parameters
        ----------
        after_s
            Seconds to leave out at the start of each stretch.

        Returns
        -------
        SignalBatch
            Windows of 30 s, each within one stretch.

        Raises
        ------
        RequestError
            Where no stretch holds a window.
        """
        starts: list[int] = []
        begins = 0
        for part in self.provenance.schedule:
            ends = begins + part["seconds"]
            starts += range(begins + after_s, ends - WINDOW_S + 1, WINDOW_S)
            begins = ends
        if not starts:
            raise RequestError(f"No stretch holds a window of {WINDOW_S} s.")
        cut = [slice(start, start + WINDOW_S) for start in starts]
        ecg = np.stack([self.ecg[at.start * ECG_HZ : at.stop * ECG_HZ, None] for at in cut])
        low = np.stack([self.low.values[at.start * LOW_HZ : at.stop * LOW_HZ] for at in cut])
        beats = [self.beats[(self.beats >= at.start) & (self.beats < at.stop)] - at.start for at in cut]
        names = tuple(str(self.states[start]) for start in starts)
        provenance = replace(self.provenance, cut_after_s=after_s)
        return SignalBatch(ecg, replace(self.low, values=low), names, provenance, tuple(beats))

    def subject(self, name: str) -> Recording:
        """The recording as a session of a chest device, marked as synthetic.

        Parameters
        ----------
        name
            Of the subject.

        Returns
        -------
        Recording
            ECG, EDA and Resp at 700 Hz, and no other channels.
        """
        from scipy.signal import resample_poly

        eda, resp = self.low.select("EDA", "Resp")
        chest = {}
        for channel, values, rate in (("ECG", self.ecg, ECG_HZ), ("EDA", eda, LOW_HZ), ("Resp", resp, LOW_HZ)):
            fine = resample_poly(values.astype(np.float64), CHEST_HZ // rate, 1, padtype="line")
            fine = np.maximum(fine, 0) if values.min() >= 0 else fine  # no skin conducts less than nothing
            chest[channel] = RecordedChannel(channel, fine, float(CHEST_HZ), CHEST_UNITS[channel])
        ids = [LABEL_IDS[part["condition"]] for part in self.provenance.schedule]
        label = np.repeat(ids, [part["seconds"] * CHEST_HZ for part in self.provenance.schedule]).astype(np.int32)
        return Recording(name, chest, {}, label, CHEST_HZ, source=SYNTHETIC, notes=(self.provenance.notice,))


def check_subject(folder: Path | str, name: str) -> Path:
    """FOLDER/NAME/NAME.pkl. Raises RequestError for a name that is no file name, or where a recording lies there."""
    if not name or not all(c.isalnum() or c in "-_" for c in name):
        raise RequestError(f"Subject {name!r}: expected letters, digits, '-' and '_', such as S901.")
    path = Path(folder) / name / f"{name}.pkl"
    if path.is_file() and read_subject(path).source != SYNTHETIC:
        raise RequestError(f"{path}: this is not a synthetic subject and would be overwritten. Give another name.")
    return path


def write_wesad(recording: SyntheticRecording, folder: Path | str, name: str) -> Path:
    """Write FOLDER/NAME/NAME.pkl in the WESAD layout; its key "source" says synthetic. Raises RequestError."""
    path = check_subject(folder, name)
    write_subject(recording.subject(name), path)
    return path
