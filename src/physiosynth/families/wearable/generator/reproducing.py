"""Draws again what a file's settings say, and compares it with what the file holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from physiosynth.errors import BundleError, CalibrationError
from physiosynth.families.wearable.data.batch import Provenance, SignalBatch
from physiosynth.families.wearable.data.synthetic_recording import SyntheticRecording
from physiosynth.families.wearable.export.content import BEATS, Piece, Signals, Stored, pieces_of
from physiosynth.families.wearable.generator.amplitude_matching import AmplitudeMatcher, maps_recorded
from physiosynth.families.wearable.signals import UNITS
from physiosynth.runtime import StepCallback, ignore_step

if TYPE_CHECKING:
    from physiosynth.families.wearable.generator.generator import WESADGenerator

SLACK = 1e-4  # of a tolerance: what its own arithmetic rounds


@dataclass(frozen=True)
class Comparison:
    """Largest difference between stored and drawn values, by channel and for beats; inf where their numbers differ.

    tolerance: what the file's format rounds, at most; see content.Stored.
    """

    difference: Mapping[str, float]
    tolerance: Mapping[str, float]

    @property
    def identical(self) -> bool:
        """Whether all differences are what the format rounds; in a format that keeps every bit, none at all."""
        return all(value <= self.tolerance[name] * (1 + SLACK) for name, value in self.difference.items())

    @property
    def words(self) -> str:
        """A phrase a channel: "ECG 0 mV, EDA 0.0001 uS (the format rounds by up to 0.0002)"."""
        units = {**UNITS, BEATS: "s"}
        rounds = {name: f" (the format rounds by up to {limit:.3g})" for name, limit in self.tolerance.items() if limit}
        return ", ".join(
            f"{name} {value:.3g} {units[name]}{rounds.get(name, '')}" for name, value in self.difference.items()
        )


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
    """Windows or a recording, drawn again as their provenance says, amplitude matching included.

    Raises BundleError for another bundle; ConditionError, RequestError, RecordingError or CalibrationError for
    settings that cannot be.
    """
    check_bundle(provenance, generator.info.bundle_sha256)
    calibration = provenance.calibration
    if calibration is not None and "maps" not in calibration:
        return _matched_in_company(provenance, calibration, generator, on_step)
    drawn = generator.draw_again(provenance, on_step)
    if isinstance(drawn, SyntheticRecording):
        if provenance.cut_after_s is None:
            return drawn
        drawn = drawn.windows(provenance.cut_after_s).take(provenance.indices)
    if calibration is None or isinstance(drawn, SyntheticRecording):
        return drawn
    return AmplitudeMatcher.from_dict(calibration).mapped(drawn, maps_recorded(calibration))


def _matched_in_company(
    provenance: Provenance, calibration: Mapping[str, Any], generator: WESADGenerator, on_step: StepCallback
) -> SignalBatch:
    """Windows of version 0.1.0, whose maps were measured on the very windows that were matched together."""
    try:
        together = calibration["together"]
        names, indices = tuple(together["conditions"]), tuple(together["indices"])
    except (KeyError, TypeError) as error:
        raise CalibrationError("The settings do not say how the amplitudes were matched.") from error
    drawn = generator.draw_again(replace(provenance, conditions=names, indices=indices), on_step)
    if isinstance(drawn, SyntheticRecording):
        raise CalibrationError("A recording keeps the amplitudes it was drawn with; its settings say otherwise.")
    matcher = AmplitudeMatcher.from_dict(calibration)
    matched = matcher.mapped(drawn, matcher.maps_from(drawn))
    place = {window: position for position, window in enumerate(zip(indices, names, strict=True))}
    return matched.take([place[w] for w in zip(provenance.indices, provenance.conditions, strict=True)])


def compare(stored: Stored, drawn: Signals) -> Comparison:
    """What a file holds against what was drawn again from its provenance."""
    difference = dict.fromkeys(stored.tolerance, 0.0)
    for held, made in zip(stored.pieces, pieces_of(drawn), strict=True):
        pairs = {name: (held.channels[name], values) for name, values in made.channels.items()}
        pairs[BEATS] = (_beats(held), _beats(made))
        for name, (one, other) in pairs.items():
            difference[name] = max(difference[name], _largest(one, other))
    return Comparison(difference, stored.tolerance)


def _beats(piece: Piece) -> np.ndarray:
    return np.zeros(0) if piece.beats is None else piece.beats


def _largest(one: np.ndarray, other: np.ndarray) -> float:
    if one.shape != other.shape:
        return float("inf")
    found = np.abs(one.astype(np.float64) - other.astype(np.float64)).max(initial=0.0)
    return float(found) if np.isfinite(found) else float("inf")
