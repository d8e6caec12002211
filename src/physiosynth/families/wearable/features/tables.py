"""The table that classifiers and distances read: physiological features of each window and cheap signal statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.families.wearable.features.features import DESCRIPTION
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.windows import RATE_HZ, WindowSet

ECG_BANDS_HZ = ((0.5, 5.0), (5.0, 15.0), (15.0, 40.0))
SLOW_BANDS_HZ = ((0.03, 0.15), (0.15, 0.4), (0.4, 1.5))
CLIP_SD = 6.0  # beyond this a value says 'far out' and no more
SMALLEST_SD = 1e-9


@dataclass(frozen=True)
class Table:
    """values: (n, f) float64, nan where a feature could not be measured; names: f."""

    values: np.ndarray
    names: tuple[str, ...]


def table_of(judged: Judged) -> Table:
    """One row per window: the physiological features, then the signal statistics."""
    signals = judged.per_window("signal_statistics", signal_statistics)
    names = signals.dtype.names or ()
    return Table(np.column_stack([judged.features.table(), *(signals[name] for name in names)]), (*DESCRIPTION, *names))


def signal_statistics(windows: WindowSet) -> np.ndarray:
    """(n,) structured array with fields such as ecg_sd, for every channel at its own rate."""
    found: dict[str, np.ndarray] = {}
    for channel, bands in (("ECG", ECG_BANDS_HZ), ("EDA", SLOW_BANDS_HZ), ("Resp", SLOW_BANDS_HZ)):
        values = windows.channel(channel).astype(np.float64)
        mine = _moments(values) | _bands(values, RATE_HZ[channel], bands)
        if channel == "EDA":
            mine["slope"] = values[:, -8:].mean(axis=1) - values[:, :8].mean(axis=1)
        found |= {f"{channel.lower()}_{name}": column for name, column in mine.items()}
    return np.rec.fromarrays([*found.values()], dtype=[(name, column.dtype) for name, column in found.items()])


def _moments(values: np.ndarray) -> dict[str, np.ndarray]:
    mean, sd = values.mean(axis=1), values.std(axis=1)
    z = (values - mean[:, None]) / np.maximum(sd, SMALLEST_SD)[:, None]
    return {
        "mean": mean,
        "sd": sd,
        "skewness": (z**3).mean(axis=1),
        "kurtosis": (z**4).mean(axis=1),
        "range": np.ptp(values, axis=1),
        "roughness": np.abs(np.diff(values, axis=1)).mean(axis=1) / np.maximum(sd, SMALLEST_SD),
    }


def _bands(values: np.ndarray, rate_hz: float, bands: tuple[tuple[float, float], ...]) -> dict[str, np.ndarray]:
    """Share of the power in each band, of the power in all of them."""
    power = np.abs(np.fft.rfft(values - values.mean(axis=1, keepdims=True), axis=1)) ** 2
    frequency = np.fft.rfftfreq(values.shape[1], 1 / rate_hz)
    inside = np.stack([power[:, (frequency >= low) & (frequency < high)].sum(axis=1) for low, high in bands], axis=1)
    total = np.maximum(inside.sum(axis=1), np.finfo(float).tiny)
    return {f"power_{low:g}_{high:g}_hz": inside[:, i] / total for i, (low, high) in enumerate(bands)}


@dataclass(frozen=True)
class TableScaler:
    """Median, for what is missing, then mean and SD, all of the windows that were fitted on and of no others."""

    median: np.ndarray
    mean: np.ndarray
    sd: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray) -> TableScaler:
        """values: (n, f), nan where missing; a column that is missing everywhere counts as zeros."""
        known = np.isfinite(values)
        median = np.array(
            [np.median(column[ok]) if ok.any() else 0.0 for column, ok in zip(values.T, known.T, strict=True)]
        )
        filled = np.where(known, values, median)
        sd = filled.std(axis=0)
        return cls(median, filled.mean(axis=0), np.where(sd > SMALLEST_SD, sd, 1.0))

    def apply(self, values: np.ndarray) -> np.ndarray:
        """(n, f) standardised, missing values at the median, clipped to +-6 SD."""
        filled = np.where(np.isfinite(values), values, self.median)
        return np.clip((filled - self.mean) / self.sd, -CLIP_SD, CLIP_SD)
