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


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle trained for a minute on four short virtual subjects."""
    root = tmp_path_factory.mktemp("way")
    command("make_virtual_cohort", "--out", root / "raw", "--subjects", 4, "--seed", 0, "--minutes-scale", 0.2)
    command("preprocess_wesad", "--raw", root / "raw", "--out", root / "folds", "--test-subject", "S3")
    training = ("--max-minutes", 1, "--low-base", 16, "--ecg-base", 8, "--seed", 0)
    command("train", "--fold", root / "folds" / "fold_S3", "--out", root / "run", *training)
    told = command(
        "build_bundle", "--run", root / "run", "--fold", root / "folds" / "fold_S3", "--out", root / "bundle.zip"
    )
    assert "SHA-256" in told
    return root / "bundle.zip"


@pytest.mark.timeout(240)
def test_four_virtual_subjects_become_synthetic_stress_windows(bundle, tmp_path):
    """From nothing to a file of synthetic windows that says what it is, in under four minutes."""
    out = tmp_path / "stress.npz"
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


def test_the_same_seed_draws_the_same_file_and_company_changes_nothing(bundle, tmp_path):
    """Two runs of one seed are equal, and window 3 of 16 is window 3 of 4."""
    drawn = []
    for name, count in (("a", 4), ("b", 4), ("c", 16)):
        out = tmp_path / f"{name}.npz"
        command(
            "sample", "--bundle", bundle, "--condition", "baseline", "--windows", count, "--steps", 4, "--seed", 42,
            "--out", out,
        )  # fmt: skip
        with np.load(out, allow_pickle=False) as saved:
            drawn.append({key: saved[key] for key in ("ecg", "eda", "resp")})
    for key in ("ecg", "eda", "resp"):
        assert np.array_equal(drawn[0][key], drawn[1][key])
        assert np.array_equal(drawn[0][key][3], drawn[2][key][3])
