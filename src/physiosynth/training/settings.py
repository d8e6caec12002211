"""How a run is trained. Everything but the clock's limit is part of the run: a resumed one must ask for the same."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, get_type_hints

from physiosynth.errors import TrainingError
from physiosynth.models.architecture import COUPLED, PUBLISHED, Architecture, coupled, published
from physiosynth.models.diffusion import PREDICTIONS

SCHEDULES = ("cosine", "plateau")
PRECISIONS = ("auto", "fp32", "bf16")
AVERAGES = ("exponential", "power")


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a run."""

    architecture: str = COUPLED  # or "published"
    low_base: int = 32  # width of the first level of the coupled LOW network
    ecg_base: int = 32  # and of the coupled ECG network
    prediction: str | None = None  # "epsilon" or "v"; None: what the architecture is known for
    batch_size: int = 64
    ecg_batch: int = 16  # of them, how many the ECG network sees
    learning_rate: float = 1e-3
    schedule: str = "cosine"  # to zero over the run; "plateau" halves when validation stalls
    warmup_steps: int = 100
    total_steps: int | None = None  # None: as many as the minutes of the first start hold
    lambda_low: float = 1.0  # weight of each stream's loss
    lambda_ecg: float = 1.0
    eda_weight: float = 1.0  # of the EDA within LOW's loss
    beat_variation: float = 0.0  # SD, in scores, by which training moves the beats' form; see JointLoss
    ema: str = "exponential"  # average of weights; or "power", whose memory grows with the run
    ema_decay: float = 0.999  # of the exponential one
    ema_relative_sd: float = 0.05  # of the power one: the mean age of what is averaged, as a share of the run
    cond_drop_prob: float = 0.1  # windows trained without their condition, for guidance
    gradient_clip: float = 1.0
    validate_every: int = 200  # steps
    validation_windows: int = 192
    sample_every: int | None = None  # validations between drawn windows; 0: never; None: for 3 % of the time at most
    sample_windows: int = 4  # drawn a state
    precision: str = "auto"  # "auto" times fp32 and bf16 once and keeps the faster
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_kinds()
        checks = {
            "architecture": self.architecture in (COUPLED, PUBLISHED),
            "prediction": self.prediction in (None, *PREDICTIONS),
            "schedule": self.schedule in SCHEDULES,
            "precision": self.precision in PRECISIONS,
            "batch_size": self.batch_size >= 1,
            "eda_weight": self.eda_weight > 0,
            "beat_variation": 0 <= self.beat_variation <= 1,
            "ecg_batch": self.ecg_batch >= 1,
            "learning_rate": self.learning_rate > 0,
            "total_steps": self.total_steps is None or self.total_steps >= 1,
            "ema": self.ema in AVERAGES,
            "ema_decay": 0 <= self.ema_decay < 1,
            "ema_relative_sd": 0 < self.ema_relative_sd < 0.28,
            "cond_drop_prob": 0 <= self.cond_drop_prob <= 1,
            "validate_every": self.validate_every >= 1,
            "validation_windows": self.validation_windows >= 1,
            "sample_every": self.sample_every is None or self.sample_every >= 0,
            "sample_windows": self.sample_windows >= 1,
            "low_base": self.low_base >= 8 and self.low_base % 8 == 0,
            "ecg_base": self.ecg_base >= 8 and self.ecg_base % 8 == 0,
        }
        for name, good in checks.items():
            if not good:
                raise TrainingError(f"The training setting {name}={getattr(self, name)!r} cannot be used.")

    def _check_kinds(self) -> None:
        """A file may hold text where a number belongs."""
        for name, kind in get_type_hints(type(self)).items():
            value, allowed = getattr(self, name), kind | int if kind is float else kind
            if isinstance(value, bool) or not isinstance(value, allowed):
                written = self.__dataclass_fields__[name].type
                raise TrainingError(f"The training setting {name}={value!r} should be {written}.")

    def build_architecture(self, condition_dim: int) -> Architecture:
        """The networks these settings ask for."""
        if self.architecture == PUBLISHED:
            content = published(condition_dim).to_dict()
        else:
            content = coupled(condition_dim, self.low_base, self.ecg_base).to_dict()
        for stream in ("low", "ecg"):
            content[stream]["prediction"] = self.prediction or content[stream]["prediction"]
        return Architecture.from_dict(content)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> TrainSettings:
        """Raises TrainingError for a setting nobody knows."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(content).difference(known))
        if unknown:
            raise TrainingError(f"Training settings nobody knows: {', '.join(unknown)}. There are {', '.join(known)}.")
        return cls(**content)
