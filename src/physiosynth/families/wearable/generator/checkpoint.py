"""Weights + manifest -> networks. Here stands the one map of legacy key names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from physiosynth.bundles.weights_file import WeightsFile, read_weights
from physiosynth.diffusion.stream_sampling import STREAMS
from physiosynth.errors import CheckpointError, brief
from physiosynth.families.wearable.model.architecture import Architecture, published
from physiosynth.families.wearable.signals import CONDITIONS

if TYPE_CHECKING:
    from torch import Tensor

    from physiosynth.families.wearable.model.streams import DiffusionECG, DiffusionLow

EMA, RAW = "ema", "raw"

# Where a stream's weights stand in the checkpoints that have been seen, as dotted paths, the first that is there wins.
# Nested dicts and flat keys with a prefix spell the same path.
LEGACY_KEYS = {
    stream: {
        EMA: tuple(name.format(stream) for name in ("ema_{}", "ema.{}", "ema.ema_{}", "ema.diff_{}", "ema.model_{}")),
        RAW: tuple(name.format(stream) for name in ("diff_{}", "{}", "model_{}")),
    }
    for stream in STREAMS
}
# Wrapping adds these anywhere in a path: {"state_dict": ...} and DistributedDataParallel's "module.".
WRAPPERS = ("state_dict", "module")
K_PARAMETER = "diff.model.cond_mlp.0.weight"
SCHEDULE_BUFFER = "diff.betas"
NAMED_AT_MOST = 3
MOST_LAYERS = 16  # more than any network here has, and built in no time


@dataclass(frozen=True)
class LoadedCheckpoint:
    """Networks with their weights, ready to sample; meta: the settings the file carried."""

    path: Path
    architecture: Architecture
    low: DiffusionLow
    ecg: DiffusionECG
    epoch: int | None
    meta: Mapping[str, Any]
    notices: tuple[str, ...] = ()


def load_checkpoint(path: Path | str, manifest: Mapping[str, Any] | None = None) -> LoadedCheckpoint:
    """Load both streams' networks from a weights file in any spelling of LEGACY_KEYS.

    manifest: may name the "architecture" (it counts before the file's own; absent from both is the published one).
    EMA weights are preferred. Raises CheckpointError, naming the file and the parameter, for everything that does not
    fit.
    """
    import torch

    file = read_weights(path)
    streams, notices = stream_weights(file)
    try:
        architecture = _architecture(file, streams, manifest or {})
        low, ecg = _on_paper(architecture)
    except CheckpointError as error:
        if file.path.name in str(error):
            raise
        raise CheckpointError(f"{file.path.name} or its manifest: {error}") from error
    for name, network in zip(STREAMS, (low, ecg), strict=True):
        _check(network.state_dict(), streams[name], f"{file.path.name}: {name} stream")
        # Copies, aligned in memory as PyTorch does it: the last bits of a matrix product may depend on that.
        weights = {key: tensor.to(torch.float32, copy=True) for key, tensor in streams[name].items()}
        network.load_state_dict(weights, strict=True, assign=True)
        network.eval().requires_grad_(False)
    return LoadedCheckpoint(file.path, architecture, low, ecg, file.epoch, file.meta, tuple(notices))


def stream_weights(file: WeightsFile) -> tuple[dict[str, dict[str, Tensor]], list[str]]:
    """Each stream's state dict, EMA where both streams have it, and what the user should know.

    Raises CheckpointError where a stream has no weights under any known name.
    """
    by_path = {_unwrapped(name): tensor for name, tensor in file.tensors.items()}
    found = {(s, kind): _under(by_path, LEGACY_KEYS[s][kind]) for s in STREAMS for kind in (EMA, RAW)}
    for kind in (EMA, RAW):
        if all(found[stream, kind] for stream in STREAMS):
            notices = [] if kind == EMA else [f"{file.path.name} holds no EMA weights; the raw weights are used."]
            return {stream: found[stream, kind] for stream in STREAMS}, notices
    missing = [stream for stream in STREAMS if not (found[stream, EMA] or found[stream, RAW])]
    if missing:
        some = ", ".join(file.keys[:8]) or "nothing"
        raise CheckpointError(
            f"{file.path.name}: expected the weights of two streams (such as ema_low and ema_ecg), found none for "
            f"{' and '.join(missing)}; its keys are {some}. This is not a two-stream checkpoint."
        )
    chosen = {stream: EMA if found[stream, EMA] else RAW for stream in STREAMS}
    notice = ", ".join(f"{kind} weights for the {stream} stream" for stream, kind in chosen.items())
    return {s: found[s, kind] for s, kind in chosen.items()}, [f"{file.path.name} holds {notice}; they are used."]


def _unwrapped(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)


def _under(tensors: Mapping[str, Tensor], prefixes: tuple[str, ...]) -> dict[str, Tensor]:
    """The tensors under the first prefix that has any, without it."""
    for prefix in prefixes:
        start = f"{prefix}."
        held = {name[len(start) :]: tensor for name, tensor in tensors.items() if name.startswith(start)}
        if held:
            return held
    return {}


def _architecture(file: WeightsFile, streams: Mapping[str, dict[str, Tensor]], manifest: Mapping) -> Architecture:
    """What the manifest names, else what the file names, else the published networks for the weights' own K."""
    content = manifest.get("architecture") or file.meta.get("architecture")
    named = None if content is None else Architecture.from_dict(content)
    k = _condition_dim(file.path, streams, named)
    if named is None:
        plain = published(k)
        return replace(plain, low=_with_steps(plain.low, streams["low"]), ecg=_with_steps(plain.ecg, streams["ecg"]))
    if named.condition_dim != k:
        raise CheckpointError(
            f"{file.path.name}: the manifest says {named.condition_dim} conditions, the weights have {k}. "
            "Use the manifest that was written with these weights."
        )
    return named


def _with_steps(settings: Any, weights: Mapping[str, Tensor]) -> Any:
    betas = weights.get(SCHEDULE_BUFFER)
    return settings if betas is None or betas.ndim != 1 else replace(settings, diffusion_steps=len(betas))


def _condition_dim(path: Path, streams: Mapping[str, dict[str, Tensor]], named: Architecture | None) -> int:
    """K: the in-features of both streams' condition layer, less what they are told besides.

    Raises CheckpointError where no K fits.
    """
    sizes = {}
    for stream, weights in streams.items():
        weight = weights.get(K_PARAMETER)
        if weight is None or weight.ndim != 2:
            raise CheckpointError(
                f"{path.name}: {stream} stream has no {K_PARAMETER} of two dimensions, found "
                f"{', '.join(sorted(weights)[:NAMED_AT_MOST])} ... This is not a two-stream diffusion checkpoint."
            )
        sizes[stream] = weight.shape[1] - (getattr(named, stream).told if named else 0)
    if len(set(sizes.values())) > 1:
        raise CheckpointError(
            f"{path.name}: the streams differ in their conditions: {sizes['low']} for low, {sizes['ecg']} for ecg. "
            "They were not trained together."
        )
    k = sizes["low"]
    if not 1 <= k <= len(CONDITIONS):
        raise CheckpointError(
            f"{path.name}: the weights expect {k} conditions; 1 to {len(CONDITIONS)} ({', '.join(CONDITIONS)}) can be "
            "named. They were trained for other conditions."
        )
    return k


def _on_paper(architecture: Architecture) -> tuple[DiffusionLow, DiffusionECG]:
    """Networks whose weights take no memory yet: settings that nobody vouches for may name ones that fit into none.

    Raises CheckpointError for settings that make no network.
    """
    import torch

    for stream in (architecture.low, architecture.ecg):
        levels = len(stream.multipliers) if isinstance(stream.multipliers, tuple) else 0
        sizes = (levels, stream.blocks, stream.base, stream.groups, stream.patch, stream.diffusion_steps)
        whole = all(isinstance(size, int) and size > 0 for size in sizes)
        if not whole or max(levels, stream.blocks) > MOST_LAYERS:
            raise CheckpointError(
                f"A network has 1 to {MOST_LAYERS} levels and blocks per level, and sizes above 0; the architecture "
                f"says {brief(stream)}."
            )
    with torch.device("meta"):
        return architecture.build()


def _check(wanted: Mapping[str, Tensor], weights: Mapping[str, Tensor], where: str) -> None:
    """Check every tensor by name, shape, type and value, as float32. Raises CheckpointError."""
    import torch

    for problem, names in (("lacks", wanted.keys() - weights.keys()), ("has unknown", weights.keys() - wanted.keys())):
        if names:
            some = ", ".join(sorted(names)[:NAMED_AT_MOST])
            raise CheckpointError(f"{where} {problem} {len(names)} parameter(s): {some}. The networks differ.")
    for name, tensor in weights.items():
        if tensor.shape != wanted[name].shape:
            raise CheckpointError(
                f"{where}: {name} is {tuple(tensor.shape)}, expected {tuple(wanted[name].shape)}. The networks differ."
            )
        if tensor.dtype not in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            raise CheckpointError(f"{where}: {name} is of type {tensor.dtype}, expected floating-point numbers.")
        if not torch.isfinite(tensor.float()).all():
            raise CheckpointError(f"{where}: {name} holds values that are not finite. The training went wrong.")
