"""Paths that several tests need."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = Path(__file__).parent
FIXTURES = TESTS / "fixtures"
SHARED = ROOT.parent / "shared"
NOT_HERE = "../shared is not here"


def shared_path(relative: str) -> Path:
    """A path under ../shared, which holds recordings too large for a clone; the calling test is skipped without it.

    Where CI is set, a ../shared that lacks the path fails the test: there, a skip would hide a lost guarantee.
    """
    path = SHARED / relative
    if path.exists() and os.access(path, os.R_OK):
        return path
    if SHARED.is_dir() and os.environ.get("CI"):
        pytest.fail(f"../shared is here, and {relative} in it is missing or not readable.", pytrace=False)
    pytest.skip(f"{NOT_HERE}: needs {relative}")
