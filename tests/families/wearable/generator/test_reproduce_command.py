"""scripts/reproduce.py: any file of ours is drawn again, and a sample that was changed is found."""

import runpy
import sys

import numpy as np
import pytest

from making.bundles import tiny_bundle
from physiosynth.families.wearable.data.synthetic_recording import parse_schedule
from physiosynth.families.wearable.export import SUFFIXES, format_of, read, write
from physiosynth.families.wearable.generator.amplitude_matching import AmplitudeMatcher
from physiosynth.families.wearable.generator.generator import WESADGenerator
from places import ROOT


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return tiny_bundle(tmp_path_factory.mktemp("reproduce") / "bundle")


@pytest.fixture(scope="module")
def generator(bundle):
    return WESADGenerator.from_bundle(bundle, "cpu")


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


@pytest.fixture(scope="module")
def batch(generator):
    """Windows of two states with matched amplitudes, the last ones of a run that was stopped early left out."""
    reference = generator.generate_dataset({"baseline": 2, "stress": 2}, seed=6)
    matcher = AmplitudeMatcher.from_real(reference.fused(), reference.conditions, "full")
    drawn = generator.generate_dataset({"baseline": 2, "stress": 2}, seed=5)
    return matcher.apply(drawn, generator).take(range(3))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_windows_are_drawn_again_from_every_format(bundle, batch, command, tmp_path, suffix):
    """Exit code 0 and the word identical; with --out the drawn windows are written."""
    path = write(batch, tmp_path / f"a{suffix}")
    code, out, _ = command("reproduce.py", path, "--bundle", bundle, "--out", tmp_path / "again.npz")
    assert code == 0 and f"a{suffix}: identical" in out
    assert np.array_equal(np.load(tmp_path / "again.npz")["ecg"], batch.ecg)


def test_a_recording_is_drawn_again(bundle, generator, command, tmp_path):
    """Through two states, out of a format of 16 bits."""
    recording = generator.sample_recording(parse_schedule("baseline:40,stress:35"), seed=5)
    path = write(recording, tmp_path / "r.edf.zip")
    assert command("reproduce.py", path, "--bundle", bundle)[0] == 0


def test_a_sample_that_was_changed_ends_in_exit_code_1(bundle, batch, command, tmp_path):
    """The line says which channel differs and by how much."""
    other = batch.take(range(3))
    other.ecg[1, 7] += 0.25
    code, out, _ = command("reproduce.py", write(other, tmp_path / "a.npz"), "--bundle", bundle)
    assert code == 1 and "NOT identical. Largest differences: ECG 0.25 mV, EDA 0 uS" in out


def test_another_bundle_and_files_of_others_end_in_one_plain_line(bundle, batch, command, tmp_path):
    """Both hashes are named; a file that is none of ours says what was expected."""
    other = tiny_bundle(tmp_path / "other", seed=9)
    path = write(batch, tmp_path / "a.npz")
    code, _, errors = command("reproduce.py", path, "--bundle", other)
    assert code == 2 and batch.provenance.bundle_sha256 in errors
    assert WESADGenerator.from_bundle(other).info.bundle_sha256 in errors and "Traceback" not in errors
    np.savez(tmp_path / "b.npz", ecg=np.zeros(3))
    for name, message in (("b.npz", "not a readable NPZ file of physiosynth"), ("c.npz", "no such file")):
        code, _, errors = command("reproduce.py", tmp_path / name, "--bundle", bundle)
        assert code == 2 and message in errors


def test_sample_writes_what_its_help_promises(bundle, command, tmp_path):
    """Several states in one command, in a format of many files; the endings in --help are those of the table."""
    asked = ("--bundle", bundle, "--condition", "stress:2,baseline", "--windows", 1, "--seed", 4)
    assert command("sample.py", *asked, "--out", tmp_path / "a.bids.zip")[0] == 0
    provenance = read(tmp_path / "a.bids.zip").provenance
    assert (provenance.conditions, provenance.indices) == (("stress", "stress", "baseline"), (0, 1, 0))
    shown = command("sample.py", "--help")[1]
    assert all(suffix in shown and format_of(suffix) for suffix in SUFFIXES)
    code, _, errors = command("sample.py", "--condition", "stress,stress", "--out", tmp_path / "b.npz")
    assert code == 2 and "expected each state once" in errors
