"""What a visitor takes home of a run: files, each made when it is asked for, and the same run as code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard.settings import settings
from physiosynth.generate.bundle import DEFAULT

if TYPE_CHECKING:
    from physiosynth.dashboard.runs import Run

ELSEWHERE = "bundle.zip"  # stands for a bundle that the page does not name
INSIDE = "All windows with units, rates, states, beat times, settings and the word synthetic inside."


def show(run: Run) -> None:
    """A menu of files and one of code, side by side."""
    with st.container(horizontal=True, width="content", key="downloads"):
        with st.popover("Download", icon=":material/download:", help=INSIDE):
            _files(run)
        with st.popover("Code", icon=":material/code:", help="The same windows from Python or the command line."):
            _code(run)


def _files(run: Run) -> None:
    from physiosynth.generate.export import FORMATS, to_bytes

    for each in FORMATS:
        st.download_button(
            f"Download {each.name}",
            data=lambda each=each: to_bytes(run.batch, each),
            file_name=run.file_stem + each.suffix,
            mime=each.mime,
            on_click="ignore",
            key=f"download_{each.name}",
            icon=":material/download:",
            disabled=each.missing is not None,
            width="stretch",
        )
        st.caption(each.missing or each.readers)


def _code(run: Run) -> None:
    from physiosynth.generate.snippets import command_line, counts_of, python_snippet

    source, file = run.batch.provenance, f"{run.file_stem}.npz"
    bundle = DEFAULT if settings().bundle == DEFAULT else ELSEWHERE
    if counts_of(source) is None:
        st.caption("Calibrated windows are drawn again from a downloaded file, which holds what they were matched to.")
    st.code(python_snippet(source, bundle, file), language="python", wrap_lines=True)
    st.caption("In the project's folder:")
    st.code(command_line(source, bundle, file), language="bash", wrap_lines=True)
    st.caption(f"Any downloaded file is checked by drawing it again: `python scripts/reproduce.py {file}`")
