"""How windows share the networks: their noise, their place in a chunk, and the windows of a recording side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from physiosynth.errors import ConditionError
from physiosynth.families.wearable.model.joined import JoinedSamples, draw_joined
from physiosynth.families.wearable.signals import LABEL_IDS
from physiosynth.running.parallel import run_alone, sharing
from physiosynth.runtime import StepCallback, window_generators

if TYPE_CHECKING:
    import torch

    from physiosynth.diffusion.stream_sampling import StreamSampling
    from physiosynth.families.wearable.data.synthetic_recording import Stretch
    from physiosynth.families.wearable.model.adapter import TwoStreamDiffusionAdapter
    from physiosynth.families.wearable.model.joined import Plan

# Windows in a chunk. Fixed, since the last bits of a result depend on it (see diffusion/chunks.py).
CPU_CHUNK, GPU_CHUNK = 8, 32
# Room for the noise of more conditions than there are, so that adding one changes nobody's windows.
NOISE_STREAMS = 64
RECORDING_STREAMS = (NOISE_STREAMS - 2, NOISE_STREAMS - 1)  # of LOW and of the ECG of a recording


def noise_stream(index: int, condition: str) -> int:
    """The number of a window's random generator: conditions share no noise, so their windows are independent."""
    return index * NOISE_STREAMS + LABEL_IDS[condition]


def chunk_size(device: torch.device) -> int:
    """Windows that the networks are given at a time."""
    return CPU_CHUNK if device.type == "cpu" else GPU_CHUNK


def plan_of(schedule: Sequence[Stretch], conditions: Sequence[str], rates: Sequence[str]) -> Plan:
    """What each second asks for, for draw_joined. Raises ConditionError for a state the weights do not know."""
    import torch

    from physiosynth.families.wearable.model.joined import Plan

    states, asked, numbers = [], [], []
    for number, stretch in enumerate(schedule):
        if stretch.condition not in conditions:
            raise ConditionError(
                f"These weights were not trained on {stretch.condition}; they know {', '.join(conditions)}. Choose one."
            )
        given = stretch.targets.given()
        states += [conditions.index(stretch.condition)] * stretch.seconds
        asked += [[given.get(name, math.nan) for name in rates]] * stretch.seconds
        numbers += [number] * stretch.seconds
    asked = torch.tensor(asked, dtype=torch.float32)
    return Plan(torch.tensor(states), asked, torch.tensor(numbers), len(conditions))


def draw_plan(
    adapter: TwoStreamDiffusionAdapter,
    plan: Plan,
    streams: Mapping[str, StreamSampling],
    seed: int,
    size: int,
    workers: int,
    on_step: StepCallback,
) -> JoinedSamples:
    """A normalised recording of a coupled pair, drawn in windows that agree where they overlap; see draw_joined.

    size: windows the networks are given at a time; workers: how many such chunks at once.
    """
    generators = window_generators(seed, RECORDING_STREAMS)
    with sharing(workers) as run:
        return run_alone(
            lambda step: draw_joined(
                adapter, plan, streams["low"], streams["ecg"], generators, size, workers, run, step
            ),
            on_step,
        )


def made_with(device: torch.device) -> str:
    """Processor and library, on which the last bits of a window depend: "cpu AVX512, torch 2.13.0+cpu"."""
    import torch

    processor = torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else torch.cuda.get_device_name(device)
    return f"{device.type} {processor}, torch {torch.__version__}"
