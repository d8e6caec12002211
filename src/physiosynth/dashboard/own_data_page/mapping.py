"""The fields that say what a visitor's file holds: which signal is which, its unit, and a CSV's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard.messages import literally
from physiosynth.families.wearable.data.guessing import guess_columns, guess_time, guess_unit
from physiosynth.families.wearable.data.importing import ImportSettings
from physiosynth.families.wearable.signals import UNITS

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from physiosynth.recordings.recording_files import Listed

ABSENT = "Not recorded"
BELT, OTHER = "% of belt", "arbitrary (rescaled)"
UNIT_CHOICES = {
    "ECG": ("mV", "uV", "V", "nV"),
    "EDA": ("uS", "nS", "mS", "S", "kOhm", "Ohm", "MOhm"),
    "Resp": (OTHER, BELT),
}
TITLES = {"ECG": "ECG", "EDA": "EDA (skin conductance)", "Resp": "Respiration"}
RATE, TIME = "Sampling rate", "Time column"
USUAL_RATE_HZ = 100.0
LONGEST_UNIT = 20


@dataclass(frozen=True)
class Mapping:
    """What was said of the file: signals and units by channel, for a CSV its rate or time column, channels to flip."""

    columns: dict[str, str]
    units: dict[str, str]
    rate_hz: float | None
    time_column: str | None
    flip: tuple[str, ...] = ()


def mapping_form(listed: Sequence[Listed], key: str) -> Mapping:
    """Which signal is which, in what unit and at what rate: guessed by name, settled by the visitor."""
    guessed, names = guess_columns(listed), [signal.name for signal in listed if not signal.is_text]
    columns, units = {}, {}
    for channel in ("ECG", "Resp", "EDA"):
        left, right = st.columns([1.6, 1], vertical_alignment="bottom")
        options = names if channel == "ECG" else [ABSENT, *names]
        at = options.index(guessed[channel]) if channel in guessed else 0
        chosen = left.selectbox(TITLES[channel], options, at, key=f"own_{channel}_{key}")
        if chosen != ABSENT or channel == "ECG":
            signal = next(each for each in listed if each.name == chosen)
            columns[channel] = chosen
            units[channel] = _unit(channel, signal, right, key)
    rate, time_column = _clock(listed, key) if listed[0].rate_hz is None else (None, None)
    flipped = st.checkbox(
        "Flip the ECG", key=f"own_flip_{key}", help="For an inverted lead, with R waves that point down."
    )
    return Mapping(columns, units, rate, time_column, ("ECG",) if flipped else ())


def _unit(channel: str, signal: Listed, place: DeltaGenerator, key: str) -> str:
    choices, stated = UNIT_CHOICES[channel], guess_unit(signal)
    spelled = stated.replace("\u00b5", "u").replace("\u03bc", "u").lower()
    if channel == "Resp":
        at = 1 if spelled == "%" else 0
    else:
        known = {choice.lower(): i for i, choice in enumerate(choices)}
        at = known.get(spelled, 0)
    said = f"Unit in the file: {literally(stated[:LONGEST_UNIT])}." if stated else "The file states no unit."
    return place.selectbox(
        "Unit",
        choices,
        at,
        key=f"own_unit_{channel}_{signal.name}_{key}",
        format_func=lambda unit: unit.replace("u", "µ", 1) if unit in ("uV", "uS") else unit,
        help=said + (" Belts have no common unit: all but % are rescaled." if channel == "Resp" else ""),
    )


def _clock(listed: Sequence[Listed], key: str) -> tuple[float | None, str | None]:
    """Rate in Hz, or the column that is the clock."""
    guess = guess_time(listed)
    how = st.segmented_control(
        "Timing", [RATE, TIME], default=TIME if guess else RATE, required=True, key=f"own_clock_{key}"
    )
    if how == RATE:
        return st.number_input(
            "Sampling rate (Hz)", 0.5, 50_000.0, USUAL_RATE_HZ, key=f"own_rate_{key}", help="The same for every column."
        ), None
    names = [signal.name for signal in listed]
    return None, st.selectbox(
        "Column with seconds or timestamps", names, names.index(guess) if guess else 0, key=f"own_time_{key}"
    )


def import_settings(name: str, chosen: Mapping) -> ImportSettings:
    """What the form says, for the reader; name: the file's."""
    from physiosynth.families.wearable.scores.own_reference import NEEDED

    stem = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name.rpartition(".")[0])
    units = {channel: unit for channel, unit in chosen.units.items() if channel != "Resp"}
    if chosen.units.get("Resp") == BELT:
        units["Resp"] = UNITS["Resp"]
    return ImportSettings(
        stem.strip("-") or "own",
        chosen.columns,
        units,
        chosen.rate_hz,
        chosen.time_column,
        needed=NEEDED,
        flip=chosen.flip,
    )
