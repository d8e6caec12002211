"""Many visitors at once: each sees the first windows and the first verdict, and both are made once."""

import pytest
from driving import generate, made, pick


def took(tabs):
    """What these tabs say below the heading of their run, once each has one."""
    return [tab.get_by_text("30 s each, generated in").first.inner_text(timeout=300_000) for tab in tabs]


def test_six_tabs_at_once_all_show_the_first_windows(several):
    """All six come while the first windows are drawn, and a seventh while another run has its turn: nobody has none.

    The seconds that drawing took stand below the heading: the same ones everywhere, as it was done once.
    """
    tabs = several(6, "?seed=1234")
    told = took(tabs)
    assert len(set(told)) == 1
    busy = tabs[0]
    pick(busy, "Stress")
    busy.get_by_text("Sampling", exact=True).click()
    busy.get_by_label("ECG steps", exact=True).fill("1000")
    generate(busy)
    busy.get_by_role("button", name="Cancel").wait_for()
    assert took(several(1, "?seed=1234")) == told[:1]


@pytest.mark.slow  # dashboard/test_sharing.py holds the mechanism
def test_the_first_verdict_is_judged_once_for_all(several):
    """Two visitors of the Trust page wait for one judgement; a third has it without waiting."""
    tabs = several(2, "trust")
    took = [tab.get_by_text("It took", exact=False).inner_text(timeout=300_000) for tab in tabs]
    later = several(1, "trust")[0]
    assert {*took, later.get_by_text("It took", exact=False).inner_text(timeout=5_000)} == {took[0]}


@pytest.mark.slow
def test_a_visitor_who_cancels_the_first_windows_leaves_them_to_the_others(several):
    """One presses Generate while the shared windows are made; the other still gets them."""
    one, other = several(2, "?seed=4321&windows=32")
    generate(one)
    made(one, "32 baseline windows").wait_for()
    made(other, "32 baseline windows").wait_for()
