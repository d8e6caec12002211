"""What tests of pages leave behind, put back."""

import sys

import pytest

from physiosynth.dashboard.generate_page import page as generate
from physiosynth.dashboard.trust_page import score_jobs as looks


@pytest.fixture(autouse=True)
def main_module():
    """A script that Streamlit runs becomes the main module, which processes started by later tests would run again."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(autouse=True)
def nothing_shared():
    """What all visitors of a server share was made by this test's visitors alone."""
    generate.FIRST.clear()
    looks.SHARED.clear()
