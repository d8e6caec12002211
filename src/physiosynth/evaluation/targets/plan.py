"""What is measured of a generator, with how many windows, and what each part is expected to take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from physiosynth.errors import RequestError
from physiosynth.runtime import check_seed

TARGETS = {  # in the order of the report: title
    "clean": "Clean windows, as a share of what real windows reach",
    "means": "Mean heart rate and RMSSD",
    "ks": "Distributions of the measurements (Kolmogorov-Smirnov)",
    "contrasts": "What the states change",
    "coupling": "Coupling of heart, breath and skin",
    "spectra": "Log-spectral distance",
    "usefulness": "Trained on synthetic, tested on people nobody has seen",
    "discriminative": "Telling real from synthetic (distance from guessing)",
    "closeness": "Density and coverage",
    "membership": "Whose windows were learned from",
    "steps": "The default number of evaluations against many",
    "requested": "Requested rates",
}
CHEAP = ("clean", "means", "ks", "contrasts", "coupling", "spectra")
SECONDS = {  # of each target with the full settings on two cores; they steer the time left and nothing else
    "clean": 1, "means": 1, "ks": 5, "contrasts": 3, "coupling": 30, "spectra": 20, "usefulness": 240,
    "discriminative": 90, "closeness": 60, "membership": 90, "steps": 60, "requested": 120,
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """How a generator is measured.

    windows: synthetic ones a state and seed; real: most real ones a state of the people learned from; unseen: most a
    state of each person nobody has seen; repeats: draws of a floor; kinds: classifiers; attacked: windows a state and
    side whose denoising loss is asked for; seen_people: how many of those learned from are members in the membership
    attacks (all); reference_steps: evaluations a stream that the default number is held against (not done when None),
    with reference_windows a state (as `windows`); asked_values, asked_windows: requested rates, and windows of each;
    only: names of TARGETS.
    """

    windows: int = 200
    seeds: tuple[int, ...] = (0, 1, 2)
    real: int = 2000
    unseen: int = 24
    repeats: int = 200
    slow_repeats: int = 6
    kinds: tuple[str, ...] = ("logistic", "forest", "resnet")
    attacked: int = 200
    seen_people: int | None = None
    reference_steps: int | None = None
    reference_windows: int | None = None
    asked_values: int = 5
    asked_windows: int = 20
    only: tuple[str, ...] = tuple(TARGETS)
    workers: int = 1

    def __post_init__(self) -> None:
        unknown = sorted(set(self.only) - set(TARGETS))
        if unknown or not self.only:
            raise RequestError(f"No target {', '.join(unknown) or '(none)'}. There are {', '.join(TARGETS)}.")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise RequestError(f"Give one or more seeds, each once; found {', '.join(map(str, self.seeds)) or 'none'}.")
        for seed in self.seeds:
            check_seed(seed)
        counts = ("windows", "real", "unseen", "repeats", "slow_repeats", "attacked", "seen_people", "reference_steps")
        for name in (*counts, "reference_windows", "asked_values", "asked_windows", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RequestError(f"{name}: expected 1 or more, found {value}.")

    @property
    def wanted(self) -> tuple[str, ...]:
        """The targets to measure, in the order of TARGETS."""
        left_out = {"steps"} if self.reference_steps is None else set()
        return tuple(name for name in TARGETS if name in self.only and name not in left_out)


def settings_of(quick: bool, **fields: Any) -> Settings:
    """Full settings, or with `quick` few windows and draws and no network; what is given and not None comes first."""
    few: dict[str, Any] = {
        "windows": 40, "seeds": (0,), "real": 200, "unseen": 6, "repeats": 100, "slow_repeats": 2,
        "kinds": ("logistic", "forest"), "attacked": 24, "asked_values": 3, "asked_windows": 8,
    }  # fmt: skip
    given = {name: value for name, value in fields.items() if value is not None}
    return Settings(**{**(few if quick else {}), **given})
