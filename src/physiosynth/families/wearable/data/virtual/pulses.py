"""Sums of bell-shaped waves, one for every beat."""

from __future__ import annotations

import numpy as np


def add_waves(
    signal: np.ndarray,
    rate_hz: float,
    centre_s: np.ndarray,
    height: np.ndarray,
    rise_s: np.ndarray | float,
    fall_s: np.ndarray | float | None = None,
) -> None:
    """Add to (t,) signal a Gaussian of its own height and width at each centre, wider before or after it if asked.

    centre_s, height: (k,); rise_s, fall_s: (k,) or one number, SDs in s before and after the centre.
    """
    count = len(centre_s)
    rise = np.broadcast_to(np.asarray(rise_s, dtype=float), count)
    fall = rise if fall_s is None else np.broadcast_to(np.asarray(fall_s, dtype=float), count)
    if not count:
        return
    before, after = int(np.ceil(4 * rise.max() * rate_hz)), int(np.ceil(4 * fall.max() * rate_hz))
    reach = np.arange(-before, after + 1)
    block = 512
    for first in range(0, count, block):
        part = slice(first, first + block)
        index = np.rint(centre_s[part] * rate_hz).astype(int)[:, None] + reach
        distance = index / rate_hz - centre_s[part, None]
        width = np.where(distance < 0, rise[part, None], fall[part, None])
        values = height[part, None] * np.exp(-0.5 * (distance / width) ** 2)
        inside = (index >= 0) & (index < len(signal))
        low = max(int(index.min()), 0)
        added = np.bincount(index[inside] - low, values[inside])
        signal[low : low + len(added)] += added
