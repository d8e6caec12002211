"""Code that a visitor pastes draws the windows that are on the page."""

import subprocess
from dataclasses import replace

import numpy as np
import pytest

from making.bundles import tiny_bundle
from physiosynth.families.wearable.data.batch import Sampling, Targets
from physiosynth.families.wearable.export import write
from physiosynth.families.wearable.generator.generator import WESADGenerator
from physiosynth.families.wearable.generator.snippets import command_line, counts_of, python_snippet


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Tiny networks that take a heart rate."""
    ranges = {state: {"heart_rate": [60, 120]} for state in ("baseline", "stress")}
    return tiny_bundle(tmp_path_factory.mktemp("snippet") / "bundle", target_ranges=ranges)


@pytest.fixture(scope="module")
def batch(bundle):
    """Two states with settings of their own and a rate."""
    asked = {"sampling": Sampling(low_steps=3, ecg_guidance=0.0), "targets": Targets(heart_rate=90.0)}
    return WESADGenerator.from_bundle(bundle).generate_dataset({"stress": 2, "baseline": 1}, seed=8, **asked)


def pasted(code):
    """What `batch` is after the code has run."""
    space = {}
    exec(code, space)
    return space["batch"]


def test_the_python_snippet_draws_the_same_windows(bundle, batch):
    """States, seed, steps, guidance, method and rates are all in it."""
    again = pasted(python_snippet(batch.provenance, str(bundle)))
    assert np.array_equal(again.ecg, batch.ecg) and np.array_equal(again.low.values, batch.low.values)
    assert again.conditions == batch.conditions


def test_windows_picked_out_of_a_run_come_from_their_file(bundle, batch, tmp_path):
    """So do calibrated ones: no call without the file could draw them."""
    picked = batch.take([1])
    path = write(picked, tmp_path / "picked.h5")
    assert counts_of(picked.provenance) is None and counts_of(replace(batch.provenance, calibrated="x")) is None
    assert np.array_equal(pasted(python_snippet(picked.provenance, str(bundle), str(path))).ecg, picked.ecg)
    assert command_line(picked.provenance, "default", "picked.h5").startswith("physiosynth reproduce picked.h5")


def test_the_command_line_is_of_one_piece_for_a_shell(batch):
    """Line ends are escaped, and each option has its value."""
    command = command_line(batch.provenance, "my bundle.zip", "a.npz")
    shell = ["bash", "-c", f"physiosynth() {{ printf '%s\\n' \"$@\"; }}; {command}"]
    words = subprocess.run(shell, capture_output=True, text=True, check=True).stdout.splitlines()
    assert words[:3] == ["sample", "--condition", "stress:2,baseline:1"]
    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert options["--seed"] == "8" and options["--bundle"] == "my bundle.zip" and options["--out"] == "a.npz"
    assert (options["--slow-steps"], options["--ecg-guidance"], options["--heart-rate"]) == ("3", "0.0", "90.0")
