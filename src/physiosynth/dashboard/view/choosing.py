"""Which window of a run is on show, which reference window with it, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from physiosynth.dashboard.view.measured import of_state

if TYPE_CHECKING:
    from physiosynth.dashboard.generate_page.runs import Run
    from physiosynth.families.wearable.data.reference import RealWindows

BESIDE, OVER, OFF = "Beside", "Over", "Off"


@dataclass(frozen=True)
class Choice:
    """position: of the window in the batch; reference: position of the reference window, None without one."""

    position: int
    reference: int | None
    arrangement: str


def position_of(run: Run) -> int:
    """The position of the window of a run that is on show."""
    return min(st.session_state.get(f"view_at_{run.key}", 0), len(run.batch) - 1)


def choose_window(run: Run, position: int) -> None:
    """Put a window of a run on show."""
    st.session_state[f"view_at_{run.key}"] = position
    state = run.batch.conditions[position]
    rank = run.batch.conditions[:position].count(state)
    st.session_state[_state_key(run)] = state
    st.session_state[_window_key(run, state)] = rank + 1


def choose(run: Run, reference: RealWindows | None) -> Choice:
    """Draw the pickers."""
    batch, at = run.batch, position_of(run)
    states, state = tuple(dict.fromkeys(batch.conditions)), batch.conditions[at]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(states) > 1:
            state = st.pills(
                "State shown", states, default=state, required=True, format_func=str.capitalize, key=_state_key(run)
            )
        own = of_state(batch, state)
        rank = int(np.flatnonzero(own == at)[0]) if at in own else 0
        rank = _slider("Window", len(own), rank, _window_key(run, state), "Which of the finished windows is shown.")
        matching = of_state(reference, state)
        arrangement, chosen = OFF, 0
        if len(matching):
            chosen = _slider(
                "Reference window",
                len(matching),
                0,
                f"reference_{state}",
                "The reference window of the same state to compare with.",
            )
            arrangement = st.segmented_control(
                "Reference",
                [BESIDE, OVER, OFF],
                default=BESIDE,
                required=True,
                key="arrangement",
                help="Where the reference window is shown.",
            )
    position = int(own[rank])
    st.session_state[f"view_at_{run.key}"] = position
    return Choice(position, None if arrangement == OFF else int(matching[chosen]), arrangement)


def _slider(label: str, count: int, at: int, key: str, help: str) -> int:
    """A position from 0, shown counted from 1; no slider where there is nothing to choose."""
    if count < 2:
        return 0
    st.session_state.setdefault(key, at + 1)
    st.session_state[key] = min(st.session_state[key], count)  # while a run is made, the count grows
    return st.slider(label, 1, count, key=key, help=help, width=180) - 1


def _state_key(run: Run) -> str:
    return f"view_state_{run.key}"


def _window_key(run: Run, state: str) -> str:
    return f"view_window_{run.key}_{state}"
