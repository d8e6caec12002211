"""Starting points: everything the controls hold but the seed, set at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from physiosynth.generate.asking import shared_span
from physiosynth.generate.batch import Targets

if TYPE_CHECKING:
    from physiosynth.generate.core import GeneratorInfo


@dataclass(frozen=True)
class Preset:
    """A starting point. targets: rates that are typical of it, in /min; a model that cannot give one is not asked."""

    name: str
    meaning: str
    conditions: tuple[str, ...]
    windows: int = 4
    targets: Targets = field(default_factory=Targets)


PRESETS = (
    Preset("Calm adult", "Sits quietly: 66 beats and 14 breaths a minute.", ("baseline",), 4, Targets(66, 14, 2)),
    Preset("Athlete at rest", "A slow heart and slow breaths while sitting.", ("baseline",), 4, Targets(55, 12, 2)),
    Preset("Exam stress", "Fast heart, fast breath, moist hands.", ("stress",), 4, Targets(98, 17, 8)),
    Preset("Speech before a panel", "The strongest stress offered here.", ("stress",), 4, Targets(115, 19, 12)),
    Preset("Film clip", "Laughs now and then, otherwise at rest.", ("amusement",), 4, Targets(74, 17, 4)),
    Preset("Guided breathing", "Six slow breaths a minute, eyes closed.", ("meditation",), 4, Targets(64, 6, 3)),
    Preset(
        "A day of the study",
        "All four states, each as the model draws it by itself.",
        ("baseline", "stress", "amusement", "meditation"),
        2,
    ),
)


def offered(info: GeneratorInfo) -> list[Preset]:
    """The presets whose states this model knows."""
    return [preset for preset in PRESETS if set(preset.conditions) <= set(info.conditions)]


def targets_for(info: GeneratorInfo, preset: Preset) -> dict[str, float]:
    """The preset's rates that this model can give in all of its states."""
    spans = {rate: shared_span(info, rate, preset.conditions) for rate in preset.targets.given()}
    return {
        rate: value
        for rate, value in preset.targets.given().items()
        if (span := spans[rate]) is not None and span[0] <= value <= span[1]
    }
