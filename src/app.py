"""The page and its server: streamlit run src/app.py."""

import streamlit as st

if __name__ == "__main__":  # run by Streamlit as the page's script, for each visit and click
    from physiosynth.dashboard.page import main

    main()
else:  # imported by `streamlit run` as the server, once
    from starlette.middleware import Middleware

    from physiosynth.dashboard.gate import Gate
    from physiosynth.dashboard.readiness import Readiness

    readiness = Readiness()
    app = st.App(__file__, routes=readiness.routes(), lifespan=readiness.lifespan, middleware=[Middleware(Gate)])
