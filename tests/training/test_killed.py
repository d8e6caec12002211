"""The command stopped and killed like a user's or a machine's: it goes on, and ends as if nothing had happened."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from toy_fold import same, weights

SCRIPT = Path(__file__).parents[2] / "scripts" / "train.py"
STEPS = 60


def start(fold, out) -> subprocess.Popen:
    words = "--steps 60 --low-base 8 --ecg-base 8 --batch-size 2 --validate-every 8 --validation-windows 4 --threads 1"
    line = [sys.executable, str(SCRIPT), "--fold", str(fold.path), "--out", str(out), *words.split()]
    return subprocess.Popen([*line, "--precision", "fp32", "--sample-every", "0"], stderr=subprocess.PIPE)


def stop_after(process: subprocess.Popen, step: int, number: int) -> str:
    """Send the signal once the bar shows that step; what the process had to say, bar included."""
    told = ""
    while not any(int(shown) >= step for shown in re.findall(rf"(\d+)/{STEPS} ", told)):
        piece = process.stderr.read1()
        assert piece, told
        told += piece.decode()
    process.send_signal(number)
    told += process.stderr.read().decode()
    process.wait()
    return told


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_a_run_that_was_terminated_and_killed_ends_bit_equal_to_an_unbroken_one(fold, tmp_path):
    """SIGTERM saves and says how to go on; SIGKILL loses steps, which are made again; the weights end the same."""
    broken = tmp_path / "broken"
    process = start(fold, broken)
    told = stop_after(process, 10, signal.SIGTERM)
    assert process.returncode == 130
    assert "Interrupted" in told and "the same command goes on" in told
    assert "Traceback" not in told
    process = start(fold, broken)
    told = stop_after(process, 30, signal.SIGKILL)
    assert "Going on at step" in told
    assert process.returncode == -signal.SIGKILL
    for out in (broken, tmp_path / "whole"):
        process = start(fold, out)
        told = process.stderr.read().decode()
        assert process.wait() == 0, told
    assert same(weights(broken), weights(tmp_path / "whole"))
