"""Starting points: everything the controls hold but the seed, set at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from physiosynth.dashboard.fields import Fields
from physiosynth.dashboard.settings import settings
from physiosynth.families.wearable.data.batch import Targets

if TYPE_CHECKING:
    from physiosynth.families.wearable.generator.generator import GeneratorInfo


@dataclass(frozen=True)
class Preset:
    """A starting point. targets: rates that are typical of it, in /min; a model that cannot give one is not asked."""

    name: str
    meaning: str
    conditions: tuple[str, ...]
    windows: int = 4
    targets: Targets = field(default_factory=Targets)


PRESETS = (
    Preset("Calm adult", "Sitting quietly, 66 bpm, 14 breaths/min.", ("baseline",), 4, Targets(66, 14, 2)),
    Preset("Athlete at rest", "Sitting, low heart and respiratory rates.", ("baseline",), 4, Targets(55, 12, 2)),
    Preset("Exam stress", "High rates, raised skin conductance.", ("stress",), 4, Targets(98, 17, 8)),
    Preset("Speech before a panel", "The strongest stress preset.", ("stress",), 4, Targets(115, 19, 12)),
    Preset("Film clip", "Amusement, occasional laughter.", ("amusement",), 4, Targets(74, 17, 4)),
    Preset("Guided breathing", "Six breaths/min, eyes closed.", ("meditation",), 4, Targets(64, 6, 3)),
    Preset(
        "Full protocol",
        "All four states, no target rates.",
        ("baseline", "stress", "amusement", "meditation"),
        2,
    ),
)


def offered(info: GeneratorInfo) -> list[Preset]:
    """The presets whose states this model knows."""
    return [preset for preset in PRESETS if set(preset.conditions) <= set(info.conditions)]


def fields_of(info: GeneratorInfo, preset: Preset, seed: str) -> Fields:
    """What a preset puts into the fields: all but the seed. A rate that this model cannot give is not requested."""
    usual = Fields.usual(info)
    chosen = replace(usual, state=preset.conditions, windows=min(preset.windows, settings().max_windows), seed=seed)
    asked = chosen.requesting(info, **preset.targets.given())
    offered = {name: rate for name, rate in asked.rates.items() if name not in asked.problems(info)}
    return chosen.requesting(info, **offered)
