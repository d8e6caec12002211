"""Bundles for tests: the published format with the interoperability check's weights, and tiny networks of ours."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import torch

from physiosynth.families.wearable.model.architecture import Architecture, StreamSettings, published
from physiosynth.families.wearable.model.low_space import DRAWN_CHANNELS, FORM_CONSTANTS
from physiosynth.families.wearable.model.rhythm import CONTEXT_CHANNELS
from physiosynth.families.wearable.model.target_rates import TARGET_INPUTS
from places import FIXTURES

# Means and SDs of the published fold: EDA is phasic and small, Resp is larger.
NORM_LOW = {"mean": np.array([0.001, 0.05], np.float32), "std": np.array([0.088, 3.09], np.float32)}
NORM_ECG = {"mean": np.array([0.002], np.float32), "std": np.array([0.25], np.float32)}
LAYOUT = ("results/checkpoints/diffusion/milestones", "data/processed/two_stream/fold_S10")


def fill_function():
    """The function that makes the interoperability check's weights."""
    spec = importlib.util.spec_from_file_location("fill_weights", FIXTURES / "interop/fill_weights.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["fill_weights"] = module
    spec.loader.exec_module(module)
    return module.filled


def published_weights(condition_dim: int = 4) -> dict[str, dict[str, torch.Tensor]]:
    """State dicts of the published networks, filled by the interoperability check's function."""
    filled = fill_function()
    streams = {}
    for stream, network in zip(("low", "ecg"), published(condition_dim).build(), strict=True):
        streams[stream] = {
            name: torch.from_numpy(filled(name, tuple(value.shape))) if name.startswith("diff.model") else value
            for name, value in network.state_dict().items()
        }
    return streams


def tiny(name: str = "coupled", condition_dim: int = 4) -> Architecture:
    """A pair of networks that samples in milliseconds."""
    small = {"base": 8, "multipliers": (1, 2), "blocks": 1, "groups": 4, "prediction": "v"}
    if name == "published":
        return Architecture(
            name,
            condition_dim,
            StreamSettings(("EDA", "Resp"), strides=(2,), **{**small, "prediction": "epsilon"}),
            StreamSettings(("ECG",), strides=(5,), patch=10, **{**small, "prediction": "epsilon"}),
        )
    given = {"context_channels": CONTEXT_CHANNELS, "told": len(FORM_CONSTANTS)}
    ecg = StreamSettings(("ECG",), strides=(5,), patch=10, **given, **small)
    low = StreamSettings(DRAWN_CHANNELS, strides=(2,), told=TARGET_INPUTS, **small)
    return Architecture(name, condition_dim, low, ecg)


def weights_of(architecture: Architecture, seed: int = 0) -> dict[str, dict[str, torch.Tensor]]:
    """Fresh random state dicts of both streams."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return {s: n.state_dict() for s, n in zip(("low", "ecg"), architecture.build(), strict=True)}


def checkpoint_of(weights: dict, epoch: int = 130, **extra) -> dict:
    """A training checkpoint in the released spelling."""
    return {
        "epoch": epoch,
        "diff_low": weights["low"],
        "diff_ecg": weights["ecg"],
        "ema_low": weights["low"],
        "ema_ecg": weights["ecg"],
        "optimizer": {"state": {}, "param_groups": [{"lr": 1e-4}]},
        "scheduler": None,
        "scaler": None,
        **extra,
    }


def write_bundle(
    root: Path,
    checkpoint: dict,
    manifest: dict | None = None,
    config: dict | None = None,
    norm_low: dict | None = None,
    suffix: str = "WEIGHTS.pt",
    windows: int = 4,
) -> Path:
    """A bundle folder in the published layout; manifest and config are left out where None."""
    milestones, fold = (root / folder for folder in LAYOUT)
    milestones.mkdir(parents=True)
    fold.mkdir(parents=True)
    torch.save(checkpoint, milestones.parent / f"ckpt_epoch_{checkpoint['epoch']:03d}_{suffix}")
    if manifest is not None:
        (milestones / f"milestone_e{checkpoint['epoch']:03d}_best.json").write_text(json.dumps(manifest))
    for folder in (milestones, fold):
        np.savez(folder / "norm_low.npz", **(norm_low or NORM_LOW))
        np.savez(folder / "norm_ecg.npz", **NORM_ECG)
    rng = np.random.default_rng(0)
    np.save(fold / "test_X_low.npy", rng.normal(size=(windows, 120, 2)).astype(np.float32))
    np.save(fold / "test_X_ecg.npy", rng.normal(size=(windows, 5250, 1)).astype(np.float32))
    np.save(fold / "test_cond.npy", np.arange(windows) % 4 + 1)
    if config is not None:
        (fold / "dataset_config.json").write_text(json.dumps(config))
    return root


PUBLISHED_MANIFEST = {
    "epoch": 130, "fold": "S10", "data_root": "data/processed/two_stream/fold_S10", "val_total": 0.1, "val_low": 0.05,
    "val_ecg": 0.05, "sampling_method": "ddim", "sampling_steps": 2, "ddim_alpha_bar_start_low": 0.0,
    "ddim_alpha_bar_start_ecg": 0.0, "debug_clip_x0_low": True, "debug_clip_x0_ecg": True, "cfg_scale": 0.0,
}  # fmt: skip
TINY_MANIFEST = {
    "epoch": 7, "fold": "S10", "val_total": 0.2, "sampling_steps": 2, "sampling_spacing": "karras", "cfg_scale": 0.5,
    "source": "virtual", "eda": "full",
}  # fmt: skip


def tiny_bundle(root: Path, architecture: Architecture | None = None, seed: int = 0, **manifest) -> Path:
    """A bundle folder of tiny coupled networks with its manifest."""
    architecture = architecture or tiny()
    content = {**TINY_MANIFEST, "architecture": architecture.to_dict(), **manifest}
    return write_bundle(root, checkpoint_of(weights_of(architecture, seed), epoch=7), content)
