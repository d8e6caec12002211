"""The toy fold, written once."""

import pytest

from making.folds import make_fold


@pytest.fixture(scope="session")
def fold(tmp_path_factory):
    return make_fold(tmp_path_factory.mktemp("folds") / "fold_S4")
