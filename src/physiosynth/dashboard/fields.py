"""What stands in the fields of the Generate page: one value, from which fields, address and request are all derived."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from physiosynth.dashboard.generate_page.rates import RATES, middle_of, spans_of
from physiosynth.dashboard.generate_page.runs import Request
from physiosynth.dashboard.settings import settings
from physiosynth.families.wearable.data.batch import Sampling, Targets
from physiosynth.families.wearable.generator.asking import TARGET_GUIDANCE

if TYPE_CHECKING:
    from physiosynth.families.wearable.generator.generator import GeneratorInfo

MAX_GUIDANCE = 10.0
MAX_SEED = 2**63 - 1
USUAL_WINDOWS, USUAL_SEED = 4, 6
LONGEST_SHOWN = 40
MIDDLE = "middle"  # of what a rate may be
RATE_NAMES = tuple(rate.name for rate in RATES)
NUMBERS = {
    "windows": "Windows",
    "ecg_steps": "ECG steps",
    "low_steps": "Slow-signal steps",
    "ecg_guidance": "ECG guidance",
    "low_guidance": "Slow-signal guidance",
}
LABELS = {**NUMBERS, "seed": "Seed", "state": "State", **{rate.name: rate.label for rate in RATES}}

Texts = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Fields:
    """The fields as they stand, which may be as nobody can mean them: see problems.

    state: of those the model knows, in its order; seed: as typed; a rate is None where none is requested.
    """

    state: tuple[str, ...]
    windows: float
    seed: str
    ecg_steps: float
    low_steps: float
    ecg_guidance: float
    low_guidance: float
    calibrate: bool = False
    heart_rate: float | None = None
    breathing_rate: float | None = None
    scr_rate: float | None = None

    @classmethod
    def usual(cls, info: GeneratorInfo) -> Fields:
        """What stands before anybody chose: the model's first state, and its own steps and guidance."""
        limits = settings()
        return cls(info.conditions[:1], min(USUAL_WINDOWS, limits.max_windows), str(USUAL_SEED), **usual_sampling(info))

    @property
    def rates(self) -> dict[str, float]:
        """The rates requested, in /min, by name."""
        return {name: getattr(self, name) for name in RATE_NAMES if getattr(self, name) is not None}

    def requesting(self, info: GeneratorInfo, **rates: float | None) -> Fields:
        """With these rates; guidance, without which they are not met, comes and goes with them unless set by hand."""
        after = replace(self, **{name: None if rate is None else float(rate) for name, rate in rates.items()})
        by_hand = self.low_guidance != guidance_for(info, self.rates)
        return after if by_hand else replace(after, low_guidance=guidance_for(info, after.rates))

    def settled(self, info: GeneratorInfo) -> Fields:
        """With the rates that the chosen states can be given: one beyond their span moves to its end, or goes."""
        if not self.state:
            return self
        rates: dict[str, float | None] = dict.fromkeys(RATE_NAMES)
        for name, span in spans_of(info, self.state).items():
            if span is not None and name in self.rates:
                rates[name] = min(max(self.rates[name], span[0]), span[1])
        return self.requesting(info, **rates)

    def problems(self, info: GeneratorInfo) -> dict[str, str]:
        """What is wrong with a field, in a sentence, by its name."""
        limits, found = settings(), {}
        if not self.state or not set(self.state) <= set(info.conditions):
            found["state"] = f"State must be one or more of {', '.join(info.conditions)}."
        for name, most in (
            ("windows", limits.max_windows),
            *((f"{s}_steps", limits.max_steps) for s in ("ecg", "low")),
        ):
            value = getattr(self, name)
            if not (1 <= value <= most and value == math.floor(value)):
                found[name] = f"{LABELS[name]} must be a whole number from 1 to {most}."
        if "windows" in found:
            found["windows"] += " To generate more, use the command `physiosynth sample`."
        for name in ("ecg_guidance", "low_guidance"):
            if not 0 <= getattr(self, name) <= MAX_GUIDANCE:
                found[name] = f"{LABELS[name]} must be a number from 0 to {MAX_GUIDANCE:g}."
        if not (self.seed.isascii() and self.seed.isdigit() and len(self.seed) < 20 and int(self.seed) <= MAX_SEED):
            found["seed"] = f"Seed must be a whole number from 0 to {MAX_SEED}."
        spans = spans_of(info, self.state)
        for name, rate in self.rates.items():
            span = spans.get(name)
            if span is None or not span[0] <= rate <= span[1]:
                found[name] = (
                    f"{LABELS[name]} must be {span[0]:g} to {span[1]:g} per minute, as in the training data of the "
                    "chosen states."
                    if span
                    else f"{LABELS[name]}: the chosen states share no range of this rate in the training data."
                )
        return found

    def request(self) -> Request:
        """What these fields ask for. Only for fields without problems."""
        sampling = Sampling(int(self.low_steps), int(self.ecg_steps), self.low_guidance, self.ecg_guidance)
        return Request(
            self.state, int(self.windows), int(self.seed), sampling, Targets(**self.rates), calibrate=self.calibrate
        )

    def to_address(self, info: GeneratorInfo) -> dict[str, list[str]]:
        """What an address has to say for these fields, as from_address reads it: all that differs from the usual."""
        usual = replace(Fields.usual(info), low_guidance=guidance_for(info, self.rates))
        return {
            each.name: [_text(value) for value in (held if isinstance(held, tuple) else (held,))]
            for each in fields(self)
            if (held := getattr(self, each.name)) != getattr(usual, each.name)
        }

    @classmethod
    def from_address(cls, asked: Texts, info: GeneratorInfo) -> tuple[Fields, str | None]:
        """The fields an address asks for, and in words what of it cannot be meant; the usual stands in its place."""
        usual, given, refused = cls.usual(info), {}, {}
        for name, texts in asked.items():
            try:
                given[name] = _value(name, texts, info, given.get("state", usual.state))
            except ValueError:
                refused[name] = ""
        found = replace(usual, **given).problems(info)
        given = {name: value for name, value in given.items() if name not in found}
        if "low_guidance" not in given:
            given["low_guidance"] = guidance_for(info, [name for name in RATE_NAMES if name in given])
        refused |= found
        if not refused:
            return replace(usual, **given), None
        told = " and ".join(f"`{name}={','.join(asked[name])[:LONGEST_SHOWN]}`".replace("\n", " ") for name in refused)
        words = [
            f"The address asks for {told}, which cannot be used here; the default is used instead.",
            *refused.values(),
        ]
        return replace(usual, **given), " ".join(filter(None, words))


def asked_in(params: Texts) -> Texts:
    """What an address says of fields; older ones have a switch beside each rate, which alone means its middle."""
    asked = {each.name: params[each.name] for each in fields(Fields) if each.name in params}
    for name in RATE_NAMES:
        switch = [text.lower() for text in params.get(f"ask_{name}", ())]
        if "true" in switch:
            asked.setdefault(name, [MIDDLE])
        elif switch:
            asked.pop(name, None)
    return asked


def usual_sampling(info: GeneratorInfo) -> dict[str, float]:
    """The model's own steps and guidance, within the limits."""
    most, own = settings().max_steps, info.defaults
    steps = {f"{stream}_steps": min(most, int(getattr(own, f"{stream}_steps"))) for stream in ("ecg", "low")}
    return steps | {f"{stream}_guidance": float(getattr(own, f"{stream}_guidance")) for stream in ("ecg", "low")}


def guidance_for(info: GeneratorInfo, rates: object) -> float:
    """The guidance of the slow signals that stands beside these rates, unless somebody chose another."""
    usual = float(info.defaults.low_guidance)
    return max(usual, TARGET_GUIDANCE) if rates else usual


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _value(name: str, texts: Sequence[str], info: GeneratorInfo, state: tuple[str, ...]) -> Any:
    """A field's value as an address says it. Raises ValueError for what is none at all."""
    text = texts[-1]
    if name == "state":
        named = {each.lower() for each in texts}
        if not named <= set(info.conditions):
            raise ValueError(texts)
        return tuple(each for each in info.conditions if each in named)
    if name == "seed":
        return text
    if name == "calibrate":
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"
    if text == MIDDLE and (middle := middle_of(info, name, state)) is not None:
        return middle
    return float(text)
