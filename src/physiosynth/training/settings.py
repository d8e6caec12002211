"""How a run is trained, whatever it trains. Everything but the clock's limit is part of the run."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from physiosynth.errors import TrainingError

SCHEDULES = ("cosine", "plateau")
PRECISIONS = ("auto", "fp32", "bf16")
AVERAGES = ("exponential", "power")
Settings = TypeVar("Settings", bound="RunSettings")


@dataclass(frozen=True)
class RunSettings:
    """Settings that every family's runs have; a family adds its own. A resumed run must ask for the same."""

    batch_size: int = 64
    learning_rate: float = 1e-3
    schedule: str = "cosine"  # to zero over the run; "plateau" halves when validation stalls
    warmup_steps: int = 100
    total_steps: int | None = None  # None: as many as the minutes of the first start hold
    ema: str = "exponential"  # average of weights; or "power", whose memory grows with the run
    ema_decay: float = 0.999  # of the exponential one
    ema_relative_sd: float = 0.05  # of the power one: the mean age of what is averaged, as a share of the run
    gradient_clip: float = 1.0
    validate_every: int = 200  # steps
    validation_windows: int = 192
    sample_every: int | None = None  # validations between drawn windows; 0: never; None: for 3 % of the time at most
    precision: str = "auto"  # "auto" times fp32 and bf16 once and keeps the faster
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_kinds()
        for name, good in self.checks().items():
            if not good:
                raise TrainingError(f"The training setting {name}={getattr(self, name)!r} cannot be used.")

    def checks(self) -> dict[str, bool]:
        """Whether each setting is within its bounds; a family adds its own."""
        return {
            "schedule": self.schedule in SCHEDULES,
            "precision": self.precision in PRECISIONS,
            "batch_size": self.batch_size >= 1,
            "learning_rate": self.learning_rate > 0,
            "total_steps": self.total_steps is None or self.total_steps >= 1,
            "ema": self.ema in AVERAGES,
            "ema_decay": 0 <= self.ema_decay < 1,
            "ema_relative_sd": 0 < self.ema_relative_sd < 0.28,
            "validate_every": self.validate_every >= 1,
            "validation_windows": self.validation_windows >= 1,
            "sample_every": self.sample_every is None or self.sample_every >= 0,
        }

    def _check_kinds(self) -> None:
        """A file may hold text where a number belongs."""
        for name, kind in get_type_hints(type(self)).items():
            value, allowed = getattr(self, name), kind | int if kind is float else kind
            if isinstance(value, bool) or not isinstance(value, allowed):
                written = self.__dataclass_fields__[name].type
                raise TrainingError(f"The training setting {name}={value!r} should be {written}.")

    def to_dict(self) -> dict[str, Any]:
        """Every setting by name, as JSON and TOML hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls: type[Settings], content: dict[str, Any]) -> Settings:
        """Raises TrainingError for a setting that does not exist."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(content).difference(known))
        if unknown:
            raise TrainingError(f"Unknown training settings: {', '.join(unknown)}. There are {', '.join(known)}.")
        return cls(**content)

    @classmethod
    def read_toml(cls, path: Path) -> dict[str, Any]:
        """The settings that a TOML file names. Raises TrainingError where it cannot be read or sets something else."""
        content = _toml(path)
        try:
            cls.from_dict(content)
        except TrainingError as error:
            raise TrainingError(f"{path.name}: {error}") from error
        return content


def _toml(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # tomllib's own errors are ValueErrors
        raise TrainingError(f"{path.name} cannot be read as TOML: {error}. Mend the file.") from error
