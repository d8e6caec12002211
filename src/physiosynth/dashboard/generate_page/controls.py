"""The controls of the Generate page: they show what stands in its fields, and write there what a person does."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from physiosynth.dashboard import session
from physiosynth.dashboard.fields import LABELS, Fields, asked_in, usual_sampling
from physiosynth.dashboard.generate_page import address, presets
from physiosynth.dashboard.generate_page.rates import RATES, Rate, middle_of, spans_of
from physiosynth.dashboard.generate_page.runs import Request
from physiosynth.dashboard.loading import default_paths
from physiosynth.dashboard.settings import settings
from physiosynth.families.wearable.signals import WINDOW_S

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from physiosynth.families.wearable.generator.generator import GeneratorInfo

STREAMS = {"ecg": "ECG", "low": "slow signals (EDA, respiration and RR intervals)"}
SAMPLING = (  # setting of a stream, step of its field, explanation
    ("steps", 1.0, "Denoising steps of the {}. More steps take longer and, beyond the default, seldom help."),
    (
        "guidance",
        0.1,
        "Guidance scale of the {}: how strongly sampling follows the state and the target rates. Above 0, each step "
        "costs twice as much and windows vary less.",
    ),
)
MEANING = {
    "baseline": "sitting quietly, reading neutral magazines",
    "stress": "speaking and counting down aloud before a panel",
    "amusement": "watching funny video clips",
    "meditation": "guided breathing with closed eyes",
}


@dataclass(frozen=True)
class Form:
    """The controls as they stand. request: None while they ask for nothing that can be drawn; slot: for progress;
    link: the address that restores them."""

    request: Request | None
    pressed: bool
    slot: DeltaGenerator
    link: str


def settings_form(info: GeneratorInfo) -> Form:
    """Draw the controls of a loaded model."""
    fields = _standing(info)
    problems = fields.problems(info)
    top = st.container()
    _states(info, fields)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="numbers"):
        _numbers(fields)
    for key in ("windows", "seed"):
        _problem(problems, key)
    pressed = st.button(
        "Generate",
        type="primary",
        width="stretch",
        disabled=bool(problems),
        key="generate",
        icon=":material/play_arrow:",
    )
    slot = st.container(key="status")
    _rates(info, fields)
    _sampling(fields, problems)
    with top:
        _preset(info, fields)
    asked = fields.to_address(info)
    if not problems:
        address.write(asked)
    return Form(None if problems else fields.request(), pressed and not problems, slot, address.link(asked))


def _standing(info: GeneratorInfo) -> Fields:
    """The fields of this session: from the address when it is opened; another model brings its own steps and guidance.

    They are kept apart from the widgets that show them: Streamlit forgets the value of a widget that is not drawn.
    """
    state = st.session_state
    fields = state.get("fields")
    if fields is None or address.went_back():
        fields, state.notice = Fields.from_address(asked_in(address.params()), info)
    elif state.model != info.bundle_sha256:
        known = tuple(name for name in info.conditions if name in fields.state)
        fields = replace(fields, state=known or info.conditions[:1], **usual_sampling(info))
    state.model, state.fields = info.bundle_sha256, fields.settled(info)
    return state.fields


def _widget(
    name: str, value: Any, on_change: Callable[[Any], None], of: Callable[[Any], Any] = lambda given: given
) -> dict[str, Any]:
    """Key and callback of a widget that shows this value; on_change is given `of` what a person makes of it.

    Where anything but the widget itself changed the value, its key is another one. To tell the widget that is there
    would be a race: until the browser has heard of it, whatever it asks for comes with the value before, which looks
    like a person's.
    """
    drawn: dict[str, tuple[int, Any]] = st.session_state.setdefault("drawn", {})
    version, holds = drawn.get(name, (0, value))
    version += holds != value
    drawn[name] = version, value
    key = f"{name}_{version}"

    def changed() -> None:
        state = st.session_state
        if state.drawn[name][0] == version and key in state:
            given = of(state[key])
            state.drawn[name] = version, given
            on_change(given)

    return {"key": key, "on_change": changed}


def _field(name: str, value: Any, of: Callable[[Any], Any] = lambda given: given) -> dict[str, Any]:
    """Key and callback of the widget of a field, which then holds what the widget is given."""
    return _widget(name, value, lambda given: _set(replace(st.session_state.fields, **{name: given})), of)


def _set(fields: Fields) -> None:
    st.session_state.fields = fields


def _problem(problems: dict[str, str], key: str) -> None:
    if key in problems:
        st.caption(f":red[{problems[key]}]")


def _states(info: GeneratorInfo, fields: Fields) -> None:
    st.pills(
        "State",
        info.conditions,
        default=fields.state,
        selection_mode="multi",
        wrap=True,
        format_func=str.capitalize,
        **_field("state", fields.state, lambda chosen: tuple(name for name in info.conditions if name in chosen)),
        help="What the simulated person is doing during the window. Choose one state or several.",
    )
    told = [f"{name.capitalize()}: {MEANING[name]}." for name in fields.state if name in MEANING]
    st.caption("  \n".join(told) if fields.state else "Choose one state or several.")


def _number(fields: Fields, name: str, step: float, explained: str) -> None:
    """A number field that takes any number, so that the page can say what is wrong with one: a browser only stops."""
    value = float(getattr(fields, name))
    st.number_input(LABELS[name], value=value, step=step, format="%g", help=explained, **_field(name, value))


def _numbers(fields: Fields) -> None:
    """Windows of each state, and the seed with its dice."""
    _number(fields, "windows", 1.0, f"Number of {WINDOW_S} s windows to generate per state.")
    st.text_input(  # a number field holds whole numbers up to 2^53 alone
        LABELS["seed"], fields.seed, **_field("seed", fields.seed, str.strip),
        help="Starts the random numbers. The same seed and settings give the same signals again.",
    )  # fmt: skip
    st.button(
        "Random seed", on_click=_roll, key="dice", icon=":material/casino:", width="content",
        help="Draws another seed, which gives other signals.",
    )  # fmt: skip


def _roll() -> None:
    seed = str(random.SystemRandom().randrange(10_000))
    _set(replace(st.session_state.fields, seed=seed))


def _preset(info: GeneratorInfo, fields: Fields) -> None:
    """The starting points; the field names the one whose settings stand below, if any does."""
    choices = {preset.name: preset for preset in presets.offered(info)}
    filled = {name: presets.fields_of(info, preset, fields.seed) for name, preset in choices.items()}
    standing = next((name for name in filled if filled[name] == fields), None)

    st.selectbox(
        "Preset",
        choices,
        index=None if standing is None else list(choices).index(standing),
        placeholder="Choose a preset",
        format_func=lambda name: f"{name}: {choices[name].meaning[0].lower()}{choices[name].meaning[1:]}",
        **_widget("preset", standing, lambda name: _set(filled.get(name, fields))),
        help="Sets every field below except the seed; you can adjust them afterwards.",
    )


def _rates(info: GeneratorInfo, fields: Fields) -> None:
    """A switch and a slider for each rate that the model takes; nothing where it takes none."""
    spans = spans_of(info, fields.state)
    if not spans:
        return
    with st.expander("Target rates", icon=":material/favorite:"):
        for rate in RATES:
            if rate.name in spans:
                _rate(info, fields, rate, spans[rate.name])
        if fields.rates:
            st.caption("Guidance of the slow signals steers towards these rates and doubles the cost of a step.")


def _rate(info: GeneratorInfo, fields: Fields, rate: Rate, span: tuple[float, float] | None) -> None:
    name, value = rate.name, getattr(fields, rate.name)

    def ask(wanted: bool) -> None:
        middle = middle_of(info, name, fields.state) if wanted else None
        _set(st.session_state.fields.requesting(info, **{name: middle}))

    st.toggle(
        rate.label,
        value is not None,
        disabled=span is None,
        **_widget(f"ask_{name}", value is not None, ask),
        help=f"Sets a target in {rate.unit} instead of leaving this rate to the state; generating takes longer.",
    )
    if span is None:
        st.caption("The chosen states share no range of this rate in the training data.")
    elif value is not None:
        st.slider(
            f"{rate.label}, {rate.unit}",
            *span,
            value,
            rate.step,
            **_field(name, value),
            format="%g",
            help=f"{span[0]:g} to {span[1]:g} {rate.unit}, the range in the training data of every chosen state.",
        )


def _sampling(fields: Fields, problems: dict[str, str]) -> None:
    """Steps and guidance of each stream, and calibration."""
    with st.expander("Sampling", icon=":material/tune:"):
        for setting, step, explained in SAMPLING:
            for column, (stream, carries) in zip(
                st.columns(2, vertical_alignment="bottom"), STREAMS.items(), strict=True
            ):
                with column:
                    _number(fields, f"{stream}_{setting}", step, explained.format(carries))
                    _problem(problems, f"{stream}_{setting}")
        st.toggle(
            "Match amplitudes to the reference",
            fields.calibrate,
            **_field("calibrate", fields.calibrate),
            help="Scales and shifts each signal so that the model's amplitudes match those of the reference windows of "
            "the same state; timing does not change.",
        )


def path_fields(open_at_once: bool) -> None:
    """Where to look for another model and reference, where visitors may say so."""
    if not settings().paths:
        return
    labels = {
        "milestones": ("Checkpoint folder", "Holds the manifests (milestone_*.json) and the normalization files."),
        "checkpoint": (
            "Checkpoint file",
            "The weights, .safetensors or .pt. Empty: those in the checkpoint folder.",
        ),
        "fold": (
            "Reference fold",
            "A folder with test_X_ecg.npy and test_X_low.npy, such as one made from your own recording.",
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
            "Reset to defaults",
            on_click=_reset_paths,
            key="reset_paths",
            help="Discards these paths and uses the page's own model and reference again.",
        )


def _keep_path(name: str, key: str) -> None:
    session.set_paths(replace(session.paths(), **{name: st.session_state[key].strip()}))


def _reset_paths() -> None:
    session.set_paths(default_paths())
    st.session_state.paths_reset += 1
