"""Figures of the signals themselves: windows, spectra, memory, beats, tachograms and what is measured of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from physiosynth.families.wearable.features.features import FEATURES
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.windows import RATE_HZ, WindowSet
from physiosynth.families.wearable.judging.report.drawing import (
    REAL,
    REAL_LINE,
    SYNTHETIC,
    SYNTHETIC_LINE,
    Drawing,
    finished,
    new_figure,
)
from physiosynth.families.wearable.judging.spectra import band_hz
from physiosynth.families.wearable.scores.spectra_scores import curves
from physiosynth.families.wearable.signals import ECG_HZ, UNITS
from physiosynth.physiology.beat_shape import BEFORE_S

SHOWN_ECG_S = 10
SPREAD = (10, 90)  # percentiles of a band
MEASURED = ("heart_rate", "rmssd", "breathing_rate", "tonic_level", "scr_rate")
BINS = 18
TACHOGRAMS = 4
SIDES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("reference", REAL_LINE, REAL),
    ("synthetic", SYNTHETIC_LINE, SYNTHETIC),
)


def examples(real: Judged, synthetic: Judged) -> Drawing:
    """One window of each state, reference above synthetic."""
    states = real.present_states
    figure = new_figure(11, 2.3 * len(states))
    grid = figure.subplots(2 * len(states), len(RATE_HZ), squeeze=False, sharex="col")
    for row, state in enumerate(states):
        for side, (name, line, _) in enumerate(SIDES):
            windows = _typical((real, synthetic)[side].of_state(state))
            for column, channel in enumerate(RATE_HZ):
                axes, values = grid[2 * row + side][column], windows.channel(channel)[0]
                shown = values[: SHOWN_ECG_S * ECG_HZ] if channel == "ECG" else values
                axes.plot(np.arange(len(shown)) / RATE_HZ[channel], shown, color=line["color"], linewidth=0.9)
                axes.tick_params(labelsize=7)
                if side == 0 and row == 0:
                    axes.set_title(f"{channel} ({UNITS[channel]})")
            grid[2 * row + side][0].set_ylabel(f"{state}\n{name}", fontsize=8)
    for axes in grid[-1]:
        axes.set_xlabel("time (s)")
    return finished(
        figure,
        "One window of each state",
        "Traces of ECG, skin conductance and respiration for each state, a reference window above a synthetic one.",
        "The window shown is the one whose heart rate and respiratory rate are nearest to the middle of its set, not "
        "the best looking one. The reference is blue, synthetic orange.",
    )


def spectra(real: Judged, synthetic: Judged) -> Drawing:
    """Mean spectrum and spread of each channel and state."""
    note = "Lines are means over windows; bands hold the middle 80 % of windows. Vertical scale in decibels."
    return _by_state_and_channel(real, synthetic, "spectra", "Power spectra", "frequency (Hz)", "dB", note)


def memory(real: Judged, synthetic: Judged) -> Drawing:
    """Mean autocorrelation and spread of each channel and state."""
    note = "1 where the signal repeats itself after that time, 0 where it has forgotten. Bands hold 80 % of windows."
    return _by_state_and_channel(
        real, synthetic, "autocorrelation", "Autocorrelation", "lag (s)", "autocorrelation", note
    )


def measurements(real: Judged, synthetic: Judged) -> Drawing:
    """Histograms of heart rate, breathing rate and more in each state."""
    states = real.present_states
    figure = new_figure(11, 1.9 * len(MEASURED))
    grid = figure.subplots(len(MEASURED), len(states), squeeze=False, sharex="row")
    for row, name in enumerate(MEASURED):
        columns = [_known(each.features[name]) for each in (real, synthetic)]
        pooled = np.concatenate(columns)
        low, high = np.percentile(pooled, (0.5, 99.5)) if len(pooled) else (0, 1)
        edges = np.linspace(low, high, BINS + 1)
        if edges[0] == edges[-1]:
            edges = np.linspace(edges[0] - 0.5, edges[0] + 0.5, BINS + 1)
        for column, state in enumerate(states):
            axes = grid[row][column]
            ours, theirs = (_known(each.of_state(state).features[name]) for each in (real, synthetic))
            for values, options in (
                (ours, {"histtype": "stepfilled", "color": REAL, "alpha": 0.35, "label": "reference"}),
                (theirs, {"histtype": "step", "linewidth": 1.6, **SYNTHETIC_LINE, "label": "synthetic"}),
            ):
                if len(values):
                    clipped = np.clip(values, edges[0], edges[-1])
                    axes.hist(clipped, edges, weights=np.full(len(values), 100 / len(values)), **options)
            if row == 0:
                axes.set_title(state)
            if column == 0:
                axes.set_ylabel("% of windows")
            feature = FEATURES[name]
            axes.set_xlabel(f"{feature.title} ({feature.unit})" if feature.unit else feature.title, fontsize=7.5)
    grid[0][0].legend(fontsize=8)
    return finished(
        figure,
        "Heart rate, breathing and skin conductance",
        "Histograms of heart rate, heart rate variability, breathing rate, skin conductance level and skin responses, "
        "reference filled and synthetic outlined, one column per state.",
        "One count a window; windows without beats or breaths are left out. Extremes are counted in the outermost bar.",
    )


def tachograms(real: Judged, synthetic: Judged) -> Drawing:
    """Beat intervals over time in a few windows of each state."""
    states = real.present_states
    figure = new_figure(11, 4.2)
    grid = figure.subplots(2, len(states), squeeze=False, sharex=True, sharey=True)
    for side, (name, line, _) in enumerate(SIDES):
        judged = (real, synthetic)[side]
        for column, state in enumerate(states):
            axes, mine = grid[side][column], judged.of_state(state)
            for place in np.linspace(0, len(mine) - 1, min(TACHOGRAMS, len(mine))).astype(int):
                beats = mine.features.beats_of(place)
                axes.plot(beats[1:], 1000 * np.diff(beats), color=line["color"], marker=".", markersize=3, alpha=0.75)
            axes.set_ylim(300, 1500)
            if side == 0:
                axes.set_title(state)
        grid[side][0].set_ylabel(f"{name}\nRR interval (ms)")
    for axes in grid[-1]:
        axes.set_xlabel("time (s)")
    return finished(
        figure,
        "Tachograms (RR intervals)",
        "RR intervals over the 30 seconds of four windows per state, reference in the upper row, synthetic below.",
        "Hearts swing with the breath; a jump to twice or half the interval is a beat missed or split.",
    )


def mean_beats(real: Judged, synthetic: Judged) -> Drawing:
    """Median beat and spread over windows in each state."""
    states = real.present_states
    figure = new_figure(11, 2.8)
    grid = figure.subplots(1, len(states), squeeze=False, sharey=True)[0]
    for axes, state in zip(grid, states, strict=True):
        for judged, (name, line, colour) in zip((real, synthetic), SIDES, strict=True):
            beats = judged.of_state(state).features.beat
            beats = beats[np.isfinite(beats).all(axis=1)]
            if not len(beats):
                continue
            time = 1000 * (np.arange(beats.shape[1]) / ECG_HZ - BEFORE_S)
            axes.plot(time, np.median(beats, axis=0), label=name, **line)
            axes.fill_between(time, *np.percentile(beats, SPREAD, axis=0), color=colour, alpha=0.18, linewidth=0)
        axes.set_title(state)
        axes.set_xlabel("time from R peak (ms)")
    grid[0].set_ylabel("mV")
    grid[0].legend(fontsize=8)
    return finished(
        figure,
        "Mean beat",
        "Median heartbeat of reference and synthetic windows with the spread over windows, one panel per state.",
        "Bands hold the middle 80 % of windows. A reference of one person has one shape of beat; a generator that "
        "learned from several people shows a wider band.",
    )


def _by_state_and_channel(real: Judged, synthetic: Judged, kind: str, title: str, x: str, y: str, note: str) -> Drawing:
    states = real.present_states
    figure = new_figure(11, 1.9 * len(states))
    grid = figure.subplots(len(states), len(RATE_HZ), squeeze=False, sharex="col", sharey="col")
    for column, (channel, rate) in enumerate(RATE_HZ.items()):
        whole = [curves(each, channel, kind) for each in (real, synthetic)]
        axis = band_hz(real.windows.channel(channel).shape[1], rate)
        if kind == "autocorrelation":
            axis = (1 + np.arange(whole[0].shape[1])) / rate
        for row, state in enumerate(states):
            axes = grid[row][column]
            for judged, values, (name, line, colour) in zip((real, synthetic), whole, SIDES, strict=True):
                mine = values[judged.states == state]
                centre, band = mine.mean(axis=0), np.percentile(mine, SPREAD, axis=0)
                if kind == "spectra":
                    least = 1e-6 * max(float(centre.max()), 1e-12)
                    centre, band = (10 * np.log10(np.maximum(each, least)) for each in (centre, band))
                axes.plot(axis, centre, label=name, **line)
                axes.fill_between(axis, *band, color=colour, alpha=0.15, linewidth=0)
            if row == 0:
                axes.set_title(channel)
            if column == 0:
                axes.set_ylabel(f"{state}\n{y}")
            axes.set_xlabel(x if row == len(states) - 1 else "")
    grid[0][0].legend(fontsize=8)
    alt = f"{title} of ECG, EDA and respiration in each state, reference solid blue, synthetic dashed orange."
    return finished(figure, title, alt, note)


def _typical(judged: Judged) -> WindowSet:
    """The window nearest to the medians of heart and breathing rate, as a set of one."""
    table = judged.features.table(("heart_rate", "breathing_rate"))
    known = np.isfinite(table).all(axis=1)
    if not known.any():
        return judged.take([0]).windows
    spread = np.maximum(table[known].std(axis=0), 1e-9)
    off = np.abs((table - np.median(table[known], axis=0)) / spread).sum(axis=1)
    return judged.take([int(np.where(known, off, np.inf).argmin())]).windows


def _known(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]
