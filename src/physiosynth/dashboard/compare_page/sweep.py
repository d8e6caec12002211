"""The sweep, drawn: the grid that is asked for, what it will cost, and its cells as a map and beside their cost."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st

from physiosynth.dashboard import session
from physiosynth.dashboard.compare_page import sweep_jobs as sweeping
from physiosynth.dashboard.compare_page.sweep_chart import cost_chart, grid_chart
from physiosynth.dashboard.messages import for_visitors
from physiosynth.dashboard.settings import settings
from physiosynth.dashboard.trust_page.score_jobs import digest, strangers_first
from physiosynth.errors import PhysiosynthError
from physiosynth.running.jobs import in_words

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.reference import RealWindows
    from physiosynth.families.wearable.generator.generator import WESADGenerator
    from physiosynth.families.wearable.scores.sweep import Cell, ScoredCell

SWEEPING = session.JobSlot("sweep")
STEPS, CHOSEN_STEPS = (2, 4, 8, 12, 16, 24, 32, 50, 100), (4, 8, 16)
GUIDANCE, CHOSEN_GUIDANCE = (0.0, 0.5, 1.0, 2.0, 3.0), (0.0, 1.0)
STREAM_TITLES = {"both": "Both streams", "low": "Slow signals only", "ecg": "ECG only"}


def show(model: WESADGenerator | None, reference: RealWindows | None) -> None:
    """Draw the sweep."""
    st.caption(
        "Generates the same windows with every combination of denoising steps and guidance scale, and scores each to "
        "show the quality/cost trade-off. Every cell can be generated again from its seed and settings."
    )
    if model is None or reference is None:
        st.info(for_visitors(session.reference_problem() or "A model and a reference are needed."))
        return
    try:
        cells = _form(model, reference)
        against = f"{digest(reference)}{strangers_first(reference)}"
        SWEEPING.collect(on_part=sweeping.keep)
        done = sweeping.finished(cells, model.info.bundle_sha256, against)
        _start(cells, done, model, reference, against)
        if done:
            _result(done, len(cells), model)
    except PhysiosynthError as error:
        st.warning(for_visitors(str(error)))


def _form(model: WESADGenerator, reference: RealWindows) -> tuple[Cell, ...]:
    """The grid that is asked for. Raises RequestError for none."""
    from physiosynth.families.wearable.scores.glance import FEWEST
    from physiosynth.families.wearable.scores.sweep import grid

    limits = settings()
    both = [name for name in model.info.conditions if name in set(reference.conditions)]
    left, middle, right = st.columns(3, gap="medium")
    states = left.pills(
        "States", both, selection_mode="multi", wrap=True, default=both[:1], key="sweep_states",
        format_func=str.capitalize, help="One map per state.",
    )  # fmt: skip
    streams = left.segmented_control(
        "Steps and guidance of", list(STREAM_TITLES), default="both", required=True, key="sweep_streams",
        format_func=STREAM_TITLES.get, help="The other stream keeps the model's default settings.",
    )  # fmt: skip
    steps = middle.pills(
        "Denoising steps", [count for count in STEPS if count <= limits.max_steps], selection_mode="multi", wrap=True,
        default=[count for count in CHOSEN_STEPS if count <= limits.max_steps], key="sweep_steps",
        help="Steps that a network takes from noise to signal.",
    )  # fmt: skip
    guidance = middle.pills(
        "Guidance scale", list(GUIDANCE), selection_mode="multi", wrap=True, default=list(CHOSEN_GUIDANCE),
        key="sweep_guidance", help="0 is off; above 0, each step costs twice as much.",
    )  # fmt: skip
    windows = right.number_input(
        "Windows per cell", FEWEST, limits.max_windows, min(16, limits.max_windows), key="sweep_windows",
        help="More windows make the scores more precise and take longer.",
    )  # fmt: skip
    seed = right.number_input(
        "Seed of all cells",
        0,
        2**31 - 1,
        6,
        key="sweep_seed",
        help="All cells start from the same noise, so that only the settings differ.",
    )
    return grid(states or [], steps or [], guidance or [], streams or "both", int(windows), int(seed))


def _start(
    cells: tuple[Cell, ...], done: list[ScoredCell], model: WESADGenerator, reference: RealWindows, against: str
) -> None:
    """The cost, the button that starts or goes on, or the job under way."""
    from physiosynth.families.wearable.scores.sweep import expected_s, work

    if SWEEPING.job is not None:
        SWEEPING.bar()
        return
    if SWEEPING.error:
        st.error(for_visitors(SWEEPING.error))
    have = {each.cell for each in done}
    left = [cell for cell in cells if cell not in have]
    sweeping.check(cells, model)
    if not left:
        st.caption(f"All {len(cells)} cells are done.")
        return
    cost = work(left, model.info.defaults)
    seconds = in_words(expected_s(left, model.info.defaults, done))
    with st.container(horizontal=True, vertical_alignment="center"):
        title = "Sweep" if not done else "Continue"
        pressed = st.button(title, type="primary", key="sweep", icon=":material/grid_on:")
        st.caption(
            f"{len(left)} of {len(cells)} cells to do: {cost:,} network evaluations, about {seconds} once started."
        )
    if pressed:
        strangers = strangers_first(reference)
        SWEEPING.begin(lambda: sweeping.start(left, model, reference, strangers, session.page_open()), against)
        st.rerun()


def _result(done: list[ScoredCell], asked: int, model: WESADGenerator) -> None:
    """Maps of a figure, the figure beside its cost, and a table to take home."""
    from physiosynth.families.wearable.scores.glance import KINDS
    from physiosynth.families.wearable.scores.sweep import as_csv

    name = st.segmented_control(
        "Score", list(KINDS), default="measurements", required=True, key="sweep_figure",
        format_func=lambda name: KINDS[name].title,
    )  # fmt: skip
    st.caption(f"{KINDS[name].meaning} {_floors(done, name)}")
    states = list(dict.fromkeys(each.cell.condition for each in done))
    for pair in (states[i : i + 2] for i in range(0, len(states), 2)):
        for column, state in zip(st.columns(2, gap="medium"), pair, strict=False):
            mine = [each for each in done if each.cell.condition == state]
            column.markdown(f"###### {state.capitalize()}")
            column.altair_chart(grid_chart(mine, name, state), width="stretch", key=f"grid_{state}")
    st.markdown("###### Score and cost")
    st.caption("The dashed line is the mean split-half baseline of the reference.")
    st.altair_chart(cost_chart(done, name), width="stretch", key="sweep_cost")
    st.dataframe(
        [{**each.row(), "open": _link(each)} for each in done],
        hide_index=True,
        width="stretch",
        column_config={"open": st.column_config.LinkColumn("open", display_text="Generate")},
    )
    st.download_button(
        "Table as CSV", data=lambda: as_csv(done).encode(), mime="text/csv", on_click="ignore", key="sweep_csv",
        file_name=f"sweep_{len(done)}cells_seed{done[0].cell.seed}.csv", icon=":material/download:",
        help="One row per cell: settings, seed, scores, baselines, cost, the bundle's hash and the word synthetic.",
    )  # fmt: skip


def _floors(done: list[ScoredCell], name: str) -> str:
    from physiosynth.dashboard.trust_page.score_chart import number
    from physiosynth.families.wearable.scores.glance import KINDS

    figures, unit = [each.figures[name] for each in done], KINDS[name].unit
    good = "lower" if KINDS[name].better == "lower" else "higher"
    return (
        f"{good.capitalize()} is better; ● is within the split-half baseline of the reference (mean "
        f"{number(figures[0].floor, unit)}, up to {number(figures[0].edge, unit)} in {done[0].cell.condition}). "
        f"{done[0].cell.windows} windows per cell: differences smaller than that are not meaningful."
    )


def _link(each: ScoredCell) -> str:
    """The address that draws the windows of a cell on the Generate page."""
    used = each.sampling
    asked = {
        "state": each.cell.condition, "windows": each.cell.windows, "seed": each.cell.seed,
        "ecg_steps": used.ecg_steps, "low_steps": used.low_steps,
        "ecg_guidance": used.ecg_guidance, "low_guidance": used.low_guidance,
    }  # fmt: skip
    return f"{(st.context.url or '').partition('?')[0].rpartition('/')[0]}/generate?{urlencode(asked)}"
