"""What tests of pages leave behind, put back."""

import sys

import pytest


@pytest.fixture(autouse=True)
def main_module():
    """A script that Streamlit runs becomes the main module, which processes started by later tests would run again."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before
