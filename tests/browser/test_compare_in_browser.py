"""The Compare page in a real browser, with the embedded model."""

import pytest
from driving import generate, made, type_in


def test_two_runs_stand_side_by_side_with_what_was_set_differently(page):
    """Another seed makes another run; the Compare page names the difference and draws both."""
    type_in(page, "Seed", 7)
    type_in(page, "Windows", 1)
    generate(page)
    made(page, "1 baseline window").wait_for()
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("tab", name="Two side by side").click()
    page.get_by_role("cell", name="Seed", exact=True).wait_for()
    page.get_by_test_id("stVegaLiteChart").first.locator("canvas, svg").first.wait_for()


@pytest.mark.slow  # dashboard/test_trust_and_compare.py holds the sweep, without a browser
def test_a_sweep_of_two_by_two_ends_in_a_grid(opened):
    """The cost is told first; four cells are drawn as a map and beside their cost, and can be taken home."""
    page = opened("compare")
    page.get_by_role("tab", name="Sweep").click()
    row = page.get_by_role("toolbar", name="Denoising steps", exact=True)
    row.get_by_role("button", name="16", exact=True).click()
    type_in(page, "Windows per cell", 4)
    page.get_by_text("4 of 4 cells to do: 288 network evaluations").wait_for()
    page.get_by_role("button", name="Sweep", exact=True).click()
    page.get_by_text("All 4 cells are done.").wait_for()
    page.get_by_test_id("stVegaLiteChart").nth(1).locator("canvas, svg").first.wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Table as CSV").click()
    with open(waiting.value.path(), encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    assert len(lines) == 5 and lines[0].startswith("state,windows,seed,low_steps") and "True" in lines[1]
