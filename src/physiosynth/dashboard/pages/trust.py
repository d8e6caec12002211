"""The Trust page: how far the synthetic windows can be trusted."""

from __future__ import annotations

import streamlit as st


def main() -> None:
    """Draw the page."""
    st.info("How close the synthetic windows come to the reference will be scored here.")
