"""The Trust and Compare pages without a browser: tiny networks, and a reference of noise called recorded."""

import csv
import io
import time
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from making.bundles import TINY_MANIFEST, checkpoint_of, tiny, weights_of, write_bundle
from physiosynth.bundles.bundle import resolve_bundle
from physiosynth.dashboard.compare_page import sweep_jobs as sweeping
from physiosynth.dashboard.generate_page.runs import Request, Run
from physiosynth.dashboard.trust_page import score_jobs as looks
from physiosynth.dashboard.trust_page import trust_card
from physiosynth.dashboard.trust_page.score_chart import describe, score_chart
from physiosynth.errors import RequestError
from physiosynth.families.wearable.data.batch import Sampling, Targets
from physiosynth.families.wearable.data.reference import RealWESADPreparer
from physiosynth.families.wearable.generator.generator import WESADGenerator
from physiosynth.families.wearable.scores.quick import Line
from physiosynth.families.wearable.scores.sweep import expected_s, grid, work

PATIENCE_S = 300  # on a machine that is busy with other things; a quiet one needs a second or two
LIMITS = {"PHYSIOSYNTH_MAX_WINDOWS": "32", "PHYSIOSYNTH_MAX_STEPS": "100", "PHYSIOSYNTH_MAX_WORK": "4000"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A folder with a tiny bundle in the published places, and 32 reference windows of all states."""
    networks = tiny()
    return write_bundle(
        tmp_path_factory.mktemp("trust") / "root",
        checkpoint_of(weights_of(networks), epoch=7),
        {**TINY_MANIFEST, "architecture": networks.to_dict(), "step": 40, "subjects": {"train": ["S2", "S3"]}},
        config={"source": "recorded", "eda": "full", "channels_low": ["EDA", "Resp"]},
        windows=32,
    )


@pytest.fixture(scope="module")
def generator(bundle):
    return WESADGenerator.from_bundle(bundle)


@pytest.fixture
def here(bundle, monkeypatch):
    """The bundle's folder is where the page is started, with small limits."""
    monkeypatch.chdir(bundle)
    for name, value in LIMITS.items():
        monkeypatch.setenv(name, value)


def run_of(generator, seed=1, conditions=("stress",), windows=4, **sampling) -> Run:
    request = Request(conditions, windows, seed, Sampling(**sampling))
    counts = dict.fromkeys(conditions, windows)
    return Run(generator.generate_dataset(counts, seed, request.sampling), request, 0.5)


def page_of(name: str, *runs: Run) -> AppTest:
    def script(name):
        import importlib

        importlib.import_module(f"physiosynth.dashboard.{name}_page.page").main()

    page = AppTest.from_function(script, default_timeout=PATIENCE_S, args=(name,))
    page.session_state["runs"] = list(runs)
    page.session_state["looked_first"] = True
    return page.run()


def until_done(page: AppTest, job: str) -> AppTest:
    deadline = time.monotonic() + PATIENCE_S
    while job in page.session_state and time.monotonic() < deadline:
        page.session_state[job][0].wait(0.2)
        page.run()
    return page


def shown(page: AppTest) -> str:
    return "\n".join(str(element.value) for element in [*page.markdown, *page.caption, *page.info])


def test_the_trust_page_judges_the_run_on_show(here, generator):
    """The run's own windows are scored beside floors and controls, and the page says how rough that is."""
    page = page_of("trust", run_of(generator, conditions=("stress", "baseline"), windows=8))
    page.button_group(key="judge_what").set_value("The current run").run()
    page.button(key="judge").click().run()
    until_done(page, "look_job")
    assert not page.exception and not page.error
    text = shown(page)
    assert "16 windows of stress and baseline" in text and "A quick and imprecise evaluation" in text
    assert "At most 8 synthetic and 8 reference windows per state" in text
    table = page.dataframe[0].value
    assert {"Split-half baseline", "Other people", "Control", "These windows"} <= set(table.columns)
    assert table["Control"].notna().sum() > 10


def test_a_judgement_is_kept_for_its_run_and_bundle(here, generator):
    """Judged once, the same question is answered at once; another question is not."""
    page = page_of("trust", run_of(generator, windows=8))
    page.button_group(key="judge_what").set_value("The current run").run()
    page.button(key="judge").click().run()
    until_done(page, "look_job")
    page.button(key="judge").click().run()
    assert "look_job" not in page.session_state and "A quick and imprecise" in shown(page)
    page.button_group(key="judge_what").set_value("New windows of every state").run()
    assert "A quick and imprecise" not in shown(page) and "Not evaluated yet" in shown(page)


def test_new_windows_are_drawn_within_the_operators_limits(here, generator):
    """As many of each state as the limits allow, with the run's settings; rates asked for are left out."""
    from physiosynth.families.wearable.data.reference import RealWESADPreparer

    reference = RealWESADPreparer(generator.info.reference_dir).load()
    run = run_of(generator, seed=9, low_steps=2)
    run = replace(run, request=replace(run.request, calibrate=True, targets=Targets(heart_rate=70)))
    asked = looks.fresh(run, generator, reference)
    assert asked.conditions == generator.info.conditions and asked.windows == 8 and asked.seed == 9
    assert asked.sampling.low_steps == 2 and not asked.calibrate and not asked.targets.given()
    slow = replace(run, request=replace(run.request, sampling=Sampling(low_steps=100, ecg_steps=100)))
    with pytest.raises(RequestError, match="Evaluate the current run"):
        looks.fresh(slow, generator, reference)


def test_the_card_says_what_the_model_is(here, generator):
    """Origin, people, hash and the missing date stand on the page; so do that it is not for clinical use."""
    text = shown(page_of("trust"))
    assert generator.info.bundle_sha256[:16] in text and "not for clinical use" in text
    assert "2 for training" in text and "not stated in this bundle" in text
    assert "This bundle states no weaknesses" in text


def full_report() -> AppTest:
    def script():
        from physiosynth.dashboard.trust_page import page as trust

        trust._full_report()

    trust_card._card.clear()
    return AppTest.from_function(script, default_timeout=PATIENCE_S).run()


def test_a_report_of_another_model_is_not_shown(here, bundle, generator):
    """The page on the judges stands below "The full report" only where it names this bundle's own hash."""
    report = bundle / "EVALUATION.md"
    try:
        for digest, there in (("0" * 64, False), (generator.info.bundle_sha256, True)):
            report.write_text(f"# Figures\n\nMeasured of the bundle {digest}.\n", encoding="utf-8")
            text = shown(full_report())
            assert "this command writes a report with all of it" in text
            assert ("Measured of the bundle" in text) is there
    finally:
        report.unlink()
        trust_card._card.clear()


def test_the_embedded_model_is_shown_no_report_of_an_earlier_one():
    """The project's page on the judges is the embedded model's only while it names its hash."""
    from physiosynth.families.wearable.generator.card import EVALUATION, card_of

    found = resolve_bundle()
    model = WESADGenerator.from_bundle(found)
    text = card_of(model, found.milestones).texts.get(EVALUATION)
    assert text is None or model.info.bundle_sha256 in text


def test_a_chart_of_scores_says_in_words_what_it_shows():
    """Names, verdicts and places are in the chart; what lies beyond the control is drawn at its end."""
    figures = (0.9, 0.1, 0.2, 0.15, 0.8)
    line = Line("physiology", "Heart rate", "m", "", "lower", "poor", *figures, "white noise", 3.0, 0.1, 0.05)
    assert "Heart rate: discrepant" in describe([line], "Physiology")
    spec = score_chart([line], "Physiology").to_dict()
    row = spec["data"]["values"][0]
    assert row["place"] == 1.15 and row["edge"] == 0.1 and "white noise" in row["meaning"]
    assert "Heart rate" in spec["description"]


def test_runs_are_listed_scored_and_removed(here, generator):
    """Every run has its settings; scoring adds figures beside floors; a removed run is gone."""
    page = page_of("compare", run_of(generator, seed=1), run_of(generator, seed=2, ecg_steps=4))
    assert "Seed: 1" in shown(page) and "ECG: 4 steps" in shown(page)
    page.button(key="score_runs").click().run()
    until_done(page, "glance_job")
    assert shown(page).count("Mean feature KS") == 2 and not page.exception
    key = page.session_state["runs"][0].key
    page.button(key=f"remove_{key}").click().run()
    assert [run.request.seed for run in page.session_state["runs"]] == [2]


def test_two_runs_are_told_apart_by_what_was_set(here, generator):
    """The table holds the settings that differ and leaves out the others."""
    page = page_of("compare", run_of(generator, seed=1), run_of(generator, seed=1, ecg_steps=4))
    page.session_state["compare_tab"] = "Two side by side"
    text = shown(page.run())
    assert "| ECG | 2 steps, guidance 0.5 | 4 steps, guidance 0.5 |" in text
    assert "| Seed" not in text and not page.exception


def test_runs_of_states_that_the_reference_has_not_are_left_unscored(here, generator):
    """They do not keep the others from their figures, and the page says why they have none."""
    page = page_of("compare", run_of(generator), run_of(generator, 2, ("baseline",)))
    reference = RealWESADPreparer(resolve_bundle().fold).load().select("baseline")
    page.session_state["own_reference"] = (reference, "mine.csv")
    page.run()
    page.button(key="score_runs").click().run()
    until_done(page, "glance_job")
    assert not page.exception and not page.error
    *_, scored = page.session_state["glances"].values()
    assert len(scored) == 1 and "states the reference lacks" in shown(page)


def sweep_page(generator, steps=(2, 4)) -> AppTest:
    page = page_of("compare", run_of(generator))
    page.session_state["compare_tab"] = "Sweep"
    page.run()
    page.button_group(key="sweep_steps").set_value(list(steps))
    page.number_input(key="sweep_windows").set_value(4)
    return page.run()


def test_a_sweep_of_two_by_two_ends_in_a_grid_that_is_not_drawn_twice(here, generator):
    """Four cells with figures, floors, cost and seed; asking for more draws the new cells alone."""
    page = sweep_page(generator)
    assert "4 of 4 cells to do" in shown(page)
    page.button(key="sweep").click().run()
    until_done(page, "sweep_job")
    assert "All 4 cells are done" in shown(page) and not page.exception
    table = page.dataframe[0].value
    assert len(table) == 4 and set(table["seed"]) == {6} and table["measurements_baseline"].notna().all()
    assert sorted(table["evaluations_per_window"]) == [4, 8, 8, 16]
    page.button_group(key="sweep_steps").set_value([2, 4, 8]).run()
    assert "2 of 6 cells to do" in shown(page)


def test_a_cancelled_sweep_keeps_its_finished_cells_and_goes_on(here, generator):
    """What was finished before Cancel stays; the button then offers the rest."""
    page = sweep_page(generator, (2, 100))
    page.button(key="sweep").click().run()
    job = page.session_state["sweep_job"][0]
    deadline = time.monotonic() + PATIENCE_S
    while not job.parts and time.monotonic() < deadline:
        job.wait(0.02)
    job.cancel()
    until_done(page, "sweep_job")
    done = len(page.session_state["sweep_cells"])
    assert 1 <= done < 4 and f"{4 - done} of 4 cells to do" in shown(page)
    assert page.button(key="sweep").label == "Continue"


def test_a_grid_above_the_limits_is_refused_in_words(here, generator):
    """Too much work for a request, or an empty choice, is told and not begun."""
    page = sweep_page(generator, (32, 50, 100))
    assert "network evaluations; a request may take 4,000" in "\n".join(each.value for each in page.warning)
    with pytest.raises(RequestError, match="at least one state"):
        grid((), [1], [0.0], "both", 4, 0)
    with pytest.raises(RequestError, match="at most 64 cells"):
        sweeping.check(grid(("stress",), range(1, 66), [0.0], "low", 4, 0), generator)


def test_costs_are_told_before_anything_is_drawn(generator):
    """Guidance doubles the evaluations; the other stream keeps its own; seconds follow what cells took."""
    cells = grid(("stress",), [10], [0.0, 1.0], "low", 5, 0)
    defaults = Sampling(4, 3, 0.0, 0.0, "ddim")
    assert [cell.evaluations(defaults) for cell in cells] == [13, 23] and work(cells, defaults) == 5 * 36
    assert expected_s(cells, defaults) < 8


def test_a_cell_can_be_drawn_again_from_its_row(here, generator):
    """Seed and settings of a row of the CSV give the windows that were scored."""
    from physiosynth.families.wearable.data.reference import RealWESADPreparer
    from physiosynth.families.wearable.scores.sweep import as_csv, score_cell

    reference = RealWESADPreparer(generator.info.reference_dir).load()
    cell = grid(("stress",), [3], [1.0], "ecg", 4, 5)[0]
    row = next(csv.DictReader(io.StringIO(as_csv([score_cell(cell, generator, reference, False)]))))
    numbers = {name: float(row[name]) for name in ("low_guidance", "ecg_guidance")}
    sampling = Sampling(int(row["low_steps"]), int(row["ecg_steps"]), **numbers, method=row["method"])
    again = generator.sample_batch(row["state"], int(row["windows"]), int(row["seed"]), sampling)
    assert np.array_equal(again.ecg, generator.sample_batch("stress", 4, 5, cell.sampling).ecg)
    assert row["synthetic"] == "True" and row["bundle_sha256"] == generator.info.bundle_sha256


def test_the_embedded_card_names_its_weak_points_and_licence():
    """What the model card calls not good yet is on the card, with the licence and the hash of every file."""
    from physiosynth.families.wearable.generator.card import card_of

    found = resolve_bundle()
    card = card_of(WESADGenerator.from_bundle(found), found.milestones)
    assert any("Membership" in text for text in card.weak) and len(card.weak) >= 5
    assert "must not be used for diagnosis" in card.licence and card.people["train"] == 189
    assert len(card.files) > 8 and all(len(digest) == 64 for digest in card.files.values())
    assert card.trained_on.startswith("simulated data") and 7e6 < card.parameters < 9e6
