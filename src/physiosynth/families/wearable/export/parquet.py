"""Parquet: the table of the CSV file with typed columns, every bit of the signals kept."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from physiosynth.errors import RecordingError
from physiosynth.families.wearable.export.content import (
    EXACT,
    RATES_HZ,
    Piece,
    Signals,
    Stored,
    beats_text,
    labels,
    pieces_of,
    provenance_of,
    settings_text,
)
from physiosynth.families.wearable.export.csv_table import COLUMNS, merged_times, pieces_from
from physiosynth.families.wearable.signals import UNITS

if TYPE_CHECKING:
    import pyarrow as pa

GROUP = 16  # windows in memory, and in a row group
SETTINGS, BEAT_TIMES = "settings", "beat_times_s"


def write(signals: Signals, stream: BinaryIO) -> None:
    """Columns as in the CSV; a cell is null where its stream has no sample.

    The schema's metadata hold the settings and the beat times of each window, both as JSON; each signal's field its
    unit and rate.
    """
    import pyarrow.parquet as pq

    schema = _schema(signals)
    pieces = pieces_of(signals)
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        while group := list(islice(pieces, GROUP)):
            writer.write_table(_table(group, schema))


def read(path: Path) -> Stored:
    """See content.Stored."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=list(COLUMNS[3:]))
    told = table.schema.metadata or {}
    if SETTINGS.encode() not in told:
        raise RecordingError("It holds no settings in its metadata.")
    provenance = provenance_of(told[SETTINGS.encode()])
    columns = [table[name].to_numpy() for name in COLUMNS[3:]]
    return Stored(provenance, pieces_from(provenance, columns, told[BEAT_TIMES.encode()]), EXACT)


def _schema(signals: Signals) -> pa.Schema:
    import pyarrow as pa

    kinds = (pa.int32(), pa.dictionary(pa.int8(), pa.string()), pa.float64(), *(pa.float32(),) * 3)
    told = [{"unit": UNITS[name], "sampling_rate_hz": str(hz)} for name, hz in RATES_HZ.items()]
    metadata = [None, None, {"unit": "s"}, *told]
    named = zip(COLUMNS, kinds, metadata, strict=True)
    fields = [pa.field(name, kind, metadata=about) for name, kind, about in named]
    content = {SETTINGS: settings_text(signals.provenance), BEAT_TIMES: beats_text(signals)}
    return pa.schema(fields, metadata={**labels(signals.provenance), **content})


def _table(pieces: list[Piece], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    columns: list[list[np.ndarray]] = [[] for _ in COLUMNS]
    for piece in pieces:
        times, ecg_at, low_at = merged_times(piece.part.seconds)
        states = [name for name, _, _ in piece.part.stretches]
        state_at = np.searchsorted([start for _, start, _ in piece.part.stretches], times, side="right") - 1
        signals = [
            _spread(len(times), at, values)
            for at, values in ((ecg_at, piece.ecg), (low_at, piece.eda), (low_at, piece.resp))
        ]
        cells = [np.full(len(times), piece.part.number), np.array(states)[state_at], times, *signals]
        for column, values in zip(columns, cells, strict=True):
            column.append(values)
    whole = [np.concatenate(column) for column in columns]
    arrays = [
        pa.array(values, mask=np.isnan(values) if place > 2 else None).cast(field.type)
        if place != 1
        else pa.array(values.tolist(), field.type.value_type).dictionary_encode().cast(field.type)
        for place, (values, field) in enumerate(zip(whole, schema, strict=True))
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _spread(length: int, at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(length,) float32 with the values at their rows and nan elsewhere."""
    column = np.full(length, np.nan, dtype=np.float32)
    column[at] = values
    return column
