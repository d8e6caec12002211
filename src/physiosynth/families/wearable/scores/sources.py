"""What an evaluation is given, put together from a bundle and its fold, or from a file of any tool's windows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from physiosynth.bundles.bundle import resolve_bundle
from physiosynth.errors import RequestError
from physiosynth.families.wearable.generator.generator import WESADGenerator
from physiosynth.families.wearable.judging.plan import Settings
from physiosynth.families.wearable.scores import inputs
from physiosynth.families.wearable.scores.inputs import Inputs, Networks, OnStep, Reference

WINDOWS = "windows"


def of_file(path: Path, fold: Path | None, settings: Settings, seen: Sequence[str] | None = None) -> Inputs:
    """Windows of an NPZ file beside the reference windows of a fold.

    seen: the subjects that their generator has seen, None where that is unknown. Raises RequestError without a fold,
    EvaluationError, FoldError.
    """
    if fold is None:
        raise RequestError("Windows from a file need reference windows to be compared with: give --fold DIR.")
    real = _reference(fold, settings)
    synthetic, notes = inputs.from_file(path, real.fold, seen)
    origin = {"file": path.name, "fold": real.fold.path.name}
    synthetic = inputs.thinned(synthetic, settings.windows, settings.seed)
    return real.inputs(synthetic, None, origin, (*real.fold.notices, *notes))


def of_bundle(
    bundle: str | Path, fold: Path | None, settings: Settings, out: Path, device: str | None, on_step: OnStep
) -> Inputs:
    """Windows drawn from a bundle, beside the reference windows of a fold (None: the bundle's own).

    Drawn windows are kept below `out`; on_step counts thousandths. Raises BundleError, EvaluationError, FoldError,
    RequestError.
    """
    resolved = resolve_bundle(bundle)
    generator = WESADGenerator.from_bundle(resolved, device)
    info = generator.info
    where = fold or info.reference_dir
    if where is None:
        raise RequestError("The bundle holds no reference windows: give --fold DIR.")
    if settings.windows is None:
        raise RequestError("A bundle draws as many windows as it is asked for: give their number per state.")
    real = _reference(where, settings)
    seen, note = inputs.seen_by(info.fold, inputs.config_of(info.reference_dir), real.fold)
    states, folder = real.real.present_states, out / WINDOWS
    synthetic = inputs.drawn(generator, states, settings.windows, settings.seed, folder, seen, on_step=on_step)
    origin = {
        "bundle": str(bundle), "bundle_sha256": info.bundle_sha256, "checkpoint": info.checkpoint.name,
        "epoch": info.epoch, "trained_on": info.source, "sampling": vars(info.defaults), "fold": real.fold.path.name,
    }  # fmt: skip
    notes = tuple(dict.fromkeys((*info.notices, *real.fold.notices, *([note] if note else []))))
    return real.inputs(synthetic, Networks.of_bundle(resolved, generator), origin, notes)


def _reference(fold: Path, settings: Settings) -> Reference:
    return inputs.reference(
        fold, settings.windows, settings.train_windows, settings.seed, settings.outsiders, settings.known
    )
