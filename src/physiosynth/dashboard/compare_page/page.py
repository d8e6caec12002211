"""The Compare page: the runs of this session, two of them side by side, and a sweep over settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard import session, view
from physiosynth.dashboard.compare_page import sweep as sweep_page
from physiosynth.dashboard.compare_page import sweep_jobs as sweeping
from physiosynth.dashboard.generate_page import rates
from physiosynth.dashboard.messages import for_visitors
from physiosynth.dashboard.trust_page.score_chart import number
from physiosynth.dashboard.trust_page.score_jobs import digest, strangers_first

if TYPE_CHECKING:
    from physiosynth.dashboard.generate_page.runs import Run
    from physiosynth.families.wearable.data.reference import RealWindows
    from physiosynth.families.wearable.scores.glance import Figure

UNTOLD = ("no", "none")  # what was left out of a run need not be listed
SCORING = session.JobSlot("glance")
HISTORY, PAIR, SWEEP = "Runs of this session", "Two side by side", "Sweep"


def main() -> None:
    """Draw the page."""
    model, reference = session.generator(), session.reference()
    SCORING.collect(on_part=_keep)
    st.header("Compare", anchor=False)
    panels = st.tabs([HISTORY, PAIR, SWEEP], key="compare_tab", on_change="rerun")
    for panel, draw in zip(panels, (_history, _pair, sweep_page.show), strict=True):
        if panel.open:
            with panel:
                draw(model, reference)


def _history(model: object, reference: RealWindows | None) -> None:
    """Every run that is kept, newest first, with its settings and figures."""
    runs = session.runs()
    if not runs:
        st.info("No runs in this session yet. Runs of the Generate page are listed here.")
        return
    scored = _glances(reference)
    _scoring(runs, reference, scored)
    for place, run in reversed(list(enumerate(runs, start=1))):
        with st.container(border=True, key=f"run_{run.key}"):
            _entry(place, run, scored.get(run.key))


def _entry(place: int, run: Run, figures: dict[str, Figure] | None) -> None:
    picture, words, buttons = st.columns([1.3, 3, 1], vertical_alignment="center")
    with picture:
        view.thumbnail(run)
    words.markdown(f"**{place}. {run.summary}** · {run.details}")
    told = {name: value for name, value in settings_of(run).items() if name != "States" and value not in UNTOLD}
    words.caption(" · ".join(f"{name}: {value}" for name, value in told.items()))
    if figures is not None:
        words.markdown(" · ".join(_told(figure) for figure in figures.values()))
    if buttons.button("Show", key=f"show_{run.key}", width="stretch", help="Shows this run on the Generate page."):
        session.choose(run.key)
        st.toast("The Generate page now shows this run.")
    if buttons.button("Remove", key=f"remove_{run.key}", width="stretch", help="Removes this run and its windows."):
        session.remove(run.key)
        st.rerun()


def _told(figure: Figure) -> str:
    from physiosynth.families.wearable.scores.glance import KINDS

    kind = KINDS[figure.kind]
    if figure.value != figure.value:
        return f"{kind.title}: too few windows"
    mark = "●" if figure.within else "▲"
    return f"{mark}\u00a0{kind.title} {number(figure.value, kind.unit)} (reference {number(figure.floor, kind.unit)})"


def _scoring(runs: list[Run], reference: RealWindows | None, scored: dict[str, dict[str, Figure]]) -> None:
    """The button that scores what is not scored, or how far that is."""
    if reference is None:
        return
    if SCORING.job is not None:
        SCORING.bar()
        return
    # Simulated strangers are in every state, a reference need not be.
    strangers, held = strangers_first(reference), set(reference.conditions)
    judged = [run for run in runs if strangers or held & set(run.batch.conditions)]
    missing = {run.key: run.batch for run in judged if run.key not in scored}
    with st.container(horizontal=True, vertical_alignment="center"):
        if missing and st.button("Score the runs", key="score_runs", icon=":material/speed:"):
            SCORING.begin(
                lambda: sweeping.start_glances(missing, reference, strangers, session.page_open()), digest(reference)
            )
            st.rerun()
        st.caption(
            "● within the split-half baseline of the reference, ▲ larger discrepancy; in brackets the mean of that "
            "baseline. Scores of a few windows are imprecise; the Trust page says more."
            + (" Runs whose states the reference lacks are not scored." if len(judged) < len(runs) else "")
        )
    if SCORING.error:
        st.error(for_visitors(SCORING.error))


def _glances(reference: RealWindows | None) -> dict[str, dict[str, Figure]]:
    """The figures of the runs beside this reference, by key of the run."""
    if reference is None:
        return {}
    return st.session_state.setdefault("glances", {}).setdefault(digest(reference), {})


def _keep(part: tuple[str, dict[str, Figure]], against: str) -> None:
    """Keep the figures of a run, and none of runs that are no longer kept."""
    found = st.session_state.setdefault("glances", {}).setdefault(against, {})
    found |= [part]
    for key in set(found) - {run.key for run in session.runs()}:
        del found[key]


def _pair(model: object, reference: RealWindows | None) -> None:
    """Two runs: what was set differently, their figures, and their windows on one axis."""
    runs = session.runs()
    if len(runs) < 2:
        st.info("A comparison takes two runs. Generate another one with other settings or another seed.")
        return
    names = {run.key: f"{place}. {run.summary}" for place, run in enumerate(runs, start=1)}
    keys = list(reversed(names))
    left, right = st.columns(2)
    one = left.selectbox("First run", keys, 1, format_func=names.get, key="pair_first")
    two = right.selectbox("Second run", keys, 0, format_func=names.get, key="pair_second")
    if one == two:
        st.info("Choose two different runs.")
        return
    pair = [next(run for run in runs if run.key == key) for key in (one, two)]
    st.markdown(_differences(*pair, _glances(reference)))
    view.side_by_side(*pair)


def _differences(one: Run, two: Run, scored: dict[str, dict[str, Figure]]) -> str:
    """A table of the settings that differ, and of the figures where both runs were scored."""
    from physiosynth.families.wearable.scores.glance import KINDS

    first, second = settings_of(one), settings_of(two)
    rows = [[name, first[name], second[name]] for name in first if first[name] != second[name]]
    if not rows:
        rows = [["Settings", "the same", "the same"]]
    if one.key in scored and two.key in scored:
        rows += [
            [kind.title, *(number(scored[run.key][name].value, kind.unit) for run in (one, two))]
            for name, kind in KINDS.items()
        ]
    lines = [["Setting or score", "First run", "Second run"], ["---"] * 3, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def settings_of(run: Run) -> dict[str, str]:
    """What was set for a run, in words."""
    used, asked = run.batch.provenance.sampling, run.request
    targets = ", ".join(rates.in_words(asked.targets))
    found = {"States": asked.states, "Windows per state": str(asked.windows), "Seed": str(asked.seed)}
    for stream, title in view.STREAM_TITLES.items():
        values = used[stream]
        found[title] = f"{values['steps']} steps, guidance {values['guidance']:g}"
    return found | {
        "Amplitudes matched": "yes" if asked.calibrate else UNTOLD[0],
        "Target rates": targets or UNTOLD[1],
    }
