"""A visitor's own recording in a real browser: brought, mapped, used, and seen on the Generate page."""

from places import ROOT

RECORDING = ROOT / "tests" / "fixtures" / "neurokit_rest_60s.csv"


def test_a_recording_is_brought_and_stands_beside_the_windows(opened):
    """Through the real upload route; the signals are guessed, drawn, used, and one press goes back."""
    page = opened("own-data")
    page.locator("input[type=file]").first.set_input_files(RECORDING)
    page.get_by_role("button", name="Use as reference").click()
    page.get_by_role("heading", name="neurokit_rest_60s.csv is the reference").wait_for()
    assert page.get_by_text("Median heart rate 60 bpm").is_visible()
    for channel in ("ECG: ECG", "Resp: RSP", "EDA: EDA"):
        assert page.get_by_text(channel).first.is_visible()
    page.get_by_role("link", name="Generate").first.click()
    page.get_by_text("Reference (recorded) · neurokit-rest-60s").first.wait_for()
    page.get_by_text("Reference: own recording neurokit_rest_60s.csv").wait_for()
    page.get_by_role("button", name="Back to the model's reference").click()
    page.get_by_text("Reference (simulated)").first.wait_for()
    assert page.get_by_text("own recording").count() == 0
