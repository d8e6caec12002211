"""How an evaluation is run, and what each of its parts is expected to take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from physiosynth.errors import RequestError
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.judging.registry import Score
from physiosynth.families.wearable.scores.inputs import Inputs
from physiosynth.runtime import OnStep, check_seed

OnStage = Callable[[str], None]
SCALE = 1000  # steps that a whole run is told in
MEASURE_S = 0.02  # to measure one window, on one core
GROUP_S = {  # seconds a group takes with `--quick`; they steer the time left and nothing else
    "distributions": 5, "spectra": 1, "physiology": 3, "coupling": 1, "usefulness": 3, "fidelity": 12,
    "privacy": 6, "transfer": 4, "attacks": 4,
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """How an evaluation is run.

    windows: most per state; train_windows: most per state of the people learned from; repeats: split halves of a floor,
    None for each score's own number; kinds: classifiers of the tables of usefulness; controls: score the baselines
    too; workers: processes that measure windows.
    """

    windows: int | None = None
    train_windows: int | None = None
    seed: int = 0
    repeats: int | None = None
    kinds: tuple[str, ...] = ("logistic", "forest", "resnet")
    controls: bool = False
    workers: int = 1
    attacked: int = 48  # windows per state and side whose denoising loss is asked for
    outsiders: int = 64  # windows per state of people who were neither learned from nor left out
    known: int = 10  # windows per state of each of a few people learned from
    quick: bool = False

    def __post_init__(self) -> None:
        check_seed(self.seed)
        for name in ("windows", "train_windows", "repeats", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RequestError(f"{name}: expected 1 or more, found {value}.")


def quick_settings(windows: int | None = None, **fields: Any) -> Settings:
    """Settings that end within 90 s for 64 windows per state on two cores."""
    given: dict[str, Any] = {
        "train_windows": 48,
        "repeats": 4,
        "kinds": ("logistic", "forest"),
        "attacked": 12,
        "outsiders": 24,
        "known": 4,
        "quick": True,
    }
    return Settings(windows=windows or 64, **{**given, **fields})


def full_settings(windows: int | None = None, **fields: Any) -> Settings:
    """Settings of a full evaluation."""
    return Settings(windows=windows or 256, **{"train_windows": 400, **fields})


class Steps:
    """Turns the steps of the parts of a run into steps of the whole, weighed by the seconds that each takes."""

    def __init__(self, costs: Mapping[str, float], on_step: OnStep, on_stage: OnStage) -> None:
        self._costs, self._on_step, self._on_stage = dict(costs), on_step, on_stage
        self._total, self._done = sum(costs.values()) or 1.0, 0.0

    def start(self, stage: str) -> OnStep:
        """Begin a stage; the callback given back takes its own steps."""
        self._on_stage(stage)
        before, cost = self._done, self._costs[stage]

        def step(done: int, total: int) -> None:
            self._done = max(self._done, before + cost * min(1.0, done / max(total, 1)))
            self._on_step(round(SCALE * self._done / self._total), SCALE)

        return step


def costs_of(
    inputs: Inputs, settings: Settings, wanted: Iterable[Score], baselines: Iterable[str] = ()
) -> dict[str, float]:
    """Seconds that each stage is expected to take, by its name. baselines: titles of those that are scored too."""
    costs = {name: MEASURE_S * len(windows) for name, windows in to_measure(inputs)}
    larger = 1.0 if settings.quick else 4.0
    size = larger * max(0.2, len(inputs.real) / 256)
    costs |= {group: GROUP_S[group] * size for group in dict.fromkeys(score.group for score in wanted)}
    costs["attacks"] = GROUP_S["attacks"] * larger
    costs["trained and tested"] = GROUP_S["transfer"] * size * (1 if settings.quick else 3)
    whole = sum(GROUP_S.values()) * size
    return costs | {f"baseline: {name}": whole / 3 for name in baselines}


def to_measure(inputs: Inputs) -> list[tuple[str, WindowSet]]:
    """Every set of windows that is there, by the name of its stage."""
    sets = {
        "reference windows": inputs.real,
        "synthetic windows": inputs.synthetic,
        "training windows": inputs.train,
        "windows of outsiders": inputs.outsiders,
        "windows of known people": inputs.known,
    }
    return [(name, windows) for name, windows in sets.items() if windows is not None and len(windows)]
