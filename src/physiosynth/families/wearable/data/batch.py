"""What a generator gives back: windows of both streams, and where they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from physiosynth.errors import ChannelError, RecordingError, RequestError, brief
from physiosynth.families.wearable.signals import ECG_CHANNELS, ECG_HZ, ECG_STEPS, FUSED_CHANNELS, LOW_HZ, LOW_STEPS
from physiosynth.signals import NamedSignals

SYNTHETIC = "synthetic"
FULL_EDA, PHASIC_EDA = "full", "phasic"
UNKNOWN_SOURCE = "unknown"
TRAINED_ON = {
    "virtual": "simulated data: no person's recording went into it",
    "recorded": "recordings of people",
    "imported": "a user's own recordings",
    SYNTHETIC: "synthetic signals that another model drew",
    UNKNOWN_SOURCE: "data of unknown origin",
}
LICENCE = "For research and education; no clinical use."


@dataclass(frozen=True)
class Sampling:
    """What a user asks of the sampler; None is what the bundle says.

    Parameters
    ----------
    low_steps, ecg_steps
        Denoising steps of EDA and respiration, and of the ECG: 1 to 1000.
    low_guidance, ecg_guidance
        Guidance scale; 0 samples without guidance.
    method
        "ddim", "ddpm", "dpm-solver++" or "heun".
    """

    low_steps: int | None = None
    ecg_steps: int | None = None
    low_guidance: float | None = None
    ecg_guidance: float | None = None
    method: str | None = None


@dataclass(frozen=True)
class Targets:
    """Rates that windows are asked to have, in /min; None leaves one to the state.

    Parameters
    ----------
    heart_rate, breathing_rate, scr_rate
        Heart beats, breaths and skin conductance responses per minute.

    Raises
    ------
    RequestError
        For what is no rate; whether a bundle can give it is seen when windows are drawn.
    """

    heart_rate: float | None = None
    breathing_rate: float | None = None
    scr_rate: float | None = None

    def __post_init__(self) -> None:
        for name, value in self.given().items():
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not 0 <= value < 400:
                raise RequestError(f"{name}: expected a rate per minute, found {value!r}.")

    def given(self) -> dict[str, float]:
        """The requested rates.

        Returns
        -------
        dict of str to float
            In /min by name, without those left to the state.
        """
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Provenance:
    """Where a batch came from, in full: enough to draw it again.

    Parameters
    ----------
    bundle_sha256
        Of the files that decide what is drawn.
    source
        What the weights were trained on: "virtual", "recorded", "imported", "synthetic" or "unknown".
    eda
        "full" (tonic level kept) or "phasic" (high-passed, signed).
    seed
        The seed.
    first_window
        The smallest of `indices`.
    sampling
        The numbers used, by stream.
    conditions
        The state of each window.
    version
        Of physiosynth.
    created
        UTC, ISO 8601.
    targets
        Requested rates in /min, by name.
    calibrated
        What the amplitudes were matched to.
    schedule
        Of a recording: its stretches in order, each with condition, seconds and requested rates.
    synthetic
        Always true here; it stands in every file.
    indices
        The number of each window in its run.
    calibration
        What AmplitudeMatcher did: the targets, their SHA-256, and the map of each condition.
    cut_after_s
        Of windows cut out of a recording; see SyntheticRecording.windows.
    made_with
        Processor and libraries, on which the last bits depend.
    """

    bundle_sha256: str
    source: str
    eda: str
    seed: int
    first_window: int
    sampling: Mapping[str, Mapping[str, Any]]
    conditions: tuple[str, ...]
    version: str
    created: str
    targets: Mapping[str, float] = field(default_factory=dict)
    calibrated: str | None = None
    schedule: tuple[Mapping[str, Any], ...] = ()
    synthetic: bool = True
    indices: tuple[int, ...] = ()
    calibration: Mapping[str, Any] | None = None
    cut_after_s: int | None = None
    made_with: str = ""

    @property
    def notice(self) -> str:
        """The sentence shown wherever these signals are."""
        trained = TRAINED_ON.get(self.source, TRAINED_ON[UNKNOWN_SOURCE])
        eda = " The EDA is phasic: high-passed, so its values are signed." if self.eda == PHASIC_EDA else ""
        matched = f" Amplitudes matched to {self.calibrated}." if self.calibrated else ""
        return f"Synthetic signals from a model trained on {trained}. {LICENCE}{eda}{matched}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; from_dict reads them back.

        Returns
        -------
        dict
            The fields, and the notice.
        """
        return {**asdict(self), "notice": self.notice}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Provenance:
        """The provenance of to_dict.

        Parameters
        ----------
        content
            What to_dict gave.

        Raises
        ------
        RecordingError
            For missing or unknown values.
        """
        given = {name: value for name, value in dict(content).items() if name != "notice"}
        try:
            for name in ("conditions", "indices", "schedule"):
                given[name] = tuple(given[name])
            if not given["schedule"] and len(given["indices"]) != len(given["conditions"]):
                raise ValueError("not as many numbers as conditions of windows")
            return cls(**given)
        except (KeyError, TypeError, ValueError) as error:
            known = ", ".join(each.name for each in fields(cls))
            raise RecordingError(
                f"Expected settings with {known}; found others ({brief(error)}). Another version may have written them."
            ) from error


@dataclass(frozen=True)
class SignalBatch:
    """n synthetic windows of 30 s.

    Parameters
    ----------
    ecg
        (n, 5250, 1) float32 in mV, at 175 Hz.
    low
        (n, 120, 2) float32 EDA in uS and Resp in % of the belt, at 4 Hz; `low.select("EDA")` takes one out.
    conditions
        One name per window.
    provenance
        Where the windows came from; it takes over their conditions and indices.
    beats
        For each window the (k,) times in s of its heartbeats, or None where the model draws no beats.
    indices
        Each window's number in its run.

    Raises
    ------
    ChannelError
        When lengths do not fit together.
    """

    ecg: np.ndarray
    low: NamedSignals
    conditions: tuple[str, ...]
    provenance: Provenance
    beats: tuple[np.ndarray, ...] | None = None
    indices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditions", tuple(self.conditions))
        first = self.provenance.first_window
        object.__setattr__(self, "indices", tuple(self.indices) or tuple(range(first, first + len(self))))
        n = len(self.conditions)
        if self.ecg.shape != (n, ECG_STEPS, len(ECG_CHANNELS)) or self.low.values.shape[:2] != (n, LOW_STEPS):
            raise ChannelError(
                f"Expected {n} windows of {ECG_STEPS} ECG and {LOW_STEPS} low samples, found ECG {self.ecg.shape} "
                f"and low {self.low.values.shape}."
            )
        if len(self.indices) != n or (self.beats is not None and len(self.beats) != n):
            raise ChannelError(f"Expected an index and beats for each of {n} windows.")
        first = min(self.indices, default=0)
        told = replace(self.provenance, conditions=self.conditions, indices=self.indices, first_window=first)
        object.__setattr__(self, "provenance", told)

    def __len__(self) -> int:
        return len(self.conditions)

    def window(self, i: int) -> SignalBatch:
        """One window.

        Parameters
        ----------
        i
            Its place in the batch, from 0.

        Returns
        -------
        SignalBatch
            A batch of that window.

        Raises
        ------
        RequestError
            For a place that is not in the batch.
        """
        if not 0 <= i < len(self):
            raise RequestError(f"Window {i} is not there: choose 0 to {len(self) - 1}.")
        return self.take([i])

    def take(self, positions: Sequence[int]) -> SignalBatch:
        """Some of the windows.

        Parameters
        ----------
        positions
            Their places in the batch, from 0.

        Returns
        -------
        SignalBatch
            Those windows, in the order of `positions`.
        """
        positions = list(positions)
        return SignalBatch(
            self.ecg[positions],
            replace(self.low, values=self.low.values[positions]),
            tuple(self.conditions[i] for i in positions),
            self.provenance,
            None if self.beats is None else tuple(self.beats[i] for i in positions),
            tuple(self.indices[i] for i in positions),
        )

    def fused(self, steps: int = ECG_STEPS) -> np.ndarray:
        """All signals on one time axis.

        Parameters
        ----------
        steps
            5250, where EDA and respiration are interpolated, or 120, where the ECG is decimated to a preview.

        Returns
        -------
        numpy.ndarray
            (n, steps, 3) float32: ECG in mV, Resp in % of the belt, EDA in uS.

        Raises
        ------
        RequestError
            For another number of steps.
        """
        return fuse(self.ecg, self.low, steps)


def joined(parts: Sequence[SignalBatch]) -> SignalBatch:
    """One batch of the finished parts of a run, in their order."""
    beats = None if parts[0].beats is None else tuple(times for part in parts for times in part.beats or ())
    low = replace(parts[0].low, values=np.concatenate([part.low.values for part in parts]))
    return SignalBatch(
        np.concatenate([part.ecg for part in parts]),
        low,
        tuple(name for part in parts for name in part.conditions),
        parts[0].provenance,
        beats,
        tuple(index for part in parts for index in part.indices),
    )


def fuse(ecg: np.ndarray, low: NamedSignals, steps: int = ECG_STEPS) -> np.ndarray:
    """Both streams on one time axis: (n, steps, 3) float32 [ECG, Resp, EDA].

    ecg: (n, 5250, 1); low: (n, 120, .) with EDA and Resp; steps: 5250 (the low stream is interpolated linearly, its
    last value held) or 120 (the ECG is decimated behind an anti-alias filter: a preview, without its beats' shape).
    Raises RequestError for another number, ChannelError for a missing channel.
    """
    slow = low.ordered(*FUSED_CHANNELS[1:])
    if steps == ECG_STEPS:
        fast, slow = ecg[..., :1], _at_ecg_rate(slow)
    elif steps == LOW_STEPS:
        fast = _ecg_preview(ecg[..., 0])[..., None]
    else:
        raise RequestError(f"Fused windows have {ECG_STEPS} or {LOW_STEPS} samples, asked for {steps}.")
    return np.concatenate([fast, slow], axis=-1).astype(np.float32)


def _at_ecg_rate(low: np.ndarray) -> np.ndarray:
    """(n, 120, c) -> (n, 5250, c), linear in time."""
    position = np.minimum(np.arange(ECG_STEPS) * (LOW_HZ / ECG_HZ), low.shape[1] - 1)
    left = np.minimum(position.astype(int), low.shape[1] - 2)
    weight = (position - left)[None, :, None]
    return low[:, left] * (1 - weight) + low[:, left + 1] * weight


def _ecg_preview(ecg: np.ndarray) -> np.ndarray:
    """(n, 5250) -> (n, 120): decimation with a linear-phase low-pass below half of the low rate."""
    from scipy.signal import resample_poly

    if not len(ecg):
        return np.zeros((0, LOW_STEPS))
    return resample_poly(ecg.astype(np.float64), LOW_HZ, ECG_HZ, axis=1, padtype="line")
