"""What a user may ask a generator for, checked: conditions it knows, rates it was trained on, whole numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from physiosynth.diffusion.stream_sampling import STREAMS, StreamSampling, as_type
from physiosynth.errors import ConditionError, RequestError
from physiosynth.families.wearable.data.batch import Sampling, Targets
from physiosynth.families.wearable.signals import condition_name

if TYPE_CHECKING:
    from physiosynth.families.wearable.generator.loading import GeneratorInfo

MAX_WINDOWS = 100_000
TARGET_GUIDANCE = 2.0  # of LOW where a rate is asked for and no guidance; it doubles LOW's evaluations


def known_condition(info: GeneratorInfo, condition: str | int) -> str:
    """The condition's name. Raises ConditionError for one that the weights were not trained on."""
    name = condition_name(condition)
    if name not in info.conditions:
        raise ConditionError(
            f"These weights were not trained on {name}; they know {', '.join(info.conditions)}. Choose one."
        )
    return name


def condition_each(info: GeneratorInfo, conditions: str | int | Sequence[str | int], windows: int | None) -> list[str]:
    """One condition name per window. Raises ConditionError, RequestError."""
    if isinstance(conditions, (str, int)):
        count = 1 if windows is None else whole_number(windows, "The number of windows", 1, MAX_WINDOWS)
        return [known_condition(info, conditions)] * count
    names = [known_condition(info, condition) for condition in conditions]
    if windows is not None and len(names) != windows:
        if len(names) != 1:
            raise RequestError(f"Give one condition, or one for each of {windows} windows; found {len(names)}.")
        names *= whole_number(windows, "The number of windows", 1, MAX_WINDOWS)
    return names


def rates_asked(info: GeneratorInfo, targets: Targets | None, states: Iterable[str]) -> dict[str, float]:
    """The rates asked for, by name. Raises RequestError for one that these weights, or a state, cannot give."""
    given = {} if targets is None else targets.given()
    for rate, value in given.items():
        words = rate.replace("_", " ")
        for state in sorted(states):
            span = info.target_ranges.get(state, {}).get(rate)
            if span is None:
                raise RequestError(f"These weights take no {words}; leave it out.")
            if not span[0] <= value <= span[1]:
                raise RequestError(
                    f"{words} of {state}: expected {span[0]:.0f} to {span[1]:.0f} /min, what the model was trained "
                    f"on; found {value:g}."
                )
    return {rate: float(value) for rate, value in given.items()}


def shared_span(info: GeneratorInfo, rate: str, states: Iterable[str]) -> tuple[float, float] | None:
    """The span in /min that every one of the states can be asked for; None where there is none. rate: see Targets."""
    found = [info.target_ranges.get(state, {}).get(rate) for state in states]
    spans = [span for span in found if span is not None]
    if not spans or len(spans) < len(found):
        return None
    least, most = max(low for low, _ in spans), min(high for _, high in spans)
    return (least, most) if least <= most else None


def streams_asked(
    defaults: Mapping[str, StreamSampling], sampling: Sampling | None, targets: Targets | None = None
) -> dict[str, StreamSampling]:
    """The defaults with what the user asked for in their place. Raises RequestError for what cannot be done.

    A rate asked for brings guidance to LOW, unless another is given.
    """
    asked = sampling or Sampling()
    chosen = {
        "low": {"steps": asked.low_steps, "guidance": asked.low_guidance, "method": asked.method},
        "ecg": {"steps": asked.ecg_steps, "guidance": asked.ecg_guidance, "method": asked.method},
    }
    if targets is not None and targets.given() and asked.low_guidance is None:
        chosen["low"]["guidance"] = max(defaults["low"].guidance, TARGET_GUIDANCE)
    merged = {}
    for stream, default in defaults.items():
        values = {name: value for name, value in chosen[stream].items() if value is not None}
        merged[stream] = replace(default, **{n: as_type(n, value, RequestError) for n, value in values.items()})
    return merged


def recorded(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, StreamSampling]:
    """The settings that a provenance holds. Raises RequestError for what cannot be meant."""
    known = {each.name for each in fields(StreamSampling)}
    if set(settings) != set(STREAMS) or any(set(values) != known for values in settings.values()):
        raise RequestError(f"Expected the sampling of {' and '.join(STREAMS)}, each with {', '.join(sorted(known))}.")
    typed = {
        stream: {name: as_type(name, value, RequestError) for name, value in settings[stream].items()}
        for stream in STREAMS
    }
    return {stream: StreamSampling(**values) for stream, values in typed.items()}


def evaluations(sampling: Sampling, defaults: Sampling, targets: Targets | None = None) -> int:
    """How often the networks are evaluated for a window; guidance takes two evaluations a step.

    sampling: what was asked; defaults: what stands where it says None. A rate asked for brings guidance to LOW.
    """
    used = {
        name: default if (asked := getattr(sampling, name)) is None else asked
        for name, default in asdict(defaults).items()
    }
    if targets is not None and targets.given() and sampling.low_guidance is None:
        used["low_guidance"] = TARGET_GUIDANCE
    return sum((used[f"{stream}_steps"] or 0) * (2 if used[f"{stream}_guidance"] else 1) for stream in ("low", "ecg"))


def whole_number(value: int, name: str, least: int, most: int) -> int:
    """The value as an int from `least` to `most`. Raises RequestError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise RequestError(f"{name}: expected a whole number from {least} to {most}, found {value!r}.")
    return int(value)
