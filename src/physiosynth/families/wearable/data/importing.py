"""A user's own recording into the WESAD layout: units converted, rates brought to the chest device's, time labelled."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from physiosynth.errors import ChannelError, ConditionError, RecordingError, RequestError
from physiosynth.families.wearable.signals import (
    CHEST_HZ,
    ECG_CHANNELS,
    IGNORED_IDS,
    LABEL_IDS,
    LOW_CHANNELS,
    TRANSIENT_ID,
    UNITS,
    condition_name,
)
from physiosynth.physiology.detectors import is_inverted
from physiosynth.recordings.csv_tables import read_table
from physiosynth.recordings.recording import RecordedChannel, Recording
from physiosynth.recordings.recording_files import read_signals
from physiosynth.signals import channel_name

CHANNELS = ECG_CHANNELS + LOW_CHANNELS
TO_MILLIVOLT = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "nv": 1e-6}
TO_MICROSIEMENS = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3, "siemens": 1e6, "microsiemens": 1.0, "umho": 1.0}
TO_OHM = {"ohm": 1.0, "kohm": 1e3, "mohm": 1e6}
USUAL_SPAN = {"ECG": (0.05, 20.0), "EDA": (0.005, 100.0)}  # 0.5 to 99.5 % quantile, in the project's units
SPELLED_OUT = str.maketrans({"\u00b5": "u", "\u03bc": "u", "\u03a9": "ohm", "\u2126": "ohm"})  # two micros, two omegas
LARGEST_FRACTION = 5000
OVERHANG_S = 1.0  # a label may end this much after the recording


@dataclass(frozen=True)
class ImportSettings:
    """Where each channel is in the file. Raises ChannelError or RequestError for what cannot be.

    columns: the file's name for each of ECG, EDA and Resp; units: of each channel, the file's own (or the project's)
    where not given; rates_hz: for CSV, one or one for each channel; time_column: for CSV in place of rates; needed:
    channels that have to be there; flip: channels that were recorded upside down and are to be turned.
    """

    subject: str
    columns: dict[str, str]
    units: dict[str, str] = field(default_factory=dict)
    rates_hz: dict[str, float] | float | None = None
    time_column: str | None = None
    needed: tuple[str, ...] = CHANNELS
    flip: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", self.subject):
            raise RequestError(f"A subject's name is made of letters, digits, - and _, found {self.subject!r}.")
        for name in ("columns", "units", "rates_hz"):
            value = getattr(self, name)
            if isinstance(value, dict):
                value = {channel_name(key): item for key, item in value.items()}
                object.__setattr__(self, name, value)
                unknown = [key for key in value if key not in CHANNELS]
                if unknown:
                    raise ChannelError(f"Unknown channel {', '.join(unknown)}. Known are {', '.join(CHANNELS)}.")
        object.__setattr__(self, "flip", tuple(channel_name(name) for name in self.flip))
        absent = [name for name in self.flip if name not in self.columns]
        if absent:
            raise ChannelError(f"Cannot flip {', '.join(absent)}: only {', '.join(self.columns)} are imported.")
        missing = [name for name in self.needed if name not in self.columns]
        if missing:
            raise ChannelError(f"Say where {', '.join(missing)} is in the file: {missing[0]}=<name in the file>.")


def import_recording(
    path: Path | str,
    settings: ImportSettings,
    labels: Path | str | None = None,
    state: str | None = None,
    longest_s: float | None = None,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Recording:
    """Read a CSV, WFDB or EDF recording as a Recording at CHEST_HZ with source "imported".

    labels: CSV with start_s, end_s, state, in seconds from the first sample; time in no row is unlabelled. state: one
    state for the whole recording instead. Channels are cut to the shortest, and to longest_s where that is given. The
    notes say what was assumed. on_stage is called before and within each part of the work, and may raise to stop it.
    Raises RecordingError, ChannelError, ConditionError or RequestError.
    """
    if (labels is None) == (state is None):
        raise RequestError("Give either a labels file (start_s, end_s, state) or one state for the whole recording.")
    rates = settings.rates_hz
    if isinstance(rates, dict):
        rates = {settings.columns[name]: rate for name, rate in rates.items() if name in settings.columns}
    columns = list(dict.fromkeys(settings.columns.values()))
    on_stage("reading")
    found = read_signals(path, columns, rates, settings.time_column, lambda rows: on_stage("reading"))
    notes: list[str] = []
    whole_s = min(raw.duration_s for raw in found.values())
    if longest_s is not None and whole_s > longest_s:
        notes.append(f"Of {whole_s / 60:.0f} minutes the first {longest_s / 60:.0f} are used.")
        found = {name: replace(raw, values=raw.values[: int(longest_s * raw.rate_hz)]) for name, raw in found.items()}
    chest = {}
    for name in [channel for channel in CHANNELS if channel in settings.columns]:
        on_stage("resampling")
        raw = found[settings.columns[name]]
        values = _in_project_units(name, raw, settings.units.get(name), notes)
        if name in settings.flip:
            values = -values
            notes.append(f"{name} was flipped, as asked.")
        chest[name] = resampled(values, raw.rate_hz)
        _note_unusual(name, values, notes)
        if name == "ECG" and is_inverted(chest[name][np.isfinite(chest[name])], CHEST_HZ):
            notes.append(
                "The ECG looks upside down: its R waves point down, so beats would be placed late and waves measured "
                "wrong. Look at it, and if so, import it flipped."
            )
    samples = min(len(values) for values in chest.values())
    longest = max(len(values) for values in chest.values())
    if longest - samples >= CHEST_HZ:
        notes.append(f"Channels end at different times: the last {(longest - samples) / CHEST_HZ:.1f} s were left out.")
    label = np.full(samples, LABEL_IDS[condition_name(state)] if state is not None else TRANSIENT_ID, dtype=np.int32)
    if labels is not None:
        label = read_labels(labels, samples, notes, whole_s)
    return Recording(
        subject=settings.subject,
        chest={n: RecordedChannel(n, v[:samples], float(CHEST_HZ), UNITS[n]) for n, v in chest.items()},
        wrist={},
        label=label,
        label_hz=CHEST_HZ,
        source="imported",
        notes=tuple(notes),
    )


def _in_project_units(name: str, raw: RecordedChannel, given: str | None, notes: list[str]) -> np.ndarray:
    """(n,) values in mV or uS; Resp as it is, since belts have no common unit. Raises RequestError."""
    unit = given or raw.unit
    if name == "Resp":
        if unit != UNITS["Resp"]:
            notes.append(
                f"Resp is kept as recorded ({unit or 'unit unknown'}); the project's own is percent of a belt."
            )
        return raw.values
    if not unit:
        notes.append(f"{name} was taken to be in {UNITS[name]}, as the file does not say.")
        return raw.values
    factors = TO_MILLIVOLT if name == "ECG" else TO_MICROSIEMENS
    # MOhm and mOhm differ by nine powers of ten, and nobody's skin has milliohms.
    key = unit.strip().translate(SPELLED_OUT).lower()
    if key in factors:
        return raw.values * factors[key]
    if name == "EDA" and key in TO_OHM:
        notes.append("EDA was a resistance and was turned into a conductance.")
        return 1e6 / np.where(raw.values > 0, raw.values * TO_OHM[key], np.nan)
    known = ", ".join((*factors, *(TO_OHM if name == "EDA" else ())))
    raise RequestError(f"{name}: unit {unit!r} is not known. Known are {known}.")


def _note_unusual(name: str, values: np.ndarray, notes: list[str]) -> None:
    """Add a note where a channel has gaps, or a span that suggests another unit."""
    present = values[np.isfinite(values)]
    if not len(present):
        raise RecordingError(f"{name} has no values at all. Check its name in the file.")
    if len(present) < len(values):
        notes.append(f"{name} has {len(values) - len(present)} missing samples; no window is cut there.")
    low, high = USUAL_SPAN.get(name, (0.0, np.inf))
    span = float(np.diff(np.quantile(present, (0.005, 0.995)))[0])
    if not low <= span <= high:
        notes.append(f"{name} spans {span:.3g} {UNITS[name]}, where {low:g} to {high:g} is usual: check its unit.")


def resampled(values: np.ndarray, rate_hz: float) -> np.ndarray:
    """(n,) at rate_hz -> (round(n CHEST_HZ / rate_hz),) float64 at CHEST_HZ, first samples at the same instant.

    Polyphase, with its own anti-alias filter; gaps (nan) are bridged for the filter and are gaps afterwards.
    """
    from scipy.signal import resample_poly

    values = np.asarray(values, dtype=np.float64)
    found = np.isfinite(values)
    if not found.any() or rate_hz == CHEST_HZ:
        return values
    bridged = values if found.all() else np.interp(np.arange(len(values)), np.flatnonzero(found), values[found])
    ratio = Fraction(CHEST_HZ / rate_hz).limit_denominator(LARGEST_FRACTION)
    # The filter's ripple would print the level on the signal as a tone.
    level = bridged.mean()
    moved = level + resample_poly(
        bridged - level, ratio.numerator, ratio.denominator, window=("kaiser", 8.0), padtype="line"
    )
    if not found.all():
        nearest = np.round(np.arange(len(moved)) / float(ratio)).astype(int)
        moved[~found[np.minimum(nearest, len(values) - 1)]] = np.nan
    return moved


def read_labels(path: Path | str, samples: int, notes: list[str], whole_s: float = 0.0) -> np.ndarray:
    """(samples,) int32 label track at CHEST_HZ from a table of start_s, end_s, state; what no row covers is 0.

    state: a condition's name, its id 1 to 4, or 0, 5, 6 or 7 for time to ignore; whole_s: how long the recording was
    before it was cut to these samples, where it was. Raises RecordingError, naming the row, for a row that is no
    interval, lies outside the recording or overlaps another.
    """
    path = Path(path)
    if not path.is_file():
        raise RecordingError(f"{path}: no such labels file. It has the columns start_s, end_s, state.")
    table = read_table(path)
    table.columns = [name.lower() for name in table.columns]
    if not {"start_s", "end_s", "state"} <= set(table.columns):
        raise RecordingError(f"{path.name}: expected columns start_s, end_s, state, found {', '.join(table.columns)}.")
    label = np.full(samples, TRANSIENT_ID, dtype=np.int32)
    taken = np.zeros(samples, dtype=bool)
    duration = max(whole_s, samples / CHEST_HZ)
    for row, (start, end, state) in enumerate(zip(table["start_s"], table["end_s"], table["state"], strict=True), 1):
        where = f"{path.name}, row {row}"
        start, end = _interval(where, start, end, duration)
        here = slice(round(start * CHEST_HZ), round(end * CHEST_HZ))
        if taken[here].any():
            raise RecordingError(f"{where}: {start:g} to {end:g} s overlaps an earlier row. A moment has one state.")
        taken[here] = True
        label[here] = _state_id(where, state)
    unlabelled = 1 - taken.mean() if samples else 0.0
    if unlabelled > 0:
        notes.append(f"{100 * unlabelled:.0f} % of the recording is in no row of {path.name} and stays unlabelled.")
    return label


def _interval(where: str, start: Any, end: Any, duration: float) -> tuple[float, float]:
    try:
        start, end = float(start), float(end)
    except (TypeError, ValueError) as error:
        raise RecordingError(f"{where}: start_s and end_s should be seconds, found {start!r} and {end!r}.") from error
    if not 0 <= start < end or end > duration + OVERHANG_S:
        raise RecordingError(
            f"{where}: expected 0 <= start_s < end_s <= {duration:.1f} (the recording's length), found {start:g} to "
            f"{end:g} s."
        )
    return start, min(end, duration)


def _state_id(where: str, state: Any) -> int:
    text = str(state).strip()
    number = text.removesuffix(".0")
    if number.isdigit():
        if int(number) in (TRANSIENT_ID, *IGNORED_IDS):
            return int(number)
        state = int(number)
    try:
        return LABEL_IDS[condition_name(state)]
    except ConditionError as error:
        raise RecordingError(f"{where}: {error} 0, 5, 6 and 7 mark time to ignore.") from error
