"""Every file that the page offers downloads, and opens with a reader that is not ours."""

import zipfile

import h5py
import numpy as np
import pandas as pd
import pyedflib
import wfdb

from physiosynth.families.wearable.export import FORMATS, read


def opened_ecg(path, name, folder):
    """The ECG of window 0 in mV, as other tools read it."""
    if path.name.endswith(".zip"):
        zipfile.ZipFile(path).extractall(folder)
    if name in ("CSV", "Parquet"):
        table = pd.read_csv(path, comment="#") if name == "CSV" else pd.read_parquet(path)
        return table[table.window == 0].ECG_mV.dropna()
    if name == "NPZ":
        return np.load(path, allow_pickle=False)["ecg"][0, :, 0]
    if name == "HDF5":
        return h5py.File(path)["ecg"][0, :, 0]
    if name == "WFDB":
        return wfdb.rdrecord(str(folder / "w00000_baseline_ecg")).p_signal[:, 0]
    if name == "EDF+":
        with pyedflib.EdfReader(str(folder / "w00000_baseline.edf")) as file:
            return file.readSignal(0)
    return pd.read_csv(next(folder.rglob("*run-00000_recording-ecg_physio.tsv.gz")), header=None)[0]


def test_every_file_downloads_and_opens(page, tmp_path):
    """One menu, seven files: the same ECG in each, and settings that draw the windows again."""
    page.get_by_role("button", name="Download", exact=True).locator("visible=true").click()
    signals, stored = {}, {}
    for each in FORMATS:
        with page.expect_download() as waiting:
            page.get_by_role("button", name=each.name, exact=True).click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        assert path.name.startswith("synthetic_baseline_") and path.name.endswith(each.suffix)
        signals[each.name], stored[each.name] = opened_ecg(path, each.name, tmp_path / each.name), read(path)
    for name, ecg in signals.items():
        np.testing.assert_allclose(ecg, signals["NPZ"], atol=1e-4, err_msg=name)
    for held in stored.values():
        assert held.provenance == stored["NPZ"].provenance and "Synthetic" in held.provenance.notice
