"""A page with a field for a file behind the real gate: streamlit run tests/dashboard/upload_server.py."""

import streamlit as st

if __name__ == "__main__":
    st.file_uploader("A file", accept_multiple_files=True)
else:
    from starlette.middleware import Middleware

    from physiosynth.dashboard.server.gate import Gate

    app = st.App(__file__, middleware=[Middleware(Gate)])
