"""The page's logic, without a browser: a tiny bundle in the published layout is its default."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from showing import showing
from streamlit.testing.v1 import AppTest

from making.bundles import TINY_MANIFEST, checkpoint_of, tiny, weights_of, write_bundle
from places import ROOT

FOLD = "data/processed/two_stream/fold_S10"
WORDS = "Synthetic, trained on simulated data, not for clinical use"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A folder with a tiny bundle in the published places, and 16 reference windows of all states."""
    networks = tiny()
    return write_bundle(
        tmp_path_factory.mktemp("page") / "root",
        checkpoint_of(weights_of(networks), epoch=7),
        {**TINY_MANIFEST, "architecture": networks.to_dict()},
        config={"source": "virtual", "eda": "full", "channels_low": ["EDA", "Resp"]},
        windows=16,
    )


@pytest.fixture
def page(bundle, monkeypatch):
    """The page just opened in the bundle's folder."""
    monkeypatch.chdir(bundle)
    return opened()


def opened(looked: bool = True, **address) -> AppTest:
    """The page in a new session; looked: without the first look that it takes by itself."""
    page = AppTest.from_file(str(ROOT / "src" / "app.py"), default_timeout=60)
    if looked:
        page.session_state["looked"] = True
    for key, value in address.items():
        page.query_params[key] = value
    return page.run()


def generate(page: AppTest, wait: bool = True) -> AppTest:
    page.button(key="generate").click().run()
    if wait and "generate_job" in page.session_state:
        assert page.session_state["generate_job"][0].wait(60)
        page.run()
    return page


def words(elements) -> str:
    return "\n".join(str(element.value) for element in elements)


def shown(page: AppTest) -> str:
    return words([*page.markdown, *page.caption])


def alts(page: AppTest) -> list[str]:
    """What the charts on the page show, in words."""
    return [element.proto.alt for element in page.get("vega_lite_chart")]


def html(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def by_label(widgets, label: str):
    return next(widget for widget in widgets if widget.label == label)


def path_field(page: AppTest, name: str):
    return next(field for field in page.text_input if field.key.startswith(f"path_{name}_"))


def test_it_opens_with_nothing_configured(page):
    """The published places are found, the model's own settings offered, and the page says what these signals are."""
    assert not page.error and not page.exception and not page.warning
    assert WORDS in shown(page)
    assert path_field(page, "fold").value.endswith("fold_S10")
    assert by_label(page.number_input, "ECG steps").value == TINY_MANIFEST["sampling_steps"]
    assert by_label(page.number_input, "Slow-signal guidance").value == TINY_MANIFEST["cfg_scale"]


def test_generating_shows_the_state_that_was_picked(page):
    """Traces, readings and provenance of the state asked for appear, and stay when the view changes."""
    showing(page.pills, "state").set_value(["stress"])
    generate(page)
    assert not page.error and not page.exception and "4 stress windows" in shown(page)
    assert any(text.startswith("Synthetic · stress · window 1") for text in alts(page))
    assert "Heart rate" in html(page) and "Seed 6" in shown(page)
    run = page.session_state["runs"][-1]
    by_label(page.slider, "Window").set_value(3).run()
    assert page.session_state["runs"][-1] is run
    assert any(text.startswith("Synthetic · stress · window 3") for text in alts(page))


def test_settings_reach_the_sampler(page):
    """Windows, seed, steps and guidance of each stream are those of the fields."""
    by_label(page.text_input, "Seed").set_value("7")
    for label, value in (("Windows", 2), ("ECG steps", 3), ("Slow-signal steps", 4), ("Slow-signal guidance", 0.0)):
        by_label(page.number_input, label).set_value(value)
    run = generate(page).session_state["runs"][-1]
    sampling = run.batch.provenance.sampling
    assert len(run.batch) == 2 and run.batch.provenance.seed == 7
    assert (sampling["ecg"]["steps"], sampling["low"]["steps"], sampling["low"]["guidance"]) == (3, 4, 0.0)


def test_the_same_request_gives_the_same_signals(page, bundle):
    """Two pages with the same settings draw identical arrays, each into its own session."""
    other = generate(opened())
    first = generate(page).session_state["runs"][-1].batch
    assert np.array_equal(first.ecg, other.session_state["runs"][-1].batch.ecg)
    assert first is not other.session_state["runs"][-1].batch


def test_windows_are_matched_one_by_one_and_it_is_noted(page):
    """With the switch on, the windows say what they were matched to, and window 3 of 16 is window 3 of 4."""
    assert generate(page).session_state["runs"][-1].batch.provenance.calibrated is None
    showing(page.toggle, "calibrate").set_value(True)
    batches = []
    for number in (4, 16):
        showing(page.number_input, "windows").set_value(number)
        batches.append(generate(page).session_state["runs"][-1].batch)
    assert [batch.provenance.calibrated for batch in batches] == ["reference windows"] * 2
    assert np.array_equal(batches[0].ecg, batches[1].ecg[:4])
    assert np.array_equal(batches[0].low.values, batches[1].low.values[:4])


@pytest.mark.parametrize("field", ["milestones", "checkpoint"])
def test_a_wrong_path_is_told_in_words_and_loses_nothing(page, field):
    """A path that leads nowhere names itself; the result stays, and the defaults come back with one button."""
    generate(page)
    path_field(page, field).set_value("/nowhere/at/all").run()
    assert "/nowhere/at/all" in words(page.error) and "Traceback" not in words(page.error) and not page.exception
    assert "runs" in page.session_state and alts(page)
    page.button(key="reset_paths").click().run()
    assert not page.error and page.button(key="generate")


def test_a_reference_that_is_not_there_is_a_warning(page):
    """Without a reference the windows are still made and shown, and the page says why there is no comparison."""
    path_field(page, "fold").set_value("/no/fold")
    generate(page)
    assert "/no/fold" in words(page.warning) and not page.exception
    assert any(text.startswith("Synthetic") for text in alts(page))
    assert "Similarity" not in [tab.label for tab in page.tabs]


def test_a_damaged_reference_is_a_warning(page, bundle, tmp_path):
    """A reference with NaN in it is refused in plain words, and nothing is matched to it; windows are drawn."""
    fold = Path(shutil.copytree(bundle / FOLD, tmp_path / "fold"))
    values = np.load(fold / "test_X_ecg.npy")
    values[3, 10] = np.nan
    np.save(fold / "test_X_ecg.npy", values)
    path_field(page, "fold").set_value(str(fold))
    showing(page.toggle, "calibrate").set_value(True)
    generate(page)
    assert "not finite" in words(page.error) and "runs" not in page.session_state and not page.exception
    showing(page.toggle, "calibrate").set_value(False)
    generate(page)
    assert "not finite" in words(page.warning) and len(page.session_state["runs"]) == 1 and not page.error


def test_a_reference_without_the_state_says_so(page, bundle, tmp_path):
    """A fold without stress windows gives no comparison for stress."""
    fold = Path(shutil.copytree(bundle / FOLD, tmp_path / "fold"))
    np.save(fold / "test_cond.npy", np.ones(16, dtype=np.int64))
    path_field(page, "fold").set_value(str(fold))
    showing(page.pills, "state").set_value(["stress"])
    generate(page)
    assert "no stress windows" in words(page.info) and not page.exception


def test_cancel_keeps_the_page_and_the_result_before(page):
    """A long run is cancelled within moments; windows finished so far, or else the last result, remain."""
    before = generate(page).session_state["runs"][-1]
    by_label(page.number_input, "Windows").set_value(64)
    by_label(page.number_input, "ECG steps").set_value(1000)
    generate(page, wait=False)
    job = page.session_state["generate_job"][0]
    page.button(key="cancel_generate").click().run()
    assert job.wait(60)
    page.run()
    assert "generate_job" not in page.session_state and not page.error
    after = page.session_state["runs"][-1]
    assert after is before or (not after.whole and "Stopped early" in shown(page))


def test_another_bundle_replaces_the_model(page, tmp_path):
    """Naming another bundle's milestones samples from that one: nothing of the first is reused."""
    first = generate(page).session_state["runs"][-1]
    networks = tiny()
    other = write_bundle(
        tmp_path / "other",
        checkpoint_of(weights_of(networks, seed=5), epoch=7),
        {**TINY_MANIFEST, "architecture": networks.to_dict(), "sampling_steps": 3},
    )
    path_field(page, "milestones").set_value(str(other / "results/checkpoints/diffusion/milestones"))
    path_field(page, "checkpoint").set_value("").run()
    assert by_label(page.number_input, "ECG steps").value == 3
    second = generate(page).session_state["runs"][-1]
    assert second.batch.provenance.bundle_sha256 != first.batch.provenance.bundle_sha256
    assert not np.array_equal(first.batch.ecg, second.batch.ecg)


def test_no_bundle_at_all_is_told_in_words(tmp_path, monkeypatch):
    """Where neither the published places nor the embedded bundle exist, the page opens and says what it expected."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("physiosynth.bundles.bundle.EMBEDDED", tmp_path / "embedded")
    page = opened()
    assert "No bundle" in words(page.error) and not page.exception
    assert path_field(page, "milestones").value == ""
    assert "not for clinical use" in shown(page)
