"""Files of synthetic windows and recordings: one table of formats, each opened by a reader that is not ours."""

import gzip
import io
import json
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyedflib
import pytest
import wfdb

from making.signals import make_batch, make_recording
from physiosynth.errors import RecordingError, RequestError
from physiosynth.families.wearable import export
from physiosynth.families.wearable.data.batch import Provenance
from physiosynth.families.wearable.export import FORMATS, SUFFIXES, format_of, read, to_bytes, write
from physiosynth.families.wearable.generator.reproducing import compare

CONDITIONS = ["stress", "baseline", "amusement"]
NAMES = ["w00005_stress", "w00006_baseline", "w00007_amusement"]


@pytest.fixture(scope="module")
def batch():
    """Three windows, numbered 5 to 7."""
    return make_batch()


@pytest.fixture(scope="module")
def recording():
    return make_recording()


@pytest.fixture(scope="module")
def files(batch, recording, tmp_path_factory):
    """Both in every format, by suffix: (windows, recording)."""
    folder = tmp_path_factory.mktemp("files")
    return {
        each.suffix: (write(batch, folder / f"b{each.suffix}"), write(recording, folder / f"r{each.suffix}"))
        for each in FORMATS
    }


@pytest.fixture(scope="module")
def unpacked(files, tmp_path_factory):
    """The zips as folders, by suffix: (windows, recording)."""
    folders = {}
    for suffix in SUFFIXES:
        if suffix.endswith(".zip"):
            folders[suffix] = tuple(tmp_path_factory.mktemp("zip") for _ in range(2))
            for path, folder in zip(files[suffix], folders[suffix], strict=True):
                zipfile.ZipFile(path).extractall(folder)
    return folders


def check_settings(text):
    """Seed, bundle, version, sampling, windows and the word synthetic are in the settings."""
    settings = json.loads(text)
    assert settings["seed"] == 42 and settings["bundle_sha256"] == "ab" * 32 and settings["version"] == "0.1.0"
    assert settings["synthetic"] is True and settings["sampling"]["ecg"]["steps"] == 8
    assert settings["indices"] == [5, 6, 7] and settings["conditions"] == CONDITIONS
    assert "no clinical use" in settings["notice"]


# NPZ and CSV


def test_npz_loads_without_pickle_and_holds_both_streams(batch, files):
    """Arrays, labels, units, rates and settings come back as they went in."""
    with np.load(files[".npz"][0], allow_pickle=False) as file:
        content = {name: file[name] for name in file.files}
    assert np.array_equal(content["ecg"], batch.ecg)
    assert np.array_equal(content["low"], batch.low.values)
    assert np.array_equal(content["eda"], batch.low.values[..., 0])
    assert np.array_equal(content["resp"], batch.low.values[..., 1])
    assert content["fused_preview"].shape == (3, 120, 3)
    assert content["conditions"].tolist() == CONDITIONS
    assert content["condition_ids"].tolist() == [2, 1, 3]
    assert content["windows"].tolist() == [5, 6, 7]
    assert (content["ecg_hz"], content["low_hz"]) == (175, 4)
    assert content["channels_low"].tolist() == ["EDA", "Resp"]
    assert content["units_low"].tolist() == ["uS", "%"] and content["units_ecg"].tolist() == ["mV"]
    assert content["synthetic"] == "synthetic"
    check_settings(str(content["settings"]))


def test_beats_are_padded_with_nan(batch, files):
    """Windows have different numbers of beats; a model that draws none has a table of no columns."""
    with np.load(files[".npz"][0], allow_pickle=False) as file:
        table = file["beat_times_s"]
    assert table.shape == (3, 22)
    assert np.isfinite(table).sum(axis=1).tolist() == [20, 21, 22]
    np.testing.assert_array_equal(table[0, :20], batch.beats[0])
    with np.load(io.BytesIO(to_bytes(make_batch(beats=False), format_of(".npz"))), allow_pickle=False) as file:
        assert file["beat_times_s"].shape == (3, 0)


def check_tidy(table, batch, atol):
    """ECG stands every 1/175 s, EDA and Resp every quarter second, and both where the times meet."""
    assert list(table.columns) == ["window", "condition", "time_s", "ECG_mV", "EDA_uS", "Resp_percent"]
    for i, (number, condition) in enumerate(zip((5, 6, 7), CONDITIONS, strict=True)):
        one = table[table.window == number]
        assert set(one.condition) == {condition}
        assert (np.diff(one.time_s) > 0).all()
        ecg, low = one.dropna(subset=["ECG_mV"]), one.dropna(subset=["EDA_uS"])
        np.testing.assert_allclose(ecg.time_s, np.arange(5250) / 175, atol=1e-6)
        np.testing.assert_allclose(ecg.ECG_mV, batch.ecg[i, :, 0], atol=atol, rtol=0)
        np.testing.assert_allclose(low.time_s, np.arange(120) / 4, atol=1e-6)
        np.testing.assert_allclose(low[["EDA_uS", "Resp_percent"]], batch.low.values[i], atol=10 * atol, rtol=0)
        assert len(one) == 5250 + 120 - 30  # the rates meet once a second


def test_csv_is_one_tidy_table_with_each_sample_at_its_time(batch, files):
    """pandas reads it; values are rounded to 5 decimals, those of Resp to 4."""
    check_tidy(pd.read_csv(files[".csv"][0], comment="#"), batch, 5.1e-6)


def test_csv_says_what_it_is_in_its_header(batch, files):
    """The comment lines hold the word synthetic, the notice, the settings and the beat times as JSON."""
    lines = files[".csv"][0].read_text().splitlines()
    assert lines[0].startswith("# synthetic: ") and "no clinical use" in lines[0]
    check_settings(next(line for line in lines if line.startswith("# settings: ")).removeprefix("# settings: "))
    beats = json.loads(next(line for line in lines if line.startswith("# beat_times_s")).partition(": ")[2])
    assert [len(times) for times in beats] == [20, 21, 22]
    np.testing.assert_allclose(beats[2], batch.beats[2], atol=5.1e-7)


def test_a_csv_of_16_windows_is_quick():
    """The page offers it at a click: it costs no more than pandas takes to write the same table (half of it or so)."""
    batch, start = make_batch(16), time.process_time()
    content = to_bytes(batch, format_of(".csv"))
    ours = time.process_time() - start
    table, start = pd.read_csv(io.BytesIO(content), comment="#"), time.process_time()
    table.to_csv(float_format="%.5f", index=False)
    assert ours < time.process_time() - start


# Parquet and HDF5


def test_parquet_is_the_same_table_with_every_bit(batch, recording, files):
    """pandas and pyarrow read it; fields have units and rates, the schema settings and beat times."""
    table = pd.read_parquet(files[".parquet"][0])
    check_tidy(table, batch, 0)
    assert table.ECG_mV.dtype == np.float32
    schema = pq.read_schema(files[".parquet"][0])
    assert schema.metadata[b"kind"] == b"synthetic"
    assert schema.field("ECG_mV").metadata == {b"unit": b"mV", b"sampling_rate_hz": b"175"}
    assert schema.field("EDA_uS").metadata == {b"unit": b"uS", b"sampling_rate_hz": b"4"}
    check_settings(schema.metadata[b"settings"])
    assert json.loads(schema.metadata[b"beat_times_s"])[1] == batch.beats[1].tolist()
    long = pd.read_parquet(files[".parquet"][1])
    assert set(long.window) == {0} and set(long.condition[long.time_s >= 50]) == {"stress"}
    assert np.array_equal(long.ECG_mV.dropna(), recording.ecg)


def test_hdf5_holds_arrays_whose_attributes_say_what_they_are(batch, recording, files):
    """h5py reads names, units, rates, labels and settings."""
    with h5py.File(files[".h5"][0]) as file:
        assert np.array_equal(file["ecg"], batch.ecg) and np.array_equal(file["resp"], batch.low.values[..., 1])
        assert dict(file["eda"].attrs) | {"axes": list(file["eda"].attrs["axes"])} == {
            "channel": "EDA",
            "unit": "uS",
            "sampling_rate_hz": 4,
            "axes": ["window", "time"],
        }
        assert file["ecg"].attrs["sampling_rate_hz"] == 175 and file["ecg"].attrs["unit"] == "mV"
        assert file["conditions"].asstr()[:].tolist() == CONDITIONS and file["windows"][:].tolist() == [5, 6, 7]
        assert np.array_equal(file["beat_times_s"][0, :20], batch.beats[0])
        assert file.attrs["kind"] == "synthetic" and file.attrs["seed"] == "42"
        check_settings(file["settings"][()])
    with h5py.File(files[".h5"][1]) as file:
        assert np.array_equal(file["ecg"][:, 0], recording.ecg) and np.array_equal(
            file["beat_times_s"], recording.beats
        )
        assert file["conditions"].asstr()[49:51].tolist() == ["baseline", "stress"]


# WFDB, EDF+ and BIDS


def within(found, wanted, limit):
    """Largest difference is at most `limit`."""
    assert np.abs(np.asarray(found, dtype=float) - np.asarray(wanted, dtype=float)).max() <= limit * 1.001


def test_wfdb_records_are_physionets(batch, recording, unpacked):
    """wfdb reads names, units, rates, values to half a step, beats at their samples, and the state."""
    folder, long = unpacked[".wfdb.zip"]
    assert (folder / "RECORDS").read_text().split() == [f"{n}_{s}" for n in NAMES for s in ("ecg", "low")]
    for i, name in enumerate(NAMES):
        ecg, low = (wfdb.rdrecord(str(folder / f"{name}_{part}")) for part in ("ecg", "low"))
        assert (ecg.fs, ecg.sig_name, ecg.units) == (175, ["ECG"], ["mV"])
        assert (low.fs, low.sig_name, low.units) == (4, ["EDA", "Resp"], ["uS", "%"])
        within(ecg.p_signal, batch.ecg[i], 0.00005 / 2)  # 1 mV: 20 000 steps a mV
        within(low.p_signal, batch.low.values[i], 0.0002 / 2)  # 4.3 uS: 5000 steps a uS
        notes = wfdb.rdann(str(folder / f"{name}_ecg"), "atr")
        assert (notes.symbol[0], notes.aux_note[0]) == ("+", f"({CONDITIONS[i]}")
        assert notes.fs == 175 and set(notes.symbol[1:]) == {"N"}
        within(notes.sample[1:] / 175, batch.beats[i], 0.5 / 175)
        assert "kind: synthetic" in ecg.comments and "seed: 42" in low.comments
    check_settings((folder / "settings.json").read_text())
    within(wfdb.rdrecord(str(long / "recording_ecg")).p_signal[:, 0], recording.ecg, 0.0002 / 2)
    notes = wfdb.rdann(str(long / "recording_ecg"), "atr")
    starts = {text: int(sample) for sample, text in zip(notes.sample, notes.aux_note, strict=True) if text}
    assert starts == {"(baseline": 0, "(stress": 50 * 175}


def read_edf(path):
    """What pyedflib reads: signals by label, headers by label, annotations, and the file's own header."""
    with pyedflib.EdfReader(str(path)) as file:
        labels = file.getSignalLabels()
        signals = {label: file.readSignal(i) for i, label in enumerate(labels)}
        heads = {label: file.getSignalHeader(i) for i, label in enumerate(labels)}
        return signals, heads, list(zip(*file.readAnnotations(), strict=True)), file.getHeader()


def test_edf_files_open_in_pyedflib(batch, recording, unpacked):
    """Names, units and rates, values to half a step, and states and beats as annotations."""
    folder, long = unpacked[".edf.zip"]
    for i, name in enumerate(NAMES):
        signals, heads, notes, header = read_edf(folder / f"{name}.edf")
        asked = {"ECG": ("mV", 175), "EDA": ("uS", 4), "Resp": ("%", 4)}
        assert {k: (h["dimension"], h["sample_frequency"]) for k, h in heads.items()} == asked
        within(signals["ECG"], batch.ecg[i, :, 0], 0.00005 / 2)
        within(np.stack([signals["EDA"], signals["Resp"]], -1), batch.low.values[i], 0.0002 / 2)
        assert (0.0, 30.0, CONDITIONS[i]) in notes and "synthetic" in notes[0][2]
        within([onset for onset, _, text in notes if text == "beat"], batch.beats[i], 1e-6)
        assert header["patientname"] == "synthetic" and "seed_42" in header["recording_additional"]
    check_settings((folder / "settings.json").read_text())
    signals, _, notes, _ = read_edf(long / "recording.edf")
    within(signals["Resp"], recording.low.values[:, 1], 0.001 / 2)
    assert [note for note in notes if note[2] in ("baseline", "stress")] == [(0, 50, "baseline"), (50, 40, "stress")]


def read_bids(folder, stem, recording):
    """A physio recording as the standard says: a table without a header, named by its sidecar."""
    about = json.loads((folder / f"{stem}_recording-{recording}_physio.json").read_text())
    with gzip.open(folder / f"{stem}_recording-{recording}_physio.tsv.gz") as stream:
        return pd.read_csv(stream, sep="\t", header=None, names=about["Columns"], dtype=np.float32), about


def test_bids_recordings_are_what_the_standard_asks_for(batch, recording, unpacked):
    """Sidecars with rate, start, columns and units; every bit of the signals; states and beats as events."""
    folder, long = unpacked[".bids.zip"]
    described = json.loads((folder / "dataset_description.json").read_text())
    assert described["BIDSVersion"] == "1.10.0" and described["GeneratedBy"][0]["Name"] == "physiosynth"
    assert pd.read_csv(folder / "participants.tsv", sep="\t").participant_id.tolist() == ["sub-seed42"]
    for i, (state, number) in enumerate(zip(CONDITIONS, (5, 6, 7), strict=True)):
        stem = f"sub-seed42/beh/sub-seed42_task-{state}_run-{number:05d}"
        ecg, about = read_bids(folder, stem, "ecg")
        assert (about["SamplingFrequency"], about["StartTime"], about["Columns"]) == (175, 0, ["cardiac"])
        assert about["cardiac"]["Units"] == "mV" and about["Synthetic"] is True and about["Seed"] == 42
        assert np.array_equal(ecg.cardiac, batch.ecg[i, :, 0])
        low, about = read_bids(folder, stem, "low")
        assert (about["SamplingFrequency"], about["Columns"]) == (4, ["eda", "respiratory"])
        assert (about["eda"]["Units"], about["respiratory"]["Units"]) == ("uS", "%")
        assert np.array_equal(low, batch.low.values[i])
        events = pd.read_csv(folder / f"{stem}_events.tsv", sep="\t")
        assert list(events.columns) == ["onset", "duration", "trial_type"] and events.onset.is_monotonic_increasing
        assert events[events.trial_type == state].duration.tolist() == [30]
        within(events.onset[events.trial_type == "beat"], batch.beats[i], 1e-6)
    check_settings((folder / "sourcedata" / "settings.json").read_text())
    ecg, _ = read_bids(long, "sub-seed42/beh/sub-seed42_task-schedule", "ecg")
    assert np.array_equal(ecg.cardiac, recording.ecg)


def test_large_values_are_never_clipped(tmp_path):
    """The 16-bit formats widen their range: 40 mV and a negative EDA come back within half a step."""
    batch = make_batch(1, eda="phasic")
    batch.ecg[0, 100] = 40.0
    batch.low.values[0, 3, 0] = -250.0
    for suffix, reader in ((".edf.zip", lambda f: read_edf(f / "w00005_stress.edf")[0]), (".wfdb.zip", _wfdb_signals)):
        zipfile.ZipFile(write(batch, tmp_path / f"a{suffix}")).extractall(tmp_path / suffix)
        found = reader(tmp_path / suffix)
        within(found["ECG"], batch.ecg[0, :, 0], 0.002 / 2)
        within(found["EDA"], batch.low.values[0, :, 0], 0.01 / 2)


def _wfdb_signals(folder):
    records = [wfdb.rdrecord(str(folder / f"w00005_stress_{part}")) for part in ("ecg", "low")]
    return {name: values for r in records for name, values in zip(r.sig_name, r.p_signal.T, strict=True)}


def test_the_largest_seed_and_number_fit_into_every_header(tmp_path):
    """EDF+ has 80 characters for who and what."""
    batch = make_batch(1, first=99_999)
    batch = replace(batch, provenance=replace(batch.provenance, seed=2**63 - 1), conditions=("meditation",))
    for each in FORMATS:
        assert read(write(batch, tmp_path / f"a{each.suffix}")).provenance.seed == 2**63 - 1


# All of them


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_is_read_back_with_its_provenance(batch, recording, files, suffix):
    """Windows and recordings come back with the settings that draw them, within what the format says it rounds."""
    for path, signals in zip(files[suffix], (batch, recording), strict=True):
        stored = read(path)
        assert stored.provenance == Provenance.from_dict(json.loads(json.dumps(signals.provenance.to_dict())))
        found = compare(stored, signals)
        assert found.identical, found.words
        assert suffix in (".csv", ".wfdb.zip", ".edf.zip") or not max(
            found.difference[n] for n in ("ECG", "EDA", "Resp")
        )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_sample_that_was_changed_is_found(batch, files, suffix):
    """One value off by a hundredth of its unit makes windows another's."""
    other = batch.take(range(3))
    other.low.values[1, 7, 1] += 0.01
    assert not compare(read(files[suffix][0]), other).identical


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_cut_short_or_another_kind_is_refused_in_words(files, suffix, tmp_path):
    """Never a traceback of a library."""
    whole = files[suffix][0].read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"time,value\n0,1\n"):
        (tmp_path / f"a{suffix}").write_bytes(content)
        with pytest.raises(RecordingError, match=f"a{suffix}: not a "):
            read(tmp_path / f"a{suffix}")
    with pytest.raises(RecordingError, match="no such file"):
        read(tmp_path / f"b{suffix}")


def test_a_file_replaces_the_one_before_and_leaves_no_litter(batch, tmp_path):
    """What a command writes is what the page hands out."""
    (tmp_path / "a.csv").write_text("old")
    assert write(batch, tmp_path / "a.csv").read_bytes() == to_bytes(batch, format_of("a.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_an_unknown_extension_is_refused(batch, tmp_path):
    """Only the formats of the table are accepted, and a writer of one keeps to its own."""
    for attempt in (lambda: write(batch, tmp_path / "a.mat"), lambda: write(batch, tmp_path / "a.csv", ".npz"),
                    lambda: write(batch, tmp_path / "a"), lambda: read(tmp_path / "a.zip")):  # fmt: skip
        with pytest.raises(RequestError, match=r"expected a file name that ends in"):
            attempt()
    assert not list(tmp_path.iterdir())


def test_a_missing_library_is_named_with_what_to_install(batch, monkeypatch):
    """Before anything is drawn or written."""
    monkeypatch.setattr(export, "find_spec", lambda module: None)
    for attempt in (lambda: format_of("a.h5"), lambda: to_bytes(batch, FORMATS[3])):
        with pytest.raises(RequestError, match=r"HDF5 needs h5py, .*: pip install '\.\[formats\]'"):
            attempt()
    assert format_of(Path("a.bids.zip")).name == "BIDS"
