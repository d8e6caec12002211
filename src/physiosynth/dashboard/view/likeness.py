"""How similar the run and the reference are in frequency and time, beside the split-half baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from physiosynth.errors import PhysiosynthError
from physiosynth.families.wearable.signals import ECG_HZ, LOW_HZ

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.batch import SignalBatch
    from physiosynth.families.wearable.data.reference import RealWindows

HELP = """
**PSD overlap**: share of the power at the same frequencies, whatever the amplitude. 100 %: identical spectra; noise
gives about a third.

**ACF concordance**: agreement of the autocorrelation functions. 1: identical; noise gives about 0.

**Log-spectral distance**: typical difference of the spectra in decibels, amplitude included. 0: identical; 6: twice the
amplitude.

In brackets: the split-half baseline, one half of the reference against the other, about the best to be expected. Good
scores alone do not prove that signals are realistic.
"""


def show(batch: SignalBatch, reference: RealWindows, matching: np.ndarray) -> None:
    """The table for the windows of one state against the reference windows at positions `matching`."""
    st.markdown("##### Similarity to the reference", help=HELP)
    try:
        rows = likeness_table(batch, reference, matching)
    except PhysiosynthError as error:
        st.warning(str(error))
        return
    heading = ["Signal", "PSD overlap", "ACF concordance", "Log-spectral distance"]
    rule = ["---", "---:", "---:", "---:"]
    st.markdown("\n".join("| " + " | ".join(line) + " |" for line in (heading, rule, *rows)))
    noun = "window" if len(matching) == 1 else "windows"
    few = " Scores of so few windows are imprecise." if min(len(batch), len(matching)) < 8 else ""
    st.caption(
        f"All {len(batch)} synthetic windows of this state against {len(matching)} reference {noun}; in brackets the "
        f"split-half baseline of the reference.{few}"
    )


def likeness_table(batch: SignalBatch, reference: RealWindows, matching: np.ndarray) -> list[list[str]]:
    """One row per channel: each score, and in brackets its split-half baseline. Raises PhysiosynthError."""
    from physiosynth.families.wearable.judging.spectra import compare, split_half

    rows = []
    for name, rate in (("ECG", ECG_HZ), ("Resp", LOW_HZ), ("EDA", LOW_HZ)):
        if name in reference.missing:
            rows.append([f"{name} ({rate} Hz)", "not in the reference", "", ""])
            continue
        real = (reference.ecg[..., 0] if name == "ECG" else reference.low.select(name)[0])[matching]
        synthetic = batch.ecg[..., 0] if name == "ECG" else batch.low.select(name)[0]
        score, ruler = compare(real, synthetic, rate), split_half(real, rate)
        psd, acf, distance = (
            text if ruler is None else f"{text} ({best})"
            for text, best in zip(_scores(score), _scores(ruler) if ruler else ("",) * 3, strict=True)
        )
        told = "rescaled" if name in reference.scaled else f"{distance} dB"
        rows.append([f"{name} ({rate} Hz)", psd, acf, told])
    return rows


def _scores(likeness) -> tuple[str, str, str]:
    return f"{likeness.psd:.0%}", f"{likeness.acf:.2f}", f"{likeness.spectral_db:.1f}"
