"""scripts/sample.py and scripts/build_bundle.py: one command, one file, the same file again."""

import hashlib
import json
import runpy
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from making.bundles import LAYOUT, tiny_bundle
from places import ROOT


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A tiny bundle whose reference windows have a tonic EDA of all four states."""
    root = tiny_bundle(tmp_path_factory.mktemp("command") / "bundle")
    config = {"eda": "full", "source": "virtual", "channels_low": ["EDA", "Resp"]}
    (root / LAYOUT[1] / "dataset_config.json").write_text(json.dumps(config))
    return root


@pytest.fixture
def command(monkeypatch, capfd):
    """Calls a script in this process: (exit code, standard output, standard error)."""

    def call(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        monkeypatch.syspath_prepend(ROOT / "scripts")
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / "scripts" / script), run_name="__main__")
        return ended.value.code, *capfd.readouterr()

    return call


def options(bundle, out, *more):
    return ("--bundle", bundle, "--condition", "stress", "--seed", 42, "--out", out, *more)


def test_one_seed_gives_identical_arrays_and_window_3_of_16_is_window_3_of_4(bundle, tmp_path, command):
    """Another process, and another number of windows, change nothing."""
    line = [sys.executable, ROOT / "scripts" / "sample.py", *options(bundle, tmp_path / "a.npz", "--windows", 16)]
    assert subprocess.run(list(map(str, line)), capture_output=True).returncode == 0
    for name, windows in (("b.npz", 16), ("c.npz", 4)):
        code, out, _ = command("sample.py", *options(bundle, tmp_path / name, "--windows", windows))
        assert code == 0 and "Synthetic signals" in out
    a, b, c = (np.load(tmp_path / name, allow_pickle=False) for name in ("a.npz", "b.npz", "c.npz"))
    for name in ("ecg", "low", "beat_times_s"):
        assert np.array_equal(a[name], b[name], equal_nan=True)
    assert np.array_equal(a["ecg"][3], c["ecg"][3]) and np.array_equal(a["low"][3], c["low"][3])


def test_window_3_of_16_is_window_3_of_4_with_matched_amplitudes_too(bundle, tmp_path, command):
    """The company of a window changes neither what is drawn nor how its amplitudes are matched."""
    for name, windows in (("a.npz", 16), ("b.npz", 4)):
        asked = options(bundle, tmp_path / name, "--windows", windows, "--steps", 3, "--match-amplitudes")
        code, out, _ = command("sample.py", *asked)
        assert code == 0 and "Amplitudes matched to virtual reference windows of fold_S10." in out
    a, b = (np.load(tmp_path / name, allow_pickle=False) for name in ("a.npz", "b.npz"))
    assert np.array_equal(a["ecg"][3], b["ecg"][3]) and np.array_equal(a["low"][3], b["low"][3])


def test_csv_steps_guidance_and_matching_reach_the_file(bundle, tmp_path, command):
    """What was asked for stands in the settings; the streams' own options count before the common ones."""
    asked = ("--steps", 3, "--ecg-steps", 4, "--guidance", 1, "--slow-guidance", 0, "--match-amplitudes")
    assert command("sample.py", *options(bundle, tmp_path / "a.csv", *asked))[0] == 0
    text = (tmp_path / "a.csv").read_text()
    settings = json.loads(next(x for x in text.splitlines() if x.startswith("# settings: "))[len("# settings: ") :])
    low, ecg = settings["sampling"]["low"], settings["sampling"]["ecg"]
    assert (low["steps"], ecg["steps"], low["guidance"], ecg["guidance"]) == (3, 4, 0.0, 1.0)
    assert settings["calibrated"] == "virtual reference windows of fold_S10"
    assert pd.read_csv(tmp_path / "a.csv", comment="#").window.nunique() == 4


def test_mistakes_end_in_one_plain_line(bundle, tmp_path, command):
    """An unknown format, state, bundle and missing targets each exit with 2 and a message, before anything is drawn."""
    out = tmp_path / "a.npz"
    cases = {
        "ends in .csv, .npz, ": options(bundle, tmp_path / "a.mat"),
        "Unknown condition 'bored'": options(bundle, out, "--condition", "bored"),
        "found nothing there": options(tmp_path / "none", out),
        "Nothing was matched": options(bundle, out, "--match-amplitudes", tmp_path / "none.json"),
        "0 is not in the range 1<=x<=1000": options(bundle, out, "--steps", 0),
    }
    for message, arguments in cases.items():
        code, _, errors = command("sample.py", *arguments)
        assert code == 2 and message in errors
    assert not list(tmp_path.iterdir())


def test_the_bundle_command_prints_the_sha256_of_its_zip(bundle, tmp_path, command):
    """build_bundle.py writes the zip it says, from a run in the bundle layout."""
    checkpoint = next((bundle / LAYOUT[0]).parent.glob("*.pt"))
    run = ("--run", bundle, "--fold", bundle / LAYOUT[1], "--checkpoint", checkpoint)
    code, out, _ = command("build_bundle.py", *run, "--out", tmp_path / "b.zip", "--reference-windows", 1)
    assert code == 0
    assert hashlib.sha256((tmp_path / "b.zip").read_bytes()).hexdigest() in out


def test_a_recording_is_written_as_a_file_and_as_a_subject(bundle, tmp_path, command):
    """--seconds with a schedule draws one recording; the same command with --wesad makes a subject of it, too."""
    asked = ("--bundle", bundle, "--seconds", 60, "--schedule", "baseline:30,stress:30", "--seed", 1)
    code, out, _ = command("sample.py", *asked, "--out", tmp_path / "r.npz", "--wesad", tmp_path, "--subject", "S901")
    assert code == 0 and "60 s. Synthetic signals" in out
    with np.load(tmp_path / "r.npz", allow_pickle=False) as arrays:
        assert (
            arrays["ecg"].shape == (60 * 175, 1)
            and arrays["conditions"].tolist() == ["baseline"] * 30 + ["stress"] * 30
        )
    assert (tmp_path / "S901" / "S901.pkl").is_file()


def test_recording_requests_that_do_not_fit_are_refused(bundle, tmp_path, command):
    """No place to write to, lengths that differ, windows in the WESAD layout: each in one sentence, without a file."""
    start = ("sample.py", "--bundle", bundle)
    for arguments, message in (
        (("--seconds", 60), "Say where the recording goes"),
        (("--seconds", 90, "--schedule", "baseline:60", "--out", tmp_path / "r.npz"), "last 60 s together, but 90 s"),
        (("--wesad", tmp_path), "it needs --seconds or --schedule"),
        (("--seconds", 60, "--match-amplitudes", "--out", tmp_path / "r.npz"), "Leave it out"),
    ):
        code, _, error = command(*start, *arguments)
        assert code == 2 and message in error and "Traceback" not in error
    assert not list(tmp_path.iterdir())
