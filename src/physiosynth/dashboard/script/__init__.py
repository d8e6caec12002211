"""The script that Streamlit runs, alone in its folder: Streamlit looks beside it for settings and for pages."""
