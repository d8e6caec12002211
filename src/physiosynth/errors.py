"""What a user can do wrong, one class a kind. Every message says what was expected, what was found and what to do."""

from __future__ import annotations

from enum import IntEnum

QUOTED = 1000  # characters


class PhysiosynthError(Exception):
    """Base of every error that is a user's to mend; commands and pages show its text and no traceback."""

    exit_code = 2  # of a command that ends with this error


def brief(text: object) -> str:
    """What a message may repeat of a stranger's file: its beginning."""
    words = str(text)
    return words if len(words) <= QUOTED else f"{words[:QUOTED]} ..."


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


class VerificationError(BundleError):
    """A container's bundle does not pass the checks, so that it does not start."""

    exit_code = 30


class MountError(BundleError):
    """What is mounted into a container is empty, incomplete or cannot be read."""

    exit_code = 31


class FetchCause(IntEnum):
    """Why a bundle could not be fetched; the value is the command's exit code."""

    UNVERIFIED = 10  # no SHA-256 was given, and nobody allowed to do without
    WRONG_HASH = 11
    NOT_A_ZIP = 12  # a web page, an empty or a damaged file
    UNREACHABLE = 13  # no such host, connection refused
    LOST = 14  # the connection broke until the tries were used up
    TIMED_OUT = 15  # a stall, the whole download, or another process's download
    REFUSED = 16  # the server answered 4xx, or there is no such file
    SERVER_FAILED = 17  # the server answered 5xx until the tries were used up
    REDIRECT = 18  # a loop, https to http, or away from http
    TOO_LARGE = 19
    DISK_FULL = 20
    READ_ONLY = 21  # the cache or the target cannot be written to
    UNTRUSTED = 22  # the server's certificate is not trusted


class FetchError(BundleError):
    """A bundle could not be fetched from its URL."""

    def __init__(self, cause: FetchCause, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.exit_code = int(cause)


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
