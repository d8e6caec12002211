"""Window i of seed s is one array, bit for bit."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from making.bundles import PUBLISHED_MANIFEST, checkpoint_of, published_weights, tiny, tiny_bundle, write_bundle
from physiosynth.diffusion.inference import InferenceUNet, evaluators
from physiosynth.families.wearable.generator import generator as core
from physiosynth.families.wearable.generator.generator import Sampling, WESADGenerator
from physiosynth.families.wearable.model.architecture import coupled

FULL_SIZE = coupled()


@pytest.fixture(scope="module")
def generators(tmp_path_factory):
    """Full-size networks with random weights, of both kinds."""
    root = tmp_path_factory.mktemp("bundles")
    write_bundle(root / "published", checkpoint_of(published_weights()), PUBLISHED_MANIFEST)
    tiny_bundle(root / "coupled", FULL_SIZE)
    return {name: WESADGenerator.from_bundle(root / name) for name in ("published", "coupled")}


@pytest.fixture(scope="module")
def sixteen(generators):
    """Windows 0 to 15 of stress and seed 42 of each kind."""
    return {name: generator.sample_batch("stress", 16, seed=42) for name, generator in generators.items()}


def assert_same_window(one, i, other, j):
    """Bitwise equality of both streams and the beats."""
    assert np.array_equal(one.ecg[i], other.ecg[j])
    assert np.array_equal(one.low.values[i], other.low.values[j])
    if one.beats is not None:
        assert np.array_equal(one.beats[i], other.beats[j])


@pytest.mark.parametrize("name", ["published", "coupled"])
def test_window_3_of_16_is_window_3_of_4(generators, sixteen, name):
    """The number of windows drawn does not change a window."""
    four = generators[name].sample_batch("stress", 4, seed=42)
    for i in range(4):
        assert_same_window(sixteen[name], i, four, i)


@pytest.mark.parametrize("name", ["published", "coupled"])
@pytest.mark.parametrize("index", [0, 3, 9])
def test_a_window_drawn_alone_is_the_one_drawn_in_company(generators, sixteen, name, index):
    """sample_one gives the window that a batch gives."""
    one = generators[name].sample_one("stress", seed=42, index=index)
    assert_same_window(sixteen[name], index, one, 0)
    assert one.indices == (index,)


@pytest.mark.parametrize("name", ["published", "coupled"])
def test_company_of_other_conditions_does_not_change_a_window(generators, sixteen, name):
    """A mixed batch and a data set of several conditions hold the windows that each condition has alone."""
    mixed = generators[name].sample_batch(
        ["baseline", "stress", "amusement", "stress", "meditation", "stress"], seed=42
    )
    for i in (1, 3, 5):
        assert_same_window(sixteen[name], i, mixed, i)
    dataset = generators[name].generate_dataset({"baseline": 3, "stress": 5}, seed=42)
    for i in range(5):
        assert_same_window(sixteen[name], i, dataset, 3 + i)


@pytest.mark.parametrize("name", ["published", "coupled"])
@pytest.mark.parametrize(("threads", "cores"), [(1, 1), (2, 1), (1, 2), (2, 3)])
def test_threads_and_cores_do_not_change_a_window(generators, sixteen, monkeypatch, name, threads, cores):
    """Neither the caller's thread count nor the number of cores shows in the last bit, and the count is left alone."""
    monkeypatch.setattr(core, "available_cores", lambda: cores)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        batch = generators[name].sample_batch("stress", 10, seed=42, chunk=None if cores > 1 else 2)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for i in range(10):
        assert_same_window(sixteen[name], i, batch, i)


@pytest.mark.parametrize("name", ["published", "coupled"])
@pytest.mark.parametrize("guidance", [0.0, 0.7])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_at_every_place_a_window_drawn_alone_is_the_one_drawn_in_company(
    generators, monkeypatch, name, guidance, precision
):
    """The networks are given one window, or all eight of a chunk: no bit differs, at first and when drawn again."""
    generator = generators[name]
    settings = {stream: replace(how, precision=precision) for stream, how in generator._defaults.items()}
    monkeypatch.setattr(generator, "_defaults", settings)
    monkeypatch.setattr(core, "available_cores", lambda: 1)
    few = Sampling(4, 3, guidance, guidance)
    eight = generator.sample("stress", 8, seed=42, sampling=few)
    for i in [*range(8), 5]:
        assert_same_window(eight, i, generator.sample("stress", seed=42, sampling=few, first_window=i), 0)


def test_one_window_is_evaluated_as_one_once_that_was_seen_to_give_the_same_bits(generators, sixteen, monkeypatch):
    """Every evaluation of either network is given one window; where a processor's bits depend on it, all eight."""
    generator, rows, forward = generators["coupled"], [], InferenceUNet._forward
    generator.sample("stress", seed=42, first_window=6)

    def counted(network, x, *rest):
        rows.append(len(x))
        return forward(network, x, *rest)

    monkeypatch.setattr(InferenceUNet, "_forward", counted)
    assert_same_window(sixteen["coupled"], 6, generator.sample("stress", seed=42, first_window=6), 0)
    assert len(rows) == sum(
        generator.adapter.evaluations(s, h)
        for s, h in zip((generator.adapter.low, generator.adapter.ecg), generator._defaults.values(), strict=True)
    )
    agree = [
        seen
        for stream in (generator.adapter.low, generator.adapter.ecg)
        for (places, _), seen in evaluators.agreements(stream.diff.model, torch.float32).items()
        if places == (6,)
    ]
    assert len(agree) == 2 and set(rows) == {1 if seen else 8 for seen in agree}


def test_ancestral_sampling_is_the_same_window_in_any_company(tmp_path):
    """The noise that DDPM draws at every step is the window's own too."""
    small = tiny()
    few = replace(small, low=replace(small.low, diffusion_steps=12), ecg=replace(small.ecg, diffusion_steps=12))
    generator = WESADGenerator.from_bundle(tiny_bundle(tmp_path / "bundle", few))
    five = generator.sample_batch("stress", 5, seed=7, sampling=Sampling(method="ddpm"))
    two = generator.sample_batch(["baseline", "stress"], seed=7, sampling=Sampling(method="ddpm"))
    assert_same_window(five, 1, two, 1)


def test_two_jobs_at_once_do_not_disturb_each_other(generators, sixteen):
    """Two sessions that share a generator get the windows each would get alone, and threads are left as they were."""
    before = torch.get_num_threads()
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(generators["coupled"].sample_batch, "stress", n, 42) for n in (10, 5)]
        batches = [job.result() for job in jobs]
    for batch in batches:
        for i in range(len(batch)):
            assert_same_window(sixteen["coupled"], i, batch, i)
    assert torch.get_num_threads() == before


def test_windows_seeds_and_conditions_differ(generators, sixteen):
    """Nothing is drawn twice: other windows, seeds and conditions have other noise."""
    batch = sixteen["coupled"]
    assert len({window.tobytes() for window in batch.ecg}) == 16
    other_seed = generators["coupled"].sample_batch("stress", 1, seed=43)
    other_state = generators["coupled"].sample_batch("baseline", 1, seed=42)
    for other in (other_seed, other_state):
        correlation = np.corrcoef(batch.low.values[0, :, 0], other.low.values[0, :, 0])[0, 1]
        assert abs(correlation) < 0.5
