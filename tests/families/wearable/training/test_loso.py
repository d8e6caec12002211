"""One model a left-out subject, resumable, and one table in the end."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from making.folds import make_fold, small
from physiosynth.errors import TrainingError
from physiosynth.families.wearable.training import loso
from physiosynth.families.wearable.training.loso import (
    FoldResult,
    choose_folds,
    mean_and_sd,
    to_json,
    train_folds,
    write_table,
)
from physiosynth.families.wearable.training.settings import TrainSettings
from places import ROOT

TINY = small(total_steps=2, validate_every=1)
SCRIPT = ROOT / "scripts" / "train_loso.py"


@pytest.fixture(scope="module", autouse=True)
def few_windows():
    """Two windows a state are judged, not two dozen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loso, "JUDGED_WINDOWS", 2)
        yield


@pytest.fixture(scope="module")
def folds(tmp_path_factory):
    """Folds that leave out S2, S10 and S3; that of S10 is damaged."""
    root = tmp_path_factory.mktemp("folds")
    for train, val, test in (("S3", "S10", "S2"), ("S2", "S10", "S3"), ("S2", "S3", "S10")):
        make_fold(root / f"fold_{test}", train, val, test)
    (root / "fold_S10" / "train_X_ecg.npy").write_bytes(b"not an array")
    return root


@pytest.fixture(scope="module")
def finished(folds, tmp_path_factory):
    """What training all of them leaves: (results, directory)."""
    out = tmp_path_factory.mktemp("loso")
    return train_folds(folds, choose_folds(folds, ["all"]), out, TINY), out


def test_folds_are_chosen_by_name_or_all_in_the_order_of_their_numbers(folds):
    """'all' is S2, S3, S10; a name without a fold is told with those there are."""
    assert choose_folds(folds, ["all"]) == ["S2", "S3", "S10"]
    assert choose_folds(folds, ["S10", "S2"]) == ["S10", "S2"]
    with pytest.raises(TrainingError, match=r"no fold of S99.*S2, S3, S10"):
        choose_folds(folds, ["S2", "S99"])


def test_a_fold_that_fails_is_reported_and_the_others_are_trained(finished):
    """The damaged fold is told by name; the two others have losses of both splits and rate errors of every state."""
    results, _ = finished
    assert [(result.subject, result.status) for result in results] == [
        ("S2", "trained"), ("S3", "trained"), ("S10", "failed")
    ]  # fmt: skip
    assert "train_X_ecg.npy" in results[2].note
    for result in results[:2]:
        assert set(result.losses) == {f"{s}_{n}" for s in ("val", "test") for n in ("low", "ecg", "total")}
        assert all(np.isfinite(value) for value in result.losses.values())
    assert results[0].losses["test_low"] != results[0].losses["val_low"]


def test_the_loss_of_the_left_out_subject_is_of_the_milestone_that_validation_chose(finished):
    """The validation loss of the judged weights is the best that the run saw, not the last."""
    results, out = finished
    log = np.genfromtxt(out / "fold_S2" / "log.csv", delimiter=",", names=True)
    assert results[0].losses["val_total"] == pytest.approx(log["val_total"].min(), rel=1e-4)


def test_finished_folds_are_read_and_not_trained_again(folds, finished):
    """A second call gives the same results without a step, and leaves the weights alone."""
    results, out = finished
    before = (out / "fold_S3" / "state.pt").stat().st_mtime_ns
    steps = []
    again = train_folds(
        folds, ["S2", "S3"], out, TINY, on_step=lambda done, name, progress: steps.append(progress.step)
    )
    assert again == results[:2]
    assert set(steps) == {0}
    assert (out / "fold_S3" / "state.pt").stat().st_mtime_ns == before


def test_other_settings_are_not_taken_for_a_finished_fold(folds, finished):
    """Asked for a longer run in the same directory, the fold says which setting differs."""
    _, out = finished
    (result,) = train_folds(folds, ["S2"], out, small(total_steps=3, validate_every=1))
    assert result.status == "failed"
    assert "total_steps" in result.note


def test_an_interrupted_fold_goes_on_where_it_was(folds, tmp_path):
    """Interrupted in the second fold, the same call skips the first and makes only the step that was left."""
    seen = []

    def stop(done, name, progress) -> None:
        if (name, progress.step) == ("S3", 1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_folds(folds, ["S2", "S3"], tmp_path, TINY, on_step=stop)
    train_folds(folds, ["S2", "S3"], tmp_path, TINY, on_step=lambda done, name, p: seen.append((done, name, p.step)))
    assert seen == [(1, "S2", 0), (1, "S3", 2), (2, "S3", 0)]


def test_mean_and_spread_are_over_the_folds_that_could_be_measured():
    """1, 2, 3 and a missing value have mean 2 and SD 1; a single fold has no spread."""
    assert mean_and_sd([1.0, 2.0, 3.0, float("nan")]) == (2.0, 1.0)
    assert mean_and_sd([4.0])[0] == 4.0
    assert np.isnan(mean_and_sd([4.0])[1])


def test_the_table_has_a_row_a_subject_then_mean_and_sd_in_three_spellings(tmp_path):
    """CSV, Markdown and JSON say the same, and JSON says settings, seed, version and synthetic."""
    results = [
        FoldResult("S2", "trained", 5, 5, {"test_total": 1.0}, {"heart_rate stress": 3.0}),
        FoldResult("S3", "trained", 5, 5, {"test_total": 2.0}),
        FoldResult("S4", "failed", note="no windows"),
    ]
    settings = TrainSettings(seed=7)
    markdown = write_table(results, tmp_path, settings)
    rows = {row["subject"]: row for row in csv.DictReader((tmp_path / "loso.csv").open())}
    assert list(rows) == ["S2", "S3", "S4", "mean", "SD"]
    assert (rows["mean"]["test_total"], rows["SD"]["test_total"]) == ("1.5", "0.7071")
    assert rows["mean"]["heart_rate stress error"] == "3"
    assert rows["S4"]["test_total"] == ""
    assert markdown == (tmp_path / "loso.md").read_text()
    assert "| S2 | trained | 5/5 | 1 | 3 |" in markdown and "S4: no windows" in markdown and "synthetic" in markdown
    content = json.loads((tmp_path / "loso.json").read_text(), parse_constant=pytest.fail)
    assert content == json.loads(json.dumps(to_json(results, settings)))
    assert (content["seed"], content["synthetic"], content["mean"]["test_total"]) == (7, True, 1.5)
    assert content["sd"]["heart_rate stress error"] is None
    assert content["settings"] == settings.to_dict() and content["physiosynth_version"]


def test_the_command_writes_the_table_and_its_exit_code_tells_of_a_failed_fold(folds, tmp_path):
    """A damaged fold gives exit code 1 and its reason, no traceback; the table is there."""
    line = [sys.executable, str(SCRIPT), "--folds-dir", str(folds), "--folds", "S10", "--out", str(tmp_path)]
    done = subprocess.run([*line, "--preset", "smoke"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "S10 failed" in done.stderr and "Traceback" not in done.stderr
    assert "| S10 | failed |" in (tmp_path / "loso.md").read_text()
