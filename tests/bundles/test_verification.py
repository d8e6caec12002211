"""A bundle is verified file by file: each fault fails one check, which names the file."""

import hashlib
import json
import re
import zipfile

import numpy as np
import pytest
import torch

from making.bundles import (
    LAYOUT,
    PUBLISHED_MANIFEST,
    TINY_MANIFEST,
    checkpoint_of,
    published_weights,
    tiny,
    tiny_bundle,
    weights_of,
    write_bundle,
)
from making.fault_server import Content, FaultServer, good
from physiosynth.bundles.bundle import resolve_bundle
from physiosynth.bundles.fetching import fetch_bundle
from physiosynth.bundles.verification import FAILED, NOTE, PASSED, failures, require_verified, verify
from physiosynth.commands.main import main
from physiosynth.errors import BundleError
from physiosynth.families.table import checks_of
from physiosynth.families.wearable.generator.building import build_bundle
from physiosynth.families.wearable.generator.generator import WESADGenerator

MILESTONES, FOLD = LAYOUT
CONFIG = {"test_subject": "S10", "source": "virtual", "eda": "full", "channels_low": ["EDA", "RESP"], "window_s": 30}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Zips are unpacked into the test's own cache."""
    monkeypatch.setenv("PHYSIOSYNTH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def built(tmp_path):
    """A bundle folder as build_bundle makes it, of tiny networks."""
    made = tiny_bundle(tmp_path / "made")
    fold = made / FOLD
    (fold / "dataset_config.json").write_text(json.dumps(CONFIG))
    milestones = made / MILESTONES
    torch.save(checkpoint_of(weights_of(tiny()), 7), milestones / "milestone_e007_best.pt")
    return build_bundle(milestones, fold, tmp_path / "built").path


def zipped(folder, target, parent="inference_bundle", separator="/"):
    """A zip of a folder; stored names keep the separator."""
    with zipfile.ZipFile(target, "w") as file:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            info = zipfile.ZipInfo("x")
            info.filename = f"{parent}/{path.relative_to(folder).as_posix()}".replace("/", separator)
            file.writestr(info, path.read_bytes())
    return target


def test_a_bundle_of_ours_passes_every_check_in_a_fixed_order(built):
    """Nothing fails, nothing has to be assumed, and every check has its line."""
    results = verify(built, checks_of)
    assert {check.status for check in results} == {PASSED}
    names = list(dict.fromkeys(check.name for check in results))
    assert names == ["files", "weights", "manifest", "norms", "config", "windows", "sample"]
    assert results[0].line() == "passed  files: 10 files are those of bundle.json"
    assert require_verified(resolve_bundle(built), checks_of) == results


def test_a_published_bundle_goes_from_a_url_to_its_windows_and_passes_with_notes(tmp_path, cache, monkeypatch):
    """Fetched, unpacked, verified, loaded and sampled: no bundle.json, no channel names, no config, Windows' names."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = write_bundle(tmp_path / "b", checkpoint_of(published_weights()), PUBLISHED_MANIFEST)
    path = zipped(folder, tmp_path / "inference_bundle.zip", separator="\\")
    results = verify(path, checks_of)
    assert not failures(results)
    notes = [check.line() for check in results if check.status == NOTE]
    assert any("no bundle.json" in line for line in notes) and any("taken as EDA, Resp" in line for line in notes)
    assert len(notes) == len(set(notes))
    assert not list((cache / "bundles").iterdir()), "the verified zip left its contents behind"
    content = Content(path.read_bytes())
    with FaultServer(good(content)) as server:
        root = fetch_bundle(server.url(), hashlib.sha256(content.data).hexdigest().upper())
    bundle = resolve_bundle(root)
    assert bundle.sha256 == resolve_bundle(folder).sha256
    generator = WESADGenerator.from_bundle(bundle)
    assert not any("nobody vouches" in notice for notice in generator.info.notices)
    assert np.isfinite(generator.sample_one("stress", seed=1).fused()).all()


def fail_lines(root):
    """The lines of the checks that failed, as one text."""
    return "\n".join(check.line() for check in failures(verify(root, checks_of)))


def test_a_changed_a_missing_and_an_added_file_are_each_named(built):
    """All three faults are found at once."""
    with (built / FOLD / "test_X_low.npy").open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\x01")
    (built / FOLD / "norm_ecg.npz").unlink()
    (built / "results" / "extra.py").write_text("")
    lines = fail_lines(built).splitlines()
    assert len(lines) == 3
    assert f"files: {FOLD}/test_X_low.npy: SHA-256 is" in lines[1]
    assert f"files: {FOLD}/norm_ecg.npz: SHA-256 is no such file" in lines[0]
    assert "files: results/extra.py: is not in bundle.json" in lines[2]


# What is done to a bundle without bundle.json, and what its failed line says.
FAULTS = {}


def fault(message):
    def named(change):
        FAULTS[change.__name__] = (change, message)
        return change

    return named


def changed_json(path, **content):
    path.write_text(json.dumps({**json.loads(path.read_text()), **content}))


@fault(r"weights: ckpt_epoch_007_WEIGHTS\.pt: low stream: diff\.model\.in_conv\.bias holds values that are not finite")
def weights_that_are_not_finite(root):
    weights = weights_of(tiny())
    weights["low"]["diff.model.in_conv.bias"][0] = torch.nan
    torch.save(checkpoint_of(weights, 7), root / MILESTONES / "../ckpt_epoch_007_WEIGHTS.pt")


@fault(r"weights: .*ckpt_epoch_007_WEIGHTS\.pt: .*/data/0 does not have its checksum")
def a_weight_with_one_bit_changed(root):
    path = root / MILESTONES / "../ckpt_epoch_007_WEIGHTS.pt"
    with zipfile.ZipFile(path) as file:
        part = next(info for info in file.infolist() if info.filename.endswith("/data/0"))
        wanted = file.read(part)
    content = bytearray(path.read_bytes())
    content[content.index(wanted)] ^= 1
    path.write_bytes(content)


@fault(r"weights: ckpt_epoch_007_WEIGHTS\.pt: the manifest says 3 conditions, the weights have 4")
def a_manifest_of_fewer_conditions(root):
    changed_json(root / MILESTONES / "milestone_e007_best.json", architecture=tiny(condition_dim=3).to_dict())


@fault(r"manifest: fold: manifest says S11, dataset_config\.json says S10, folder says S10")
def a_manifest_of_another_fold(root):
    changed_json(root / MILESTONES / "milestone_e007_best.json", fold="S11")


@fault(r"manifest: eda: manifest says phasic, dataset_config\.json says full")
def a_manifest_of_another_filter(root):
    changed_json(root / MILESTONES / "milestone_e007_best.json", eda="phasic")


@fault(r"manifest: milestone_e007_best\.json: steps is a int, found 'many'")
def settings_that_cannot_be_used(root):
    changed_json(root / MILESTONES / "milestone_e007_best.json", sampling_steps="many")


@fault(r"norms: .*norm_low\.npz: .*std above 0")
def a_norm_of_no_spread(root):
    np.savez(root / MILESTONES / "norm_low.npz", mean=[0.0, 0.0], std=[1.0, 0.0])


@fault(r"norms: .*norm_ecg\.npz: expected the channels ECG, found EDA")
def a_norm_of_another_channel(root):
    np.savez(root / MILESTONES / "norm_ecg.npz", mean=[0.0], std=[1.0], channels=["EDA"])


@fault(r"config: .*dataset_config\.json: channels_low is RESP, EDA, the norm file's order is EDA, Resp")
def channels_in_two_orders(root):
    np.savez(root / FOLD / "norm_low.npz", mean=[0.0, 0.0], std=[1.0, 1.0], channels=["EDA", "Resp"])
    changed_json(root / FOLD / "dataset_config.json", channels_low=["RESP", "EDA"])


@fault(r"config: .*dataset_config\.json: window_s is 60, expected 30")
def windows_of_a_minute(root):
    changed_json(root / FOLD / "dataset_config.json", window_s=60)


@fault(r"windows: .*test_X_low\.npy: expected windows of shape \(120, 2\)")
def windows_of_another_shape(root):
    np.save(root / FOLD / "test_X_low.npy", np.zeros((4, 240, 2)))


@fault(r"windows: .*test_X_ecg\.npy has 4 windows, test_X_low\.npy 3")
def streams_of_different_length(root):
    np.save(root / FOLD / "test_X_low.npy", np.zeros((3, 120, 2)))


@fault(r"windows: .*test_X_ecg\.npy: holds values that are not finite")
def windows_that_are_not_finite(root):
    ecg = np.load(root / FOLD / "test_X_ecg.npy")
    ecg[3, 17] = np.inf
    np.save(root / FOLD / "test_X_ecg.npy", ecg)


@fault(r"windows: .*test_cond\.npy: expected label ids 1, 2, 3, 4, found 0, 1, 2, 3")
def labels_shifted_by_one(root):
    np.save(root / FOLD / "test_cond.npy", np.arange(4))


@fault(r"sample: ckpt_epoch_007_WEIGHTS\.pt: window . \(\w+\) came out with values that are not finite")
def weights_that_overflow(root):
    weights = weights_of(tiny())
    weights["low"]["diff.model.in_conv.weight"][:] = 3e38
    torch.save(checkpoint_of(weights, 7), root / MILESTONES / "../ckpt_epoch_007_WEIGHTS.pt")


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_fails_its_check_and_names_the_file(tmp_path, name):
    """One fault, one kind of failed line; the other checks go on."""
    change, message = FAULTS[name]
    root = tiny_bundle(tmp_path / "b")
    (root / FOLD / "dataset_config.json").write_text(json.dumps(CONFIG))
    change(root)
    failed = failures(verify(root, checks_of))
    assert len(failed) == 1, failed
    assert re.search(message, failed[0].line()), failed[0].line()
    with pytest.raises(BundleError, match=message):
        require_verified(root, checks_of)


def test_labels_beyond_the_weights_conditions_are_a_fault(tmp_path):
    """Weights of three conditions do not go with reference windows of meditation."""
    architecture = tiny(condition_dim=3)
    content = {**TINY_MANIFEST, "architecture": architecture.to_dict()}
    root = write_bundle(tmp_path / "b", checkpoint_of(weights_of(architecture), 7), content)
    assert "test_cond.npy: label 4, the weights know 1 to 3" in fail_lines(root)


def test_a_bundle_of_an_unknown_family_is_refused_with_those_there_are(built):
    """bundle.json may name its family; one that this version does not know is no fault of the files."""
    index = json.loads((built / "bundle.json").read_text())
    assert index["family"] == "wearable"
    (built / "bundle.json").write_text(json.dumps({**index, "family": "thermal"}))
    (line,) = fail_lines(built).splitlines()
    assert "family is 'thermal', expected one of wearable" in line
    del index["family"]
    (built / "bundle.json").write_text(json.dumps(index))
    assert not failures(verify(built, checks_of)), "a bundle without a family is a wearable one, as published ones are"


def test_what_is_no_bundle_is_one_failed_line(tmp_path):
    """A folder, a zip and a path without a bundle: one line that says what was expected."""
    (tmp_path / "photos").mkdir()
    page = tmp_path / "page.zip"
    page.write_bytes(b"<html>404")
    for path in (tmp_path, page, tmp_path / "missing"):
        (check,) = verify(path, checks_of)
        assert (check.status, check.name) == (FAILED, "bundle")
        assert path.name in check.detail


def test_the_command_prints_a_line_a_check_and_its_exit_code_says_whether_one_failed(built, tmp_path, capsys):
    """0 for a good zip, 1 for one above the limits, with the file named on the standard output."""
    path = str(zipped(built, tmp_path / "b.zip"))
    assert main(["bundle", "verify", path]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 9 and all(line.startswith("passed ") for line in lines)
    assert main(["bundle", "verify", path, "--max-files", 3]) == 1
    assert capsys.readouterr().out == ("failed  bundle: b.zip: holds 11 files, expected at most 3. No bundle does.\n")
