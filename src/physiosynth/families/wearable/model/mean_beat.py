"""The beats of a window, from its ECG and cardiac phase: how high each R stands and what the mean beat looks like."""

from __future__ import annotations

import torch
from torch import Tensor

from physiosynth.families.wearable.model.rhythm import at_ecg_rate
from physiosynth.families.wearable.signals import ECG_HZ, ECG_STEPS

FORMS = 12  # principal components of the mean beat
BEFORE, AFTER = round(0.26 * ECG_HZ), round(0.48 * ECG_HZ)  # samples of a beat on both sides of R
BEAT_SAMPLES = BEFORE + AFTER + 1
NEAR = 0.09  # beats around a whole phase in which R is sought
HEIGHT_GAINS = (0.7, 1.4)  # beyond, it was no R that was measured
LEAST = 1e-3  # in SDs of the ECG
NOISE_FLOOR = 1e-4


def r_samples(ecg: Tensor, phase: Tensor) -> tuple[Tensor, Tensor]:
    """Each beat's R: ((b, k) sample index, (b, k) height), index -1 where a window has no such beat.

    ecg (b, 175 s, 1), phase (b, 4 s + 1), of windows or of recordings. R is the sample farthest from zero near a whole
    number of the phase. A beat counts where that number is reached within the window: of one that is cut off by its
    end, the foot would be taken for its height.
    """
    at = at_ecg_rate(phase.unsqueeze(-1))[..., 0]
    number = at.round()
    beat = (number - phase[:, :1].ceil()).long()
    most = int((phase[:, -1] - phase[:, 0]).max()) + 2
    size = ecg[..., 0].abs()
    wanted = ((at - number).abs() < NEAR) & (beat >= 0) & (beat < most) & (number <= at[:, -1:])
    beat = beat.clamp(0, most - 1)
    none = torch.full((len(ecg), most), -1.0, dtype=size.dtype, device=size.device)
    height = none.scatter_reduce(1, beat, torch.where(wanted, size, -1.0), "amax")
    top = wanted & (size == height.gather(1, beat))
    place = torch.arange(ecg.shape[1], device=ecg.device).expand_as(beat)
    index = torch.full_like(none, -1, dtype=torch.long).scatter_reduce(1, beat, torch.where(top, place, -1), "amax")
    return index, height


def beat_heights(ecg: Tensor, phase: Tensor) -> Tensor:
    """(b, 4 s + 1) height of R at the edges of the LOW steps, linear in the phase between beats.

    Over the window's median; 1 throughout where no beat is found.
    """
    index, height = r_samples(ecg, phase)
    found = index >= 0
    height = torch.where(found, height, torch.nan)
    height = height / height.nanmedian(dim=1, keepdim=True).values.clamp(min=LEAST)
    first = phase[:, :1].ceil()
    position = phase - first
    last = found.sum(dim=1, keepdim=True).clamp(min=1) - 1
    left = position.floor().clamp(min=0).minimum(last.to(position)).long()
    right = (left + 1).minimum(last)
    share = (position - left).clamp(0, 1)
    values = height.gather(1, left) * (1 - share) + height.gather(1, right) * share
    return torch.nan_to_num(values, nan=1.0)


def with_heights(ecg: Tensor, phase: Tensor, height: Tensor) -> Tensor:
    """ECG (b, 175 s, 1) whose R peaks stand as high as (b, 4 s + 1) height says, over their median.

    A network that is shown the heights scatters them by as much again, which hides the breath in them.
    """
    if not (phase.isfinite().all() and height.isfinite().all()):
        return ecg  # of spoilt weights: refused later, by name
    gain = (height / beat_heights(ecg, phase).to(height)).clamp(*HEIGHT_GAINS)
    return ecg * at_ecg_rate(gain.unsqueeze(-1)).to(ecg)


def mean_beats(ecg: Tensor, phase: Tensor) -> Tensor:
    """(b, BEAT_SAMPLES) mean of the beats that lie wholly in the window, R at BEFORE; zero where there is none."""
    index, _ = r_samples(ecg, phase)
    whole = (index >= BEFORE) & (index < ECG_STEPS - AFTER)
    offsets = torch.arange(-BEFORE, AFTER + 1, device=ecg.device)
    places = (index.clamp(BEFORE, ECG_STEPS - AFTER - 1)[..., None] + offsets).flatten(1)
    beats = ecg[..., 0].gather(1, places).view(len(ecg), -1, BEAT_SAMPLES)
    share = whole.to(ecg) / whole.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.einsum("bkt,bk->bt", beats, share)


def describe_beats(ecg: Tensor, phase: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
    """(b, FORMS + 1): principal components of the mean beat, and the logarithm of the noise between samples."""
    components = (mean_beats(ecg, phase) - mean) @ basis.T
    # Second differences see muscle noise and little of the beat; their median sees nothing of R.
    rough = ecg[..., 0].diff(dim=1).diff(dim=1).abs().median(dim=1, keepdim=True).values
    return torch.cat([components, (rough + NOISE_FLOOR).log()], dim=1)


def with_beats_changed(ecg: Tensor, phase: Tensor, change: Tensor) -> Tensor:
    """ECG (b, 5250, 1) with change (b, BEAT_SAMPLES), R at BEFORE, added to every beat of its window, feathered."""
    index, _ = r_samples(ecg, phase)
    taper = torch.hann_window(BEAT_SAMPLES, periodic=False, device=ecg.device, dtype=ecg.dtype).mul(4).clamp(max=1)
    waves = (change * taper)[:, None] * (index >= 0)[..., None]
    places = index.clamp(min=0)[..., None] + torch.arange(BEAT_SAMPLES, device=ecg.device)
    added = ecg.new_zeros(len(ecg), ECG_STEPS + BEAT_SAMPLES).scatter_add(1, places.flatten(1), waves.flatten(1))
    return ecg + added[:, BEFORE : BEFORE + ECG_STEPS, None]
