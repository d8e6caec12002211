"""The page with a hasty visitor, and with a recording of one's own."""

import subprocess
import sys

from driving import PATIENCE_MS, generate, made, pick, shown, type_in

from places import ROOT


def test_a_hasty_click_while_the_page_is_still_coming_up_loses_nothing(opened):
    """The state is picked the moment it can be; Generate then works, in each of two fresh tabs."""
    for _ in range(2):
        tab = opened()
        pick(tab, "Stress")
        generate(tab)
        made(tab, "4 stress windows").wait_for()


def command(name, *arguments):
    """Run one of the project's commands."""
    subprocess.run(
        [sys.executable, ROOT / "scripts" / f"{name}.py", *arguments], check=True, capture_output=True, timeout=120
    )


def test_a_real_recording_of_ones_own_stands_beside_the_synthetic_windows(page, tmp_path):
    """A CSV is imported and preprocessed by the commands; the page shows it as the reference, as recorded."""
    command(
        "import_recording", ROOT / "tests/fixtures/neurokit_rest_60s.csv", "--subject", "ME", "--out", tmp_path,
        "--channels", "ECG=ECG,EDA=EDA,Resp=RSP", "--units", "ECG=mV,EDA=uS", "--rate", "100", "--state", "baseline",
    )  # fmt: skip
    command("preprocess_wesad", "--raw", tmp_path, "--out", tmp_path / "folds", "--test-subject", "ME", "--reference")
    page.get_by_text("Advanced: paths").click()
    type_in(page, "Reference fold", tmp_path / "folds" / "fold_ME")
    page.locator("svg.marks text", has_text="Reference (recorded) · ME · baseline").first.wait_for()


def test_the_page_asks_no_other_server_for_anything(chromium, address):
    """Nothing is sent anywhere: fonts, icons and charts come with the page."""
    tab, asked = chromium.new_page(), []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(address)
    shown(tab).get_by_text("Readings").first.wait_for(timeout=PATIENCE_MS)
    tab.close()
    assert [
        url for url in asked if not url.startswith((address, "data:", "blob:", address.replace("http", "ws")))
    ] == []
