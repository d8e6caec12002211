"""Recording: named channels with their own rates and units, a label track, a subject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.errors import RecordingError

SOURCES = ("recorded", "imported", "virtual", "synthetic")


@dataclass(frozen=True)
class RecordedChannel:
    """One channel of one device.

    values: (t,) or (t, k) array; rate_hz: samples per second; unit: what the values are in.
    """

    name: str
    values: np.ndarray
    rate_hz: float
    unit: str

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.values) / self.rate_hz


@dataclass(frozen=True)
class Recording:
    """One subject's session.

    chest, wrist: channels by name (either may lack channels, and wrist may be empty); label: (n,) int32 state ids at
    label_hz, aligned with the chest channels' first sample; source: "recorded", "imported" (a user's own recording
    brought into the WESAD layout), "virtual" (simulated) or "synthetic" (drawn by a model); notes: what a reader
    should know, one sentence each.
    Raises RecordingError for an unknown source.
    """

    subject: str
    chest: dict[str, RecordedChannel]
    wrist: dict[str, RecordedChannel]
    label: np.ndarray
    label_hz: float
    source: str = "recorded"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise RecordingError(f"{self.subject}: source is {self.source!r}, expected one of {', '.join(SOURCES)}.")

    @property
    def duration_s(self) -> float:
        """Length of the label track in seconds."""
        return len(self.label) / self.label_hz

    def chest_channel(self, name: str) -> RecordedChannel:
        """The chest channel of that name. Raises RecordingError, naming the channels that are there."""
        if name not in self.chest:
            found = ", ".join(self.chest) or "none"
            raise RecordingError(f"Subject {self.subject}: expected a chest channel {name}, found {found}.")
        return self.chest[name]
