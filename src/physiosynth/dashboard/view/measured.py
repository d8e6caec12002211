"""Readings of windows, measured once and kept by what the window holds, for all visitors together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from physiosynth.dashboard.view.strips import Strip, reference_strip, synthetic_strip

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.batch import SignalBatch
    from physiosynth.families.wearable.data.reference import RealWindows
    from physiosynth.families.wearable.features.readings import MeanBeat, Readings


def readings_of(strip: Strip) -> Readings:
    """The readings of one window. Raises ChannelError for values that are not numbers."""
    return _readings(strip.digest, strip)


def readings_of_batch(batch: SignalBatch) -> tuple[Readings, ...]:
    """The readings of a batch, window by window. Raises ChannelError."""
    return tuple(readings_of(synthetic_strip(batch, i)) for i in range(len(batch)))


def readings_of_reference(reference: RealWindows | None, condition: str) -> tuple[Readings, ...]:
    """The readings of the reference windows of a state, none where there is no reference. Raises ChannelError."""
    return tuple(readings_of(reference_strip(reference, i)) for i in of_state(reference, condition))


def of_state(windows: SignalBatch | RealWindows | None, condition: str) -> np.ndarray:
    """Positions of the windows in a state."""
    if windows is None:
        return np.empty(0, dtype=int)
    return np.flatnonzero(np.asarray(windows.conditions) == condition)


@st.cache_data(max_entries=4096, show_spinner=False)
def _readings(digest: str, _strip: Strip) -> Readings:
    from physiosynth.families.wearable.features.readings import window_readings

    return window_readings(*(_strip.signals.get(name) for name in ("ECG", "Resp", "EDA")))


def mean_beat_of(strips: tuple[Strip, ...]) -> MeanBeat | None:
    """The average beat of windows. Raises ChannelError."""
    return _mean_beat(tuple(strip.digest for strip in strips), strips)


@st.cache_data(max_entries=64, show_spinner=False)
def _mean_beat(digests: tuple[str, ...], _strips: tuple[Strip, ...]) -> MeanBeat | None:
    from physiosynth.families.wearable.features.readings import mean_beat

    return mean_beat([strip.signals["ECG"] for strip in _strips], [readings_of(strip).beats_s for strip in _strips])
