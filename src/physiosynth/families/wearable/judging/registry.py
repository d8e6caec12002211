"""What a score is: a figure with its direction, its control and words for it; see scores_table for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from physiosynth.families.wearable.features.features import FEATURES
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.judging.metrics import Better, badness
from physiosynth.families.wearable.signals import UNITS

GROUPS = ("distributions", "spectra", "physiology", "coupling", "usefulness", "fidelity", "privacy")
OWN_UNIT = "own unit"  # that of the channel or the measurement; see Score.unit_of


@dataclass(frozen=True)
class Context:
    """What a score may need beside the two sets."""

    seed: int = 0
    train: Judged | None = None  # reference windows the generator learned from; other people than the reference
    generator: Any = None  # a loaded generator, for attacks on its own loss
    extra: Mapping[str, Any] = field(default_factory=dict)  # what a module shares between its own scores


Compute = Callable[[Judged, Judged, Context], "float | dict[str, float]"]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One figure about synthetic windows, in terms that the page can show.

    name: unique, in snake case; title: plain words; meaning: one sentence for a reader who is no specialist; unit: ""
    for a bare number; better: which way is good; control: the name in controls.CONTROLS of windows that must score
    clearly worse; per_state: computed for each state as well as for all windows; parts: the channels or features a
    dict of values is keyed by, () for a single value; compute: (real, synthetic, context) -> float, or dict by part;
    repeats: split halves of the floor; needs: fields of Context that must be there, "train" or "generator".
    """

    name: str
    group: str
    title: str
    meaning: str
    better: Better
    control: str
    compute: Compute
    unit: str = ""
    per_state: bool = False
    parts: tuple[str, ...] = ()
    repeats: int = 20
    needs: tuple[str, ...] = ()
    least_windows: int = 4  # a side; with fewer the score has no row
    control_by_part: Mapping[str, str] = field(default_factory=dict)  # parts for which another control matches

    def control_for(self, part: str) -> str:
        """The name of the control that must make this part worse."""
        return self.control_by_part.get(part, self.control)

    def values(self, real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
        """Value by part; the part of a single value is ""."""
        found = self.compute(real, synthetic, context)
        return {k: float(v) for k, v in found.items()} if isinstance(found, dict) else {"": float(found)}

    def unit_of(self, part: str) -> str:
        """The unit of one part's value, "" for a bare number."""
        if self.unit != OWN_UNIT:
            return self.unit
        return FEATURES[part].unit if part in FEATURES else UNITS.get(part, "")

    def badness(self, value: float) -> float:
        """The value turned so that larger is worse."""
        return badness(self.better, value)


def channels_of(part: str) -> tuple[str, ...]:
    """The channels that a part's value is measured on; () for the single value of a score."""
    return FEATURES[part].channels if part in FEATURES else (part,) if part in UNITS else ()


def part_title(part: str) -> str:
    """What a part is called: a measurement's title, a channel's name, "" for the single value of a score."""
    return FEATURES[part].title if part in FEATURES else part
