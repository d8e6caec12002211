"""The page: streamlit run src/app.py."""

from physiosynth.dashboard.page import main

main()
