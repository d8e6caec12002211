"""What a person sets on the page, as one frozen request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard import session
from physiosynth.dashboard.runs import Request
from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.sources import default_paths
from physiosynth.generate.batch import Sampling
from physiosynth.signals import WINDOW_S

if TYPE_CHECKING:
    from physiosynth.generate.core import GeneratorInfo

MAX_GUIDANCE = 10.0
MAX_SEED = 2**31 - 1
MEANING = {
    "baseline": "Sitting quietly, reading neutral magazines.",
    "stress": "Speaking and counting down aloud before a panel.",
    "amusement": "Watching funny video clips.",
    "meditation": "Guided breathing with closed eyes.",
}


def request_form(info: GeneratorInfo | None, busy: bool) -> tuple[str, Request | None]:
    """Draw the controls: the chosen state, and the request when Generate was pressed.

    info is None while no model could be loaded: then there are only the paths, to mend that.
    """
    condition, request = "", None
    if info is not None:
        condition = _condition(info)
        left, right = st.columns(2)
        most = settings().max_windows
        windows = left.number_input(
            "Windows", 1, most, min(4, most), key="windows", help=f"How many windows of {WINDOW_S} s to make."
        )
        seed = right.number_input(
            "Seed", 0, MAX_SEED, 6, key="seed", help="The same seed and settings give the same signals again."
        )
        pressed = st.button(
            "Generate", type="primary", width="stretch", disabled=busy, key="generate", icon=":material/play_arrow:"
        )
        sampling, calibrate = _sampling(info)
        if pressed and not busy:
            request = Request((condition,), int(windows), int(seed), sampling, calibrate)
    if settings().paths:
        _path_fields(open_at_once=info is None)
    return condition, request


def _condition(info: GeneratorInfo) -> str:
    condition = st.pills(
        "State",
        info.conditions,
        default=info.conditions[0],
        required=True,
        wrap=True,
        format_func=str.capitalize,
        key=f"condition_{len(info.conditions)}",
        help="What the person is doing while the signals are recorded.",
    )
    st.caption(MEANING.get(condition, ""))
    return condition


def _sampling(info: GeneratorInfo) -> tuple[Sampling, bool]:
    """Steps and guidance with this model's own defaults; another model brings its own."""
    default, model = info.defaults, info.bundle_sha256[:12]
    with st.expander("Sampling", icon=":material/tune:"):
        left, right = st.columns(2)
        numbers, most = {}, settings().max_steps
        for column, stream, name in ((left, "ecg", "ECG"), (right, "low", "LOW")):
            numbers[f"{stream}_steps"] = column.number_input(
                f"{name} steps",
                1,
                most,
                min(most, int(getattr(default, f"{stream}_steps"))),
                key=f"{stream}_steps_{model}",
                help=f"How often the network refines the {_carries(stream)}. More takes longer; beyond the default it "
                "seldom helps.",
            )
            numbers[f"{stream}_guidance"] = column.number_input(
                f"{name} guidance",
                0.0,
                MAX_GUIDANCE,
                float(getattr(default, f"{stream}_guidance")),
                step=0.1,
                key=f"{stream}_guidance_{model}",
                help=f"How strongly the {_carries(stream)} is pushed towards the state. 0 is off; above 0 each step "
                "costs twice and windows differ less.",
            )
        calibrate = st.toggle(
            "Calibrate to the reference",
            key="calibrate",
            help="Stretches and shifts the finished signals so that their amplitudes are spread like those of the "
            "reference windows of this state. Rhythms stay as they are.",
        )
    return Sampling(**numbers), calibrate


def _carries(stream: str) -> str:
    return "ECG" if stream == "ecg" else "slow signals (respiration and skin conductance)"


def _path_fields(open_at_once: bool) -> None:
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
        st.button("Back to the defaults", on_click=_reset_paths, key="reset_paths")


def _keep_path(name: str, key: str) -> None:
    session.set_paths(replace(session.paths(), **{name: st.session_state[key].strip()}))


def _reset_paths() -> None:
    session.set_paths(default_paths())
    st.session_state.paths_reset += 1
