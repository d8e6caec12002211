"""What is measured of a window against real windows: clean shares, means, distributions and state contrasts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from physiosynth.evaluation.judged import Judged
from physiosynth.evaluation.physiology_scores import ks
from physiosynth.evaluation.registry import ALL_STATES
from physiosynth.evaluation.targets.plan import Settings
from physiosynth.evaluation.targets.rows import NAN, Floor, Row
from physiosynth.evaluation.targets.sets import DRAW_SEED, Sets, people_splits, resampled, splits

CLEAN_LIMIT = 0.97
HEART_RATE_LIMIT, RMSSD_LIMIT = 2.0, 0.10  # beats/min; share of the real mean
KS_FEATURES = ("heart_rate", "rmssd", "breathing_rate", "scr_rate", "tonic_level")
KS_FACTOR = 1.3  # times the floor's 95 % quantile
KS_DRAWS = 20  # draws of real windows that one seed is held against
CONTRASTED = ("heart_rate", "rmssd", "sdnn", "breathing_rate", "scr_rate", "tonic_level")
CONTRAST_LIMIT, CLEAR_EFFECT = 0.20, 0.5  # share of the real effect; SDs between subjects


def clean(sets: Sets, settings: Settings) -> tuple[Row, ...]:
    """Share of clean windows over that of the real ones, by state."""
    rows = []
    for state in sets.states:
        real, made, pooled = _columns(sets, state, "clean")
        share = float(real.mean())
        values = tuple(_ratio(float(column.mean()), share) for column in made)
        floor = [_ratio(float(real[a].mean()), float(real[b].mean())) for a, b in _two(real, pooled, settings)]
        note = f"{100 * pooled.mean():.1f} % of synthetic, {100 * share:.1f} % of real windows"
        measured = _ratio(float(pooled.mean()), share)
        rows.append(
            Row("clean", state, "share", measured, CLEAN_LIMIT, "higher", values, Floor.of(floor, "higher"), note=note)
        )
    return tuple(rows)


def means(sets: Sets, settings: Settings) -> tuple[Row, ...]:
    """Mean heart rate (difference, beats/min) and RMSSD (share of the real mean) off the real ones, by state."""
    rows = []
    for name, limit in (("heart_rate", HEART_RATE_LIMIT), ("rmssd", RMSSD_LIMIT)):
        for state in sets.states:
            view = sets.real.of_state(state)
            real, made, pooled = _columns(sets, state, name)
            usual = _mean(real)
            scale = 1.0 if name == "heart_rate" else usual
            values = tuple((_mean(column) - usual) / scale for column in made)
            floor = [(_mean(real[a]) - _mean(real[b])) / scale for a, b in _two(real, pooled, settings)]
            error = np.hypot(_standard_error(pooled), _by_person(real, view.subjects)) / scale
            lost = int((~np.isfinite(pooled)).sum())
            note = f"real {usual:.4g}, standard error {error:.2g}" + (f"; {lost} not measured" if lost else "")
            part = f"{name} difference" if name == "heart_rate" else f"{name} relative difference"
            measured = (_mean(pooled) - usual) / scale
            found = Floor.of(floor, "near_zero")
            rows.append(Row("means", state, part, measured, limit, "near_zero", values, found, note=note))
    return tuple(rows)


def distributions(sets: Sets, settings: Settings) -> tuple[Row, ...]:
    """KS statistic of every seed against draws of as many real windows, by state and feature."""
    rows = []
    for name in KS_FEATURES:
        for state in sets.states:
            view = sets.real.of_state(state)
            real, made, _ = _columns(sets, state, name)
            size = min(len(real) // 2, min(len(column) for column in made))
            drawn = list(splits(len(real), size, size, max(settings.repeats, KS_DRAWS), DRAW_SEED))
            values = tuple(
                float(np.mean([ks(real[at], column[:size]) for at, _ in drawn[:KS_DRAWS]])) for column in made
            )
            floor = Floor.of((ks(real[a], real[b]) for a, b in drawn), "lower")
            others = people_splits(view, size, settings.repeats, DRAW_SEED)
            people = Floor.of((ks(real[a], real[b]) for a, b in others), "lower")
            limit = KS_FACTOR * floor.edge
            rows.append(Row("ks", state, name, float(np.mean(values)), limit, "lower", values, floor, people))
    return tuple(rows)


def contrasts(sets: Sets, settings: Settings) -> tuple[Row, ...]:
    """Size of every clear difference between two states, as a share of the real one less 1.

    Clear: the real means differ by more than half the SD between subjects (of their means in a state). A share under
    0 is a wrong sign, and fails with the size.
    """
    rows = []
    for name in CONTRASTED:
        for one, other in combinations(sets.states, 2):
            views = [sets.real.of_state(state) for state in (one, other)]
            (first, made_first, all_first), (second, made_second, all_second) = (
                _columns(sets, state, name) for state in (one, other)
            )
            change = _mean(first) - _mean(second)
            between = float(np.sqrt(np.mean([_between(view, name) ** 2 for view in views])))
            if not abs(change) > CLEAR_EFFECT * between:
                continue
            values = tuple((_mean(a) - _mean(b)) / change - 1 for a, b in zip(made_first, made_second, strict=True))
            drawn = zip(_two(first, all_first, settings), _two(second, all_second, settings, 1), strict=True)
            usual = (
                (_mean(first[a]) - _mean(second[c])) / (_mean(first[b]) - _mean(second[d])) - 1
                for (a, b), (c, d) in drawn
            )
            floor = Floor.of(usual, "near_zero")
            note = f"real difference {change:.3g}, {abs(change) / between:.2f} SDs between subjects"
            measured = (_mean(all_first) - _mean(all_second)) / change - 1
            part = f"{name}: {one} - {other}"
            rows.append(
                Row("contrasts", ALL_STATES, part, measured, CONTRAST_LIMIT, "near_zero", values, floor, note=note)
            )
    return tuple(rows)


def _columns(sets: Sets, state: str, name: str) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """One feature in one state: of the real windows, of each seed's, and of all seeds' together."""
    made = [each.features[name][each.states == state] for each in sets.made]
    return sets.real.features[name][sets.real.states == state], made, np.concatenate(made)


def _two(
    real: np.ndarray, made: np.ndarray, settings: Settings, seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions of real windows drawn anew: as many as there are synthetic ones, and as many as there are real ones."""
    sizes = (len(made), 2 * seed), (len(real), 2 * seed + 1)
    return zip(*(resampled(len(real), size, settings.repeats, draw) for size, draw in sizes), strict=True)


def _ratio(value: float, of: float) -> float:
    return value / of if of > 0 else NAN


def _mean(column: np.ndarray) -> float:
    known = column[np.isfinite(column)]
    return float(known.mean()) if len(known) else NAN


def _standard_error(column: np.ndarray) -> float:
    known = column[np.isfinite(column)]
    return float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else NAN


def _person_means(column: np.ndarray, subjects: np.ndarray) -> np.ndarray:
    found = np.array([_mean(column[subjects == name]) for name in np.unique(subjects)])
    return found[np.isfinite(found)]


def _by_person(column: np.ndarray, subjects: np.ndarray) -> float:
    """Standard error of a mean over windows of the same people; over windows where there is one person."""
    found = _person_means(column, subjects)
    return float(found.std(ddof=1) / np.sqrt(len(found))) if len(found) > 1 else _standard_error(column)


def _between(view: Judged, name: str) -> float:
    """SD between subjects of their mean in one state."""
    found = _person_means(view.features[name], view.subjects)
    return float(found.std(ddof=1)) if len(found) > 1 else NAN
