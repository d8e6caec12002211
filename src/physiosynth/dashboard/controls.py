"""What a person sets on the page, as one frozen request; every setting is in the page's address too."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from physiosynth.dashboard import presets, session
from physiosynth.dashboard.presets import Preset
from physiosynth.dashboard.rates import IN_ADDRESS, ask_key, rate_fields, spans_of
from physiosynth.dashboard.runs import Request
from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.sources import default_paths
from physiosynth.generate.asking import TARGET_GUIDANCE
from physiosynth.generate.batch import Sampling
from physiosynth.signals import WINDOW_S

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from physiosynth.generate.core import GeneratorInfo

MAX_GUIDANCE = 10.0
MAX_SEED = 2**31 - 1
USUAL_WINDOWS, USUAL_SEED = 4, 6
STREAMS = {"ecg": "ECG", "low": "LOW"}
MEANING = {
    "baseline": "sitting quietly, reading neutral magazines",
    "stress": "speaking and counting down aloud before a panel",
    "amusement": "watching funny video clips",
    "meditation": "guided breathing with closed eyes",
}


@dataclass(frozen=True)
class Form:
    """The controls as they stand. request: None while they ask for nothing; slot: where progress is to be shown."""

    request: Request | None
    pressed: bool
    slot: DeltaGenerator


def settings_form(info: GeneratorInfo) -> Form:
    """Draw the controls of a loaded model."""
    _take_defaults_of(info)
    top = st.container()
    conditions = _states(info)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="numbers"):
        windows, seed = _numbers()
    pressed = st.button(
        "Generate",
        type="primary",
        width="stretch",
        disabled=not conditions,
        key="generate",
        icon=":material/play_arrow:",
    )
    slot = st.container(key="status")
    targets = rate_fields(info, conditions)
    sampling, calibrate = _sampling(info)
    with top:
        _preset(info)
    request = Request(conditions, windows, seed, sampling, targets, calibrate=calibrate) if conditions else None
    return Form(request, pressed and request is not None, slot)


def _states(info: GeneratorInfo) -> tuple[str, ...]:
    chosen = st.pills(
        "State",
        info.conditions,
        default=info.conditions[:1],
        selection_mode="multi",
        wrap=True,
        format_func=str.capitalize,
        key="state",
        bind=IN_ADDRESS,
        help="What the person is doing while the signals are recorded: one state, or several at once.",
    )
    names = tuple(name for name in info.conditions if name in chosen)
    told = [f"{name.capitalize()}: {MEANING[name]}." for name in names if name in MEANING]
    st.caption("  \n".join(told) if names else "Choose a state, or several.")
    return names


def _numbers() -> tuple[int, int]:
    """Windows of each state, and the seed with its dice."""
    most = settings().max_windows
    windows = st.number_input(
        "Windows", 1, most, min(USUAL_WINDOWS, most), key="windows", bind=IN_ADDRESS,
        help=f"How many windows of {WINDOW_S} s to make of each state.",
    )  # fmt: skip
    seed = st.number_input(
        "Seed", 0, MAX_SEED, USUAL_SEED, key="seed", bind=IN_ADDRESS,
        help="Chooses the synthetic people: the same seed and settings give the same signals again.",
    )  # fmt: skip
    st.button(
        "Roll the dice for another seed", on_click=_roll, key="dice", icon=":material/casino:", width="content",
        help="Another seed: other synthetic people.",
    )  # fmt: skip
    return int(windows), int(seed)


def _roll() -> None:
    st.session_state.seed = random.SystemRandom().randrange(10_000)


def _preset(info: GeneratorInfo) -> None:
    """The starting points; the field names the one whose settings stand below, if any does."""
    choices = {preset.name: preset for preset in presets.offered(info)}
    state = st.session_state
    st.session_state.preset = next(
        (name for name, preset in choices.items() if all(state.get(k) == v for k, v in _values(info, preset).items())),
        None,
    )
    st.selectbox(
        "Preset",
        choices,
        index=None,
        placeholder="Choose a starting point",
        format_func=lambda name: f"{name}: {choices[name].meaning[0].lower()}{choices[name].meaning[1:]}",
        key="preset",
        on_change=lambda: _apply(info, choices.get(state.preset)),
        help="Sets everything below but the seed; change it from there.",
    )


def _apply(info: GeneratorInfo, preset: Preset | None) -> None:
    if preset is not None:
        st.session_state.update(_values(info, preset))


def _values(info: GeneratorInfo, preset: Preset) -> dict[str, Any]:
    """What a preset puts into each field."""
    rates = presets.targets_for(info, preset)
    values = {"state": list(preset.conditions), "windows": min(preset.windows, settings().max_windows)}
    values |= {"calibrate": False, **_usual(info)}
    values |= {ask_key(rate): rate in rates for rate in spans_of(info, preset.conditions)} | rates
    if rates:
        values["low_guidance"] = TARGET_GUIDANCE
    return values


def _usual(info: GeneratorInfo) -> dict[str, float | int]:
    """The model's own steps and guidance, within the limits."""
    most = settings().max_steps
    steps = {f"{stream}_steps": min(most, int(getattr(info.defaults, f"{stream}_steps"))) for stream in STREAMS}
    return steps | {f"{stream}_guidance": float(getattr(info.defaults, f"{stream}_guidance")) for stream in STREAMS}


def _take_defaults_of(info: GeneratorInfo) -> None:
    """Another model brings its own steps and guidance."""
    before = st.session_state.get("model")
    st.session_state.model = info.bundle_sha256
    if before not in (None, info.bundle_sha256):
        st.session_state.update(_usual(info))


def _sampling(info: GeneratorInfo) -> tuple[Sampling, bool]:
    """Steps and guidance, with this model's own defaults."""
    usual, numbers = _usual(info), {}
    with st.expander("Sampling", icon=":material/tune:"):
        for column, (stream, name) in zip(st.columns(2), STREAMS.items(), strict=True):
            key = f"{stream}_steps"
            numbers[key] = column.number_input(
                f"{name} steps", 1, settings().max_steps, usual[key], key=key, bind=IN_ADDRESS,
                help=f"How often the network refines the {_carries(stream)}; more takes longer and, beyond the "
                "default, seldom helps.",
            )  # fmt: skip
            key = f"{stream}_guidance"
            numbers[key] = column.number_input(
                f"{name} guidance", 0.0, MAX_GUIDANCE, usual[key], step=0.1, key=key, bind=IN_ADDRESS,
                help=f"How strongly the {_carries(stream)} is pushed towards what is asked for; above 0 each step "
                "costs twice and windows differ less.",
            )  # fmt: skip
        calibrate = st.toggle(
            "Match amplitudes to the reference",
            key="calibrate",
            bind=IN_ADDRESS,
            help="Stretches and shifts each signal by what brings the model's amplitudes to those of the reference "
            "windows of its state; rhythms stay as they are.",
        )
    return Sampling(**numbers), calibrate


def _carries(stream: str) -> str:
    return "ECG" if stream == "ecg" else "slow signals (respiration and skin conductance)"


def path_fields(open_at_once: bool) -> None:
    """Where to look for another model and reference, where visitors may say so."""
    if not settings().paths:
        return
    labels = {
        "milestones": ("Milestones folder", "Holds the manifests (milestone_*.json) and the norm files."),
        "checkpoint": ("Checkpoint file", "The weights, .safetensors or .pt. Empty: the one beside the milestones."),
        "fold": (
            "Reference fold",
            "A folder with test_X_ecg.npy and test_X_low.npy, your own recording's for example.",
        ),
    }
    with st.expander("Advanced: paths", expanded=open_at_once, icon=":material/folder_open:"):
        # The fields are told their value at every run, and are not where it is kept: a field whose first run was cut
        # short by a click would otherwise come back empty. A new key makes a field forget what was typed.
        for name, (label, explained) in labels.items():
            key = f"path_{name}_{st.session_state.setdefault('paths_reset', 0)}"
            value = getattr(default_paths(), name)
            st.text_input(label, value, key=key, help=explained, on_change=_keep_path, args=(name, key))
        st.button(
            "Back to the defaults",
            on_click=_reset_paths,
            key="reset_paths",
            help="Forgets what was typed here and takes the page's own model and reference again.",
        )


def _keep_path(name: str, key: str) -> None:
    session.set_paths(replace(session.paths(), **{name: st.session_state[key].strip()}))


def _reset_paths() -> None:
    session.set_paths(default_paths())
    st.session_state.paths_reset += 1
