"""The frame of every page: title, what these signals are, the way between the pages, and errors in words."""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

from physiosynth.dashboard import session
from physiosynth.dashboard.compare_page import page as compare
from physiosynth.dashboard.generate_page import page as generate
from physiosynth.dashboard.messages import for_visitors
from physiosynth.dashboard.own_data_page import page as own_data
from physiosynth.dashboard.trust_page import page as trust
from physiosynth.errors import PhysiosynthError
from physiosynth.running.jobs import UNEXPECTED

TRAINED_ON = {"virtual": "simulated data", "recorded": "recordings of people", "imported": "a user's own recordings"}
STYLE = Path(__file__).with_name("style.css")
ICON = str(Path(__file__).with_name("icon.svg"))  # a Material icon would be asked of a server on the internet


def main() -> None:
    """Draw the page that was asked for; nothing that goes wrong on it shows a traceback."""
    st.set_page_config("physiosynth", page_icon=ICON, layout="wide")
    st.html(STYLE)
    try:
        page = st.navigation(
            [
                st.Page(generate.main, title="Generate", icon=":material/ecg:", url_path="generate", default=True),
                st.Page(trust.main, title="Trust", icon=":material/verified:", url_path="trust"),
                st.Page(compare.main, title="Compare", icon=":material/compare:", url_path="compare"),
                st.Page(own_data.main, title="Own data", icon=":material/upload_file:", url_path="own-data"),
            ],
            position="top",
        )
        _head()
        if page.url_path != "own-data":
            own_data.banner()
        page.run()
    except PhysiosynthError as error:
        st.error(for_visitors(str(error)))
    except Exception:
        logging.getLogger(__name__).exception("The page failed.")
        st.error(UNEXPECTED)


def _head() -> None:
    model = session.generator()
    trained = TRAINED_ON.get(model.info.source) if model is not None else None
    words = f"Synthetic, trained on {trained}, not for clinical use" if trained else "Synthetic, not for clinical use"
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        st.title("physiosynth", anchor=False, width="content")
        st.badge(words, color="orange", width="content")
    problem = session.generator_problem()
    if problem is not None:
        st.error(for_visitors(problem))
