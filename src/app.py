"""The page and its server: streamlit run src/app.py."""

import streamlit as st

from physiosynth.dashboard.serving import server_parts, show_page

if __name__ == "__main__":  # run by Streamlit as the page's script, for each visit and click
    show_page()
else:  # imported by `streamlit run` as the server, once
    app = st.App(__file__, **server_parts())
