"""What a user can do wrong, one class a kind. Every message says what was expected, what was found and what to do."""

from __future__ import annotations


class PhysiosynthError(Exception):
    """Base of every error that is a user's to mend; commands and pages show its text and no traceback."""


class ChannelError(PhysiosynthError):
    """A channel is missing, repeated or does not fit its array."""


class ConditionError(PhysiosynthError):
    """A condition that is not known, or that the loaded model was not trained on."""


class RecordingError(PhysiosynthError):
    """A recording cannot be read, or is not what its format says."""


class FoldError(PhysiosynthError):
    """A fold directory is missing, incomplete or inconsistent."""


class BundleError(PhysiosynthError):
    """An inference bundle or one of its files is missing, damaged or does not fit together."""


class CheckpointError(BundleError):
    """Weights that are not a two-stream checkpoint, or do not fit the networks."""


class CalibrationError(PhysiosynthError):
    """Calibration targets are missing or do not fit the signals."""


class RequestError(PhysiosynthError):
    """A setting is outside what can be done."""


class TrainingError(PhysiosynthError):
    """Training cannot start, go on or resume."""


class EvaluationError(PhysiosynthError):
    """Windows that cannot be judged, or a comparison that would flatter a generator."""
