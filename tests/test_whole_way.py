"""The whole way once, through the commands of the README: cohort, fold, training, bundle, windows, the same again."""

import json
import subprocess

import numpy as np
import pytest

from documented import section, tried
from physiosynth.families.wearable.signals import ECG_STEPS, LOW_STEPS


@pytest.mark.timeout(240)
def test_virtual_subjects_become_synthetic_stress_windows(tmp_path):
    """From nothing, with a few seconds of training, to a file of synthetic windows that says what it is."""
    printed = {}
    for command in tried(section("README.md", "The full pipeline")):
        done = subprocess.run(command.line, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{command.words}: {done.stderr[-2000:]}"
        printed[command.name] = done.stdout
    assert "SHA-256" in printed["bundle build"]
    with np.load(tmp_path / "stress.npz", allow_pickle=False) as saved:
        assert saved["ecg"].shape[:2] == (3, ECG_STEPS)
        assert saved["resp"].shape[:2] == (3, LOW_STEPS)
        assert np.isfinite(saved["ecg"]).all()
        # A network that learned anything puts out millivolts of the size it was shown, and they move.
        assert 0.05 < saved["ecg"].std() < 1.0
        settings = json.loads(str(saved["settings"]))
    assert settings["source"] == "virtual"
    assert settings["seed"] == 7
    assert settings["synthetic"]
