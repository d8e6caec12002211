"""Files of synthetic windows hold what was drawn, in units, with settings and the word synthetic."""

import io
import json
import time

import numpy as np
import pandas as pd
import pytest

from physiosynth.errors import ChannelError, RequestError
from physiosynth.generate.batch import Provenance, SignalBatch
from physiosynth.generate.export import csv_bytes, npz_bytes, write, write_csv, write_npz
from physiosynth.signals import LOW_CHANNELS, LOW_HZ, NamedSignals

SETTINGS = {"low": {"steps": 12, "guidance": 0.5}, "ecg": {"steps": 8, "guidance": 0.0}}


def make_batch(windows=3, beats=True, eda="full", first=5):
    """Windows whose values tell window, channel and time apart."""
    ecg_s, low_s = np.arange(5250) / 175, np.arange(120) / 4
    ecg = np.stack([np.sin(2 * np.pi * (1 + i) * ecg_s) for i in range(windows)])[..., None].astype(np.float32)
    low = np.stack([np.stack([2 + i + 0.01 * low_s, np.cos(low_s)], -1) for i in range(windows)]).astype(np.float32)
    conditions = tuple(("stress", "baseline", "amusement")[i % 3] for i in range(windows))
    provenance = Provenance(
        "ab" * 32, "virtual", eda, 42, first, SETTINGS, conditions, "0.1.0", "2026-01-01T00:00:00+00:00"
    )
    times = tuple(np.arange(20 + i) * 0.9 for i in range(windows)) if beats else None
    return SignalBatch(ecg, NamedSignals(low, LOW_CHANNELS, LOW_HZ), conditions, provenance, times)


@pytest.fixture(scope="module")
def batch():
    """Three windows, numbered 5 to 7."""
    return make_batch()


def test_npz_loads_without_pickle_and_holds_both_streams(batch):
    """Arrays, labels, units, rates and settings come back as they went in."""
    with np.load(io.BytesIO(npz_bytes(batch)), allow_pickle=False) as file:
        content = {name: file[name] for name in file.files}
    assert np.array_equal(content["ecg"], batch.ecg)
    assert np.array_equal(content["low"], batch.low.values)
    assert np.array_equal(content["eda"], batch.low.values[..., 0])
    assert np.array_equal(content["resp"], batch.low.values[..., 1])
    assert content["fused_preview"].shape == (3, 120, 3)
    assert content["conditions"].tolist() == ["stress", "baseline", "amusement"]
    assert content["condition_ids"].tolist() == [2, 1, 3]
    assert content["windows"].tolist() == [5, 6, 7]
    assert (content["ecg_hz"], content["low_hz"]) == (175, 4)
    assert content["channels_low"].tolist() == ["EDA", "Resp"]
    assert content["units_low"].tolist() == ["uS", "%"] and content["units_ecg"].tolist() == ["mV"]
    assert content["synthetic"] == "synthetic"
    settings = json.loads(str(content["settings"]))
    assert settings["seed"] == 42 and settings["sampling"]["ecg"]["steps"] == 8 and settings["synthetic"] is True


def test_beats_are_padded_with_nan(batch):
    """Windows have different numbers of beats; a model that draws none has a table of no columns."""
    with np.load(io.BytesIO(npz_bytes(batch)), allow_pickle=False) as file:
        table = file["beat_times_s"]
    assert table.shape == (3, 22)
    assert np.isfinite(table).sum(axis=1).tolist() == [20, 21, 22]
    np.testing.assert_array_equal(table[0, :20], batch.beats[0])
    with np.load(io.BytesIO(npz_bytes(make_batch(beats=False))), allow_pickle=False) as file:
        assert file["beat_times_s"].shape == (3, 0)


def test_csv_is_one_tidy_table_with_each_sample_at_its_time(batch):
    """pandas reads it; ECG stands every 1/175 s, EDA and Resp every quarter second, and both where the times meet."""
    table = pd.read_csv(io.BytesIO(csv_bytes(batch)), comment="#")
    assert list(table.columns) == ["window", "condition", "time_s", "ECG_mV", "EDA_uS", "Resp_percent"]
    for i, (number, condition) in enumerate(((5, "stress"), (6, "baseline"), (7, "amusement"))):
        one = table[table.window == number]
        assert set(one.condition) == {condition}
        assert (np.diff(one.time_s) > 0).all()
        ecg, low = one.dropna(subset=["ECG_mV"]), one.dropna(subset=["EDA_uS"])
        np.testing.assert_allclose(ecg.time_s, np.arange(5250) / 175, atol=1e-6)
        np.testing.assert_allclose(ecg.ECG_mV, batch.ecg[i, :, 0], atol=1e-5)
        np.testing.assert_allclose(low.time_s, np.arange(120) / 4, atol=1e-6)
        np.testing.assert_allclose(low[["EDA_uS", "Resp_percent"]], batch.low.values[i], atol=1e-4)
        assert len(one) == 5250 + 120 - 30  # the rates meet once a second


def test_csv_says_what_it_is_in_its_header(batch):
    """The comment lines hold the word synthetic, the notice and the settings as JSON."""
    lines = csv_bytes(batch).decode().splitlines()
    assert lines[0].startswith("# synthetic: ") and "no clinical use" in lines[0]
    settings = next(line for line in lines if line.startswith("# settings: "))
    assert json.loads(settings.removeprefix("# settings: "))["bundle_sha256"] == "ab" * 32


def test_a_csv_of_16_windows_is_quick():
    """The page offers it at a click: 16 windows take under 2 seconds."""
    start = time.perf_counter()
    csv_bytes(make_batch(16))
    assert time.perf_counter() - start < 2


def test_files_equal_the_bytes_for_the_page(batch, tmp_path):
    """What a command writes is what the page hands out; a file there before is replaced."""
    (tmp_path / "a.csv").write_text("old")
    assert write(batch, tmp_path / "a.csv").read_bytes() == csv_bytes(batch)
    with np.load(write(batch, tmp_path / "sub" / "a.npz")) as file, np.load(io.BytesIO(npz_bytes(batch))) as other:
        assert all(np.array_equal(file[k], other[k], equal_nan=file[k].dtype.kind == "f") for k in other.files)
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["a.csv", "a.npz"]


def test_an_unknown_extension_is_refused(batch, tmp_path):
    """Only the formats that can be written are accepted, and each writer keeps to its own."""
    for attempt in (lambda: write(batch, tmp_path / "a.mat"), lambda: write_npz(batch, tmp_path / "a.csv"),
                    lambda: write_csv(batch, tmp_path / "a.npz"), lambda: write(batch, tmp_path / "a")):  # fmt: skip
        with pytest.raises(RequestError, match=r"expected a file name that ends in"):
            attempt()
    assert not list(tmp_path.iterdir())


def test_fused_windows_keep_channels_and_times_apart(batch):
    """[ECG, Resp, EDA] at 5250 samples: ECG untouched, the low channels linear between their samples, the last held."""
    fused = batch.fused()
    assert fused.shape == (3, 5250, 3) and fused.dtype == np.float32
    assert np.array_equal(fused[..., 0], batch.ecg[..., 0])
    seconds = np.minimum(np.arange(5250) / 175, 29.75)
    np.testing.assert_allclose(fused[1, :, 2], 3 + 0.01 * seconds, atol=1e-5)  # EDA of window 1 is a line
    np.testing.assert_allclose(fused[1, ::175, 1], np.cos(np.arange(30)), atol=1e-6)


def test_the_short_fused_form_does_not_alias_the_ecg():
    """At 4 Hz a 1 Hz wave stays, and one of 3.9 Hz, which would fold back to 0.1 Hz, is gone."""
    batch = make_batch(1)
    seconds = np.arange(5250) / 175
    for hz, kept in ((1.0, True), (3.9, False)):
        ecg = np.sin(2 * np.pi * hz * seconds)[None, :, None].astype(np.float32)
        fused = SignalBatch(ecg, batch.low, batch.conditions, batch.provenance).fused(120)
        assert fused.shape == (1, 120, 3)
        inner = fused[0, 8:-8, 0]
        if kept:
            np.testing.assert_allclose(inner, np.sin(np.pi / 2 * np.arange(120))[8:-8], atol=0.05)
        else:
            assert np.abs(inner).max() < 0.05
    assert np.array_equal(fused[0, :, 1:], batch.low.ordered("Resp", "EDA")[0])
    with pytest.raises(RequestError, match="5250 or 120"):
        batch.fused(1000)


def test_a_window_taken_out_keeps_its_number_and_company_does_not_stay(batch):
    """window(1) of windows 5 to 7 is number 6 with its own condition and beats."""
    one = batch.window(1)
    assert (len(one), one.indices, one.conditions, one.provenance.first_window) == (1, (6,), ("baseline",), 6)
    assert np.array_equal(one.ecg[0], batch.ecg[1]) and np.array_equal(one.beats[0], batch.beats[1])
    with pytest.raises(RequestError, match="choose 0 to 2"):
        batch.window(3)


def test_a_batch_whose_parts_do_not_fit_is_refused(batch):
    """An ECG of another length, or one condition too few, is no batch."""
    with pytest.raises(ChannelError, match="Expected 3 windows"):
        SignalBatch(batch.ecg[:, :100], batch.low, batch.conditions, batch.provenance)
    with pytest.raises(ChannelError, match="Expected 2 windows"):
        SignalBatch(batch.ecg, batch.low, batch.conditions[:2], batch.provenance)


def test_the_notice_names_the_origin_and_the_kind_of_eda():
    """Simulated data is called that, and a phasic EDA too."""
    assert "simulated data" in make_batch().provenance.notice
    assert "phasic" not in make_batch().provenance.notice
    assert "phasic" in make_batch(eda="phasic").provenance.notice
