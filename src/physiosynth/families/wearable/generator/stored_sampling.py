"""How a manifest, or a checkpoint's meta, says to sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from physiosynth.bundles.manifest import Manifest
from physiosynth.diffusion.stream_sampling import STREAMS, StreamSampling, as_type
from physiosynth.errors import BundleError, RequestError
from physiosynth.families.wearable.data.batch import Sampling
from physiosynth.families.wearable.model.architecture import Architecture

# Field of StreamSampling -> key in a manifest or in a checkpoint's meta; "_low" and "_ecg" after a key count first.
SETTING_KEYS = {
    "steps": "sampling_steps",
    "guidance": "cfg_scale",
    "method": "sampling_method",
    "spacing": "sampling_spacing",
    "alpha_bar_start": "ddim_alpha_bar_start",
    "clip_x0": "debug_clip_x0",
    "x0_clip_q": "x0_clip_q",
    "precision": "sampling_precision",
    "alpha_bar_end": "sampling_alpha_bar_end",
    "lowpass_hz": "sampling_lowpass_hz",
    "lift": "sampling_lift",
    "guidance_from": "cfg_from",
    "guidance_to": "cfg_to",
}


def bundle_sampling(
    manifest: Manifest, meta: Mapping[str, Any], architecture: Architecture
) -> dict[str, StreamSampling]:
    """How each stream is sampled: the manifest's settings, else the checkpoint meta's, else the published defaults.

    The clamp of the predicted signal is off by default for networks other than the published ones.
    Raises BundleError for a setting that cannot be used.
    """
    return {stream: _stream_sampling(stream, manifest, meta, architecture) for stream in STREAMS}


def as_sampling(streams: Mapping[str, StreamSampling]) -> Sampling:
    """The resolved settings as a Sampling without None."""
    low, ecg = streams["low"], streams["ecg"]
    return Sampling(low.steps, ecg.steps, low.guidance, ecg.guidance, ecg.method)


def _stream_sampling(stream: str, manifest: Manifest, meta: Mapping, architecture: Architecture) -> StreamSampling:
    values: dict[str, Any] = {"clip_x0": not architecture.coupled}
    name = manifest.path.name if manifest.path else "checkpoint meta"
    for setting, key in SETTING_KEYS.items():
        spelled = (f"{key}_{stream}", key)
        held = [source[k] for source in (manifest.content, meta) for k in spelled if source.get(k) is not None]
        if held:
            values[setting] = as_type(setting, held[0], lambda text: BundleError(f"{name}: {text}"))
    try:
        return StreamSampling(**values)
    except RequestError as error:
        raise BundleError(f"{name}: {error}") from error
