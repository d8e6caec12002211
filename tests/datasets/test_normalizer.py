"""Normalizers by channel name, and norm files in every known spelling."""

import numpy as np
import pytest

from physiosynth.datasets.normalizer import SMALLEST_STD, Normalizer, read_norm
from physiosynth.errors import ChannelError, FoldError
from physiosynth.families.wearable.signals import LOW_CHANNELS


def saved(tmp_path, **arrays):
    path = tmp_path / "norm_low.npz"
    np.savez(path, **arrays)
    return path


def test_fit_gives_mean_and_sd_of_each_channel():
    """Statistics run over windows and times; fitting in chunks is fitting at once."""
    windows = np.random.default_rng(0).normal((3, -2), (2, 0.5), size=(150, 40, 2)).astype(np.float32)
    norm = Normalizer.fit(windows, ("EDA", "Resp"), ("uS", "%"))
    np.testing.assert_allclose(norm.mean, windows.mean((0, 1), dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(norm.std, windows.std((0, 1), dtype=np.float64), rtol=1e-6)


def test_apply_and_invert_undo_each_other():
    """Standardised windows have mean 0 and SD 1, and come back to their units."""
    windows = np.random.default_rng(1).normal(5, 3, size=(20, 50, 2)).astype(np.float32)
    norm = Normalizer.fit(windows, ("EDA", "Resp"))
    z = norm.apply(windows)
    assert abs(z.mean()) < 1e-4 and z.std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(norm.invert(z), windows, rtol=1e-5, atol=1e-5)


def test_a_constant_channel_is_centred_and_not_blown_up():
    """A channel without variation becomes zeros."""
    norm = Normalizer.fit(np.full((3, 10, 1), 7.0), ("EDA",))
    assert norm.std[0] == np.float32(SMALLEST_STD)
    assert (norm.apply(np.full((3, 10, 1), 7.0)) == 0).all()


def test_channels_are_selected_by_name_and_checked():
    """Statistics follow the name, not the place; a missing name or a wrong width is named."""
    norm = Normalizer(("EDA", "RESP"), [1, 2], [3, 4], ("uS", "%"))
    turned = norm.select("resp", "EDA")
    assert turned.channels == ("Resp", "EDA") and turned.mean.tolist() == [2, 1] and turned.units == ("%", "uS")
    with pytest.raises(ChannelError, match="ECG"):
        norm.select("ECG")
    with pytest.raises(ChannelError, match="EDA, Resp"):
        norm.apply(np.zeros((4, 3)))


def test_saved_norms_are_plain_arrays(tmp_path):
    """A saved file loads without pickle, names its channels in text, and reads back without a notice."""
    path = tmp_path / "norm_low.npz"
    Normalizer(("EDA", "Resp"), [1, 2], [3, 4], ("uS", "%")).save(path)
    with np.load(path, allow_pickle=False) as arrays:
        assert arrays["channels"].tolist() == ["EDA", "Resp"] and arrays["channels"].dtype.kind == "U"
        assert arrays["units"].tolist() == ["uS", "%"]
    norm, notices = read_norm(path, LOW_CHANNELS)
    assert norm.channels == ("EDA", "Resp") and norm.std.tolist() == [3, 4] and notices == ()


def test_the_order_of_trust_for_channels(tmp_path):
    """The file's own channels win over the configured ones, those over [EDA, Resp], and only the last is noticed."""
    named = saved(tmp_path, mean=[1.0, 2.0], std=[1.0, 1.0], channels=np.array(["RESP", "EDA"]))
    assert read_norm(named, LOW_CHANNELS, ["EDA", "RESP"])[0].channels == ("Resp", "EDA")
    unnamed = saved(tmp_path, mean=[1.0, 2.0], std=[1.0, 1.0])
    norm, notices = read_norm(unnamed, LOW_CHANNELS, ["RESP", "EDA"])
    assert norm.channels == ("Resp", "EDA") and notices == ()
    norm, notices = read_norm(unnamed, LOW_CHANNELS)
    assert norm.channels == ("EDA", "Resp") and "EDA, Resp" in notices[0]


def test_standard_deviation_does_not_decide_the_order(tmp_path):
    """The published numbers (EDA 0.088, Resp 3.09) stay in the order on file, whichever is larger."""
    norm, _ = read_norm(saved(tmp_path, mean=[0.0, 0.0], std=[0.088, 3.09]), LOW_CHANNELS)
    assert dict(zip(norm.channels, norm.std.tolist(), strict=True)) == pytest.approx({"EDA": 0.088, "Resp": 3.09})


@pytest.mark.parametrize(
    ("arrays", "ends"),
    [
        ({"min": [0.0, -4.0], "max": [2.0, 4.0]}, ([0, -4], [2, 4])),
        ({"scale": [2.0, 3.0], "bias": [1.0, 0.5]}, ([-1, -2.5], [3, 3.5])),
        ({"mean": [1.0, 0.5], "std": [2.0, 3.0]}, ([-1, -2.5], [3, 3.5])),
    ],
)
def test_other_spellings_are_read(tmp_path, arrays, ends):
    """Whatever the spelling, -1 and 1 are taken to the units it means."""
    norm, _ = read_norm(saved(tmp_path, **arrays), LOW_CHANNELS)
    np.testing.assert_allclose(norm.invert(np.array([[-1, -1], [1, 1]])), ends)


def test_pickled_channels_are_not_unpickled(tmp_path):
    """An object array is left unread, which a notice says, and the next source of the order is used."""
    path = saved(tmp_path, mean=[1.0, 2.0], std=[1.0, 1.0], channels=np.array(["RESP", "EDA"], dtype=object))
    norm, notices = read_norm(path, LOW_CHANNELS, ["EDA", "Resp"])
    assert norm.channels == ("EDA", "Resp") and "not read" in notices[0]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"mean": [1.0, 2.0]}, "expected mean and std"),
        ({"mean": [1.0, 2.0], "std": [1.0]}, "differ in length"),
        ({"mean": [1.0], "std": [1.0]}, "one mean, std and unit for each of EDA, Resp"),
        ({"mean": [1.0, np.nan], "std": [1.0, 1.0]}, "finite"),
        ({"mean": [1.0, 1.0], "std": [1.0, 0.0]}, "above 0"),
        ({"mean": np.array(["a", "b"]), "std": [1.0, 1.0]}, "should hold numbers"),
    ],
)
def test_a_norm_file_that_cannot_be_used_is_explained(tmp_path, arrays, words):
    """Missing, unequal, infinite or zero values each have a message that names the file."""
    with pytest.raises(FoldError, match=rf"norm_low\.npz.*{words}"):
        read_norm(saved(tmp_path, **arrays), LOW_CHANNELS)


def test_missing_and_damaged_norm_files_are_named(tmp_path):
    """No file and a file that is no archive end in FoldError."""
    with pytest.raises(FoldError, match="no such norm file"):
        read_norm(tmp_path / "norm_low.npz", LOW_CHANNELS)
    (tmp_path / "norm_low.npz").write_bytes(b"<html>")
    with pytest.raises(FoldError, match=r"norm_low\.npz: not a readable \.npz"):
        read_norm(tmp_path / "norm_low.npz", LOW_CHANNELS)
