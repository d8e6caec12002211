"""A generator's own loss on given windows: what the white-box membership attack asks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from physiosynth.datasets.normalizer import Normalizer
from physiosynth.diffusion.diffusion import DiffusionStream, to_model
from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.model.adapter import TwoStreamDiffusionAdapter
from physiosynth.families.wearable.model.rhythm import ecg_context
from physiosynth.families.wearable.model.target_rates import target_inputs, without_targets
from physiosynth.families.wearable.signals import ECG_CHANNELS, ECG_HZ, LOW_CHANNELS, LOW_HZ, LOW_STEPS
from physiosynth.physiology.detectors import beat_phase, r_peaks
from physiosynth.runtime import OnStep, derive_seed, quiet

BATCH = 16
USUAL_ADVANCE = 70 / 60 / LOW_HZ  # beats a quarter second where no beats are found
STEP_SPAN = (0.05, 0.75)  # share of the noise process: memory shows between nearly clean and nearly noise


@dataclass(frozen=True)
class DenoisingLosses:
    """(n,) loss of each window and stream; at every step its mean over the windows of a state is 1.

    So every step counts alike, and a state that is hard to denoise does not pass for an outsider.
    """

    low: np.ndarray
    ecg: np.ndarray


@torch.inference_mode()
def denoising_losses(
    adapter: TwoStreamDiffusionAdapter,
    norm_low: Normalizer,
    norm_ecg: Normalizer,
    windows: WindowSet,
    seed: int = 0,
    steps: int = 6,
    draws: int = 1,
    on_step: OnStep = quiet,
) -> DenoisingLosses:
    """Mean squared error of each network's answer at fixed steps, with noise that the seed fixes.

    steps: evenly over the middle of the noise process; draws: noises a step, the same for every window. on_step counts
    batches. Raises EvaluationError for windows of a state that the networks do not know.
    """
    architecture = adapter.architecture
    unknown = sorted(set(windows.states.tolist()) - set(architecture.conditions))
    if unknown:
        raise EvaluationError(
            f"The generator knows {', '.join(architecture.conditions)}, the windows hold {', '.join(unknown)}. Leave "
            "those out."
        )
    phase = beat_phases(windows.ecg) if architecture.coupled else None
    found: dict[str, list[np.ndarray]] = {"low": [], "ecg": []}
    firsts = range(0, len(windows), BATCH)
    for done, first in enumerate(firsts, 1):
        rows = np.arange(first, min(first + BATCH, len(windows)))
        batch = _batch(adapter, norm_low, norm_ecg, windows.take(rows), None if phase is None else phase[rows])
        for name, (stream, x0, y, context) in batch.items():
            found[name].append(_losses(stream, x0, y, context, seed, steps, draws))
        on_step(done, len(firsts))
    relative = {name: _relative(np.concatenate(parts), windows.states) for name, parts in found.items()}
    return DenoisingLosses(**relative)


def beat_phases(ecg: np.ndarray) -> np.ndarray:
    """(n, 121) cardiac phase at the edges of the LOW steps, in beats, from the R peaks of (n, 5250) windows."""
    edges = np.arange(LOW_STEPS + 1) / LOW_HZ
    rows = [beat_phase(r_peaks(window, ECG_HZ), edges) for window in ecg]
    rows = [row if np.isfinite(row).all() else USUAL_ADVANCE * np.arange(len(edges)) for row in rows]
    return np.array([row - np.floor(row[0]) for row in rows], dtype=np.float32)


def _batch(
    adapter: TwoStreamDiffusionAdapter, norm_low: Normalizer, norm_ecg: Normalizer, windows: WindowSet,
    phase: np.ndarray | None,
) -> dict:  # fmt: skip
    """(stream, x0, y, context) by name, as in training, without dropped conditions."""
    device = next(adapter.parameters()).device
    slow = np.stack([windows.eda, windows.resp], axis=2)
    low = torch.from_numpy(norm_low.select(*LOW_CHANNELS).apply(slow)).to(device)
    ecg = torch.from_numpy(norm_ecg.select(*ECG_CHANNELS).apply(windows.ecg[..., None])).to(device)
    names = adapter.architecture.conditions
    y = torch.eye(len(names), device=device)[[names.index(state) for state in windows.states.tolist()]]
    if phase is None:
        return {"low": (adapter.low, low, y, None), "ecg": (adapter.ecg, ecg, y, None)}
    space = adapter.low.space
    window = space.measure(low, torch.from_numpy(phase).to(device), ecg)
    asked = torch.cat([y, target_inputs(without_targets(len(y)).to(y))], dim=1)
    told = torch.cat([y, space.form_scores(window.form)], dim=1)
    context = ecg_context(low, window.phase, window.height)
    return {"low": (adapter.low, space.encode(window), asked, None), "ecg": (adapter.ecg, ecg, told, context)}


def _losses(
    stream: DiffusionStream, x0: Tensor, y: Tensor, context: Tensor | None, seed: int, steps: int, draws: int
) -> np.ndarray:
    """(b, steps * draws) mean squared errors."""
    diff, x0 = stream.diff, to_model(x0)
    context = None if context is None else to_model(context)
    columns = []
    for place, share in enumerate(np.linspace(*STEP_SPAN, steps)):
        t = torch.full((len(x0),), round(share * (len(diff.betas) - 1)), device=x0.device)
        for draw in range(draws):
            generator = torch.Generator().manual_seed(derive_seed(seed, "noise", place, draw))
            noise = torch.randn(x0.shape[1:], generator=generator).to(x0).expand_as(x0)
            x, target = diff.add_noise(x0, t, noise)
            answer = diff.model(x, t, y, context).float()
            columns.append((answer - target).square().mean(dim=(1, 2)))
    return torch.stack(columns, dim=1).double().cpu().numpy()


def _relative(losses: np.ndarray, states: np.ndarray) -> np.ndarray:
    """(n,) mean over the columns of (n, k) losses, each column divided by its mean over the windows of the state."""
    scale = np.empty_like(losses)
    for state in np.unique(states):
        scale[states == state] = losses[states == state].mean(axis=0)
    return (losses / np.maximum(scale, np.finfo(float).tiny)).mean(axis=1)
