"""The Generate page's flow without a browser: first look, states, presets, rates, the address, and limits."""

import threading

import pytest
from showing import showing
from streamlit.testing.v1 import AppTest

from making.bundles import TINY_MANIFEST, checkpoint_of, tiny, weights_of, write_bundle
from physiosynth.bundles.bundle import EMBEDDED
from physiosynth.dashboard.generate_page import presets
from physiosynth.dashboard.generate_page.runs import Request, Run
from physiosynth.dashboard.session import MAX_RUNS, MAX_WINDOWS, within_bounds
from physiosynth.errors import PhysiosynthError
from physiosynth.families.wearable.data.batch import Sampling, Targets
from physiosynth.running.jobs import CANCELLED, Job
from places import ROOT


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A folder with a tiny bundle in the published places, and reference windows of all states."""
    networks = tiny()
    return write_bundle(
        tmp_path_factory.mktemp("flow") / "root",
        checkpoint_of(weights_of(networks), epoch=7),
        {**TINY_MANIFEST, "architecture": networks.to_dict()},
        windows=8,
    )


@pytest.fixture(autouse=True)
def default_bundle(bundle, monkeypatch):
    """The page's model is the tiny one."""
    monkeypatch.chdir(bundle)


def opened(look: bool = False, **address) -> AppTest:
    """The page in a new session at an address; look: with the first look that it takes by itself."""
    page = AppTest.from_file(str(ROOT / "src" / "app.py"), default_timeout=60)
    if not look:
        page.session_state["looked"] = True
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def finished(page: AppTest) -> AppTest:
    """The page once its run has ended."""
    if "generate_job" in page.session_state:
        assert page.session_state["generate_job"][0].wait(60)
        page.run()
    return page


def runs(page: AppTest) -> list[Run]:
    return page.session_state["runs"] if "runs" in page.session_state else []


def test_the_first_visit_makes_windows_before_anybody_asks():
    """The settings of the address are drawn at once, and once only."""
    page = finished(opened(look=True, seed="12", windows="2"))
    assert [(len(run.batch), run.request.seed) for run in runs(page)] == [(2, 12)]
    assert len(runs(page.run())) == 1


def test_the_first_look_takes_its_turn_and_costs_little():
    """While another page samples it waits, and can be cancelled; where the address asks for a lot, the page says so."""
    go = threading.Event()
    other = Job(lambda on_step, on_part: go.wait(60)).start()
    page = opened(look=True)
    assert "Queued: 1 run ahead of yours" in "".join(bar.proto.text for bar in page.get("progress"))
    page.button(key="cancel_generate").click().run()
    assert not runs(page.run()) and "generate_job" not in page.session_state and not page.error
    go.set()
    assert other.wait(60)
    page = opened(look=True, ecg_steps="900")
    assert not runs(page) and "generate_job" not in page.session_state
    assert "4 windows with these settings take a while" in page.warning[0].value


def test_visitors_of_one_address_share_what_is_drawn_unasked():
    """The second visitor is shown the very windows of the first, which are drawn once; another address draws others."""
    first = runs(finished(opened(look=True)))[-1]
    assert runs(finished(opened(look=True)))[-1].batch is first.batch
    assert runs(finished(opened(look=True, seed="7")))[-1].batch is not first.batch


def test_several_states_at_once_are_one_run_and_each_is_what_it_is_alone():
    """The windows of a state are the same whatever else is drawn with it."""
    page = opened(windows="1")
    showing(page.pills, "state").set_value(["meditation", "stress"])
    page.button(key="generate").click().run()
    both = runs(finished(page))[-1].batch
    assert both.conditions == ("stress", "meditation")
    alone = runs(finished(opened(look=True, state="Meditation", windows="1")))[-1].batch
    assert (both.ecg[1] == alone.ecg[0]).all()


def test_no_state_is_no_request():
    """Without a state the button is off and the page says what to do."""
    page = opened()
    showing(page.pills, "state").set_value([]).run()
    assert page.button(key="generate").disabled and "Choose one state" in " ".join(each.value for each in page.caption)


def test_a_preset_sets_everything_but_the_seed_and_is_named_until_something_changes():
    """Choosing one moves the fields; moving a field away leaves no preset named."""
    page = opened(seed="3", windows="9", calibrate="true", ecg_steps="7")
    showing(page.selectbox, "preset").set_value("Full protocol").run()
    fields = page.session_state["fields"]
    assert fields.state == ("baseline", "stress", "amusement", "meditation") and fields.windows == 2
    assert (fields.seed, fields.calibrate, fields.ecg_steps) == ("3", False, TINY_MANIFEST["sampling_steps"])
    assert showing(page.selectbox, "preset").value == "Full protocol"
    showing(page.number_input, "windows").set_value(3).run()
    assert showing(page.selectbox, "preset").value is None


def test_the_dice_choose_another_seed_and_nothing_else():
    """A press changes the seed, in the address too, and makes nothing yet."""
    page = opened(windows="5")
    page.button(key="dice").click().run()
    seed = page.session_state["fields"].seed
    assert seed != "6" and page.query_params["seed"] in (seed, [seed])
    assert page.session_state["fields"].windows == 5 and "generate_job" not in page.session_state


def test_what_a_browser_says_of_a_field_that_has_changed_since_is_not_taken():
    """A value that arrives late, from before the browser heard of a preset, changes nothing: the preset stands."""
    page = opened(windows="9")
    before = showing(page.number_input, "windows")
    showing(page.selectbox, "preset").set_value("Full protocol").run()
    late = page._tree.get_widget_states()
    late.widgets.append(before.set_value(7)._widget_state)
    page._run(late)
    assert page.session_state["fields"].windows == 2 and showing(page.number_input, "windows").value == 2
    assert not page.exception


@pytest.mark.parametrize(
    "key, text, stands",
    [
        ("windows", "99999", 4), ("windows", "many", 4), ("seed", "-1", "6"), ("state", "Panic", ("baseline",)),
        ("low_guidance", "nan", TINY_MANIFEST["cfg_scale"]), ("calibrate", "perhaps", False),
        ("ecg_steps", "9" * 400, TINY_MANIFEST["sampling_steps"]), ("heart_rate", "80", None),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_meant_falls_back_and_says_so(key, text, stands):
    """The value is named in plain words; the usual one stands."""
    page = opened(**{key: text})
    assert [f"`{key}=" in told.value for told in page.warning] == [True] and len(page.warning[0].value) < 200
    assert getattr(page.session_state["fields"], key) == stands


def test_generate_during_a_run_keeps_what_is_finished_and_begins_anew():
    """A second press ends the run under way within its step, and makes what the fields say now."""
    page = opened(windows="64", ecg_steps="800", low_guidance="0", ecg_guidance="0")
    page.button(key="generate").click().run()
    first = page.session_state["generate_job"][0]
    showing(page.number_input, "windows").set_value(1)
    showing(page.number_input, "ecg_steps").set_value(2)
    page.button(key="generate").click().run()
    assert first.state == CANCELLED
    assert len(runs(finished(page))[-1].batch) == 1


def test_finished_windows_are_shown_while_the_rest_is_made_and_stay_after_cancel():
    """The page draws the parts that are there, with the bar; Cancel makes them the run."""
    page = opened(windows="64", ecg_steps="1", low_steps="300", low_guidance="0", ecg_guidance="0")
    page.button(key="generate").click().run()
    job = page.session_state["generate_job"][0]
    while not job.parts:
        assert not job.wait(0.01)
    page.run()
    assert "of 64 baseline windows so far" in " ".join(each.value for each in page.markdown) and not runs(page)
    page.button(key="cancel_generate").click().run()
    finished(page)
    assert "Stopped early" in " ".join(each.value for each in page.markdown)
    assert runs(page)[-1].key == job.key and not runs(page)[-1].whole and len(runs(page)[-1].batch) >= 8


def test_windows_times_steps_are_bounded_together(monkeypatch):
    """A request that each field allows, but not all of them together, is refused in plain words."""
    monkeypatch.setenv("PHYSIOSYNTH_MAX_WORK", "100")
    page = opened(windows="40", ecg_steps="40")
    page.button(key="generate").click().run()
    assert "a request may take 100" in page.error[0].value and "generate_job" not in page.session_state


def test_rates_are_offered_within_what_all_chosen_states_were_trained_on(monkeypatch):
    """The embedded model takes rates: the slider has the states' common span, guidance comes with the switch."""
    monkeypatch.setenv("PHYSIOSYNTH_BUNDLE", str(EMBEDDED))
    page = opened(state=["Stress", "Meditation"])
    showing(page.toggle, "ask_heart_rate").set_value(True).run()
    slider = showing(page.slider, "heart_rate")
    assert (slider.min, slider.max) == (63.0, 87.0) and page.session_state["fields"].low_guidance == 2.0
    showing(page.toggle, "ask_heart_rate").set_value(False).run()
    assert page.session_state["fields"].low_guidance == 0.0
    showing(page.pills, "state").set_value(["stress"]).run()
    showing(page.selectbox, "preset").set_value("Exam stress").run()
    assert page.session_state["fields"].heart_rate == 98
    assert "heart rate 98 bpm" in " ".join(each.value for each in page.caption)


def test_every_preset_can_be_given_by_the_embedded_model():
    """All rates of all presets lie within what it was trained on."""
    from physiosynth.families.wearable.generator.generator import WESADGenerator

    info = WESADGenerator.from_bundle(EMBEDDED).info
    assert presets.offered(info) == list(presets.PRESETS)
    for preset in presets.PRESETS:
        assert presets.fields_of(info, preset, "6").rates == preset.targets.given()


def test_a_request_survives_a_dictionary():
    """Every field comes back; something else is refused in words."""
    asked = Request(("stress", "baseline"), 3, 9, Sampling(4, 5, 0.5), Targets(heart_rate=80), calibrate=True)
    assert Request.from_dict(asked.to_dict()) == asked
    for wrong in ({}, {**asked.to_dict(), "windos": 3}, {**asked.to_dict(), "conditions": ["panic"]}):
        with pytest.raises(PhysiosynthError):
            Request.from_dict(wrong)


def test_a_session_keeps_no_more_than_its_bounds():
    """The oldest runs go first, by number and by windows; the newest stays whatever its size."""

    def run(windows: int) -> Run:
        return Run([None] * windows, Request(("stress",), windows, 0), 1.0)

    assert len(within_bounds([run(1) for _ in range(MAX_RUNS + 3)])) == MAX_RUNS
    small, large = run(8), run(MAX_WINDOWS)
    assert within_bounds([small, large]) == [large] and within_bounds([large, small]) == [small]
