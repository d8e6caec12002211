"""A job under way, drawn: its bar, the time left, its place in the queue, and Cancel."""

from __future__ import annotations

import time

import streamlit as st

from physiosynth.dashboard.sharing import Seat
from physiosynth.running.jobs import WAITING, Job, Progress, in_words

REFRESH_S = 0.4
REDRAW_S = 1.0  # between two drawings of the page for the parts that are finished so far


def watch(job: Job | Seat, key: str, counted: str | None = None) -> None:
    """Draw a job until it ends: the page is drawn again when it has, and when parts of it are there to be shown.

    key: of its Cancel button; counted: what the job counts, None for shares of a whole.
    """
    _watched(job, key, counted, len(job.parts), time.monotonic())


@st.fragment(run_every=REFRESH_S)
def _watched(job: Job | Seat, key: str, counted: str | None, drawn: int, drawn_at: float) -> None:
    """drawn: parts of the job that the page shows; drawn_at: since when."""
    if job.finished or (len(job.parts) > drawn and time.monotonic() - drawn_at > REDRAW_S):
        st.rerun()
    now = job.progress()
    left, right = st.columns([2.4, 1], vertical_alignment="center")
    left.progress(min(1.0, now.share), text="Cancelling ..." if job.cancelling else _how_far(now, counted))
    if right.button(
        "Cancel", key=key, disabled=job.cancelling, width="stretch",
        help="Stops at the next step; finished results are kept.",
    ):  # fmt: skip
        job.cancel()


def _how_far(now: Progress, counted: str | None) -> str:
    if now.state == WAITING and now.ahead:
        return f"Queued: {now.ahead} {'run' if now.ahead == 1 else 'runs'} ahead of yours ..."
    if now.state == WAITING or not now.total:
        return "Starting ..."
    left = f", about {in_words(now.seconds_left)} left" if now.seconds_left is not None else ""
    done = f"{100 * now.share:.0f} %" if counted is None else f"{counted} {now.done} of {now.total}"
    return done + left
