"""Fold windows as training batches."""

import numpy as np
import pytest
import torch

from making.recordings import windows_of
from physiosynth.datasets.splits import Split
from physiosynth.errors import FoldError
from physiosynth.families.wearable.data.fold_writing import write_fold
from physiosynth.families.wearable.data.folds import load_fold
from physiosynth.families.wearable.data.loading import WindowDataset
from physiosynth.families.wearable.data.preprocess import PreprocessSettings
from physiosynth.training.batches import EpochOrder, loader


@pytest.fixture
def fold_path(tmp_path):
    cohort = {name: windows_of(name, count=10, value=3.0, labels=(1, 2, 3, 4)) for name in ("S2", "S3", "S4")}
    write_fold(cohort, Split(("S2",), ("S3",), ("S4",)), tmp_path / "fold", PreprocessSettings())
    return tmp_path / "fold"


def test_items_are_standardised_and_complete(fold_path):
    """A window has both streams with mean 0 and SD 1, its phase, a one-hot condition, its rates and index."""
    data = WindowDataset(load_fold(fold_path), "train")
    item = data[1]
    shapes = [tuple(part.shape) for part in item]
    assert shapes == [(5250, 1), (120, 2), (121,), (4,), (3,), ()]
    assert item.condition.tolist() == [0, 1, 0, 0] and item.index == 1
    everything = data[list(range(len(data)))]
    assert abs(everything.ecg.mean()) < 1e-3 and abs(everything.low.std() - 1) < 1e-2
    assert all(part.dtype == torch.float32 for part in everything[:4])


def test_low_channels_come_in_the_projects_order(fold_path):
    """A fold that stores Resp before EDA gives the same tensors as one that stores EDA first."""
    before = WindowDataset(load_fold(fold_path), "train")[0].low
    low = np.load(fold_path / "train_X_low.npy")[..., ::-1].copy()
    norm = dict(np.load(fold_path / "norm_low.npz"))
    np.save(fold_path / "train_X_low.npy", low)
    np.savez(fold_path / "norm_low.npz", **{key: array[::-1] for key, array in norm.items()})
    fold = load_fold(fold_path)
    assert fold.channels_low == ("Resp", "EDA")
    torch.testing.assert_close(WindowDataset(fold, "train")[0].low, before)


def test_an_epoch_holds_every_window_once_in_an_order_the_seed_fixes(fold_path):
    """The same seed and epoch give the same batches; another epoch another order; nothing is left out or repeated."""
    data = WindowDataset(load_fold(fold_path), "train")

    def order(**settings):
        return [batch.index.tolist() for batch in loader(data, 4, **settings)]

    assert order(seed=1) == order(seed=1)
    assert order(seed=1) != order(seed=1, epoch=1) and order(seed=1) != order(seed=2)
    assert sorted(index for batch in order(seed=1) for index in batch) == list(range(10))
    assert [len(batch) for batch in order(seed=1, drop_last=True)] == [4, 4]
    assert order(shuffle=False)[0] == [0, 1, 2, 3]


def test_a_resumed_epoch_goes_on_where_it_stopped():
    """Skipping batches that are done leaves exactly the others, in the same order."""
    whole = list(EpochOrder(23, 4, seed=5, epoch=2))
    assert list(EpochOrder(23, 4, seed=5, epoch=2, start_batch=3)) == whole[3:]
    assert len(EpochOrder(23, 4, start_batch=3)) == 3 and len(EpochOrder(23, 4, start_batch=99)) == 0


def test_a_fold_that_cannot_be_trained_on_is_explained(fold_path):
    """Without norms or phases the message names the files that are missing."""
    (fold_path / "norm_ecg.npz").unlink()
    (fold_path / "train_X_phase.npy").unlink()
    with pytest.raises(FoldError, match=r"norm_ecg\.npz, train_X_phase\.npy"):
        WindowDataset(load_fold(fold_path), "train")
