"""The address of the page: read when it is opened, and written from the fields in the run that draws them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from physiosynth.dashboard.fields import Texts


def params() -> Texts:
    """What the address holds."""
    return {key: st.query_params.get_all(key) for key in st.query_params}


def went_back() -> bool:
    """Whether the browser's Back or Forward led here: then the address says what is meant, and not the fields."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def write(asked: Mapping[str, list[str]]) -> None:
    """Have the address say this and nothing else."""
    # What the browser had said when it asked for this run may be older than what it was told last.
    if not asked == params() == st.session_state.get("address_written", asked):
        st.query_params.from_dict(asked)
    st.session_state.address_written = asked


def link(asked: Mapping[str, list[str]]) -> str:
    """The address that opens the page with these settings."""
    return (st.context.url or "").partition("?")[0] + (f"?{urlencode(asked, doseq=True)}" if asked else "")
