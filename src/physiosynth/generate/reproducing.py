"""Draws again what a file's settings say, and compares it with what the file holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from physiosynth.errors import BundleError
from physiosynth.generate.batch import Provenance, SignalBatch
from physiosynth.generate.calibration import WESADCalibrator
from physiosynth.generate.recording import SyntheticRecording
from physiosynth.models.samplers import StepCallback, ignore_step

if TYPE_CHECKING:
    from physiosynth.generate.core import WESADGenerator


def check_bundle(provenance: Provenance, sha256: str) -> None:
    """Raises BundleError, naming both hashes, where signals were drawn with another bundle than this one."""
    if provenance.bundle_sha256 != sha256:
        raise BundleError(
            f"The signals were drawn with bundle {provenance.bundle_sha256}, the bundle at hand is {sha256}. "
            "Give the bundle that they were drawn with (--bundle)."
        )


def reproduce(
    provenance: Provenance, generator: WESADGenerator, on_step: StepCallback = ignore_step
) -> SignalBatch | SyntheticRecording:
    """Windows or a recording, drawn again as their provenance says, calibration included.

    Raises BundleError for another bundle; ConditionError, RequestError, RecordingError or CalibrationError for
    settings that cannot be.
    """
    check_bundle(provenance, generator.info.bundle_sha256)
    if provenance.schedule:
        recording = generator.draw_again(provenance, on_step)
        if provenance.cut_after_s is None:
            return recording
        return recording.windows(provenance.cut_after_s).take(provenance.indices)
    if provenance.calibration is None:
        return generator.draw_again(provenance, on_step)
    # A window's calibrated values depend on the windows that were matched with it.
    together = provenance.calibration["together"]
    names, indices = tuple(together["conditions"]), tuple(together["indices"])
    drawn = generator.draw_again(replace(provenance, conditions=names, indices=indices), on_step)
    calibrated = WESADCalibrator.from_dict(provenance.calibration).apply(drawn)
    place = {window: position for position, window in enumerate(zip(indices, names, strict=True))}
    return calibrated.take([place[w] for w in zip(provenance.indices, provenance.conditions, strict=True)])
