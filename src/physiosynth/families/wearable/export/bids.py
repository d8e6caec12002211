"""BIDS: a zip of a dataset with continuous physiological recordings, each stream at its own rate.

A window is a run of the task that its state names, two recordings to a run: recording-ecg and recording-low. Beats and
states are in its events file. BIDS 1.10, "Physiological recordings" and "Task events".
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from physiosynth.families.wearable.data.batch import LICENCE, SYNTHETIC, Provenance
from physiosynth.families.wearable.export.content import (
    BEATS,
    EXACT,
    RATES_HZ,
    Part,
    Piece,
    Signals,
    Stored,
    labels,
    parts_of,
    pieces_of,
)
from physiosynth.families.wearable.export.zipped import member, reading, writing
from physiosynth.families.wearable.signals import UNITS

BIDS_VERSION = "1.10.0"
SETTINGS = "sourcedata/settings.json"
# Column -> channel; "cardiac" and "respiratory" are the names that the standard recommends.
RECORDINGS = {"ecg": {"cardiac": "ECG"}, "low": {"eda": "EDA", "respiratory": "Resp"}}
LONG_NAMES = {"ECG": "Electrocardiogram (ECG)", "EDA": "Electrodermal activity (EDA)", "Resp": "Respiration (Resp)"}
BEAT = "beat"
BEAT_DECIMALS = 6


def write(signals: Signals, stream: BinaryIO) -> None:
    """Signals keep every bit (the shortest decimal that gives the same float32); beats are rounded to a microsecond."""
    provenance = signals.provenance
    with writing(stream, provenance, SETTINGS) as zipped:
        for name, text in _dataset(provenance).items():
            zipped.writestr(name, text)
        for piece in pieces_of(signals):
            stem = _stem(piece.part, provenance)
            for recording, columns in RECORDINGS.items():
                values = np.stack([piece.channels[channel] for channel in columns.values()], axis=1)
                rows = "".join("\t".join(row) + "\n" for row in values.astype(np.float32).astype(str))
                name = f"{stem}_recording-{recording}_physio"
                zipped.writestr(f"{name}.tsv.gz", gzip.compress(rows.encode(), compresslevel=6, mtime=0))
                zipped.writestr(f"{name}.json", _json(_about(piece.part, columns, provenance)))
            zipped.writestr(f"{stem}_events.tsv", _events(piece))
            zipped.writestr(f"{stem}_events.json", _json({"TaskName": _task(piece.part), **EVENT_COLUMNS}))


def read(path: Path) -> Stored:
    """See content.Stored."""
    pieces = []
    with reading(path, SETTINGS) as (zipped, provenance):
        for part in parts_of(provenance):
            stem = _stem(part, provenance)
            held: dict[str, np.ndarray] = {}
            for recording, columns in RECORDINGS.items():
                text = gzip.decompress(member(zipped, f"{stem}_recording-{recording}_physio.tsv.gz")).decode()
                values = np.array(text.split(), dtype=np.float64).astype(np.float32).reshape(-1, len(columns))
                held |= dict(zip(columns.values(), values.T, strict=True))
            rows = [line.split("\t") for line in member(zipped, f"{stem}_events.tsv").decode().splitlines()]
            beats = np.array([float(row[0]) for row in rows if row[2] == BEAT])
            pieces.append(Piece.of(part, held, beats))
    return Stored(provenance, tuple(pieces), {**EXACT, BEATS: 0.5 * 10.0**-BEAT_DECIMALS})


EVENT_COLUMNS = {
    "trial_type": {
        "Description": "What happens: the state of a stretch, or a heartbeat.",
        "Levels": {
            "baseline": "At rest",
            "stress": "Under stress",
            "amusement": "Amused",
            "meditation": "Meditating",
            BEAT: "A heartbeat that the model drew",
        },
    }
}


def _task(part: Part) -> str:
    return "schedule" if part.recording else part.stretches[0][0]


def _stem(part: Part, provenance: Provenance) -> str:
    subject, run = f"sub-seed{provenance.seed}", "" if part.recording else f"_run-{part.number:05d}"
    return f"{subject}/beh/{subject}_task-{_task(part)}{run}"


def _about(part: Part, columns: dict[str, str], provenance: Provenance) -> dict[str, Any]:
    """The sidecar of a recording: what the standard requires, and what this is."""
    channels = {
        column: {"LongName": LONG_NAMES[channel], "Description": f"{SYNTHETIC} {channel}", "Units": UNITS[channel]}
        for column, channel in columns.items()
    }
    return {
        "SamplingFrequency": RATES_HZ[next(iter(columns.values()))],
        "StartTime": 0,
        "Columns": list(columns),
        **channels,
        "PhysioType": "generic",
        "TaskName": _task(part),
        "Synthetic": True,
        "Notice": provenance.notice,
        "Seed": provenance.seed,
        "WindowNumber": part.number,
        "BundleSHA256": provenance.bundle_sha256,
        "SoftwareVersions": f"physiosynth {provenance.version}",
    }


def _events(piece: Piece) -> str:
    """onset, duration and trial_type, in the order of time."""
    rows = [(float(start), float(seconds), condition) for condition, start, seconds in piece.part.stretches]
    rows += [(round(time, BEAT_DECIMALS), 0.0, BEAT) for time in ([] if piece.beats is None else piece.beats.tolist())]
    lines = ["onset\tduration\ttrial_type", *(f"{a:.{BEAT_DECIMALS}f}\t{b:g}\t{kind}" for a, b, kind in sorted(rows))]
    return "\n".join(lines) + "\n"


def _dataset(provenance: Provenance) -> dict[str, str]:
    """The files of the dataset as a whole."""
    told = labels(provenance)
    description = {
        "Name": f"Synthetic ECG, EDA and respiration of physiosynth, seed {provenance.seed}",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "License": LICENCE,
        "Authors": ["physiosynth"],
        "GeneratedBy": [{"Name": "physiosynth", "Version": provenance.version, "Description": provenance.notice}],
    }
    return {
        "dataset_description.json": _json(description),
        "README": "\n".join(f"{name}: {value}" for name, value in told.items()) + f"\nsettings: {SETTINGS}\n",
        "participants.tsv": f"participant_id\tkind\nsub-seed{provenance.seed}\t{SYNTHETIC}\n",
        "participants.json": _json({"kind": {"Description": "Nobody: the signals were drawn by a model."}}),
    }


def _json(content: Any) -> str:
    return json.dumps(content, indent=2) + "\n"
