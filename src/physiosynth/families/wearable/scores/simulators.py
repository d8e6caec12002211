"""NeuroKit2's simulators as a generator to compare with: the tool a user would pick instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from physiosynth.families.wearable.data.preprocess import decimate
from physiosynth.families.wearable.features.features import Features
from physiosynth.families.wearable.features.windows import SYNTHETIC, WindowSet
from physiosynth.families.wearable.signals import CONDITIONS, ECG_HZ, ECG_STEPS, LOW_HZ, LOW_STEPS, WINDOW_S
from physiosynth.runtime import window_seed

TITLE = "NeuroKit2's simulators, set to each state's rates"
_STEPS = {"ECG": ECG_STEPS, "EDA": LOW_STEPS, "Resp": LOW_STEPS}
# Below 50 Hz the simulators make no noise; what they make at 4 Hz themselves is not what a thinned recording holds.
_THINNED = (5, 5)
_SLOW_HZ = LOW_HZ * 25


@dataclass(frozen=True)
class StateTargets:
    """What the simulators are told of one state; pairs are mean and SD over windows.

    heart_rate in beats/min, breathing_rate in breaths/min, scrs: mean number of responses in a window; level: the mean
    of a channel over all samples, spread: its SD within a window, both by channel, in its unit.
    """

    heart_rate: tuple[float, float]
    breathing_rate: tuple[float, float]
    scrs: float
    level: Mapping[str, float]
    spread: Mapping[str, float]


def targets_of(windows: WindowSet, features: Features) -> dict[str, StateTargets]:
    """Targets of every state that the reference windows hold; what could not be measured is left out of a mean."""
    out = {}
    for state in windows.present_states:
        here = windows.states == state
        signals = {name: windows.channel(name)[here].astype(float) for name in _STEPS}
        out[state] = StateTargets(
            heart_rate=_mean_sd(features["heart_rate"][here], 70.0),
            breathing_rate=_mean_sd(features["breathing_rate"][here], 15.0),
            scrs=float(features["scr_rate"][here].mean()) * WINDOW_S / 60,
            level={name: float(values.mean()) for name, values in signals.items()},
            spread={name: float(values.std(axis=1).mean()) for name, values in signals.items()},
        )
    return out


def neurokit_simulated(
    counts: Mapping[str, int],
    targets: Mapping[str, StateTargets],
    seed: int,
    eda_kind: str = "full",
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> WindowSet:
    """Windows of ecg_simulate (ECGSYN), rsp_simulate and eda_simulate, states mapped to their targets.

    counts: windows by state; each signal is scaled and shifted to the state's level and spread, since the simulators
    know no units. Their skin conductance responses are a tenth as long as human ones, and `scrs` takes most for
    artefacts. on_step counts windows.
    """
    states = [state for state in CONDITIONS for _ in range(counts.get(state, 0)) if state in targets]
    rows = []
    for i, state in enumerate(states):
        rows.append(_window(targets[state], np.random.default_rng(window_seed(seed, i))))
        on_step(i + 1, len(states))
    ecg, eda, resp = (
        np.stack([row[name] for row in rows]) if rows else np.empty((0, steps)) for name, steps in _STEPS.items()
    )
    return WindowSet(ecg, eda, resp, np.array(states), np.full(len(states), SYNTHETIC), "neurokit2", eda_kind)


def _window(target: StateTargets, rng: np.random.Generator) -> dict[str, np.ndarray]:
    import neurokit2 as nk

    def seed() -> int:
        return int(rng.integers(2**31))

    rate = float(np.clip(rng.normal(*target.heart_rate), 40, 180))
    breaths = float(np.clip(rng.normal(*target.breathing_rate), 5, 40))
    # The simulator fails for more responses than fit; a window holds one in two seconds at most.
    count = min(int(rng.poisson(target.scrs)), WINDOW_S // 2)
    longer = WINDOW_S + 4  # a beat to begin within, and some rates give a few samples too few
    ecg = nk.ecg_simulate(duration=longer, sampling_rate=ECG_HZ, heart_rate=rate, random_state=seed())
    slow = {
        "EDA": nk.eda_simulate(duration=WINDOW_S, sampling_rate=_SLOW_HZ, scr_number=count, random_state=seed()),
        "Resp": nk.rsp_simulate(duration=longer, sampling_rate=_SLOW_HZ, respiratory_rate=breaths, random_state=seed()),
    }
    start = int(rng.uniform(0, 60 / rate) * ECG_HZ)  # each simulated ECG begins on top of an R wave
    raw = {"ECG": np.asarray(ecg, float)[start:]}
    raw |= {name: decimate(np.asarray(values, float), _THINNED) for name, values in slow.items()}
    return {name: _scaled(raw[name][:steps], target.level[name], target.spread[name]) for name, steps in _STEPS.items()}


def _scaled(values: np.ndarray, level: float, spread: float) -> np.ndarray:
    sd = values.std()
    return level + (values - values.mean()) * (spread / sd if sd > 0 else 0.0)


def _mean_sd(column: np.ndarray, otherwise: float) -> tuple[float, float]:
    known = column[np.isfinite(column)]
    return (float(known.mean()), float(known.std())) if len(known) else (otherwise, 0.0)
