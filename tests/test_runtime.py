"""Seeds: one for each named use of randomness."""

import hashlib

import numpy as np
import pytest

from physiosynth.errors import RequestError
from physiosynth.runtime import derive_seed, window_seed


def test_a_derived_seed_is_the_start_of_the_sha256_of_its_path():
    """Seed and path are hashed with kind and length before each part; the known values hold on every machine."""
    wanted = hashlib.sha256(b"i2:42s6:halvesi1:3").digest()
    assert derive_seed(42, "halves", 3) == int.from_bytes(wanted[:8], "big") >> 1 == 3521906431842505748
    assert derive_seed(0, "Bühlmann") == 2930179588133460220


def test_parts_of_another_kind_or_another_cut_give_another_seed():
    """1 is not "1", ("ab", "c") is not ("a", "bc"), and a number is the same number whatever its type."""
    paths = [(1,), ("1",), ("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c"), ("",), ("", ""), (0,), (-1,), ("-1",)]
    assert len({derive_seed(7, *path) for path in paths}) == len(paths)
    assert derive_seed(7, "step", np.int64(5)) == derive_seed(np.int32(7), "step", 5)


def test_derived_seeds_of_neighbouring_runs_and_paths_do_not_overlap():
    """No seed is shared by 50 runs, three uses and 50 repetitions, nor with the windows of those runs."""
    derived = {derive_seed(s, use, n) for s in range(50) for use in ("halves", "folds", "attack") for n in range(50)}
    windows = {window_seed(s, n) for s in range(50) for n in range(50)}
    assert len(derived) == 7500 and not derived & windows
    assert all(0 <= seed < 2**63 for seed in derived)
    bits = np.array([[seed >> bit & 1 for bit in range(63)] for seed in sorted(derived)])
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.03  # five standard deviations of a fair bit


@pytest.mark.parametrize("path", [(), (1.0,), (True,), (None,), (b"halves",), (("a", 1),)])
def test_a_path_that_says_nothing_or_holds_another_type_is_refused(path):
    """A path holds text and whole numbers, at least one of them."""
    with pytest.raises(TypeError, match="path"):
        derive_seed(1, *path)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, True])
def test_a_derived_seed_needs_a_seed(seed):
    """The run's seed is checked like every other."""
    with pytest.raises(RequestError, match="whole number"):
        derive_seed(seed, "halves")
