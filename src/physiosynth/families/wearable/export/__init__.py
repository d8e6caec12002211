"""Files of synthetic windows and recordings, from one table of formats.

Every file holds the signals with names, units and rates, the states, the beat times, and the settings that draw the
same signals again (see reproducing.py), with seed, bundle hash, version and the word synthetic among them.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from physiosynth.errors import PhysiosynthError, RecordingError, RequestError, brief
from physiosynth.extras import install_hint, missing_module
from physiosynth.families.wearable.export import bids, csv_table, edf, hdf5, npz, parquet, wfdb_records
from physiosynth.families.wearable.export.content import Signals, Stored
from physiosynth.files import replacing


@dataclass(frozen=True)
class Format:
    """A kind of file.

    suffix: how names end; readers: who reads it, for people; write(signals, stream): stream can be read and sought;
    read(path): what such a file holds; module: the optional library that it takes.
    """

    name: str
    suffix: str
    mime: str
    readers: str
    write: Callable[[Signals, BinaryIO], None]
    read: Callable[[Path], Stored]
    module: str | None = None

    @property
    def missing(self) -> str | None:
        """What to do before it can be written, or None where it can."""
        if self.module is None or find_spec(self.module) is not None:
            return None
        return install_hint(self.name, self.module)


ZIP = "application/zip"
FORMATS = (
    Format("CSV", ".csv", "text/csv", "Spreadsheets, pandas, R: one row per sample time, 5 decimals",
           csv_table.write, csv_table.read),
    Format("NPZ", ".npz", "application/octet-stream", "numpy: arrays by window, every bit kept", npz.write, npz.read),
    Format("Parquet", ".parquet", "application/vnd.apache.parquet",
           "pandas, polars, DuckDB, R arrow: the CSV's table, typed and small", parquet.write, parquet.read, "pyarrow"),
    Format("HDF5", ".h5", "application/x-hdf5", "h5py, MATLAB, Julia: arrays by window with units as attributes",
           hdf5.write, hdf5.read, "h5py"),
    Format("WFDB", ".wfdb.zip", ZIP, "PhysioNet tools: a zip of records with beats, 16 bits",
           wfdb_records.write, wfdb_records.read, "wfdb"),
    Format("EDF+", ".edf.zip", ZIP, "EDFbrowser, MNE: a zip of one file a window, 16 bits",
           edf.write, edf.read, "edfio"),
    Format("BIDS", ".bids.zip", ZIP, "BIDS apps: a zip of a dataset with physio recordings and events",
           bids.write, bids.read),
)  # fmt: skip
SUFFIXES = tuple(each.suffix for each in FORMATS)


def format_of(path: Path | str) -> Format:
    """The format that a file's name ends in. Raises RequestError for another, or one whose library is missing."""
    name = Path(path).name
    found = next((each for each in FORMATS if name.lower().endswith(each.suffix)), None)
    if found is None:
        raise RequestError(f"{name}: expected a file name that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")
    if found.missing is not None:
        raise RequestError(f"{name}: {found.missing}")
    return found


def write(signals: Signals, path: Path | str, suffix: str = "") -> Path:
    """Write the format that the name ends in, whole or not at all.

    Parameters
    ----------
    signals
        A SignalBatch or a SyntheticRecording.
    path
        The file; its folder exists.
    suffix
        The only ending that will do, where one is given.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    RequestError
        For another ending, an unknown one, or a format whose library is missing.
    """
    path = Path(path)
    if not path.name.lower().endswith(suffix):
        raise RequestError(f"{path.name}: expected a file name that ends in {suffix}.")
    chosen = format_of(path)
    with replacing(path) as temporary, temporary.open("w+b") as stream:
        chosen.write(signals, stream)
    return path


def to_bytes(signals: Signals, chosen: Format) -> bytes:
    """The file's content. Raises RequestError where the format's library is missing."""
    if chosen.missing is not None:
        raise RequestError(chosen.missing)
    stream = io.BytesIO()
    chosen.write(signals, stream)
    return stream.getvalue()


def read(path: Path | str) -> Stored:
    """What a file of any of the formats holds.

    Parameters
    ----------
    path
        A file that write has made.

    Returns
    -------
    Stored
        Its provenance, its windows or recording in pieces, and how exactly the format keeps values.

    Raises
    ------
    RequestError
        For another ending, or a format whose library is missing.
    RecordingError
        For a file that is missing, damaged or not ours.
    """
    path = Path(path)
    chosen = format_of(path)
    if not path.is_file():
        raise RecordingError(f"{path}: no such file.")
    try:
        return chosen.read(path)
    except ModuleNotFoundError as error:
        raise RequestError(install_hint(f"Reading {chosen.name}", missing_module(error) or str(error.name))) from error
    except PhysiosynthError as error:
        raise RecordingError(f"{path.name}: not a {chosen.name} file of physiosynth. {brief(error)}") from error
    # The libraries answer damaged files with exceptions of no common base.
    except Exception as error:
        raise RecordingError(
            f"{path.name}: not a readable {chosen.name} file of physiosynth ({type(error).__name__}: {brief(error)})."
        ) from error
