"""How the pair of networks is trained, and presets: settings as small TOML files, ours in the package and anybody's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physiosynth.diffusion.diffusion import PREDICTIONS
from physiosynth.errors import TrainingError
from physiosynth.families.wearable.model.architecture import COUPLED, PUBLISHED, Architecture, coupled, published
from physiosynth.training.settings import RunSettings

PRESETS = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class TrainSettings(RunSettings):
    """Settings of a run of both streams."""

    architecture: str = COUPLED  # or "published"
    low_base: int = 32  # width of the first level of the coupled LOW network
    ecg_base: int = 32  # and of the coupled ECG network
    prediction: str | None = None  # "epsilon" or "v"; None: what the architecture is known for
    ecg_batch: int = 16  # of a batch, how many windows the ECG network sees
    lambda_low: float = 1.0  # weight of each stream's loss
    lambda_ecg: float = 1.0
    eda_weight: float = 1.0  # of the EDA within LOW's loss
    beat_variation: float = 0.0  # SD, in scores, by which training moves the beats' form; see JointLoss
    cond_drop_prob: float = 0.1  # windows trained without their condition, for guidance
    sample_windows: int = 4  # drawn per state

    def checks(self) -> dict[str, bool]:
        """Those of every run, and of both streams."""
        return super().checks() | {
            "architecture": self.architecture in (COUPLED, PUBLISHED),
            "prediction": self.prediction in (None, *PREDICTIONS),
            "eda_weight": self.eda_weight > 0,
            "beat_variation": 0 <= self.beat_variation <= 1,
            "ecg_batch": self.ecg_batch >= 1,
            "cond_drop_prob": 0 <= self.cond_drop_prob <= 1,
            "sample_windows": self.sample_windows >= 1,
            "low_base": self.low_base >= 8 and self.low_base % 8 == 0,
            "ecg_base": self.ecg_base >= 8 and self.ecg_base % 8 == 0,
        }

    def build_architecture(self, condition_dim: int) -> Architecture:
        """The networks these settings ask for."""
        if self.architecture == PUBLISHED:
            content = published(condition_dim).to_dict()
        else:
            content = coupled(condition_dim, self.low_base, self.ecg_base).to_dict()
        for stream in ("low", "ecg"):
            content[stream]["prediction"] = self.prediction or content[stream]["prediction"]
        return Architecture.from_dict(content)


def preset_names() -> tuple[str, ...]:
    """The presets of the package, shortest run first."""
    order = ("smoke", "demo", "full", "polish")
    found = {path.stem for path in PRESETS.glob("*.toml")}
    return (*(name for name in order if name in found), *sorted(found.difference(order)))


def read_preset(name: str) -> dict[str, Any]:
    """The fields of TrainSettings that a preset sets. name: one of preset_names(), or the path of a TOML file.

    Raises TrainingError for a preset that does not exist, cannot be read or sets something unknown.
    """
    path = PRESETS / f"{name}.toml" if name in preset_names() else Path(name)
    if not path.is_file():
        raise TrainingError(f"No preset {name}. Use {', '.join(preset_names())}, or the path of a TOML file.")
    return TrainSettings.read_toml(path)
