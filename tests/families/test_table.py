"""Every family of the table can do what it says, with the bundle that comes with it."""

import subprocess
import sys

import numpy as np
import pytest

from physiosynth.bundles.bundle import resolve_bundle
from physiosynth.bundles.verification import PASSED, verify
from physiosynth.families.table import FAMILIES, checks_of

TASKS = {"generate", "classify", "detect"}


@pytest.fixture(scope="module", params=FAMILIES)
def loaded(request):
    """A family, its embedded bundle, and what loads it."""
    family, bundle = FAMILIES[request.param], resolve_bundle("default")
    return family, bundle, family.load(bundle, "cpu")


def test_the_embedded_bundle_passes_the_checks_of_its_family(loaded):
    """Not one fails, and each of the family's checks has a line."""
    family, bundle, _ = loaded
    results = verify(bundle, checks_of)
    assert {check.status for check in results} == {PASSED}
    assert set(family.checks(bundle.root)) <= {check.name for check in results}


def test_each_task_is_done(loaded):
    """A family that generates draws finite windows that differ by seed and are the same for one seed."""
    family, _, does = loaded
    assert family.tasks and set(family.tasks) <= TASKS
    if "generate" in family.tasks:
        one, again, other = (does.sample(does.info.conditions[0], windows=1, seed=seed).fused() for seed in (1, 1, 2))
        assert np.isfinite(one).all()
        assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_each_score_has_a_control_that_must_fail_it(loaded):
    """A score without windows that it must call worse could not fail; test_scores.py holds them to it."""
    from physiosynth.families.wearable.scores.controls import CONTROLS

    scores = loaded[0].scores()
    assert len(scores) > 10
    for score in scores.values():
        assert {score.control_for(part) for part in (score.parts or ("",))} <= set(CONTROLS), score.name


def test_the_card_says_what_it_was_trained_on_and_its_licence(loaded):
    """What the Trust page shows of a family is there for each."""
    family, bundle, does = loaded
    card = family.card(does, bundle.milestones)
    assert "simulated" in card.trained_on and "clinical" in card.licence and card.bundle_sha256 == bundle.sha256


def test_the_table_loads_no_heavy_library():
    """Listing families must not load torch: --help does."""
    code = "import sys, physiosynth.families.table; print([m for m in ('torch', 'numpy', 'scipy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
