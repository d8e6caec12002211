"""One window to draw: its signals, its name, and what it shows in words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from physiosynth.families.wearable.data.batch import PHASIC_EDA
from physiosynth.families.wearable.signals import ECG_HZ, FUSED_CHANNELS, LOW_HZ, UNITS, WINDOW_S

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.batch import SignalBatch
    from physiosynth.families.wearable.data.reference import RealWindows
    from physiosynth.families.wearable.features.readings import Readings

UNIT_LABELS = {"mV": "mV", "uS": "µS", "%": "% of belt"}
RATES = {"ECG": ECG_HZ, "Resp": LOW_HZ, "EDA": LOW_HZ}
_KINDS = {"virtual": "simulated", "recorded": "recorded", "imported": "recorded"}


@dataclass(frozen=True)
class Strip:
    """One window: signals["ECG"] (t,) mV at ECG_HZ; "Resp" (s,) % and "EDA" (s,) uS at LOW_HZ.

    A reference may lack Resp or EDA; signals then have no such entry.
    """

    title: str
    condition: str
    signals: dict[str, np.ndarray]
    eda_name: str = "EDA"
    reference: bool = False
    scaled: tuple[str, ...] = ()  # channels that were rescaled

    @property
    def digest(self) -> str:
        """What the window's signals are, as a key for things made of them."""
        content = b"".join(np.ascontiguousarray(self.signals[name]).tobytes() for name in self.signals)
        content += " ".join(self.signals).encode()
        return hashlib.sha256(content).hexdigest()

    def trace(self, channel: str) -> tuple[np.ndarray, np.ndarray]:
        """Time in s and values of a channel."""
        values = self.signals[channel]
        return np.arange(len(values)) / RATES[channel], values

    def quantity(self, channel: str) -> str:
        """A channel's name with its unit."""
        names = {"ECG": "ECG", "Resp": "Respiration", "EDA": self.eda_name}
        if channel not in self.signals:
            return f"{names[channel]}: not in the reference"
        if channel in self.scaled:
            return f"{names[channel]} (rescaled)"
        return f"{names[channel]} ({UNIT_LABELS[UNITS[channel]]})"


def synthetic_strip(batch: SignalBatch, position: int) -> Strip:
    """The window at a position of a batch, numbered among those of its state."""
    condition = batch.conditions[position]
    title = f"Synthetic · {condition} · window {batch.conditions[: position + 1].count(condition)}"
    return Strip(title, condition, _signals(batch, position), _eda_name(batch.provenance.eda))


def reference_strip(reference: RealWindows, position: int) -> Strip:
    """The reference window at a position."""
    kind, condition = _KINDS.get(reference.source, "of unknown source"), reference.conditions[position]
    subject = f" · {reference.subjects[position]}" if reference.subjects is not None else ""
    title = f"Reference ({kind}){subject} · {condition}"
    signals = _signals(reference, position)
    return Strip(title, condition, signals, _eda_name(reference.eda), reference=True, scaled=reference.scaled)


def limits(traces: Iterable[np.ndarray], margin: float = 0.12) -> tuple[float, float]:
    """The lowest and the highest value with room around them."""
    joined = np.concatenate(list(traces))
    low, high = float(joined.min()), float(joined.max())
    pad = (high - low) * margin or 0.5
    return low - pad, high + pad


def envelope(values: np.ndarray, bins: int) -> np.ndarray:
    """(bins, 2) lowest and highest value of each part of the (t,) signal: what a narrow drawing of it covers."""
    edges = np.linspace(0, len(values), bins + 1).astype(int)[:-1]
    return np.stack([np.minimum.reduceat(values, edges), np.maximum.reduceat(values, edges)], axis=1)


def describe(strip: Strip, measured: Readings | None, other: Strip | None = None) -> str:
    """What the traces show, in words, for those who cannot see them."""
    parts = [
        f"{strip.quantity(name)} from {strip.signals[name].min():.2f} to {strip.signals[name].max():.2f}"
        for name in strip.signals
    ]
    events = ""
    if measured is not None:
        counts = len(measured.beats_s), len(measured.inspirations_s), len(measured.scrs)
        events = f". Marked: {counts[0]} R peaks, {counts[1]} inspiration onsets, {counts[2]} SCRs"
    beside = f" Shown with: {other.title}." if other is not None else ""
    return f"{strip.title}, {WINDOW_S} s: {'; '.join(parts)}{events}.{beside}"


def _signals(windows: SignalBatch | RealWindows, position: int) -> dict[str, np.ndarray]:
    resp, eda = windows.low.select("Resp", "EDA")
    found = {"ECG": windows.ecg[position, :, 0], "Resp": resp[position], "EDA": eda[position]}
    missing = getattr(windows, "missing", ())
    return {name: found[name] for name in FUSED_CHANNELS if name not in missing}


def _eda_name(eda: str) -> str:
    return "Phasic EDA" if eda == PHASIC_EDA else "EDA"
