"""Windows that a generator should beat: noise, and the simulators a user would pick instead."""

from __future__ import annotations

from collections.abc import Callable

from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.windows import WindowSet


def baseline_makers() -> dict[str, Callable[[Judged, int], WindowSet]]:
    """What makes each baseline from the reference windows and a seed, by title."""
    from physiosynth.families.wearable.scores.controls import phase_randomised, white_noise
    from physiosynth.families.wearable.scores.simulators import neurokit_simulated, targets_of

    def simulated(real: Judged, seed: int) -> WindowSet:
        counts = {state: int((real.states == state).sum()) for state in real.present_states}
        return neurokit_simulated(counts, targets_of(real.windows, real.features), seed, real.windows.eda_kind)

    return {
        "NeuroKit2 simulators": simulated,
        "Phases randomised": lambda real, seed: phase_randomised(real.windows, seed),
        "White noise": lambda real, seed: white_noise(real.windows, seed),
    }
