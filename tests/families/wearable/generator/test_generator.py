"""The generator: channels by name, settings, progress, cancelling and what it refuses."""

import numpy as np
import pytest
import torch

from making.bundles import NORM_LOW, TINY_MANIFEST, checkpoint_of, tiny, tiny_bundle, weights_of, write_bundle
from physiosynth.errors import BundleError, ConditionError, RequestError
from physiosynth.families.wearable.data.batch import joined
from physiosynth.families.wearable.generator.generator import CPU_CHUNK, Sampling, WESADGenerator
from physiosynth.running.parallel import run_chunks

MILESTONES = "results/checkpoints/diffusion/milestones"


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """Tiny coupled networks."""
    return WESADGenerator.from_bundle(tiny_bundle(tmp_path_factory.mktemp("core") / "bundle"))


def bundle_with(root, norm_low=None, config=None, **manifest):
    architecture = tiny("published")
    content = {**TINY_MANIFEST, "architecture": architecture.to_dict(), **manifest}
    return write_bundle(root, checkpoint_of(weights_of(architecture), epoch=7), content, config, norm_low)


def drawn(root):
    """EDA and Resp of one window."""
    return WESADGenerator.from_bundle(root).sample_one("stress", seed=3).low.select("EDA", "Resp")


def test_channels_are_told_apart_by_the_norm_file_then_the_config_then_the_published_order(tmp_path):
    """The norm of each channel is found by name; a guess by spread would swap EDA and Resp, and nothing guesses."""
    (eda_sd, resp_sd), mean = NORM_LOW["std"], NORM_LOW["mean"]
    swapped = {"mean": mean[::-1], "std": NORM_LOW["std"][::-1]}
    named = {**swapped, "channels": np.array(["RESP", "EDA"])}
    usual = drawn(bundle_with(tmp_path / "usual", eda="phasic"))
    by_norm = drawn(bundle_with(tmp_path / "norm", named, {"channels_low": ["EDA", "RESP"]}, eda="phasic"))
    by_config = drawn(bundle_with(tmp_path / "config", swapped, {"channels_low": ["RESP", "EDA"]}, eda="phasic"))
    unnamed = drawn(bundle_with(tmp_path / "unnamed", swapped, eda="phasic"))
    for found in (by_norm, by_config):
        assert all(np.array_equal(a, b) for a, b in zip(found, usual, strict=True))
    # The networks draw [EDA, Resp]: without names the first norm is EDA's, however large.
    np.testing.assert_allclose((unnamed[0] - mean[1]) / resp_sd, (usual[0] - mean[0]) / eda_sd, atol=1e-4)


def test_object_channel_names_are_not_unpickled(tmp_path):
    """A norm file whose channels need pickle is read without them, and the user is told."""
    root = bundle_with(tmp_path / "b", {**NORM_LOW, "channels": np.array(["EDA", "RESP"], dtype=object)})
    notices = WESADGenerator.from_bundle(root).info.notices
    assert any("Python objects" in notice for notice in notices)


def test_a_tonic_eda_is_never_negative_and_a_phasic_one_keeps_its_sign(tmp_path):
    """Skin conductance is floored at 0 where the level was kept, and only there."""
    tonic, _ = drawn(bundle_with(tmp_path / "full", eda="full"))
    phasic, _ = drawn(bundle_with(tmp_path / "phasic", eda="phasic"))
    assert tonic.min() == 0
    assert phasic.min() < 0
    assert np.array_equal(tonic, np.maximum(phasic, 0))


def test_the_manifest_settings_are_used_unless_overridden(generator):
    """Steps and guidance come from the manifest; a stream's own override touches that stream alone."""
    assert generator.info.defaults == Sampling(2, 2, 0.5, 0.5, "ddim")
    plain = generator.sample_one("stress", seed=1)
    assert plain.provenance.sampling["low"]["steps"] == 2
    assert plain.provenance.sampling["ecg"]["guidance"] == 0.5
    fewer = generator.sample_one("stress", seed=1, sampling=Sampling(ecg_steps=5, ecg_guidance=0.0))
    assert np.array_equal(fewer.low.values, plain.low.values)
    assert not np.array_equal(fewer.ecg, plain.ecg)
    assert fewer.provenance.sampling["ecg"]["steps"] == 5


def test_guidance_changes_the_windows(generator):
    """A guidance of 0 and one of 2 draw different windows from the same noise."""
    off = generator.sample_one("stress", sampling=Sampling(low_guidance=0.0))
    on = generator.sample_one("stress", sampling=Sampling(low_guidance=2.0))
    assert not np.array_equal(off.low.values, on.low.values)


def test_beats_are_times_in_the_window_a_plausible_beat_apart(generator):
    """A coupled pair gives the beat times that its ECG network was shown."""
    batch = generator.sample_batch("stress", 3, seed=5)
    for times in batch.beats:
        assert (times >= 0).all() and (times < 30).all()
        assert (np.diff(times) > 0).all() and len(times) > 10


def test_progress_counts_every_evaluation_of_every_chunk_in_the_callers_thread(generator):
    """The counts never fall, end at the total, and arrive where the call was made."""
    import threading

    seen, threads = [], set()

    def on_step(done, total):
        seen.append((done, total))
        threads.add(threading.get_ident())

    generator.sample_batch("stress", 2 * CPU_CHUNK + 1, on_step=on_step)
    assert seen[-1] == (24, 24)  # 3 chunks, 2 guided steps a stream, each two evaluations
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert threads == {threading.get_ident()}


class Cancel(Exception):
    """Raised by a callback that has had enough."""


def test_a_callback_that_raises_cancels_and_finished_windows_are_kept(generator):
    """What was finished before has reached on_windows, in order; the exception comes out as it was raised."""
    finished = []

    def on_step(done, total):
        if finished:
            raise Cancel

    with pytest.raises(Cancel):
        generator.sample_batch("stress", 60, on_step=on_step, on_windows=finished.append, chunk=1)
    indices = [index for batch in finished for index in batch.indices]
    assert indices == list(range(len(indices)))
    assert 0 < len(indices) < 60
    again = generator.sample_batch("stress", len(finished[0]))
    assert np.array_equal(finished[0].ecg, again.ecg)
    kept = joined(finished)
    assert kept.indices == tuple(indices)
    assert len(kept.provenance.conditions) == len(kept)


def test_finished_windows_come_in_order_whatever_finishes_first():
    """A slow first chunk does not put later ones before it, and a failing chunk ends the run with its own error."""
    import time

    seen = []
    tasks = [lambda step, i=i: time.sleep(0.05 if i == 0 else 0) or i for i in range(6)]
    run_chunks(tasks, 3, lambda done, total: None, lambda position, result: seen.append((position, result)))
    assert seen == [(i, i) for i in range(6)]

    def fails(step):
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        run_chunks([*tasks, fails], 2, lambda done, total: None, lambda position, result: None)


def test_three_conditions_are_drawn_and_the_fourth_is_refused(tmp_path):
    """A K = 3 bundle draws its own states and says that it does not know meditation."""
    generator = WESADGenerator.from_bundle(tiny_bundle(tmp_path / "b", tiny(condition_dim=3)))
    assert generator.info.conditions == ("baseline", "stress", "amusement")
    assert len(generator.sample_batch(["amusement", 1])) == 2
    with pytest.raises(ConditionError, match="not trained on meditation; they know baseline, stress, amusement"):
        generator.sample_one("meditation")


@pytest.mark.parametrize(
    "call",
    [
        {"conditions": "stress", "windows": 0},
        {"conditions": "stress", "windows": -1},
        {"conditions": ["stress", "baseline"], "windows": 5},
        {"conditions": [], "windows": None},
        {"conditions": "stress", "windows": 1, "seed": -1},
        {"conditions": "stress", "windows": 1, "first_window": -1},
        {"conditions": "stress", "windows": 1, "sampling": Sampling(low_steps=0)},
        {"conditions": "stress", "windows": 1, "chunk": 0},
    ],
)
def test_impossible_requests_are_refused(generator, call):
    """Numbers of windows, seeds and steps outside what can be done end in a RequestError."""
    with pytest.raises(RequestError):
        generator.sample_batch(**call)


def test_unknown_conditions_are_refused(generator):
    """A state nobody knows is named, with the ones to choose from."""
    for unknown in ("bored", 7):
        with pytest.raises(ConditionError, match="Choose one of baseline"):
            generator.sample_one(unknown)
    with pytest.raises(ConditionError, match="named twice"):
        generator.generate_dataset({"stress": 1, 2: 1})


def test_weights_that_answer_nan_are_named(tmp_path):
    """Weights that overflow while sampling end in an error with the file and the window, not in a file of NaN."""
    weights = weights_of(tiny())
    weights["ecg"]["diff.model.out_conv.2.weight"] = torch.full_like(
        weights["ecg"]["diff.model.out_conv.2.weight"], 3e38
    )
    manifest = {**TINY_MANIFEST, "architecture": tiny().to_dict()}
    generator = WESADGenerator.from_bundle(write_bundle(tmp_path / "b", checkpoint_of(weights, epoch=7), manifest))
    with pytest.raises(BundleError, match=r"ckpt_epoch_007_WEIGHTS\.pt: window 0 \(stress\) came out with values that"):
        generator.sample_one("stress")


def test_milestones_alone_are_enough(tmp_path):
    """The published call, a milestones folder and a checkpoint, loads what from_bundle loads."""
    root = tiny_bundle(tmp_path / "b")
    direct = WESADGenerator(root / MILESTONES, root / "results/checkpoints/diffusion/ckpt_epoch_007_WEIGHTS.pt", "cpu")
    chosen = WESADGenerator(root / MILESTONES)
    whole = WESADGenerator.from_bundle(root)
    assert direct.info == whole.info == chosen.info
    assert direct.info.reference_dir == root / "data/processed/two_stream/fold_S10"


def test_wrong_places_have_their_own_errors(tmp_path):
    """A milestones folder, a checkpoint, a fold and a device that are not there are each named."""
    root = tiny_bundle(tmp_path / "b")
    milestones = root / MILESTONES
    with pytest.raises(BundleError, match="expected a folder of milestones"):
        WESADGenerator(tmp_path / "nowhere")
    with pytest.raises(BundleError, match="expected a checkpoint, found no such file"):
        WESADGenerator(milestones, tmp_path / "none.pt")
    with pytest.raises(BundleError, match="expected a fold directory"):
        WESADGenerator(milestones, fold_dir=tmp_path / "none")
    with pytest.raises(RequestError, match="Device 'abacus'"):
        WESADGenerator(milestones, device="abacus")
