"""Headers of WFDB records and EDF files, checked before a reader believes what they say."""

from __future__ import annotations

import math
import re
from pathlib import Path

from physiosynth.errors import RecordingError

LARGEST_HEADER = 1 << 18  # bytes
MOST_SIGNALS = 256
MOST_IN_FRAME = 10_000  # samples of one signal in a frame of a WFDB record or a data record of an EDF file
# Bytes a sample of the WFDB formats that are read. Compressed ones are not: nobody knows how large they become.
WFDB_BYTES = {"8": 1, "16": 2, "24": 3, "32": 4, "61": 2, "80": 1, "160": 2, "212": 1.5, "310": 4 / 3, "311": 4 / 3}
_SIGNAL = re.compile(r"(?P<format>\d{1,3})(x(?P<frame>\d{1,9}))?(:(?P<skew>\d{1,9}))?(\+(?P<offset>\d{1,12}))?")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_wfdb(header: Path) -> None:
    """Raise RecordingError for a header that names files elsewhere, is of several segments or says more than there is.

    Written after header(5) of the WFDB Applications Guide.
    """
    name = header.name
    if not header.is_file():
        raise RecordingError(f"{name}: no such file. A WFDB record is a .hea file and the .dat files it names.")
    if header.stat().st_size > LARGEST_HEADER:
        raise RecordingError(f"{name}: expected a header of at most {LARGEST_HEADER} bytes, found a larger one.")
    written = header.read_bytes().decode("latin-1").splitlines()
    lines = [line.split() for line in written if line.strip() and not line.lstrip().startswith("#")]
    if not lines or len(lines[0]) < 2:
        raise RecordingError(f"{name}: expected the header of a WFDB record, found something else.")
    record, count, *rest = lines[0]
    if "/" in record:
        raise RecordingError(
            f"{name}: a record of several segments. Export it as one, with wfdb's rdrecord and wrsamp."
        )
    frames = _whole(rest[1]) if len(rest) > 1 else 0
    rate = re.match(r"[0-9.]+", rest[0]) if rest else None
    if not count.isdecimal() or not 1 <= int(count[:6]) <= MOST_SIGNALS or len(lines) <= int(count) or frames is None:
        raise RecordingError(f"{name}: expected 1 to {MOST_SIGNALS} signals, a line each; found {count[:20]!r}.")
    if rest and (rate is None or not _is_rate(rate.group())):
        raise RecordingError(f"{name}: expected a rate in Hz, found {rest[0][:20]!r}.")
    _check_files(header, lines[1 : 1 + int(count)], frames)


def _check_files(header: Path, lines: list[list[str]], frames: int) -> None:
    needed: dict[str, float] = {}
    for file, *rest in lines:
        if not _FILE.fullmatch(file):
            raise RecordingError(f"{header.name}: names a file by a path or URL; expected one beside it, by its name.")
        found = _SIGNAL.fullmatch(rest[0]) if rest else None
        if found is None or found["format"] not in WFDB_BYTES:
            known = ", ".join(WFDB_BYTES)
            raise RecordingError(f"{header.name}: {file} is of another format than {known}. Export it as 16.")
        frame, skew, offset = (
            int(found[key] or default) for key, default in (("frame", 1), ("skew", 0), ("offset", 0))
        )
        if not 1 <= frame <= MOST_IN_FRAME or skew > MOST_IN_FRAME:
            raise RecordingError(f"{header.name}: {frame} samples in a frame, skewed by {skew}, cannot be meant.")
        needed[file] = needed.get(file, offset) + frames * frame * WFDB_BYTES[found["format"]]
    for file, size in needed.items():
        path = header.with_name(file)
        if not path.is_file():
            raise RecordingError(f"{header.name}: not a readable WFDB record: it names {file}, which is not beside it.")
        if size > path.stat().st_size:
            raise RecordingError(
                f"{header.name}: its {frames} samples take {math.ceil(size)} bytes, {file} has {path.stat().st_size}. "
                "The record was cut off or does not belong to this header."
            )


def check_edf(path: Path) -> None:
    """Raise RecordingError for an EDF or BDF file whose header and size do not fit, or that is not continuous."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(256)
        signals = _whole(head[252:256].decode("latin-1"))
        stated = _whole(head[184:192].decode("latin-1"))
        if len(head) < 256 or signals is None or not 1 <= signals <= MOST_SIGNALS or stated != 256 * (signals + 1):
            raise RecordingError(f"{path.name}: not a readable EDF file: its header is damaged or another format's.")
        columns = stream.read(256 * signals)
    if head[192:197] in (b"EDF+D", b"BDF+D"):
        raise RecordingError(f"{path.name}: a recording with pauses (EDF+D). Export it as a continuous one (EDF+C).")
    duration = head[244:252].decode("latin-1").strip()
    frames = [_whole(columns[216 * signals + 8 * i :][:8].decode("latin-1")) for i in range(signals)]
    if not _is_rate(duration) or any(not frame or frame > 100 * MOST_IN_FRAME for frame in frames):
        raise RecordingError(f"{path.name}: expected data records of some seconds and samples, found none that are.")
    record = sum(frame or 0 for frame in frames) * (3 if path.suffix.lower() == ".bdf" else 2)
    said, there = head[236:244].decode("latin-1").strip(), (size - stated) // record
    if not there or (said != "-1" and _whole(said) != there):
        raise RecordingError(
            f"{path.name}: its header says {said[:8]} data records, there are {there}. The file was cut off or "
            "damaged: export it again."
        )


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None


def _is_rate(text: str) -> bool:
    try:
        return 1e-4 <= float(text) <= 1e6
    except ValueError:
        return False
