"""A toy fold of three subjects, and settings small enough to train on it in a second."""

import numpy as np
import torch

from physiosynth.datasets.splits import Split
from physiosynth.families.wearable.data.fold_writing import write_fold
from physiosynth.families.wearable.data.folds import FoldDirectory, load_fold
from physiosynth.families.wearable.data.preprocess import PreprocessSettings
from physiosynth.families.wearable.data.windows import PHASE_EDGES, SubjectWindows
from physiosynth.families.wearable.signals import ECG_HZ, ECG_STEPS, LOW_HZ, LOW_STEPS
from physiosynth.families.wearable.training.settings import TrainSettings

HEART_RATE, BREATHING_RATE = 75, 60 * 1.6 / (2 * np.pi)  # of every toy window, in /min

SMALL = TrainSettings(
    low_base=8,
    ecg_base=8,
    batch_size=4,
    learning_rate=3e-3,
    warmup_steps=2,
    total_steps=8,
    validate_every=3,
    validation_windows=4,
    precision="fp32",
    sample_every=0,
)


def toy_windows(subject: str, count: int = 8) -> SubjectWindows:
    """Windows of a spike train at 75 beats/min, a breath and a level."""
    rng = np.random.default_rng(sum(map(ord, subject)))
    start = rng.random(count)
    phase = start[:, None] + 1.25 * np.arange(PHASE_EDGES) / LOW_HZ
    cycle = start[:, None] + 1.25 * np.arange(ECG_STEPS) / ECG_HZ
    ecg = np.exp(-(((cycle + 0.5) % 1 - 0.5) ** 2) / 0.001)
    seconds = np.arange(LOW_STEPS) / LOW_HZ
    low = np.stack([4 + 0.01 * seconds, np.sin(1.6 * seconds)], axis=-1) + 0.1 * rng.random((count, 1, 2))
    return SubjectWindows(
        subject,
        "virtual",
        ecg[..., None].astype(np.float32),
        low.astype(np.float32),
        phase.astype(np.float32),
        np.arange(count) % 4 + 1,
        np.arange(count) * 15.0,
        np.ones(count, dtype=bool),
        np.tile(np.float32([75, 15.3, np.nan]), (count, 1)),
    )


def make_fold(path, train="S2", val="S3", test="S4") -> FoldDirectory:
    """A fold directory of three toy subjects."""
    split = Split((train,), (val,), (test,))
    write_fold({name: toy_windows(name) for name in (train, val, test)}, split, path, PreprocessSettings())
    return load_fold(path)


def small(**changes) -> TrainSettings:
    """SMALL with other values for some settings."""
    return TrainSettings.from_dict({**SMALL.to_dict(), **changes})


def weights(out) -> dict:
    """Everything a saved state holds of the networks, by name."""
    state = torch.load(out / "state.pt", weights_only=True)
    return {f"{part} {name}": value for part in ("model", "average") for name, value in state[part].items()}


def same(one: dict, other: dict) -> bool:
    """Whether two sets of weights are equal to the bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
