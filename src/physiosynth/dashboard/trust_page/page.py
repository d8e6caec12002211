"""The Trust page: what the judges say of the windows, what they cannot say, and what the model is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard import session
from physiosynth.dashboard.messages import for_visitors
from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.trust_page import score_jobs as looks
from physiosynth.dashboard.trust_page import trust_card
from physiosynth.dashboard.trust_page.score_chart import score_chart
from physiosynth.dashboard.trust_page.score_jobs import Subject
from physiosynth.errors import PhysiosynthError
from physiosynth.running.jobs import Job, in_words

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.reference import RealWindows
    from physiosynth.families.wearable.generator.generator import WESADGenerator
    from physiosynth.families.wearable.judging.findings import Finding
    from physiosynth.families.wearable.scores.quick import Line, QuickLook

JUDGING = session.JobSlot("look")
FRESH, SHOWN = "New windows of every state", "The current run"
PEOPLE, REFERENCE = "Simulated people", "The reference"
LISTED = 8  # findings of a list before the rest is folded away
COMMAND = "physiosynth evaluate --bundle default --out runs/judged --controls"
COLUMNS = {  # heading of a list, and what it means
    "alike": ("● Like reference", "Within the differences among reference windows of the same or of other people."),
    "minor": ("▲ Minor discrepancy", "A larger discrepancy, yet nearer to the reference than to the negative control."),
    "discrepant": ("✕ Discrepant", "Nearer to the negative control (corrupted windows) than to the reference."),
}


def main() -> None:
    """Draw the page."""
    model, reference = session.generator(), session.reference()
    st.header("How far can these windows be trusted?", anchor=False)
    if model is not None:
        if reference is None:
            st.info(for_visitors(session.reference_problem() or ""))
        else:
            _judgement(model, reference)
        trust_card.show(model)


def _judgement(model: WESADGenerator, reference: RealWindows) -> None:
    """The choice of what is judged, the job, and what came of it."""
    JUDGING.collect(_keep)
    subject, pressed = _choice(model, reference)
    if subject is None:
        return
    key = subject.key(model.info.bundle_sha256, looks.digest(reference))
    if key not in looks.kept() and (pressed or not st.session_state.get("looked_first")):
        st.session_state.looked_first = True
        JUDGING.begin(
            lambda: looks.start(subject, model, reference, session.page_open(), _shared_as(subject, key)), key
        )
        JUDGING.collect(_keep)  # what others have waited for is there at once
    found = looks.kept().get(key)
    JUDGING.bar()
    if JUDGING.error:
        st.error(for_visitors(JUDGING.error))
    if found is not None:
        _show(*found, subject)
    elif JUDGING.job is None:
        st.caption("Not evaluated yet: press **Evaluate**.")


def _choice(model: WESADGenerator, reference: RealWindows) -> tuple[Subject | None, bool]:
    """What is to be judged, None where that cannot be, and whether the button was pressed."""
    run = session.current()
    left, middle, right = st.columns([2.4, 2.2, 1], vertical_alignment="bottom")
    what = FRESH
    if run is not None:
        what = left.segmented_control(
            "Evaluate", [FRESH, SHOWN], default=FRESH, required=True, key="judge_what",
            help="Scores of a few windows are imprecise. New windows are generated with the settings and seed of the "
            "current run, and are not kept.",
        )  # fmt: skip
    else:
        left.markdown(f"Evaluate: **{FRESH.lower()}**")
    strangers = middle.segmented_control(
        "Compared with",
        _yardsticks(reference),
        required=True,
        default=_yardsticks(reference)[0],
        key=f"judge_against_{session.own_reference_name() or ''}",
        help="Simulated people: 16 diverse people whom no model has seen. The reference: the recording that the "
        "Generate page compares with; where it is one person's, the scores of other people are shown, too.",
    )
    try:
        request = looks.fresh(run, model, reference) if what == FRESH else None
    except PhysiosynthError as error:
        st.warning(for_visitors(str(error)))
        return None, False
    subject = Subject(run if what == SHOWN else None, request, run is not None, strangers == PEOPLE)
    pressed = right.button(
        "Evaluate", type="primary", width="stretch", key="judge", icon=":material/verified:",
        disabled=JUDGING.job is not None,
    )  # fmt: skip
    return subject, pressed


def _yardsticks(reference: RealWindows) -> list[str]:
    """Simulated people come first where the reference is one of them; a recording is held against itself first."""
    if reference.eda != "full":
        return [REFERENCE]
    return [PEOPLE, REFERENCE] if looks.strangers_first(reference) else [REFERENCE, PEOPLE]


def _shared_as(subject: Subject, key: tuple) -> tuple | None:
    """New windows beside the model's own reference are judged once for all visitors; what is a visitor's own is not."""
    return key if subject.run is None and session.own_reference_name() is None else None


def _keep(job: Job, key: tuple) -> None:
    if job.result is not None:
        looks.keep(key, job.result, job.seconds)


def _show(look: QuickLook, seconds: float, subject: Subject) -> None:
    """The verdict in words, the findings, the chart and the figures."""
    from physiosynth.families.wearable.judging.findings import LEVELS

    with st.container(border=True):
        st.markdown(f"#### {LEVELS[look.verdict].mark} {look.headline}")
        st.markdown(f"{look.lead} Evaluated: {subject.words}.")
        st.caption(f"**A quick and imprecise evaluation.** {look.rough} It took {in_words(seconds)}.")
    for column, (name, (title, meaning)) in zip(st.columns(3, gap="medium"), COLUMNS.items(), strict=True):
        with column:
            _findings(title, meaning, getattr(look, name))
    _figures(look)
    _full_report()


def _findings(title: str, meaning: str, found: tuple[Finding, ...]) -> None:
    st.markdown(f"##### {title}", help=meaning)
    if not found:
        st.caption("None.")
        return
    st.markdown("\n".join(f"- {each.text}" for each in found[:LISTED]))
    if len(found) > LISTED:
        with st.expander(f"{len(found) - LISTED} more"):
            st.markdown("\n".join(f"- {each.text}" for each in found[LISTED:]))


def _figures(look: QuickLook) -> None:
    """Every score between the reference and its negative control, for all states or one."""
    from physiosynth.families.wearable.features.measured import ALL_STATES
    from physiosynth.families.wearable.judging.findings import GROUP_TITLES

    st.subheader("Each score between reference and negative control", anchor=False)
    st.caption(
        "**0** is the split-half baseline, the mean score of random halves of the same reference windows against each "
        "other; the shaded bar ends at its 95 % limit. **1** is the negative control (corrupted windows). The dot is "
        "what was evaluated, the line other people. Left of 0, windows are closer to the reference than its halves are "
        "to each other. A score that cannot tell its control from the reference is not evaluated."
    )
    states = [ALL_STATES, *look.states] if len(look.states) > 1 else [ALL_STATES]
    state = ALL_STATES
    if len(states) > 1:
        state = st.segmented_control(
            "States", states, default=ALL_STATES, required=True, key="judge_state", format_func=_state_title
        )
    lines = look.lines(state)
    groups = list(dict.fromkeys(line.group for line in lines))
    for column, half in zip(st.columns(2, gap="large"), (groups[:1], groups[1:]), strict=True):
        for group in half:
            mine = [line for line in lines if line.group == group]
            column.markdown(f"###### {GROUP_TITLES[group]}")
            column.altair_chart(score_chart(mine, GROUP_TITLES[group]), width="stretch", key=f"scores_{group}")
    with st.expander("The scores as a table"):
        st.dataframe(_rows(lines), hide_index=True, width="stretch")


def _state_title(state: str) -> str:
    return "All states pooled" if state == "all" else state.capitalize()


def _rows(lines: tuple[Line, ...]) -> list[dict[str, object]]:
    """The figures of the chart, in the units of the scores."""
    from physiosynth.families.wearable.judging.findings import LEVELS

    return [
        {
            "Score": line.name,
            "Verdict": f"{LEVELS[line.level].mark} {LEVELS[line.level].word}",
            "These windows": line.value,
            "Split-half baseline": line.floor,
            "Split-half baseline, 95 %": line.edge,
            "Other people": line.people,
            "Control": line.control,
            "Type of control": line.control_name,
            "Unit": line.unit,
            "Better": {"lower": "lower", "higher": "higher"}.get(line.better, "nearer to 0"),
            "Meaning": line.meaning,
        }
        for line in lines
    ]


def _full_report() -> None:
    with st.expander("The full report", icon=":material/article:"):
        st.markdown(
            "A quick evaluation leaves out what takes minutes: classifiers trained on these windows, attacks on the "
            "privacy of the training subjects, networks trained to tell single windows apart, and confidence "
            "intervals. Where the project is installed, this command writes a report with all of it:"
        )
        st.code(COMMAND, language="bash")
        if settings().bundle_words:
            st.caption("Replace `default` with the folder of this page's bundle.")
        text = trust_card.evaluation_text()
        if text:
            st.divider()
            st.markdown(text)
