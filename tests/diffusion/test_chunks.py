"""Windows share the networks in chunks whose company changes no bit of them."""

import pytest
import torch

from physiosynth.diffusion.chunks import EVERY, chunks_of, for_wanted

X = torch.arange(8.0)[:, None, None].expand(8, 2, 3).contiguous()


class Network:
    """Doubles windows; below `least` windows at a time its last bits differ. rows: windows of every evaluation."""

    def __init__(self, least=1):
        self.least, self.rows = least, []

    def __call__(self, x, step, at):
        rows = x[at]
        self.rows.append(len(rows))
        return rows * 2 * (1 if len(rows) >= self.least else 1 + 1e-6)


@pytest.mark.parametrize(("least", "first", "later"), [(1, [1, 8], [1]), (3, [1, 8, 4, 8], [4]), (5, None, [8])])
def test_only_as_many_windows_are_evaluated_as_give_the_bits_of_all(least, first, later):
    """One alone, else its half of the chunk, else all of it; what agrees is found out once for a shape."""
    network, agree = Network(least), {}
    answer = for_wanted(network, (6,), agree)
    for rows in (first, later, later):
        network.rows.clear()
        found = answer(X, 0)
        assert torch.equal(found[6], 2 * X[6])
        assert rows is None or network.rows == rows
    other = for_wanted(network, (6,), agree)
    network.rows.clear()
    other(X, 1)
    assert network.rows == later


def test_other_places_hold_a_wanted_window():
    """What nobody wants stays finite and costs nothing."""
    found = for_wanted(Network(), (2, 5), {})(X, 0)
    assert torch.equal(found[[2, 5]], 2 * X[[2, 5]])
    assert all(torch.equal(found[i], found[2]) for i in (0, 1, 3, 4, 6, 7))


def test_all_are_evaluated_where_all_or_none_in_particular_are_wanted():
    """There is nothing to spare."""
    for wanted in (None, tuple(range(8))):
        network = Network()
        assert torch.equal(for_wanted(network, wanted, {})(X, 0), network(X, 0, EVERY))
        assert network.rows == [8, 8]


@pytest.mark.parametrize(
    ("numbers", "workers", "sizes"),
    [
        (range(1), 2, [1]),
        (range(5), 2, [3, 2]),
        (range(8), 2, [4, 4]),
        (range(8), 1, [8]),
        (range(16), 2, [8, 8]),
        (range(20), 2, [8, 8, 2, 2]),
        (range(7, 15), 1, [8]),
        ([0, 1, 2, 0, 1, 2, 3], 1, [3, 4]),
        (range(3), 16, [1, 1, 1]),
    ],
)
def test_chunks_keep_every_worker_busy_and_every_window_at_its_place(numbers, workers, sizes):
    """Windows come in order, at their number modulo 8, with no place taken twice."""
    windows = [(number, f"window {i}") for i, number in enumerate(numbers)]
    chunks = chunks_of(windows, 8, workers)
    assert [len(chunk.wanted) for chunk in chunks] == sizes
    assert [window for chunk in chunks for window in chunk.wanted.values()] == [window for _, window in windows]
    assert [place for chunk in chunks for place in chunk.places] == [number % 8 for number in numbers]
    for chunk in chunks:
        assert len(chunk.full) == 8 and all(chunk.full[place] == window for place, window in chunk.wanted.items())
