"""Which networks a checkpoint holds: the published pair or our coupled one, as settings that a manifest can name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from physiosynth.errors import CheckpointError, RequestError
from physiosynth.families.wearable.model.low_space import DRAWN_CHANNELS, FORM_CONSTANTS, LowSpace
from physiosynth.families.wearable.model.rhythm import CONTEXT_CHANNELS
from physiosynth.families.wearable.model.streams import DiffusionECG, DiffusionLow
from physiosynth.families.wearable.model.target_rates import TARGET_INPUTS
from physiosynth.families.wearable.signals import CONDITIONS, ECG_CHANNELS, LOW_CHANNELS

PUBLISHED, COUPLED = "published", "coupled"
MARGIN = 100  # samples at both ends together, at least; the next whole number of what the network folds


@dataclass(frozen=True)
class StreamSettings:
    """One stream's network and noise process; the defaults are the published ones.

    told: numbers that the network is told beside the state.
    """

    channels: tuple[str, ...]
    strides: tuple[int, ...]
    base: int = 32
    multipliers: tuple[int, ...] = (1, 2, 4, 8)
    blocks: int = 2
    groups: int = 32
    context_channels: int = 0
    told: int = 0
    patch: int = 1
    diffusion_steps: int = 1000
    beta_schedule: str = "cosine"
    prediction: str = "epsilon"

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> StreamSettings:
        """The settings a manifest holds. Raises CheckpointError for unknown or missing keys."""
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in _known(cls, content).items()}
        return cls(**given)


@dataclass(frozen=True)
class Architecture:
    """A pair of streams. 'coupled': LOW also draws the beat and its form, and the ECG network sees what LOW drew."""

    name: str
    condition_dim: int
    low: StreamSettings
    ecg: StreamSettings

    def __post_init__(self) -> None:
        if self.name not in (PUBLISHED, COUPLED):
            raise CheckpointError(f"Architecture {self.name!r} is not known. Use {PUBLISHED} or {COUPLED}.")
        if not 1 <= self.condition_dim <= len(CONDITIONS):
            raise CheckpointError(
                f"The weights were trained on {self.condition_dim} conditions; 1 to {len(CONDITIONS)} "
                f"({', '.join(CONDITIONS)}) can be named."
            )

        if self.coupled and self.low.channels != DRAWN_CHANNELS:
            raise CheckpointError(
                f"The LOW network of coupled weights draws {', '.join(DRAWN_CHANNELS)}; the manifest says "
                f"{', '.join(self.low.channels)}."
            )

    @property
    def coupled(self) -> bool:
        return self.name == COUPLED

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of the conditions, in the order of the one-hot vector."""
        return CONDITIONS[: self.condition_dim]

    @property
    def ecg_margin(self) -> int:
        """Samples that a coupled ECG network draws on both sides of a window, to be cut off.

        At the ends of what it draws a convolution sees nothing beyond, and the first samples come out as a small burst.
        """
        unit = math.lcm(2, self.ecg.patch * math.prod(self.ecg.strides))
        return -(-MARGIN // unit) * unit // 2

    def build(self) -> tuple[DiffusionLow, DiffusionECG]:
        """Networks with fresh weights. Raises CheckpointError for settings that make no network."""
        try:
            low = DiffusionLow(self.condition_dim, **asdict(self.low))
            ecg = DiffusionECG(self.condition_dim, **asdict(self.ecg))
        except (ValueError, TypeError, RuntimeError, ZeroDivisionError, RequestError) as error:
            raise CheckpointError(f"These settings make no network: {error}") from error
        if self.coupled:
            low.space = LowSpace()
        return low, ecg

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Architecture:
        """The architecture a manifest names. Raises CheckpointError for unknown or missing keys."""
        known = _known(cls, content)
        try:
            streams = {name: StreamSettings.from_dict(known[name]) for name in ("low", "ecg")}
            return cls(**{**known, **streams})
        except (KeyError, TypeError) as error:
            raise CheckpointError(f"The manifest's architecture is incomplete or malformed: {error}.") from error


def _known(cls: type, content: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(content, Mapping):
        raise CheckpointError(f"Expected the settings of a network as a mapping, found {type(content).__name__}.")
    unknown = set(content) - {field.name for field in fields(cls)}
    if unknown:
        raise CheckpointError(f"The manifest's architecture has settings nobody knows: {', '.join(sorted(unknown))}.")
    return dict(content)


def published(condition_dim: int = len(CONDITIONS)) -> Architecture:
    """The published two-stream networks."""
    return Architecture(
        PUBLISHED,
        condition_dim,
        low=StreamSettings(LOW_CHANNELS, strides=(2, 2, 2)),
        ecg=StreamSettings(ECG_CHANNELS, strides=(5, 5, 3)),
    )


def coupled(
    condition_dim: int = len(CONDITIONS),
    low_base: int = 32,
    ecg_base: int = 32,
    low_levels: int = 3,
    ecg_blocks: int = 2,
) -> Architecture:
    """Our networks: LOW draws EDA, Resp, rhythm and form of the beats (see low_space); a patched ECG network follows.

    low_base, ecg_base: widths of the first level; low_levels: levels of LOW (2 to 4); ecg_blocks: residual blocks a
    level of the ECG network.
    """
    multipliers = (1, 2, 4, 8)
    return Architecture(
        COUPLED,
        condition_dim,
        low=StreamSettings(
            DRAWN_CHANNELS,
            strides=(2, 2, 2)[: low_levels - 1],
            base=low_base,
            multipliers=multipliers[:low_levels],
            groups=8,
            told=TARGET_INPUTS,
            prediction="v",
        ),
        ecg=StreamSettings(
            ECG_CHANNELS,
            strides=(5, 3, 2),
            base=ecg_base,
            multipliers=multipliers,
            blocks=ecg_blocks,
            groups=8,
            context_channels=CONTEXT_CHANNELS,
            told=len(FORM_CONSTANTS),
            patch=5,
            prediction="v",
        ),
    )
