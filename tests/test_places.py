"""Skips for want of ../shared are counted aloud, and are no way round a check in CI."""

import os
import shutil
import subprocess
import sys

import pytest

from places import ROOT

CASE = """
import pytest
from places import shared_path

@pytest.mark.parametrize("name", ["data/one.csv", "data/two.csv"])
def test_reads_a_shared_file(name):
    assert shared_path(name).read_text()
"""


@pytest.fixture
def run_tests(tmp_path):
    """Two tests of shared files in a folder of their own, run with CI set or not: (exit status, output)."""
    tests = tmp_path / "clone" / "tests"
    tests.mkdir(parents=True)
    for name in ("places.py", "conftest.py"):
        shutil.copy(ROOT / "tests" / name, tests)
    (tests / "test_case.py").write_text(CASE)

    def run(ci):
        env = {name: value for name, value in os.environ.items() if name != "CI" and "PYTEST" not in name}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tests)]
        done = subprocess.run(command, cwd=tests, env={**env, **({"CI": "true"} if ci else {})}, capture_output=True)
        return done.returncode, done.stdout.decode()

    return run


@pytest.mark.parametrize("ci", [False, True])
def test_where_shared_is_absent_its_tests_are_skipped_and_counted(run_tests, ci):
    """A clone has no ../shared: the run passes, and one line at its end says what was left out."""
    status, output = run_tests(ci)
    assert status == 0 and "2 tests skipped: ../shared is not here" in output


def test_where_shared_lacks_a_file_ci_fails(run_tests, tmp_path):
    """A file that is missing, or is a link to nowhere, fails in CI and is skipped on a user's machine."""
    data = tmp_path / "shared" / "data"
    data.mkdir(parents=True)
    (data / "one.csv").write_text("1")
    (data / "two.csv").symlink_to(tmp_path / "nowhere")
    status, output = run_tests(ci=True)
    assert status == 1 and "data/two.csv in it is missing" in output and "1 passed" in output
    status, output = run_tests(ci=False)
    assert status == 0 and "1 test skipped: ../shared is not here" in output
