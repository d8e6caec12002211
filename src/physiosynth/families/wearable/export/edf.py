"""EDF+: a zip with one file a window, or one of a recording; states and beats are annotations."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from physiosynth.families.wearable.data.batch import SYNTHETIC, Provenance
from physiosynth.families.wearable.export.content import RATES_HZ, Piece, Signals, Stored, parts_of, pieces_of
from physiosynth.families.wearable.export.quantising import MOST, gains_of, tolerance_of
from physiosynth.families.wearable.export.zipped import member, reading, writing
from physiosynth.families.wearable.signals import UNITS

if TYPE_CHECKING:
    import edfio

BEAT = "beat"
ONSET_S = 5e-7  # how far the text of an onset may be off


def write(signals: Signals, stream: BinaryIO) -> None:
    """Continuous EDF+ (Kemp and Olivan, 2003) with ECG, EDA and Resp at their own rates; the settings in settings.json.

    Values are 16-bit integers; quantising.gains_of says how precise. EDFbrowser, MNE-Python and pyedflib read it.
    """
    gains = gains_of(pieces_of(signals))
    with writing(stream, signals.provenance) as zipped:
        for piece in pieces_of(signals):
            content = io.BytesIO()
            _edf(piece, gains, signals.provenance).write(content)
            zipped.writestr(f"{piece.part.name}.edf", content.getvalue())


def read(path: Path) -> Stored:
    """See content.Stored."""
    import edfio

    pieces, gains = [], {}
    with reading(path) as (zipped, provenance):
        for part in parts_of(provenance):
            edf = edfio.read_edf(io.BytesIO(member(zipped, f"{part.name}.edf")))
            held = {signal.label: signal for signal in edf.signals}
            gains = {name: signal.digital_max / signal.physical_max for name, signal in held.items()}
            told = [each.onset for each in edf.annotations if each.text == BEAT]
            ecg, eda, resp = (held[name].data for name in RATES_HZ)
            pieces.append(Piece(part, ecg, eda, resp, np.array(told)))
    return Stored(provenance, tuple(pieces), tolerance_of(gains, ONSET_S))


def _edf(piece: Piece, gains: dict[str, float], provenance: Provenance) -> edfio.Edf:
    import edfio

    signals = [
        edfio.EdfSignal(
            values.astype(np.float64),
            RATES_HZ[name],
            label=name,
            transducer_type=f"{SYNTHETIC}: no electrode",
            physical_dimension=UNITS[name],
            physical_range=(-MOST / gains[name], MOST / gains[name]),
            digital_range=(-MOST, MOST),
        )
        for name, values in piece.channels.items()
    ]
    notes = [edfio.EdfAnnotation(0, None, f"{SYNTHETIC}, not for clinical use")]
    notes += [edfio.EdfAnnotation(start, seconds, condition) for condition, start, seconds in piece.part.stretches]
    notes += [edfio.EdfAnnotation(round(time, 6), None, BEAT) for time in _listed(piece.beats)]
    return edfio.Edf(
        signals,
        patient=edfio.Patient(name=SYNTHETIC),
        recording=edfio.Recording(
            equipment_code=f"physiosynth_{provenance.version}",
            # 80 characters hold no more beside a seed of 19 digits.
            additional=(SYNTHETIC, f"seed_{provenance.seed}", provenance.bundle_sha256[:8]),
        ),
        annotations=notes,
    )


def _listed(beats: np.ndarray | None) -> list[float]:
    return [] if beats is None else beats.tolist()
