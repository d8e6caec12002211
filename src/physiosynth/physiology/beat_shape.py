"""The shape of the beats in one ECG window: template, waves, widths, and the rule of a clean window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BEFORE_S, AFTER_S = 0.25, 0.45  # of a beat, around R
_P_WINDOW_S, _T_WINDOW_S = (-0.24, -0.06), (0.10, 0.42)
_QRS_REACH_S = 0.10
_FINER = 8  # the template is splined this many times finer to time the QRS

CLEAN_CORRELATION, CLEAN_SHARE = 0.9, 0.95
CLEAN_INTERVAL, CLEAN_AMPLITUDE = 0.30, 0.6


@dataclass(frozen=True)
class BeatShape:
    """The beats of one window; nan (and not clean) where there are fewer than 3 whole ones.

    template: (m,) median beat in mV, from 0.25 s before R to 0.45 s after; amplitudes: R height in mV of
    every peak given; correlation: mean of the beats with the template; quality_db: template power over what a beat
    has beside it; qrs_ms; p_mv, t_mv: signed height over the line between its feet, 0 where it is not above the noise.
    """

    template: np.ndarray
    amplitudes: np.ndarray
    r_mv: float
    correlation: float
    quality_db: float
    qrs_ms: float
    p_mv: float
    t_mv: float
    clean: bool


def template_steps(rate_hz: float) -> int:
    """m: samples of a beat's template."""
    return round(BEFORE_S * rate_hz) + round(AFTER_S * rate_hz) + 1


def beat_shape(ecg_mv: np.ndarray, peaks_s: np.ndarray, rate_hz: float) -> BeatShape:
    """Measure one window, unfiltered. ecg_mv: (t,) at rate_hz; peaks_s: (k,) R peaks in s."""
    at = np.round(np.asarray(peaks_s) * rate_hz).astype(int)
    amplitudes = ecg_mv[np.clip(at, 0, len(ecg_mv) - 1)] - np.median(ecg_mv) if len(at) else np.empty(0)
    beats, lag_s, own = aligned_beats(ecg_mv, peaks_s, rate_hz)
    if len(beats) < 3:
        nan = float("nan")
        return BeatShape(np.full(template_steps(rate_hz), nan), amplitudes, nan, nan, nan, nan, nan, nan, False)
    template = np.median(beats, axis=0)
    residual = beats - template
    correlations = _correlations(beats[:, own], template[own])
    spread = float(np.median(residual[:, own].var(axis=1)))
    noise = 1.4826 * np.median(np.abs(residual), axis=0) * np.sqrt(np.pi / 2 / len(beats))  # of a median
    return BeatShape(
        template=template,
        amplitudes=amplitudes,
        r_mv=float(np.median(amplitudes)),
        correlation=float(correlations.mean()),
        quality_db=float(10 * np.log10(max(template[own].var(), 1e-12) / max(spread, 1e-12))),
        qrs_ms=_qrs_ms(template, rate_hz),
        p_mv=_wave_mv(template, noise, lag_s, own, _P_WINDOW_S),
        t_mv=_wave_mv(template, noise, lag_s, own, _T_WINDOW_S),
        clean=is_clean(correlations, np.diff(peaks_s), amplitudes),
    )


def aligned_beats(ecg_mv: np.ndarray, peaks_s: np.ndarray, rate_hz: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The whole beats of a window on one axis, each without its mean over its own time.

    ecg_mv: (t,) at rate_hz; peaks_s: (k,) R peaks in s. Returns (n, m) mV for the n beats that lie in the
    window whole, the (m,) time from R in s, and where on it a beat is its own and not a neighbour's.
    """
    before, after = round(BEFORE_S * rate_hz), round(AFTER_S * rate_hz)
    at = np.round(np.asarray(peaks_s) * rate_hz).astype(int)
    whole = at[(at >= before) & (at + after < len(ecg_mv))]
    lag_s = np.arange(-before, after + 1) / rate_hz
    # At high rates the neighbours' waves are in reach; a beat ends where the next one begins.
    period = float(np.median(np.diff(peaks_s))) if len(at) > 1 else float("inf")
    own = (lag_s >= -0.4 * period) & (lag_s <= 0.6 * period)
    beats = ecg_mv[whole[:, None] + np.arange(-before, after + 1)].astype(float)
    return beats - beats[:, own].mean(axis=1, keepdims=True), lag_s, own


def is_clean(correlations: np.ndarray, intervals_s: np.ndarray, amplitudes: np.ndarray) -> bool:
    """The one rule of a clean window.

    At least 95 % of the beats correlate above 0.9 with the template, no R-R interval is more than 30 % off the median
    of its neighbours (two on either side), and no R amplitude is under 0.6 of the median.
    """
    if len(correlations) < 3 or len(intervals_s) < 3:
        return False
    shaped = np.mean(correlations > CLEAN_CORRELATION) >= CLEAN_SHARE
    around = [np.r_[intervals_s[max(0, i - 2) : i], intervals_s[i + 1 : i + 3]] for i in range(len(intervals_s))]
    typical = np.array([np.median(neighbours) for neighbours in around])
    steady = (np.abs(intervals_s - typical) <= CLEAN_INTERVAL * typical).all()
    tall = (amplitudes >= CLEAN_AMPLITUDE * np.median(amplitudes)).all()
    return bool(shaped and steady and tall)


def _correlations(beats: np.ndarray, template: np.ndarray) -> np.ndarray:
    """(k,) Pearson correlation of each beat with the template; 0 for a flat one."""
    a, b = beats - beats.mean(axis=1, keepdims=True), template - template.mean()
    size = np.sqrt((a**2).sum(axis=1) * (b**2).sum())
    return np.divide(a @ b, size, out=np.zeros(len(a)), where=size > 0)


def _qrs_ms(template: np.ndarray, rate_hz: float) -> float:
    """Time around R in which the template's slope exceeds a tenth of its steepest, in ms."""
    from scipy.interpolate import CubicSpline

    centre, reach = round(BEFORE_S * rate_hz), round(_QRS_REACH_S * rate_hz)
    near = np.arange(centre - reach, centre + reach + 1)
    fine = np.linspace(near[0], near[-1], _FINER * (len(near) - 1) + 1)
    slope = np.abs(CubicSpline(near, template[near])(fine, 1))
    steep = np.flatnonzero(slope > 0.1 * slope.max())
    return float((fine[steep[-1]] - fine[steep[0]]) * 1000 / rate_hz) if slope.max() > 0 else float("nan")


def _wave_mv(
    template: np.ndarray, noise: np.ndarray, lag_s: np.ndarray, own: np.ndarray, window_s: tuple[float, float]
) -> float:
    """Signed height of the largest deviation from the line between the window's ends; 0 where noise explains it."""
    inside = np.flatnonzero((lag_s >= window_s[0]) & (lag_s <= window_s[1]) & own)
    if len(inside) < 8:
        return 0.0
    part = template[inside]
    ends = part[:3].mean(), part[-3:].mean()
    height = part - np.linspace(*ends, len(part))
    top = int(np.abs(height).argmax())
    return float(height[top]) if abs(height[top]) > 3 * noise[inside[top]] else 0.0
