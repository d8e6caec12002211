"""Pickles are read as data: nothing they name is run, and damage ends in one kind of error."""

import io
import os
import pickle

import numpy as np
import pytest

from physiosynth.errors import RecordingError
from physiosynth.recordings.numpy_pickle import read_numpy_pickle, write_numpy_pickle

ARRAYS = {
    "f8": np.arange(12.0).reshape(4, 3),
    "f4": np.linspace(-1, 1, 5, dtype=np.float32)[:, None],
    "i4": np.array([0, 1, 7], dtype=np.int32),
    "big-endian": np.arange(4, dtype=">f8"),
    "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "empty": np.zeros((0, 3)),
}


class Runs:
    """Runs a command where pickle.load would load it."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def saved(tmp_path, content, name="S2.pkl"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_arrays_of_every_protocol_are_read(tmp_path, protocol):
    """Each protocol gives back the same values, shapes and types, and text and numbers beside them."""
    content = {"arrays": ARRAYS, "subject": "S2", "number": 3, "scalar": np.float32(0.5)}
    read = read_numpy_pickle(saved(tmp_path, pickle.dumps(content, protocol=protocol)))
    assert (read["subject"], read["number"], read["scalar"]) == ("S2", 3, 0.5)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read["arrays"][name], array)
        assert read["arrays"][name].dtype == array.dtype, name


def test_python_2_strings_are_read_and_written(tmp_path):
    """What is written is what Python 2 wrote: any pickle.load with latin1 reads it, in the size of its arrays."""
    array = np.random.default_rng(0).standard_normal((1000, 3))
    stream = io.BytesIO()
    write_numpy_pickle(stream, {"label": np.arange(5, dtype=np.int32), "signal": {"ACC": array}})
    assert stream.getvalue()[:2] == b"\x80\x02"
    assert len(stream.getvalue()) < array.nbytes + 1000
    for loaded in (
        pickle.loads(stream.getvalue(), encoding="latin1"),
        read_numpy_pickle(saved(tmp_path, stream.getvalue())),
    ):
        np.testing.assert_array_equal(loaded["signal"]["ACC"], array)
        assert loaded["label"].dtype == np.int32


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"signal": {"chest": {"ECG": [x]}}}], ids=["bare", "nested"])
def test_a_hostile_pickle_is_refused_and_not_run(tmp_path, protocol, wrap):
    """A pickle that calls os.system ends in an error that names the file, and the command did not run."""
    mark = tmp_path / "it_ran"
    path = saved(tmp_path, pickle.dumps(wrap(Runs(os.system, f"touch {mark}")), protocol=protocol))
    with pytest.raises(RecordingError, match=r"S2\.pkl.*posix\.system|S2\.pkl.*os\.system"):
        read_numpy_pickle(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Runs(eval, "1 + 1")),
        pickle.dumps(Runs(np.load, "S2.pkl")),
        pickle.dumps({"ECG": np.array([1, "a", None], dtype=object)}),
        pickle.dumps({"ECG": np.zeros(3, dtype=[("a", "f8"), ("b", "i4")])}),
        pickle.dumps({1, 2, 3}),
        b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.",
        b"\x80\x02c_codecs\nencode\n}X\x04\x00\x00\x00callNsb.",
        b"\x80\x02cnumpy\ndtype\n.",
        b"\x80\x02(i os\nsystem\n.",
        b"\x80\x04\x8c\x05numpy\x8c\x0bndarray.dump\x93.",
    ],
    ids=["eval", "numpy.load", "objects", "records", "set", "codec", "build", "bare name", "inst", "dotted name"],
)
def test_only_arrays_text_and_numbers_are_admitted(tmp_path, content):
    """Names, types and operations that arrays of numbers do not need are refused."""
    with pytest.raises(RecordingError, match=r"S2\.pkl"):
        read_numpy_pickle(saved(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02Nr\xff\xff\xff\x7f.",
        b"\x80\x05\x96" + (2**62).to_bytes(8, "little") + b"abc.",
        b"\x80\x04\x95" + (2**62).to_bytes(8, "little") + b"N.",
        b"(" * 1000 + b"d" * 1000 + b".",
        b"N" + b"2" * 200_000 + b".",
    ],
    ids=["memo of 2 GB", "bytes of 4 EB", "frame of 4 EB", "deep", "long"],
)
def test_a_pickle_cannot_ask_for_memory_it_does_not_bring(tmp_path, content):
    """Sizes that the file only claims end in an error, not in memory taken."""
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RecordingError, match=r"S2\.pkl"):
        read_numpy_pickle(saved(tmp_path, content))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


@pytest.mark.parametrize(
    "content", [b"", b"<html>404</html>", b"\x80\x05", b"\x80"], ids=["empty", "page", "head", "1"]
)
def test_a_file_that_is_no_pickle_is_named(tmp_path, content):
    """A download page or an empty file ends in an error that names it and says what to do."""
    with pytest.raises(RecordingError, match=r"S2\.pkl: not a whole pickle.*again"):
        read_numpy_pickle(saved(tmp_path, content))


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_damage_anywhere_ends_in_the_one_error_or_in_data(tmp_path, protocol):
    """However a pickle is cut or changed, nothing but RecordingError comes out, and a cut one is never read."""
    whole = pickle.dumps({"signal": {"chest": ARRAYS}, "label": np.arange(9), "subject": "S2"}, protocol=protocol)
    for cut in range(0, len(whole) - 1, 7):
        with pytest.raises(RecordingError):
            read_numpy_pickle(saved(tmp_path, whole[:cut]))
    rng = np.random.default_rng(0)
    for _ in range(300):
        changed = bytearray(whole)
        changed[rng.integers(len(whole))] = rng.integers(256)
        try:
            read_numpy_pickle(saved(tmp_path, bytes(changed)))
        except RecordingError as error:
            assert "S2.pkl" in str(error)
