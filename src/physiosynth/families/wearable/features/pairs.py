"""How strongly two signals of one window move together: heart rate, breathing, R height and skin conductance.

Every function takes (n, t) rows at 4 Hz and answers (n,) numbers, so that shuffled pairs cost no more than reference
ones.
"""

from __future__ import annotations

import numpy as np

from physiosynth.families.wearable.signals import LOW_HZ

BREATH_BAND_HZ = (0.07, 0.6)
AROUSAL_BAND_HZ = (0.03, 0.25)
# Heart rate follows the breath by up to about a second; the R height does so at once, with either sign.
RSA_LAG_S, EDR_LAG_S = (-1.0, 2.0), (-1.0, 1.0)
# Skin responds some 1.5 s after its cause, the heart's answer peaks about 2 s after it.
AROUSAL_LAG_S = (-2.0, 3.0)


def couplings(heart_rate: np.ndarray, r_height: np.ndarray, resp: np.ndarray, eda: np.ndarray) -> dict[str, np.ndarray]:
    """Every coupling of n windows by name, (n,) each; all arguments (n, t) at 4 Hz."""
    if not len(heart_rate):
        return {name: np.empty(0) for name in ("resp_heart", "resp_coherence", "edr_resp", "scr_heart")}
    return {
        "resp_heart": resp_heart(heart_rate, resp),
        "resp_coherence": resp_coherence(heart_rate, resp),
        "edr_resp": edr_resp(r_height, resp),
        "scr_heart": scr_heart(heart_rate, eda),
    }


def resp_heart(heart_rate: np.ndarray, resp: np.ndarray) -> np.ndarray:
    """Respiratory sinus arrhythmia: the largest correlation of heart rate with the belt, rate up to 2 s later.

    heart_rate: beats/min, resp: % of the belt, (n, t); both band-passed 0.07-0.6 Hz. Returns (n,) in -1 to 1; nan
    where either is flat or missing.
    """
    return _lagged(heart_rate, resp, BREATH_BAND_HZ, RSA_LAG_S).max(axis=1)


def resp_coherence(heart_rate: np.ndarray, resp: np.ndarray) -> np.ndarray:
    """Magnitude-squared coherence of heart rate and belt at the window's own breathing frequency, (n,) in 0 to 1.

    Welch with three overlapping segments of half a window; so few segments give 0.4 or so without any coupling, which
    is why it is held against shuffled pairs.
    """
    from scipy.signal import coherence, welch

    length = resp.shape[1] // 2
    usable = np.isfinite(heart_rate).all(axis=1)
    rate = np.where(usable[:, None], heart_rate, 0.0)
    frequency, power = welch(resp, LOW_HZ, nperseg=length, detrend="linear", axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        together = coherence(rate, resp, LOW_HZ, nperseg=length, detrend="linear", axis=1)[1]
    band = np.flatnonzero((frequency >= BREATH_BAND_HZ[0] - 0.01) & (frequency <= BREATH_BAND_HZ[1]))
    at = band[power[:, band].argmax(axis=1)]
    return np.where(usable, together[np.arange(len(resp)), at], np.nan)


def edr_resp(r_height: np.ndarray, resp: np.ndarray) -> np.ndarray:
    """ECG-derived respiration: the largest correlation of R height with the belt, of either sign, within 1 s.

    r_height: mV, resp: % of the belt, (n, t); both band-passed 0.07-0.6 Hz. Returns (n,) in 0 to 1, nan where missing.
    """
    return np.abs(_lagged(r_height, resp, BREATH_BAND_HZ, EDR_LAG_S)).max(axis=1)


def scr_heart(heart_rate: np.ndarray, eda: np.ndarray) -> np.ndarray:
    """Arousal: the largest correlation of heart rate with the rising of skin conductance, 2 s before to 3 s after.

    heart_rate: beats/min, eda: uS, (n, t). The rising is the positive part of the slope; both are band-passed
    0.03-0.25 Hz. Returns (n,) in -1 to 1; nan where either is flat or missing.
    """
    rising = np.maximum(np.gradient(np.asarray(eda, dtype=float), axis=1), 0.0)
    return _lagged(heart_rate, rising, AROUSAL_BAND_HZ, AROUSAL_LAG_S).max(axis=1)


def _lagged(
    later: np.ndarray, earlier: np.ndarray, band_hz: tuple[float, float], lag_s: tuple[float, float]
) -> np.ndarray:
    """(n, lags) correlation of later(t + lag) with earlier(t); nan rows where a signal is flat or missing."""
    from scipy.fft import irfft, next_fast_len, rfft

    a, b = _band(later, band_hz), _band(earlier, band_hz)
    steps = a.shape[1]
    size = next_fast_len(2 * steps, real=True)
    products = irfft(rfft(a, size, axis=1) * np.conj(rfft(b, size, axis=1)), size, axis=1)
    lags = np.arange(round(lag_s[0] * LOW_HZ), round(lag_s[1] * LOW_HZ) + 1)
    energy = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))[:, None]
    return np.divide(products[:, lags % size], energy, out=np.full((len(a), len(lags)), np.nan), where=energy > 0)


def _band(rows: np.ndarray, band_hz: tuple[float, float]) -> np.ndarray:
    """Rows tapered and kept inside a band by their Fourier coefficients; a row with NaN or without change is zeros."""
    from scipy.signal import detrend
    from scipy.signal.windows import tukey

    rows = np.asarray(rows, dtype=float)
    if not len(rows):
        return rows
    usable = np.isfinite(rows).all(axis=1) & (np.ptp(rows, axis=1) > 1e-9 * np.maximum(1.0, np.abs(rows).max(axis=1)))
    flat = detrend(np.where(usable[:, None], rows, 0.0), axis=1) * tukey(rows.shape[1], 0.2)
    spectrum = np.fft.rfft(flat, axis=1)
    frequency = np.fft.rfftfreq(rows.shape[1], 1 / LOW_HZ)
    spectrum[:, (frequency < band_hz[0]) | (frequency > band_hz[1])] = 0.0
    return np.fft.irfft(spectrum, rows.shape[1], axis=1) * usable[:, None]
