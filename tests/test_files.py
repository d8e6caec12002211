"""Files and folders appear whole or not at all."""

import os

import numpy as np
import pytest

from physiosynth.files import replacing, replacing_folder, sha256_of, write_npz


def test_a_file_that_fails_half_way_leaves_the_old_one_and_no_litter(tmp_path):
    """When writing raises, the old content stays and the temporary file is gone."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_is_swapped_in_whole(tmp_path):
    """A finished folder replaces the old one; a failed one leaves it as it was, without litter."""
    path = tmp_path / "fold"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(ValueError), replacing_folder(path) as temporary:
        (temporary / "new").touch()
        raise ValueError
    assert os.listdir(path) == ["old"]
    with replacing_folder(path) as temporary:
        (temporary / "new").touch()
    assert os.listdir(path) == ["new"]
    assert os.listdir(tmp_path) == ["fold"]


def test_what_is_written_is_as_readable_as_the_umask_allows(tmp_path):
    """A result is not private only because its temporary file was."""
    before = os.umask(0o022)
    try:
        write_npz(tmp_path / "a.npz", x=np.arange(3))
    finally:
        os.umask(before)
    assert (tmp_path / "a.npz").stat().st_mode & 0o777 == 0o644


def test_the_hash_is_the_known_one(tmp_path):
    """SHA-256 of three letters is the one of the standard (FIPS 180-2, appendix B)."""
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
