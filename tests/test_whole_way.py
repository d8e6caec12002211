"""The whole way once, through the commands a user types: cohort, fold, training, bundle, sample."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from physiosynth.signals import ECG_STEPS, LOW_STEPS

SCRIPTS = Path(__file__).parents[1] / "scripts"


def command(name: str, *arguments: object) -> str:
    """Run a command as its own process; its output."""
    line = [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{name}: {done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.timeout(240)
def test_four_virtual_subjects_become_synthetic_stress_windows(tmp_path):
    """From nothing, with a few seconds of training, to a file of synthetic windows that says what it is."""
    fold, run, bundle, out = (tmp_path / name for name in ("folds/fold_S3", "run", "bundle.zip", "stress.npz"))
    command("make_virtual_cohort", "--out", tmp_path / "raw", "--subjects", 4, "--seed", 0, "--minutes-scale", 0.2)
    command("preprocess_wesad", "--raw", tmp_path / "raw", "--out", fold.parent, "--test-subject", "S3")
    training = ("--max-minutes", 0.1, "--batch-size", 8, "--low-base", 16, "--ecg-base", 8, "--seed", 0)
    command("train", "--fold", fold, "--out", run, *training)
    assert "SHA-256" in command("build_bundle", "--run", run, "--fold", fold, "--out", bundle)
    command("sample", "--bundle", bundle, "--condition", "stress", "--windows", 3, "--seed", 7, "--out", out)
    with np.load(out, allow_pickle=False) as saved:
        assert saved["ecg"].shape[:2] == (3, ECG_STEPS)
        assert saved["resp"].shape[:2] == (3, LOW_STEPS)
        assert np.isfinite(saved["ecg"]).all()
        # A network that learned anything puts out millivolts of the size it was shown, and they move.
        assert 0.05 < saved["ecg"].std() < 1.0
        settings = json.loads(str(saved["settings"]))
    assert settings["source"] == "virtual"
    assert settings["seed"] == 7
    assert settings["synthetic"]
