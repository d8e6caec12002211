"""What the page shows of a finished run: traces, readings, likeness, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from physiosynth.dashboard import downloads, figures
from physiosynth.dashboard.figures import PAPER_S, Strip
from physiosynth.dashboard.runs import Run
from physiosynth.errors import PhysiosynthError
from physiosynth.generate.batch import PHASIC_EDA, SignalBatch
from physiosynth.signals import ECG_HZ, LOW_HZ, WINDOW_S

if TYPE_CHECKING:
    from physiosynth.evaluation.wesad_real import RealWindows

BESIDE, OVER, OFF = "Beside", "Over", "Off"
LIKENESS_HELP = """
**PSD**: share of the power that lies at the same frequencies. 100 % is the same spectrum; noise gives about a third.
Size does not count.

**ACF**: whether the signals repeat themselves after the same delays (concordance of autocorrelations). 1 is the same;
noise gives about 0.

**Distance**: typical difference of the spectra in decibels, size included. 0 is the same, 6 is twice as large.

In brackets: what one half of the reference scores against the other, about the best to be expected. Good figures alone
do not prove that signals are realistic.
"""


def show(run: Run, reference: RealWindows | None) -> None:
    """Draw a run beside the reference windows of its state."""
    matching = _same_state(run, reference)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"#### {run.summary}", width="content")
        downloads.show(run)
    window, chosen, arrangement = _pickers(run, matching)
    strip = synthetic_strip(run, window)
    other = None if arrangement == OFF or not len(matching) else reference_strip(reference, matching[chosen])
    _traces(strip, other, _eda_name(run.batch.provenance.eda), arrangement == OVER)
    _paper(strip, other)
    left, right = st.columns([1, 1.15], gap="medium")
    with left:
        _readings(strip, other)
    with right:
        if len(matching):
            _likeness(run, reference, matching)
        elif reference is not None:
            st.info(f"The reference fold has no {run.request.states} windows, so there is nothing to compare with.")
    _provenance(run)


def show_idle(reference: RealWindows, condition: str) -> None:
    """Before the first run: a reference window of the chosen state, so that one sees what is going to be made."""
    matching = [i for i, name in enumerate(reference.conditions) if name == condition]
    if matching:
        _traces(reference_strip(reference, matching[0]), None, _eda_name(reference.eda), overlay=True)


def synthetic_strip(run: Run, window: int) -> Strip:
    """Window `window` of a run, to draw."""
    eda, resp = run.batch.low.select("EDA", "Resp")
    beats = None if run.batch.beats is None else run.batch.beats[window]
    title = f"Synthetic · {run.batch.conditions[window]} · window {window + 1}"
    return Strip(title, run.batch.ecg[window, :, 0], resp[window], eda[window], beats)


def reference_strip(reference: RealWindows, index: int) -> Strip:
    """Reference window `index`, to draw."""
    eda, resp = reference.low.select("EDA", "Resp")
    kind = {"virtual": "simulated", "recorded": "recorded", "imported": "recorded"}.get(reference.source, "reference")
    subject = f" · {reference.subjects[index]}" if reference.subjects is not None else ""
    title = f"Reference ({kind}){subject} · {reference.conditions[index]}"
    return Strip(title, reference.ecg[index, :, 0], resp[index], eda[index], reference=True)


def _same_state(run: Run, reference: RealWindows | None) -> np.ndarray:
    """Indices of the reference windows in the run's state."""
    if reference is None:
        return np.empty(0, dtype=int)
    return np.flatnonzero(np.isin(reference.conditions, run.request.conditions))


def _eda_name(eda: str) -> str:
    return "Phasic EDA" if eda == PHASIC_EDA else "EDA"


def _pickers(run: Run, matching: np.ndarray) -> tuple[int, int, str]:
    left, middle, right = st.columns([2, 2, 1.4], vertical_alignment="bottom")
    window = _slider(left, "Window", len(run.batch), f"window_{run.key}", "Which of the finished windows to show.")
    chosen = _slider(
        middle, "Reference window", len(matching), "reference", "A window of the same state to compare with."
    )
    arrangement = right.segmented_control(
        "Reference",
        [BESIDE, OVER, OFF],
        default=BESIDE,
        required=True,
        key="arrangement",
        help="Where the reference window is drawn.",
    )
    return window, chosen, arrangement


def _slider(column, label: str, count: int, key: str, help: str) -> int:
    """A position from 0, shown counted from 1; no slider where there is nothing to choose."""
    if count < 2:
        return 0
    return column.slider(label, 1, count, key=f"{key}_{count}", help=help) - 1


def _traces(strip: Strip, other: Strip | None, eda_name: str, overlay: bool) -> None:
    key = (strip.digest, other and other.digest, eda_name, overlay)
    _picture("traces", key, figures.describe(strip, other, eda_name), strip, other, eda_name, overlay)


def _paper(strip: Strip, other: Strip | None) -> None:
    start = st.slider(
        "ECG close up, from second",
        0,
        WINDOW_S - PAPER_S,
        0,
        key="paper_start",
        help=f"{PAPER_S} s of the ECG (3 s on a narrow screen), ruled like the paper of an electrocardiograph.",
    )
    words = f"{strip.title}: the ECG from second {start} on ECG paper."
    _picture("paper", (strip.digest, other and other.digest, start), words, strip, other, start)


def _picture(kind: str, key: tuple, words: str, *content) -> None:
    """A picture for wide and one for narrow screens; style.css shows one of them."""
    for width in ("wide", "narrow"):
        with st.container(key=f"{width}_{kind}"):
            st.image(_drawn(kind, key, width == "narrow", content), width="stretch", alt=words)


@st.cache_data(max_entries=256, show_spinner=False)
def _drawn(kind: str, key: tuple, narrow: bool, _content: tuple) -> bytes:
    return getattr(figures, kind)(*_content, narrow=narrow)


def _readings(strip: Strip, other: Strip | None) -> None:
    columns = [("Synthetic", strip)] + ([("Reference", other)] if other is not None else [])
    measured = [_measured(each.digest, each) for _, each in columns]
    lines = [["Reading", *(name for name, _ in columns)]]
    lines += [[name, *(values[name] for values in measured)] for name in measured[0]]
    st.markdown("##### Readings of the windows shown", help="Measured by the same detectors in both windows.")
    st.markdown(_table(lines))


@st.cache_data(max_entries=256, show_spinner=False)
def _measured(digest: str, _strip: Strip) -> dict[str, str]:
    return readings(_strip)


def readings(strip: Strip) -> dict[str, str]:
    """Heart rate, RMSSD, breathing rate and skin conductance of one window, as text with units."""
    from physiosynth.physiology import breathing_rate, heart_rate, r_peaks, rmssd, scrs, tonic_level

    try:
        beats = r_peaks(strip.ecg, ECG_HZ)
        numbers = {
            "Heart rate": (heart_rate(beats), "/min", 0),
            "RMSSD": (rmssd(beats), "ms", 0),
            "Breathing rate": (breathing_rate(strip.resp, LOW_HZ), "/min", 1),
            "Skin conductance, median": (tonic_level(strip.eda), "µS", 2),
            "Skin conductance responses": (len(scrs(strip.eda, LOW_HZ)), "", 0),
        }
    except PhysiosynthError as error:
        return {"Readings": str(error)}
    return {name: _number(value, unit, digits) for name, (value, unit, digits) in numbers.items()}


def _number(value: float, unit: str, digits: int) -> str:
    return f"{value:.{digits}f} {unit}".strip() if np.isfinite(value) else "too few to tell"


def _likeness(run: Run, reference: RealWindows, matching: np.ndarray) -> None:
    st.markdown("##### Likeness to the reference", help=LIKENESS_HELP)
    try:
        rows = likeness_table(run.batch, reference, matching)
    except PhysiosynthError as error:
        st.warning(str(error))
        return
    st.markdown(_table([["Signal", "PSD", "ACF", "Distance"], *rows]))
    noun = "window" if len(matching) == 1 else "windows"
    few = " Few windows make these figures rough." if min(len(run.batch), len(matching)) < 8 else ""
    st.caption(f"All {len(run.batch)} synthetic windows against {len(matching)} reference {noun}.{few}")


def likeness_table(batch: SignalBatch, reference: RealWindows, matching: np.ndarray) -> list[list[str]]:
    """One row a channel: each figure, and in brackets that of the reference's halves. Raises PhysiosynthError."""
    from physiosynth.evaluation.spectra import compare, split_half

    rows = []
    for name, rate in (("ECG", ECG_HZ), ("Resp", LOW_HZ), ("EDA", LOW_HZ)):
        real = (reference.ecg[..., 0] if name == "ECG" else reference.low.select(name)[0])[matching]
        synthetic = batch.ecg[..., 0] if name == "ECG" else batch.low.select(name)[0]
        score, ruler = compare(real, synthetic, rate), split_half(real, rate)
        psd, acf, distance = (
            text if ruler is None else f"{text} ({best})"
            for text, best in zip(_scores(score), _scores(ruler) if ruler else ("",) * 3, strict=True)
        )
        rows.append([f"{name} ({rate} Hz)", psd, acf, f"{distance} dB"])
    return rows


def _scores(likeness) -> tuple[str, str, str]:
    return f"{likeness.psd:.0%}", f"{likeness.acf:.2f}", f"{likeness.spectral_db:.1f}"


def _table(lines: list[list[str]]) -> str:
    """Markdown of a table whose first line is its heading."""
    rule = ["---"] + ["---:"] * (len(lines[0]) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in (lines[0], rule, *lines[1:]))


def _provenance(run: Run) -> None:
    source = run.batch.provenance
    streams = "; ".join(
        f"{name.upper()} {values['steps']} steps, guidance {values['guidance']:g}"
        for name, values in source.sampling.items()
    )
    st.caption(
        f"{source.notice} Seed {source.seed}; {streams}; bundle {source.bundle_sha256[:12]}; physiosynth "
        f"{source.version}; {source.created}."
    )
