"""The Compare page: runs of this session beside each other."""

from __future__ import annotations

import streamlit as st


def main() -> None:
    """Draw the page."""
    st.info("The runs of this session will stand side by side here.")
