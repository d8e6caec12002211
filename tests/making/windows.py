"""Small windows with known, coupled physiology: the heart follows the breath, sweat drives both skin and heart."""

import numpy as np

from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.signals import CONDITIONS, ECG_HZ, ECG_STEPS, LOW_HZ, LOW_STEPS, WINDOW_S

# heart rate (beats/min), RSA (beats/min), breaths a minute, tonic level (uS), responses a window
STATES = {
    "baseline": (70, 5.0, 15, 4.0, 1.5),
    "stress": (88, 3.0, 19, 7.0, 4.5),
    "amusement": (73, 4.5, 17, 5.0, 2.0),
    "meditation": (64, 8.0, 9, 3.5, 1.0),
}
FINE_HZ = 50.0


def toy_windows(each=16, seed=0, subjects=("T1", "T2"), states=CONDITIONS, coupled=True) -> WindowSet:
    """`each` windows of every state, dealt out to the subjects in turn; coupled=False cuts heart from the rest."""
    rng = np.random.default_rng(seed)
    rows = [toy_window(rng, state, coupled) for state in states for _ in range(each)]
    names = [state for state in states for _ in range(each)]
    ecg, eda, resp = (np.stack(part) for part in zip(*rows, strict=True))
    return WindowSet(ecg, eda, resp, names, [subjects[i % len(subjects)] for i in range(len(names))], "virtual")


def toy_window(rng, state, coupled=True):
    """(5250,) mV, (120,) uS and (120,) % of one window."""
    bpm, rsa, breaths, tonic, responses = STATES[state]
    times = np.arange(-5, WINDOW_S + 5, 1 / FINE_HZ)
    breath, depth = _breath(rng, times, breaths), rng.uniform(2, 4)
    onsets = np.sort(rng.uniform(-5, WINDOW_S, rng.poisson(responses * 35 / 30)))
    sizes = rng.lognormal(-1.2, 0.5, len(onsets))
    heart_breath = breath if coupled else _breath(rng, times, breaths)
    heart_onsets = onsets if coupled else np.sort(rng.uniform(-5, WINDOW_S, len(onsets)))
    rate = bpm * np.exp(0.07 * rng.normal()) + rsa * np.interp(times - 0.5, times, heart_breath)
    rate += 8.0 * sum((_bump(times - onset + 1.0, 2.0) for onset in heart_onsets), np.zeros(len(times)))
    rate += 1.5 * np.sin(2 * np.pi * 0.09 * times + rng.uniform(0, 6))
    phase = rng.uniform() + np.cumsum(rate) / 60 / FINE_HZ
    beats = np.interp(np.arange(1, int(phase[-1])), phase, times)
    ecg = _ecg(rng, beats, np.interp(beats, times, heart_breath))
    low = np.arange(LOW_STEPS) / LOW_HZ
    level = tonic * np.exp(0.25 * rng.normal()) + 0.15 * rng.normal() * low / WINDOW_S
    eda = level + sum((s * _response(low - onset) for s, onset in zip(sizes, onsets, strict=True)), np.zeros(len(low)))
    resp = depth * np.interp(low, times, breath) + 0.1 * rng.normal(size=len(low))
    return ecg, eda + 0.003 * rng.normal(size=len(low)), resp


def _breath(rng, times, per_minute):
    own = per_minute * np.exp(0.08 * rng.normal())
    wander = 1 + 0.12 * np.sin(2 * np.pi * rng.uniform(0.02, 0.05) * times + rng.uniform(0, 6))
    phase = 2 * np.pi * (rng.uniform() + np.cumsum(own * wander) / 60 / FINE_HZ)
    return np.sin(phase) + 0.2 * np.sin(2 * phase)


def _bump(seconds, peak_s):
    x = np.maximum(seconds, 0) / peak_s
    return x**2 * np.exp(2 * (1 - x))


def _response(seconds):
    x = np.maximum(seconds, 0)
    return (np.exp(-x / 3) - np.exp(-x / 0.7)) / 0.54


def _ecg(rng, beats, breath):
    times = np.arange(ECG_STEPS) / ECG_HZ
    ecg = 0.012 * rng.normal(size=ECG_STEPS)
    waves = ((0.09, -0.16, 0.025), (-0.08, -0.028, 0.010), (0.9, 0.0, 0.011), (-0.15, 0.028, 0.011), (0.22, 0.24, 0.05))
    for height, at, width in waves:
        own = height * rng.uniform(0.9, 1.1)
        for beat, air in zip(beats, breath, strict=True):
            ecg += own * (1 - 0.07 * air) * np.exp(-0.5 * ((times - beat - at) / width) ** 2)
    return ecg
