"""The Own data page: a visitor's recording becomes the reference of this visit, and of nobody else's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard import session
from physiosynth.dashboard.messages import for_visitors, literally
from physiosynth.dashboard.own_data_page import files as own_files
from physiosynth.dashboard.own_data_page.files import LABELS, Brought, safe_name
from physiosynth.dashboard.own_data_page.mapping import OTHER, TITLES, Mapping, import_settings, mapping_form
from physiosynth.dashboard.own_data_page.preview import preview
from physiosynth.dashboard.settings import settings
from physiosynth.errors import PhysiosynthError
from physiosynth.families.wearable.signals import CONDITIONS, WINDOW_S
from physiosynth.running.jobs import Job, in_words

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from physiosynth.families.wearable.generator.generator import WESADGenerator
    from physiosynth.families.wearable.scores.own_reference import OwnReference
    from physiosynth.recordings.recording_files import Listed

READING = session.JobSlot("own")
ONE, FILE = "One state", "Labels file"
WORDS = (
    "Your own recording replaces the model's reference on the other pages: windows are shown beside it, evaluated "
    f"against it, and their amplitudes matched to it. It is cut into windows of {WINDOW_S} s and filtered like the "
    "training data."
)
PRIVACY = (
    "Its signals stay in the memory of the computer that runs this page while the page is open, and in a temporary "
    "folder while they are read; no other visitor can see them."
)


def main() -> None:
    """Draw the page."""
    st.header("Compare with your own recording", anchor=False)
    st.markdown(f"{WORDS} {PRIVACY}")
    if not settings().max_upload_mb:
        st.info("The operator of this page has disabled uploads.")
        return
    model = session.generator()
    READING.collect(_take)
    _standing()
    files = _files()
    if not files:
        st.session_state.pop("own_listed", None)
    if not files or model is None:
        return
    try:
        listed = _listed(files)
    except PhysiosynthError as error:
        _tell(error)
        return
    left, right = st.columns([1, 1.25], gap="large")
    with left:
        st.subheader("Channel mapping", anchor=False)
        chosen = mapping_form(listed, _file_key())
        state, labels = _state()
    with right:
        st.subheader("Check", anchor=False)
        preview(listed, chosen.columns, chosen.rate_hz)
        _use(model, files, chosen, state, labels)


def banner() -> None:
    """Say on the other pages that the reference is the visitor's own, with the way back."""
    READING.collect(_take)
    name = session.own_reference_name()
    if name is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="own_banner"):
        st.caption(f":material/person: Reference: own recording **{literally(name)}**", width="content")
        st.button(
            "Back to the model's reference",
            key="own_back",
            type="tertiary",
            on_click=_forget,
            help="Removes the recording from this session.",
        )


def _forget() -> None:
    session.clear_own_reference()
    st.session_state.pop("own_summary", None)


def _standing() -> None:
    """What the reference is now, where it is an own one, and how the last try ended."""
    if READING.error:
        st.error(literally(for_visitors(READING.error)))
    made: OwnReference | None = st.session_state.get("own_summary")
    name = session.own_reference_name()
    if made is None or name is None:
        return
    counts: dict[str, int] = {}
    for state in made.windows.conditions:
        counts[state] = counts.get(state, 0) + 1
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    with st.container(border=True):
        st.subheader(f":material/check_circle: {literally(name)} is the reference", anchor=False)
        st.markdown(
            f"Windows of {WINDOW_S} s: {told}, from {in_words(made.duration_s)} of recording. Median heart rate "
            f"**{made.heart_rate:.0f} bpm**: is that plausible?"
        )
        absent = [state for state in CONDITIONS if state not in counts]
        if absent:
            st.caption(f"It has no windows of {', '.join(absent)}: generated windows of these states are not compared.")
        notes = [
            *made.notes,
            *(f"{TITLES[each]} is missing: scores that need it are not evaluated." for each in made.windows.missing),
            *(["Amplitudes cannot be matched to it."] if made.windows.missing else []),
        ]
        if notes:
            st.caption("\n".join(f"- {literally(note)}" for note in notes))
        st.button("Back to the model's reference", key="own_clear", on_click=_forget)


def _files() -> list[Brought]:
    found: list[UploadedFile] = st.file_uploader(
        "Recording",
        type=list(own_files.TYPES),
        accept_multiple_files=True,
        key="own_files",
        help="A CSV with one column per signal; an EDF, EDF+ or BDF file; or a WFDB record, its .hea file together "
        "with the .dat files it names.",
    )
    return [Brought(safe_name(file.name), file.getvalue(), file.file_id) for file in found]


def _listed(files: Sequence[Brought]) -> tuple[Listed, ...]:
    """What the files hold; looked up once. Raises PhysiosynthError."""
    key = "_".join(file.key for file in files)
    held = st.session_state.get("own_listed")
    if held is None or held[0] != key:
        with st.spinner("Reading the file ..."):
            held = st.session_state.own_listed = (key, own_files.listed(files))
    return held[1]


def _file_key() -> str:
    """Another file brings new guesses, so its fields are new ones."""
    return st.session_state.own_listed[0]


def _state() -> tuple[str | None, Brought | None]:
    """One state for the whole recording, or the labels that were brought."""
    how = st.segmented_control(
        "Condition", [ONE, FILE], default=ONE, required=True, key="own_state_how",
        help="The states that the model knows. Times outside the rows of a labels file are left out.",
    )  # fmt: skip
    if how == ONE:
        return st.selectbox("State", CONDITIONS, key="own_state", format_func=str.capitalize), None
    found = st.file_uploader(
        "Labels: a CSV with the columns start_s, end_s, state", type=["csv", "tsv", "txt"], key="own_labels",
        help="Times in seconds from the first sample; states are baseline, stress, amusement, meditation (or 1 to 4).",
    )  # fmt: skip
    return None, Brought(LABELS, found.getvalue()) if found else None


def _use(
    model: WESADGenerator, files: Sequence[Brought], chosen: Mapping, state: str | None, labels: Brought | None
) -> None:
    """The button that makes it the reference, and progress while that is done."""
    if READING.job is not None:
        READING.bar()
        return
    ready = state is not None or labels is not None
    if not st.button(
        "Use as reference",
        type="primary",
        key="own_use",
        icon=":material/done_all:",
        disabled=not ready,
        width="stretch",
    ):
        return
    everything = [*files, *([labels] if labels else [])]

    def start() -> Job:
        return own_files.start(
            everything, import_settings(name, chosen), state, model.info.eda, _resp_sd(chosen), session.page_open()
        )

    name = own_files.recording_of([file.name for file in files])
    READING.begin(start, name)
    st.rerun()


def _resp_sd(chosen: Mapping) -> float | None:
    """The size that respiration of another unit gets; None where it has the project's or the model none to give."""
    from physiosynth.families.wearable.scores.own_reference import typical_resp_sd

    if chosen.units.get("Resp") != OTHER:
        return None
    try:
        return typical_resp_sd(session.load_fold_reference())
    except PhysiosynthError:
        return None


def _take(job: Job, name: str) -> None:
    """Have what was read for the reference."""
    if job.result is not None:
        session.set_own_reference(job.result.windows, name)
        st.session_state.own_summary = job.result
        st.toast(f"{literally(name)} is now the reference.", icon=":material/check_circle:")


def _tell(error: PhysiosynthError) -> None:
    st.error(literally(for_visitors(str(error))))
