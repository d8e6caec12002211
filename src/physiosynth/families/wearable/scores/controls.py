"""Windows that are wrong in one known way: a score that cannot tell them from the reference is no score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.runtime import derive_seed


def white_noise(windows: WindowSet, seed: int) -> WindowSet:
    """Independent normal samples with each channel's mean and SD over the whole set, the states kept."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, Any] = {
        name.lower(): rng.normal(values.mean(dtype=float), values.std(dtype=float), values.shape)
        for name, values in _channels(windows)
    }
    return replace(windows, **drawn, source="white_noise")


def phase_randomised(windows: WindowSet, seed: int) -> WindowSet:
    """Every window and channel with its own spectrum and random Fourier phases (Theiler et al., 1992).

    The spectrum, mean and variance stay; beats, responses and coupling go.
    """
    rng = np.random.default_rng(seed)
    drawn: dict[str, Any] = {}
    for name, values in _channels(windows):
        spectrum = np.fft.rfft(values.astype(float), axis=1)
        turn = np.exp(2j * np.pi * rng.uniform(size=spectrum.shape))
        turn[:, 0] = 1.0
        if values.shape[1] % 2 == 0:
            turn[:, -1] = 1.0  # the coefficient at half of the rate is real
        drawn[name.lower()] = np.fft.irfft(spectrum * turn, values.shape[1], axis=1)
    return replace(windows, **drawn, source="phase_randomised")


def pairing(states: np.ndarray, seed: int) -> np.ndarray:
    """(n,) positions of a partner in the same state for every window, itself only where it is alone in its state."""
    rng = np.random.default_rng(seed)
    partner = np.arange(len(states))
    for state in np.unique(states):
        ring = rng.permutation(np.flatnonzero(states == state))
        partner[ring] = np.roll(ring, 1)
    return partner


def shuffled_pairing(windows: WindowSet, seed: int) -> WindowSet:
    """Resp and EDA of another window of the same state beside each ECG; Resp and EDA from two different ones."""
    resp, eda = pairing(windows.states, seed), pairing(windows.states, seed + 1)
    return replace(windows, resp=windows.resp[resp], eda=windows.eda[eda], source="shuffled_pairing")


def shuffled_states(windows: WindowSet, seed: int) -> WindowSet:
    """The same windows with their states dealt out at random."""
    mixed = np.random.default_rng(seed).permutation(windows.states)
    return replace(windows, states=mixed, source="shuffled_states")


def swapped_channels(windows: WindowSet, seed: int = 0) -> WindowSet:
    """Wrong wiring: EDA and Resp in each other's place, the ECG leads reversed. The seed is not used."""
    return replace(windows, ecg=-windows.ecg, eda=windows.resp, resp=windows.eda, source="swapped_channels")


def memorised(windows: WindowSet, seed: int) -> WindowSet:
    """A generator that gives back its training windows: each window is another one of its state with a little noise.

    The noise's SD is 2 % of the window's own.
    """
    rng = np.random.default_rng(derive_seed(seed, "memorised"))
    # Not the seed itself: halves drawn with it would hold each window and its copy together.
    from_where = pairing(windows.states, int(rng.integers(2**32)))
    drawn: dict[str, Any] = {
        name.lower(): values[from_where]
        + 0.02 * values[from_where].std(axis=1)[:, None] * rng.normal(size=values.shape)
        for name, values in _channels(windows)
    }
    return replace(windows, **drawn, source="memorised")


CONTROLS: dict[str, Callable[[WindowSet, int], WindowSet]] = {
    "white_noise": white_noise,
    "phase_randomised": phase_randomised,
    "shuffled_pairing": shuffled_pairing,
    "shuffled_states": shuffled_states,
    "swapped_channels": swapped_channels,
    "memorised": memorised,
}
CONTROL_TITLES = {
    "white_noise": "White noise of the same mean and spread",
    "phase_randomised": "Reference windows with their phases randomised",
    "shuffled_pairing": "Reference windows with channels of different windows paired",
    "shuffled_states": "Reference windows with their states shuffled",
    "swapped_channels": "Reference windows with EDA and Resp swapped and the ECG leads reversed",
    "memorised": "Near copies of the reference windows",
}


def _channels(windows: WindowSet) -> tuple[tuple[str, np.ndarray], ...]:
    return tuple((name, windows.channel(name)) for name in ("ECG", "EDA", "Resp"))
