"""WFDB: a zip of records, two a window: NAME_ecg at 175 Hz with beats and states as annotations, and NAME_low at 4 Hz.

One record of both would have frames of a second, to which readers that know one rate would average the ECG down.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from physiosynth.families.wearable.export.content import (
    RATES_HZ,
    Part,
    Piece,
    Signals,
    Stored,
    labels,
    parts_of,
    pieces_of,
)
from physiosynth.families.wearable.export.quantising import digital, gains_of, tolerance_of
from physiosynth.families.wearable.export.zipped import member, reading, writing
from physiosynth.families.wearable.signals import ECG_HZ, UNITS

RECORDS = {"ecg": ("ECG",), "low": ("EDA", "Resp")}
# A normal beat, and the start of a stretch, "(stress", as PhysioNet marks rhythms: wfdb loses comments at sample 0.
ANNOTATOR, BEAT, STRETCH = "atr", "N", "+"


def write(signals: Signals, stream: BinaryIO) -> None:
    """Records in format 16; quantising.gains_of says how precise. A beat stands at the ECG sample next to it.

    The settings are in settings.json, and in short in the comments of every header.
    """
    gains = gains_of(pieces_of(signals))
    comments = [f"{name}: {value}" for name, value in labels(signals.provenance).items()]
    names = []
    with writing(stream, signals.provenance) as zipped:
        for piece in pieces_of(signals):
            names += [f"{piece.part.name}_{record}" for record in RECORDS]
            with tempfile.TemporaryDirectory() as folder:
                _records(piece, gains, [*comments, f"window: {piece.part.number}"], folder)
                for path in sorted(Path(folder).iterdir()):
                    zipped.writestr(path.name, path.read_bytes())
        zipped.writestr("RECORDS", "".join(f"{name}\n" for name in names))


def read(path: Path) -> Stored:
    """See content.Stored."""
    import wfdb

    pieces: list[Piece] = []
    gains: dict[str, float] = {}
    with reading(path) as (zipped, provenance), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in parts_of(provenance):
            held: dict[str, np.ndarray] = {}
            for file in _files(part):
                (folder / file).write_bytes(member(zipped, file))
            for record in RECORDS:
                read = wfdb.rdrecord(str(folder / f"{part.name}_{record}"))
                held |= dict(zip(read.sig_name, read.p_signal.T, strict=True))
                gains |= dict(zip(read.sig_name, read.adc_gain, strict=True))
            notes = wfdb.rdann(str(folder / f"{part.name}_ecg"), ANNOTATOR)
            beats = notes.sample[np.array(notes.symbol) == BEAT] / ECG_HZ
            pieces.append(Piece.of(part, held, beats))
    return Stored(provenance, tuple(pieces), tolerance_of(gains, 1 / ECG_HZ))


def _files(part: Part) -> list[str]:
    ends = [f"{record}.{suffix}" for record in RECORDS for suffix in ("hea", "dat")]
    return [f"{part.name}_{end}" for end in (*ends, f"ecg.{ANNOTATOR}")]


def _records(piece: Piece, gains: dict[str, float], comments: list[str], folder: str) -> None:
    import wfdb

    channels = piece.channels
    for record, names in RECORDS.items():
        wfdb.wrsamp(
            f"{piece.part.name}_{record}",
            fs=RATES_HZ[names[0]],
            units=[UNITS[name] for name in names],
            sig_name=list(names),
            d_signal=np.stack([digital(channels[name], gains[name]) for name in names], axis=1),
            fmt=["16"] * len(names),
            adc_gain=[gains[name] for name in names],
            baseline=[0] * len(names),
            comments=comments,
            write_dir=folder,
        )
    last = len(piece.ecg) - 1
    times = np.zeros(0) if piece.beats is None else piece.beats
    notes = [(start * ECG_HZ, STRETCH, f"({condition}") for condition, start, _ in piece.part.stretches]
    notes += [(min(round(float(time) * ECG_HZ), last), BEAT, "") for time in times]
    samples, symbols, texts = zip(*sorted(notes, key=lambda note: note[0]), strict=True)
    wfdb.wrann(
        f"{piece.part.name}_ecg", ANNOTATOR, np.array(samples), list(symbols), aux_note=list(texts), fs=ECG_HZ,
        write_dir=folder,
    )  # fmt: skip
