"""A training run and its fold become a bundle that draws the same windows and is the same bytes every time."""

import hashlib
import json
import shutil
import zipfile

import numpy as np
import pytest
import torch

from making.bundles import LAYOUT, TINY_MANIFEST, checkpoint_of, tiny, tiny_bundle, weights_of
from physiosynth.errors import BundleError, RequestError
from physiosynth.families.wearable.generator.building import build_bundle
from physiosynth.families.wearable.generator.generator import WESADGenerator


@pytest.fixture
def run(tmp_path, monkeypatch):
    """(run, fold): two milestones, the first the better, and a fold with 10 windows of a state and 2 of another."""
    monkeypatch.setenv("PHYSIOSYNTH_CACHE", str(tmp_path / "cache"))
    made = tiny_bundle(tmp_path / "made")
    milestones, fold = tmp_path / "run" / "milestones", tmp_path / "fold_S10"
    shutil.copytree(made / LAYOUT[1], fold)
    milestones.mkdir(parents=True)
    for epoch, val_total in ((7, 0.2), (9, 0.3)):
        stem = milestones / f"milestone_e{epoch:03d}_val{val_total:.4f}"
        manifest = {**TINY_MANIFEST, "epoch": epoch, "val_total": val_total, "architecture": tiny().to_dict()}
        (milestones / f"{stem.name}.json").write_text(json.dumps(manifest))
        torch.save(checkpoint_of(weights_of(tiny(), epoch), epoch), milestones / f"{stem.name}.pt")
    for name in ("norm_low.npz", "norm_ecg.npz"):
        shutil.copyfile(fold / name, milestones / name)
    rng = np.random.default_rng(0)
    np.save(fold / "test_cond.npy", np.array([1] * 10 + [3] * 2))
    for part, shape in (("low", (120, 2)), ("ecg", (5250, 1)), ("beat", (120, 1))):
        np.save(fold / f"test_X_{part}.npy", rng.normal(size=(12, *shape)).astype(np.float32))
    np.save(fold / "test_start_s.npy", np.arange(12) * 15.0)
    return milestones.parent, fold


def test_the_best_milestone_is_packed_with_its_manifest_and_norms(run, tmp_path):
    """The bundle draws what the better milestone draws, from its stated settings, with no assumption to report."""
    run, fold = run
    built = build_bundle(run, fold, tmp_path / "bundle", half=False)
    generator = WESADGenerator.from_bundle(built.path)
    direct = WESADGenerator(run / "milestones", fold_dir=fold)
    assert generator.info.epoch == direct.info.epoch == 7
    assert generator.info.defaults == direct.info.defaults
    assert (generator.info.source, generator.info.eda, generator.info.architecture) == ("virtual", "full", "coupled")
    assert not any("No milestone" in notice for notice in generator.info.notices)
    ours, theirs = generator.sample_one("stress", seed=1), direct.sample_one("stress", seed=1)
    assert np.array_equal(ours.ecg, theirs.ecg) and np.array_equal(ours.low.values, theirs.low.values)


def test_half_precision_halves_the_weights_and_keeps_the_schedule(run, tmp_path):
    """Stored as float16 the parameters take half the space; the windows stay close, the schedule exact."""
    run, fold = run
    full = build_bundle(run, fold, tmp_path / "full", half=False).path
    half = build_bundle(run, fold, tmp_path / "half").path
    name = "results/checkpoints/diffusion/ckpt_epoch_007_WEIGHTS.safetensors"
    assert (half / name).stat().st_size < 0.75 * (full / name).stat().st_size  # the schedules are float32 in both
    a, b = (WESADGenerator.from_bundle(path) for path in (full, half))
    assert torch.equal(a.adapter.ecg.diff.betas, b.adapter.ecg.diff.betas)
    one, other = a.sample_one("stress", seed=1), b.sample_one("stress", seed=1)
    np.testing.assert_allclose(one.low.values, other.low.values, atol=0.02)


def test_the_zip_is_the_same_bytes_every_time(run, tmp_path):
    """Two builds have one SHA-256, that of the file; the older zip is replaced; the zip loads like the folder."""
    run, fold = run
    (tmp_path / "a.zip").write_bytes(b"old")
    first, second = build_bundle(run, fold, tmp_path / "a.zip"), build_bundle(run, fold, tmp_path / "b.zip")
    assert first.sha256 == second.sha256 == hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()
    assert first.size_bytes == (tmp_path / "a.zip").stat().st_size
    folder = build_bundle(run, fold, tmp_path / "folder")
    sha256 = {WESADGenerator.from_bundle(path).info.bundle_sha256 for path in (first.path, second.path, folder.path)}
    assert len(sha256) == 1
    assert not list(tmp_path.glob(".*"))


def test_the_index_says_what_the_bundle_is_and_holds_every_file(run, tmp_path):
    """bundle.json names version, source, licence, the word synthetic, and each file's SHA-256."""
    run, fold = run
    with zipfile.ZipFile(build_bundle(run, fold, tmp_path / "a.zip").path) as file:
        names = {name.removeprefix("inference_bundle/") for name in file.namelist()}
        index = json.loads(file.read("inference_bundle/bundle.json"))
        for name, digest in index["files"].items():
            assert hashlib.sha256(file.read(f"inference_bundle/{name}")).hexdigest() == digest
    assert names == {*index["files"], "bundle.json"}
    assert (index["samples"], index["source"]) == ("synthetic", "virtual")
    assert "no clinical use" in index["licence"] and "simulated" in index["description"]


def test_reference_windows_are_spread_over_each_state_and_kept_in_step(run, tmp_path):
    """Three of ten baseline windows, first and last among them, both of the other state; every array is cut alike."""
    run, fold = run
    out = build_bundle(run, fold, tmp_path / "bundle", reference_windows=3).path / LAYOUT[1]
    assert np.load(out / "test_cond.npy").tolist() == [1, 1, 1, 3, 3]
    starts = np.load(out / "test_start_s.npy") / 15
    assert starts[0] == 0 and starts[2] == 9 and starts[3:].tolist() == [10, 11]
    rows = starts.astype(int)
    for part in ("low", "ecg", "beat"):
        assert np.array_equal(np.load(out / f"test_X_{part}.npy"), np.load(fold / f"test_X_{part}.npy")[rows])
    everything = build_bundle(run, fold, tmp_path / "all", reference_windows=None).path / LAYOUT[1]
    assert len(np.load(everything / "test_cond.npy")) == 12


def test_nothing_but_a_bundle_is_replaced(run, tmp_path):
    """A bundle's folder is built anew; a folder of other files, or a file, is left alone and named."""
    run, fold = run
    build_bundle(run, fold, tmp_path / "bundle")
    build_bundle(run, fold, tmp_path / "bundle")
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(b"x")
    for place in (photos, photos / "a.jpg"):
        with pytest.raises(BundleError, match="nothing was written"):
            build_bundle(run, fold, place)
    assert [path.name for path in photos.iterdir()] == ["a.jpg"]


def test_a_run_without_milestones_and_impossible_numbers_are_refused(run, tmp_path):
    """Each has its own error."""
    run, fold = run
    with pytest.raises(BundleError, match="expected a training run with milestones"):
        build_bundle(fold, fold, tmp_path / "x.zip")
    with pytest.raises(RequestError, match="expected at least 1"):
        build_bundle(run, fold, tmp_path / "x.zip", reference_windows=0)
    assert not (tmp_path / "x.zip").exists()


def test_weights_too_large_for_half_precision_are_refused(run, tmp_path):
    """A parameter beyond float16 is named and not stored as infinity."""
    run, fold = run
    weights = weights_of(tiny())
    weights["low"]["diff.model.in_conv.bias"] = torch.full_like(weights["low"]["diff.model.in_conv.bias"], 1e6)
    torch.save(checkpoint_of(weights, 7), tmp_path / "large.pt")
    with pytest.raises(BundleError, match=r"diff\.model\.in_conv\.bias of low does not fit into float16"):
        build_bundle(run, fold, tmp_path / "x.zip", checkpoint=tmp_path / "large.pt")
