"""Bundles are found in every form they come in, and refused where they cannot be trusted."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from making.bundles import PUBLISHED_MANIFEST, checkpoint_of, published_weights, tiny_bundle, write_bundle
from physiosynth.bundles import bundle
from physiosynth.bundles.bundle import content_sha256, resolve_bundle
from physiosynth.errors import BundleError
from physiosynth.families.wearable.generator.generator import WESADGenerator


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Zips are unpacked into the test's own cache."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("PHYSIOSYNTH_CACHE", str(folder))
    return folder


def zipped(folder: Path, target: Path, parent: str = "", separator: str = "/") -> Path:
    """A zip of a folder, names as given; a stored name keeps its backslashes, as on Windows."""
    with zipfile.ZipFile(target, "w") as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                info = zipfile.ZipInfo("x")
                info.filename = (parent + path.relative_to(folder).as_posix()).replace("/", separator)
                file.writestr(info, path.read_bytes())
    return target


def test_the_published_zip_is_loaded_and_sampled_unchanged(tmp_path):
    """Backslashes, a parent folder, no channel names, no architecture: the released form loads and draws windows."""
    folder = write_bundle(tmp_path / "b", checkpoint_of(published_weights()), PUBLISHED_MANIFEST)
    path = zipped(folder, tmp_path / "inference_bundle.zip", "inference_bundle/", "\\")
    with zipfile.ZipFile(path) as file:
        assert all("\\" in info.orig_filename for info in file.infolist())
    generator = WESADGenerator.from_bundle(path)
    assert (generator.info.architecture, generator.info.epoch, generator.info.eda) == ("published", 130, "phasic")
    assert generator.info.defaults.low_steps == 2
    assert any("taken as EDA, Resp" in notice for notice in generator.info.notices)
    batch = generator.sample_one("stress", seed=1)
    assert batch.beats is None
    assert np.isfinite(batch.fused()).all()
    eda, resp = batch.low.select("EDA", "Resp")
    assert resp.std() > 10 * eda.std()  # the fold's SDs are 3.09 and 0.088
    assert eda.min() < 0  # phasic values are signed and stay so


@pytest.mark.parametrize("parent", ["", "inference_bundle/", "release-1.0/"])
def test_a_folder_is_found_with_and_without_a_parent(tmp_path, parent):
    """The layout may stand in the folder itself or one level down."""
    tiny_bundle(tmp_path / "here" / parent)
    found = resolve_bundle(tmp_path / "here")
    assert found.checkpoint.name == "ckpt_epoch_007_WEIGHTS.pt"
    assert found.fold.name == "fold_S10"


def test_zip_and_folder_are_the_same_bundle(tmp_path, cache):
    """The identity of a bundle does not depend on how it is packed; a zip is unpacked once."""
    folder = tiny_bundle(tmp_path / "b")
    path = zipped(folder, tmp_path / "b.zip")
    first = resolve_bundle(path)
    assert first.sha256 == resolve_bundle(folder).sha256
    assert first.root.is_relative_to(cache)
    stamp = first.checkpoint.stat().st_mtime_ns
    assert resolve_bundle(path).checkpoint.stat().st_mtime_ns == stamp
    assert len(list((cache / "bundles").iterdir())) == 1


def test_a_zip_within_a_zip_is_opened(tmp_path):
    """A release downloaded as the only file of another zip still loads."""
    inner = zipped(tiny_bundle(tmp_path / "b"), tmp_path / "inner.zip")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as file:
        file.write(inner, "release/inner.zip")
    assert resolve_bundle(tmp_path / "outer.zip").fold.name == "fold_S10"


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_truncated_zip_is_named(tmp_path, cache, share):
    """A zip cut short ends in an error about it and leaves nothing behind."""
    path = zipped(tiny_bundle(tmp_path / "b"), tmp_path / "b.zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BundleError, match=r"b\.zip: (expected a bundle zip|the zip is damaged)"):
        resolve_bundle(path)
    assert not cache.exists() or not list(cache.rglob("*.pt"))


def test_damage_inside_a_zip_is_named(tmp_path, cache):
    """A flipped byte fails the zip's own checksum, and no part of it is kept."""
    path = zipped(tiny_bundle(tmp_path / "b"), tmp_path / "b.zip")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"b\.zip: the zip is damaged"):
        resolve_bundle(path)
    assert not list((cache / "bundles").iterdir())


def test_the_published_paths_count_before_the_embedded_bundle(tmp_path, monkeypatch):
    """ "default" is what stands below the current folder, else the embedded bundle, else an error naming both."""
    here, embedded = tmp_path / "here", tmp_path / "embedded"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(bundle, "EMBEDDED", embedded)
    with pytest.raises(BundleError, match=r"No bundle: expected results/checkpoints/diffusion/milestones"):
        resolve_bundle("default")
    tiny_bundle(embedded)
    assert resolve_bundle("default").root == embedded
    write_bundle(here, {"epoch": 130})
    assert resolve_bundle("default").checkpoint == here / "results/checkpoints/diffusion/ckpt_epoch_130_WEIGHTS.pt"


def test_a_folder_that_is_no_bundle_has_its_own_error(tmp_path):
    """The error says what was expected and what is there; so does the one for a path that does not exist."""
    (tmp_path / "photos").mkdir()
    with pytest.raises(BundleError, match=r"found photos\. No bundle is here"):
        resolve_bundle(tmp_path)
    with pytest.raises(BundleError, match="found nothing there"):
        resolve_bundle(tmp_path / "missing")


def test_a_changed_file_of_an_indexed_bundle_is_named(tmp_path):
    """bundle.json holds every file's SHA-256: the changed or missing one is named."""
    root = tiny_bundle(tmp_path / "b")
    norm = "results/checkpoints/diffusion/milestones/norm_low.npz"
    (root / "bundle.json").write_text(json.dumps({"files": {norm: "0" * 64}}))
    with pytest.raises(BundleError, match=rf"{norm}: SHA-256 is [0-9a-f]+, expected 0000"):
        resolve_bundle(root)
    (root / norm).unlink()
    with pytest.raises(BundleError, match=rf"{norm}: SHA-256 is no such file"):
        resolve_bundle(root)


def test_the_identity_of_a_bundle_follows_its_contents(tmp_path):
    """Order and place do not matter; a changed byte does."""
    for folder in ("a", "b/a"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x").write_bytes(b"1")
        (tmp_path / folder / "y").write_bytes(b"2")
    first = content_sha256([tmp_path / "a" / "x", tmp_path / "a" / "y"])
    assert first == content_sha256([tmp_path / "b/a" / "y", tmp_path / "b/a" / "x"])
    (tmp_path / "a" / "x").write_bytes(b"3")
    assert first != content_sha256([tmp_path / "a" / "x", tmp_path / "a" / "y"])


@pytest.mark.parametrize("stream", ["low", "ecg"])
def test_a_missing_norm_file_has_its_own_error(tmp_path, stream):
    """Without its norm file nothing is drawn, and the file is named; the fold's copy serves as well."""
    root = tiny_bundle(tmp_path / "b")
    (root / f"results/checkpoints/diffusion/milestones/norm_{stream}.npz").unlink()
    WESADGenerator.from_bundle(root)
    (root / f"data/processed/two_stream/fold_S10/norm_{stream}.npz").unlink()
    with pytest.raises(BundleError, match=rf"norm_{stream}\.npz: expected it in"):
        WESADGenerator.from_bundle(root)
