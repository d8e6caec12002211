"""Detectors: R peaks, breaths and skin conductance responses, and the rates made of them (NeuroKit2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.errors import ChannelError

# What is smaller than this share of the signal's own scale is rounding, not physiology.
_FLAT = 1e-9
_BREATH_HZ = (0.05, 1.0)
# Slow breaths at a few samples per second have no clear extremum; the detectors get this many.
_FINE_HZ = 25.0
# Responses rise within 5 s (Boucsein, 2012); twice that leaves room for overlapping ones, not for drift.
_LONGEST_RISE_S = 10.0
# They stay above half their height for 2 to 10 s (Boucsein, 2012), a spike for less than one.
_SHORTEST_SCR_S = 1.0
# A step of the electrode is over in this time: it is many times the usual change, and the next sample adds little.
_JUMP_S, _JUMP_OVER_USUAL, _RISE_GOES_ON = 0.5, 8.0, 0.1
# Zero-phase filters ring on both sides of a step or spike, for this long and with up to this share of it.
_RINGING_S, _RINGING_SHARE = 2.5, 0.2
# R peaks: how long the first and last values are held beyond the signal, what counts as its ends, the shortest R-R
# interval, the one below which both peaks have to be as steep as beats, and how far from R its slopes reach.
_HELD_S, _END_S, _SHORTEST_RR_S, _CLOSE_S, _QRS_REACH_S = 0.5, 0.35, 0.2, 0.3, 0.04

# Where a T wave is sought after the largest deflection, in s, and the share of that from which it is one.
_T_AFTER_R_S, _UPRIGHT_T = (0.15, 0.32), 0.2


@dataclass(frozen=True)
class ScrEvents:
    """Skin conductance responses of one signal: (k,) onset and peak times in s, (k,) onset-to-peak amplitudes in uS."""

    onset_s: np.ndarray
    peak_s: np.ndarray
    amplitude_us: np.ndarray

    def __len__(self) -> int:
        return len(self.peak_s)


def r_peaks(ecg_mv: np.ndarray, rate_hz: float) -> np.ndarray:
    """Times of the R peaks, in s from the first sample, finer than one sample.

    ecg_mv: (t,) in mV; returns (k,), empty for a flat signal or one under 2 s. NeuroKit2's gradient detector
    (Makowski et al., 2021) for up to 240 beats/min, each peak moved to the vertex of the parabola through its highest
    sample. Expects the R wave to point up; see `is_inverted`. Raises ChannelError.
    """
    ecg = _checked(ecg_mv, "ECG")
    if _is_flat(ecg) or len(ecg) < 2 * rate_hz:
        return np.empty(0)
    import neurokit2 as nk

    clean = np.asarray(nk.ecg_clean(ecg, sampling_rate=rate_hz, method="neurokit"))
    # NeuroKit2 finds no beat within `mindelay` of the first sample, and none whose QRS the signal's end cuts.
    around = round(_HELD_S * rate_hz)
    held = np.pad(clean, around, mode="edge")
    found = nk.ecg_findpeaks(held, sampling_rate=rate_hz, method="neurokit", mindelay=_SHORTEST_RR_S, show=False)
    peaks = np.asarray(found["ECG_R_Peaks"], dtype=int) - around
    peaks = _steep_ones(peaks[(peaks >= 0) & (peaks < len(ecg))], clean, rate_hz)
    # The cleaned signal has the mains smoothed out, which widens R; the vertex is sought in what was recorded.
    return _vertices(ecg, peaks, reach=round(0.04 * rate_hz)) / rate_hz


def is_inverted(ecg_mv: np.ndarray, rate_hz: float) -> bool:
    """Whether an ECG looks recorded upside down, as with electrodes swapped.

    ecg_mv: (t,) in mV. The largest deflection of most stretches of 2 s points down, and no upright T wave follows it:
    with one, it is the deep S wave of a lead that is not inverted. False for a flat signal or one under 4 s. Raises
    ChannelError.
    """
    ecg = _checked(ecg_mv, "ECG")
    stretch = round(2 * rate_hz)
    if _is_flat(ecg) or len(ecg) < 2 * stretch:
        return False
    import neurokit2 as nk

    clean = np.asarray(nk.ecg_clean(ecg, sampling_rate=rate_hz, method="neurokit"))
    t_wave = np.arange(*(round(after_s * rate_hz) for after_s in _T_AFTER_R_S))
    starts = np.arange(0, len(clean) - stretch - t_wave[-1], stretch)
    stretches = clean[starts[:, None] + np.arange(stretch)]
    largest = np.abs(stretches).argmax(axis=1)
    after = clean[(starts + largest)[:, None] + t_wave]
    rows = np.arange(len(starts))
    height, t_height = np.median(stretches[rows, largest]), np.median(after[rows, np.abs(after).argmax(axis=1)])
    return bool(height < 0 and t_height < _UPRIGHT_T * abs(height))


def breaths(resp: np.ndarray, rate_hz: float) -> np.ndarray:
    """Times of the inhalation peaks, in s from the first sample.

    resp: (t,) belt signal, larger when the chest is wider; returns (k,), empty for a flat signal. Band-pass 0.05-1 Hz,
    then maxima 0.8 s apart that stand out by half of the SD, as NeuroKit2's rule "scipy" has it; that one is not called
    because it drops the first and the last breath, which of slow breathing in 30 s leaves too little.
    Raises ChannelError.
    """
    signal = _checked(resp, "Resp")
    if _is_flat(signal) or len(signal) < 4 * rate_hz:
        return np.empty(0)
    from scipy.signal import find_peaks

    clean, fine_hz = _refined(_band_passed(signal, rate_hz), rate_hz)
    found, _ = find_peaks(clean, distance=max(1, round(0.8 * fine_hz)), prominence=0.5 * clean.std())
    return found / fine_hz


def inspiration_onsets(resp: np.ndarray, rate_hz: float) -> np.ndarray:
    """Times at which the chest is narrowest before each inhalation peak, in s from the first sample.

    resp: (t,) belt signal, as for `breaths`; returns (k,): one between each two peaks, and one before the first where
    the signal turns there and does not just begin. Raises ChannelError.
    """
    peaks = breaths(resp, rate_hz)
    if not len(peaks):
        return np.empty(0)
    clean, fine_hz = _refined(_band_passed(_checked(resp, "Resp"), rate_hz), rate_hz)
    stops = np.round(peaks * fine_hz).astype(int)
    starts = np.concatenate([[0], stops[:-1]])
    lowest = np.array([first + clean[first:last].argmin() for first, last in zip(starts, stops, strict=True) if last])
    return lowest[lowest > 0] / fine_hz


def scrs(eda_us: np.ndarray, rate_hz: float, min_amplitude_us: float = 0.01) -> ScrEvents:
    """Skin conductance responses of at least `min_amplitude_us`.

    eda_us: (t,) in uS, tonic level kept or not. Low-pass 1 Hz, phasic part above 0.05 Hz, onset and peak pairs as
    NeuroKit2 finds them; amplitudes are those of the phasic part. A flat signal has none. Raises ChannelError.
    """
    eda = _checked(eda_us, "EDA")
    none = ScrEvents(np.empty(0), np.empty(0), np.empty(0))
    if _is_flat(eda) or len(eda) < 6 * rate_hz:
        return none
    from scipy.signal import butter, find_peaks, sosfiltfilt

    eda, jumps, jumps_us = _without_jumps(eda, rate_hz, min_amplitude_us)
    if rate_hz > 2.5:
        eda = sosfiltfilt(butter(4, 1.0, fs=rate_hz, output="sos"), eda)
    phasic = sosfiltfilt(butter(2, 0.05, "highpass", fs=rate_hz, output="sos"), eda)
    # The pairs of nk.eda_findpeaks(method="neurokit", amplitude_min=0), which takes several times as long. A relative
    # minimum would let one large response hide all others: the absolute one follows below.
    peak, trough = find_peaks(phasic)[0], find_peaks(-phasic)[0]
    before = np.searchsorted(trough, peak) - 1
    onset, peak = trough[before[before >= 0]], peak[before >= 0]
    amplitude = phasic[peak] - phasic[onset]
    # The high-pass rebounds after a large response; there the skin conductance itself does not rise.
    rise = np.array([eda[last] - eda[first : last + 1].min() for first, last in zip(onset, peak, strict=True)])
    width = np.array([_half_width(phasic, *pair) for pair in zip(onset, peak, strict=True)])
    spike = width < _SHORTEST_SCR_S * rate_hz
    artefact, artefact_us = np.append(jumps, peak[spike]), np.append(jumps_us, amplitude[spike])
    near = np.abs(peak[:, None] - artefact) <= _RINGING_S * rate_hz
    rings = (near & (amplitude[:, None] < _RINGING_SHARE * artefact_us)).any(axis=1)
    real = (
        (amplitude >= min_amplitude_us)
        & (rise >= min_amplitude_us / 2)
        & (peak - onset <= _LONGEST_RISE_S * rate_hz)
        & ~(spike | rings)
    )
    return ScrEvents(onset[real] / rate_hz, peak[real] / rate_hz, amplitude[real])


def _without_jumps(eda: np.ndarray, rate_hz: float, least_us: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The signal with each jump of more than least_us taken out and what follows moved by as much; where, how large.

    A movement of the electrode is over within half a second, while the rise of a response goes on.
    """
    step = max(1, round(_JUMP_S / 2 * rate_hz))
    jump = eda[3 * step : -step] - eda[step : -3 * step]
    moved = eda[step:] - eda[:-step]
    goes_on = np.maximum(np.sign(jump) * moved[: len(jump)], np.sign(jump) * moved[-len(jump) :])
    large = np.abs(jump) > max(least_us, _JUMP_OVER_USUAL * float(np.median(np.abs(jump))))
    found = np.flatnonzero(large & (goes_on <= _RISE_GOES_ON * np.abs(jump)))
    change, jumped = np.diff(eda), np.zeros(len(eda) - 1, dtype=bool)
    jumped[found[:, None] + step + np.arange(2 * step)] = True
    change[jumped] = np.median(change[~jumped])
    return eda[0] + np.append(0.0, np.cumsum(change)), found + 2 * step, np.abs(jump[found])


def _half_width(phasic: np.ndarray, onset: int, peak: int) -> float:
    """How many samples the response from onset to peak stays above half its height; inf where the signal ends first."""
    over = phasic - (phasic[onset] + phasic[peak]) / 2
    up, down = onset + np.flatnonzero(over[onset:peak] < 0)[-1], peak + np.flatnonzero(over[peak:] < 0)[:1]

    def crossing(at: int) -> float:
        return at - over[at] / (over[at + 1] - over[at])

    return crossing(down[0] - 1) - crossing(up) if len(down) else float("inf")


def heart_rate(peaks_s: np.ndarray) -> float:
    """Mean of 60 / RR, in beats/min. peaks_s: (k,) R-peak times in s; nan with fewer than 2."""
    intervals = _intervals(peaks_s)
    return float(np.mean(60.0 / intervals)) if len(intervals) else float("nan")


def rmssd(peaks_s: np.ndarray) -> float:
    """Root mean square of successive R-R differences, in ms.

    peaks_s: (k,) R-peak times in s; nan with fewer than 3. Task Force of the ESC and NASPE, 1996.
    """
    differences = np.diff(_intervals(peaks_s))
    return float(1000 * np.sqrt(np.mean(differences**2))) if len(differences) else float("nan")


def sdnn(peaks_s: np.ndarray) -> float:
    """Standard deviation (n - 1) of the R-R intervals, in ms.

    peaks_s: (k,) R-peak times in s; nan with fewer than 3. Task Force of the ESC and NASPE, 1996.
    """
    intervals = _intervals(peaks_s)
    return float(1000 * np.std(intervals, ddof=1)) if len(intervals) > 1 else float("nan")


def breathing_rate(resp: np.ndarray, rate_hz: float) -> float:
    """Breaths/min: 60 over the mean interval of the inhalation peaks; nan with fewer than 2.

    resp: (t,), a window of about 30 s. Raises ChannelError.
    """
    intervals = np.diff(breaths(resp, rate_hz))
    return float(60.0 / np.mean(intervals)) if len(intervals) else float("nan")


def scr_rate(eda_us: np.ndarray, rate_hz: float, min_amplitude_us: float = 0.01) -> float:
    """Skin conductance responses per minute. eda_us: (t,) in uS; nan for an empty signal. Raises ChannelError."""
    minutes = len(eda_us) / rate_hz / 60
    return len(scrs(eda_us, rate_hz, min_amplitude_us)) / minutes if minutes else float("nan")


def tonic_level(eda_us: np.ndarray) -> float:
    """Median of the (t,) signal, in uS; nan for an empty signal. Raises ChannelError."""
    eda = _checked(eda_us, "EDA")
    return float(np.median(eda)) if len(eda) else float("nan")


def beat_phase(peaks_s: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """The cardiac phase in beats: k at peak k, rising in between.

    peaks_s: (k,) R-peak times in s; times_s: (t,) where it is wanted, in s. Returns (t,): the monotone cubic (PCHIP)
    through (peak k, k), continued with the first and the last R-R interval. All nan with fewer than 2 peaks.
    """
    peaks, times = np.unique(np.asarray(peaks_s, dtype=float)), np.asarray(times_s, dtype=float)
    if len(peaks) < 2:
        return np.full(len(times), np.nan)
    from scipy.interpolate import PchipInterpolator

    phase = PchipInterpolator(peaks, np.arange(len(peaks)))(np.clip(times, peaks[0], peaks[-1]))
    before, after = np.minimum(times - peaks[0], 0), np.maximum(times - peaks[-1], 0)
    return phase + before / (peaks[1] - peaks[0]) + after / (peaks[-1] - peaks[-2])


def beats_of_phase(phase: np.ndarray, rate_hz: float) -> np.ndarray:
    """Times in s at which a rising (t,) cardiac phase in beats, sampled at rate_hz, is a whole number."""
    whole = np.arange(np.ceil(phase[0]), np.floor(phase[-1]) + 1)
    seconds = np.interp(whole, phase, np.arange(len(phase)) / rate_hz)
    return seconds[seconds < (len(phase) - 1) / rate_hz]


def _checked(signal: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(signal, dtype=float)
    if values.ndim != 1:
        raise ChannelError(f"Expected {name} as one row of samples, found shape {values.shape}. Give one channel.")
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise ChannelError(f"{name}: {count} of {len(values)} samples are not numbers. Fill or cut the gap first.")
    return values


def _steep_ones(peaks: np.ndarray, clean: np.ndarray, rate_hz: float) -> np.ndarray:
    """The peaks but those without the steepness of a QRS where a P or T wave may be taken for one.

    That is near both ends, where the beat itself may lie outside, and closer to another peak than beats usually are.
    """
    reach = round(_QRS_REACH_S * rate_hz)
    around = np.clip(peaks[:, None] + np.arange(-reach, reach + 1), 0, len(clean) - 1)
    steepness = np.abs(np.gradient(clean))[around].max(axis=1, initial=0.0)
    inner = (peaks >= _END_S * rate_hz) & (peaks < len(clean) - _END_S * rate_hz)
    needed = np.where(inner, 0.0, np.median(steepness[inner]) / 2 if inner.any() else 0.0)
    close = np.diff(peaks) <= _CLOSE_S * rate_hz
    needed[1:] = np.maximum(needed[1:], close * steepness[:-1] / 2)
    needed[:-1] = np.maximum(needed[:-1], close * steepness[1:] / 2)
    return peaks[steepness >= needed]


def _is_flat(signal: np.ndarray) -> bool:
    return len(signal) == 0 or bool(np.ptp(signal) <= _FLAT * max(1.0, float(np.abs(signal).max())))


def _intervals(peaks_s: np.ndarray) -> np.ndarray:
    return np.diff(np.asarray(peaks_s, dtype=float))


def _vertices(signal: np.ndarray, peaks: np.ndarray, reach: int) -> np.ndarray:
    """Fractional sample index of the highest point within `reach` samples of each peak."""
    if len(peaks) == 0:
        return np.empty(0)
    near = np.clip(peaks[:, None] + np.arange(-reach, reach + 1), 1, len(signal) - 2)
    top = near[np.arange(len(peaks)), signal[near].argmax(axis=1)]
    left, middle, right = signal[top - 1], signal[top], signal[top + 1]
    bend = left - 2 * middle + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
    return np.unique(top + np.clip(shift, -0.5, 0.5))


def _band_passed(signal: np.ndarray, rate_hz: float) -> np.ndarray:
    from scipy.signal import butter, sosfiltfilt

    high = min(_BREATH_HZ[1], 0.45 * rate_hz)
    return sosfiltfilt(butter(2, (_BREATH_HZ[0], high), "bandpass", fs=rate_hz, output="sos"), signal)


def _refined(signal: np.ndarray, rate_hz: float) -> tuple[np.ndarray, float]:
    """The signal at `_FINE_HZ` or about that, by cubic spline; a faster one is thinned after the band-pass."""
    if rate_hz >= 2 * _FINE_HZ:
        step = int(rate_hz // _FINE_HZ)
        return signal[::step], rate_hz / step
    if rate_hz >= _FINE_HZ:
        return signal, rate_hz
    from scipy.interpolate import CubicSpline

    times = np.arange(len(signal)) / rate_hz
    return CubicSpline(times, signal)(np.arange(0, times[-1], 1 / _FINE_HZ)), _FINE_HZ
