"""What a visitor takes home of a run: files, each made when it is asked for, and the same run as code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.bundles.bundle import DEFAULT
from physiosynth.dashboard.loading import default_paths, load_generator
from physiosynth.dashboard.settings import settings
from physiosynth.errors import PhysiosynthError

if TYPE_CHECKING:
    from physiosynth.dashboard.generate_page.runs import Run

ELSEWHERE = "bundle.zip"  # stands for a bundle that the page does not name
BUTTON_PX, WORDS_PX = 112, 196  # side by side on a screen of 390 pixels
INSIDE = "All windows with units, sampling rates, states, beat times and settings, marked as synthetic."


def show(run: Run) -> None:
    """A menu of files and one of code, side by side."""
    with st.container(horizontal=True, width="content", key="downloads"):
        with st.popover("Download", icon=":material/download:", help=INSIDE):
            _files(run)
        with st.popover("Code", icon=":material/code:", help="The same windows from Python or the command line."):
            _code(run)


def _files(run: Run) -> None:
    from physiosynth.families.wearable.export import FORMATS, to_bytes

    for each in FORMATS:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.download_button(
                each.name,
                data=lambda each=each: to_bytes(run.batch, each),
                file_name=run.file_stem + each.suffix,
                mime=each.mime,
                on_click="ignore",
                key=f"download_{each.name}",
                icon=":material/download:",
                disabled=each.missing is not None,
                width=BUTTON_PX,
            )
            st.markdown(f":small[{each.missing or each.readers}]", width=WORDS_PX)


def _code(run: Run) -> None:
    from physiosynth.families.wearable.generator.snippets import command_line, counts_of, python_snippet

    source, file = run.batch.provenance, f"{run.file_stem}.npz"
    bundle = _bundle_name(source.bundle_sha256)
    st.code(python_snippet(source, bundle, file), language="python", wrap_lines=True)
    lines = ["# The same from the command line", command_line(source, bundle, file)]
    if counts_of(source) is not None:
        lines += ["# Generate a downloaded file again and compare", f"physiosynth reproduce {file}"]
    st.code("\n".join(lines), language="bash", wrap_lines=True)


def _bundle_name(sha256: str) -> str:
    """What from_bundle is given for the bundle of this hash: "default", or a name that stands for it."""
    try:
        usual = settings().bundle == DEFAULT and load_generator(default_paths()).info.bundle_sha256
    except PhysiosynthError:
        return ELSEWHERE
    return DEFAULT if usual == sha256 else ELSEWHERE
