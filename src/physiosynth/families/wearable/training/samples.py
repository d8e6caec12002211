"""A few windows drawn from weights in training, and how fast their hearts and breaths are beside recorded ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from physiosynth.diffusion.stream_sampling import StreamSampling
from physiosynth.errors import ChannelError
from physiosynth.families.wearable.data.loading import WindowDataset
from physiosynth.families.wearable.model.adapter import TwoStreamDiffusionAdapter
from physiosynth.families.wearable.model.architecture import Architecture
from physiosynth.families.wearable.signals import (
    CONDITIONS,
    ECG_HZ,
    FUSED_CHANNELS,
    LABEL_IDS,
    LOW_CHANNELS,
    LOW_HZ,
    UNITS,
)
from physiosynth.families.wearable.training.joint import JointLoss
from physiosynth.physiology.detectors import breathing_rate, heart_rate, r_peaks
from physiosynth.runtime import window_generators
from physiosynth.signals import NamedSignals
from physiosynth.training.validation import spread

SAMPLE_SEED = 2**32  # of the windows that every run draws: pictures of two steps show the same noise
STEPS = {"low": 16, "ecg": 8}  # of a coupled pair; for watching, not for export
PUBLISHED_STEPS = 25
PANEL_INCHES = (4.2, 1.7)  # of one trace
DOTS_PER_INCH = 80


@dataclass(frozen=True)
class StateWindows:
    """Windows of one state: ecg (n, ECG_STEPS) in mV, low (n, LOW_STEPS, 2) in units, by name."""

    state: str
    ecg: np.ndarray
    low: NamedSignals

    def __len__(self) -> int:
        return len(self.ecg)


@dataclass(frozen=True)
class StateRates:
    """Mean and SD over n windows of one state, each in /min; nan where no window has enough beats or breaths."""

    state: str
    windows: int
    heart_rate: float
    heart_rate_sd: float
    breathing_rate: float
    breathing_rate_sd: float


def recorded(data: WindowDataset, per_state: int) -> list[StateWindows]:
    """At most `per_state` windows of each state that the data has, spread evenly over its subjects."""
    found = []
    for state in CONDITIONS:
        rows = np.flatnonzero(data.arrays.conditions == LABEL_IDS[state])
        if len(rows):
            rows = rows[spread(len(rows), per_state)]
            low = NamedSignals(data.arrays.low[rows][..., data.low_order], LOW_CHANNELS, LOW_HZ)
            found.append(StateWindows(state, np.array(data.arrays.ecg[rows])[..., 0], low))
    return found


def drawn(
    model: JointLoss, data: WindowDataset, states: list[str], per_state: int, device: torch.device
) -> list[StateWindows]:
    """`per_state` windows of each named state, in the units of the fold that `data` is of.

    Every window has its own generator of a fixed seed; no other random state is read or changed.
    """
    adapter = TwoStreamDiffusionAdapter(model.low, model.ecg, model.architecture, **watching(model.architecture))
    wanted = [state for state in states for _ in range(per_state)]
    y = torch.zeros(len(wanted), model.architecture.condition_dim)
    y[torch.arange(len(wanted)), [CONDITIONS.index(state) for state in wanted]] = 1.0
    samples = adapter.sample(y.to(device), generators=window_generators(SAMPLE_SEED, range(len(wanted))))
    ecg = data.norm_ecg.invert(samples.ecg.float().cpu().numpy())[..., 0]
    low = data.norm_low.invert(samples.low.float().cpu().numpy())
    found = []
    for place, state in enumerate(states):
        rows = slice(place * per_state, (place + 1) * per_state)
        found.append(StateWindows(state, ecg[rows], NamedSignals(low[rows], LOW_CHANNELS, LOW_HZ)))
    return found


def watching(architecture: Architecture) -> dict[str, StreamSampling]:
    """Few steps, unguided: enough to see how a run goes."""
    if not architecture.coupled:
        return {f"{name}_sampling": StreamSampling(steps=PUBLISHED_STEPS) for name in STEPS}
    return {
        f"{name}_sampling": StreamSampling(steps=steps, spacing="karras", clip_x0=False)
        for name, steps in STEPS.items()
    }


def rates_of(windows: StateWindows) -> StateRates:
    """Mean heart rate and breathing rate, by the detectors that recordings are measured with."""
    (resp,) = windows.low.select("Resp")
    hearts = [_measured(lambda row: heart_rate(r_peaks(row, ECG_HZ)), row) for row in windows.ecg]
    breaths = [_measured(lambda row: breathing_rate(row, LOW_HZ), row) for row in resp]
    return StateRates(windows.state, len(windows), *_mean_and_sd(hearts), *_mean_and_sd(breaths))


def _measured(rate: Callable[[np.ndarray], float], row: np.ndarray) -> float:
    """The rate, or nan where early weights drew what no detector was made for: a run must not end by that."""
    try:
        return rate(row)
    except (ChannelError, ValueError, IndexError, ArithmeticError):
        return float("nan")


def _mean_and_sd(values: list[float]) -> tuple[float, float]:
    known = np.array([value for value in values if np.isfinite(value)])
    return (float(known.mean()), float(known.std())) if len(known) else (np.nan, np.nan)


def draw_panel(drawn: Sequence[StateWindows], title: str) -> np.ndarray:
    """(height, width, 3) uint8 picture of the first window of each state; values that are not finite are left out."""
    # The object interface alone: pyplot would keep figures, and a window system is not there.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (PANEL_INCHES[0] * len(FUSED_CHANNELS), PANEL_INCHES[1] * len(drawn) + 0.4)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, facecolor="white")
    axes = figure.subplots(len(drawn), len(FUSED_CHANNELS), sharex=True, squeeze=False)
    # Margins in inches: matplotlib's own layout takes most of the drawing time.
    figure.subplots_adjust(
        left=0.45 / size[0], right=1 - 0.1 / size[0], bottom=0.4 / size[1], top=1 - 0.5 / size[1], hspace=0.35
    )
    figure.suptitle(title, fontsize=9, y=1 - 0.15 / size[1])
    for row, windows in zip(axes, drawn, strict=True):
        for axis, channel in zip(row, FUSED_CHANNELS, strict=True):
            values, rate_hz = _first_of(windows, channel)
            axis.plot(np.arange(len(values)) / rate_hz, values, linewidth=0.6 if channel == "ECG" else 1.0)
            axis.set_title(f"{windows.state}: {channel} ({UNITS[channel]})", loc="left", fontsize=8)
            axis.tick_params(labelsize=7)
    for axis in axes[-1]:
        axis.set_xlabel("s", fontsize=8)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _first_of(windows: StateWindows, channel: str) -> tuple[np.ndarray, float]:
    if channel == "ECG":
        values, rate_hz = windows.ecg[0], ECG_HZ
    else:
        values, rate_hz = windows.low.select(channel)[0][0], LOW_HZ
    return np.where(np.isfinite(values), values, np.nan), rate_hz
