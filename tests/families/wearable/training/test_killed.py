"""The command stopped and killed like a user's or a machine's: it goes on, and ends as if nothing had happened."""

import re
import signal
import subprocess
import sys

import pytest
import torch

from making.folds import same, small, weights
from physiosynth.families.wearable.training.task import trainer_of
from places import ROOT

SCRIPT = ROOT / "scripts" / "train.py"
SETTINGS = small(batch_size=2, total_steps=18, validate_every=4, validation_windows=2)


def start(fold, out) -> subprocess.Popen:
    asked = {name: value for name, value in SETTINGS.to_dict().items() if value is not None}
    asked["steps"] = asked.pop("total_steps")
    flags = [word for name, value in asked.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    line = [sys.executable, str(SCRIPT), "--fold", str(fold.path), "--out", str(out), "--threads", "1", *flags]
    return subprocess.Popen(line, stderr=subprocess.PIPE)


def stop_after(process: subprocess.Popen, step: int, number: int) -> str:
    """Send the signal once the bar shows that step; what the process had to say, bar included."""
    told = ""
    while not any(int(shown) >= step for shown in re.findall(rf"(\d+)/{SETTINGS.total_steps} ", told)):
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
    told = stop_after(process, 3, signal.SIGTERM)
    assert process.returncode == 130
    assert "Interrupted" in told and "the same command continues" in told
    assert "Traceback" not in told
    process = start(fold, broken)
    told = stop_after(process, 10, signal.SIGKILL)
    assert "Continuing at step" in told
    assert process.returncode == -signal.SIGKILL
    process = start(fold, broken)
    told = process.stderr.read().decode()
    assert process.wait() == 0, told
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums of other lengths round differently
    try:
        trainer_of(fold, tmp_path / "whole", SETTINGS).run()
    finally:
        torch.set_num_threads(threads)
    assert same(weights(broken), weights(tmp_path / "whole"))
