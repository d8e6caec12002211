"""Coupling of the channels, and spectra, against real windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.evaluation.coupling import shuffled
from physiosynth.evaluation.features import COUPLINGS
from physiosynth.evaluation.judged import Judged
from physiosynth.evaluation.pairs import paired_auc
from physiosynth.evaluation.spectra import decibels_apart
from physiosynth.evaluation.spectra_scores import CHANNELS, curves
from physiosynth.evaluation.targets.plan import Settings
from physiosynth.evaluation.targets.rows import NAN, Floor, Row
from physiosynth.evaluation.targets.sets import DRAW_SEED, Sets, resampled, splits

JUDGED_COUPLINGS = ("resp_heart", "edr_resp", "scr_heart")
COUPLING_LIMIT = 0.85  # of the real strength
SHUFFLED_LIMIT = 0.05  # of an AUC off 0.5
SURE = 1.96  # standard errors
SPECTRAL_LIMIT_DB = {"ECG": 1.2, "Resp": 1.0, "EDA": 1.0}


@dataclass(frozen=True)
class Pairs:
    """One coupling in one state. own: (n,) of each window's own channels; apart: (n, k) of shuffled ones."""

    own: np.ndarray
    apart: np.ndarray

    @property
    def auc(self) -> float:
        """How far a window's own pair is above guessing against shuffled ones: 0 is none, 0.5 always."""
        return paired_auc(self.own, self.apart.ravel()) - 0.5

    @property
    def excess(self) -> float:
        """Mean of the own pairs less that of the shuffled ones."""
        return float(self.own.mean() - np.nanmean(self.apart)) if len(self.own) > 1 else NAN

    def take(self, at: np.ndarray) -> Pairs:
        return Pairs(self.own[at], self.apart[at])


def coupling(sets: Sets, settings: Settings) -> tuple[Row, ...]:
    """Strength of each coupling over the real one by two measures, and what is left when windows are shuffled."""
    rows = []
    for name in JUDGED_COUPLINGS:
        for state in sets.states:
            real, pooled = _pairs(sets.real, state, name), _pairs(sets.pooled, state, name)
            made = [_pairs(each, state, name) for each in sets.made]
            drawn = [real.take(at) for at in resampled(len(real.own), len(pooled.own), settings.repeats, DRAW_SEED)]
            for measure in ("auc", "excess"):
                rows.append(_strength(name, state, measure, real, pooled, made, drawn))
            rows.append(_left(name, state, real, pooled, settings))
    return tuple(rows)


def _strength(
    name: str, state: str, measure: str, real: Pairs, pooled: Pairs, made: list[Pairs], drawn: list[Pairs]
) -> Row:
    usual = getattr(real, measure)
    draws = np.array([getattr(each, measure) for each in drawn])
    # The draws have as many windows as the synthetic set; the real mean is over all of them.
    error = float(np.nanstd(draws)) * np.sqrt(len(drawn[0].own) / max(len(real.own), 1))
    apart = usual > SURE * error
    found = getattr(pooled, measure)
    part = f"{name}: " + ("AUC above guessing" if measure == "auc" else "mean above shuffled")
    note = f"real {usual:.3f}, synthetic {found:.3f}"
    if not apart:
        return Row(
            "coupling", state, part, found, None, "higher", tuple(getattr(each, measure) for each in made),
            Floor.of(draws, "higher"), note=f"{note}; not a share: real windows are no different from shuffled ones",
        )  # fmt: skip
    values = tuple(getattr(each, measure) / usual for each in made)
    floor = Floor.of(draws / usual, "higher")
    return Row("coupling", state, part, found / usual, COUPLING_LIMIT, "higher", values, floor, note=note)


def _left(name: str, state: str, real: Pairs, pooled: Pairs, settings: Settings) -> Row:
    """Shuffled synthetic pairs against shuffled real ones: a coupling that shuffling leaves is none of the window."""
    left = paired_auc(pooled.apart.ravel(), real.apart.ravel()) - 0.5
    size = min(len(pooled.own), len(real.own) // 2)
    pairs = splits(len(real.own), size, len(real.own) - size, min(settings.repeats, 100), DRAW_SEED)
    floor = (paired_auc(real.apart[a].ravel(), real.apart[b].ravel()) - 0.5 for a, b in pairs)
    part = f"{name}: shuffled, AUC off 0.5"
    return Row("coupling", state, part, left, SHUFFLED_LIMIT, "near_zero", floor=Floor.of(floor, "near_zero"))


def _pairs(judged: Judged, state: str, name: str) -> Pairs:
    here = judged.states == state
    # A window whose coupling cannot be measured counts as uncoupled, as in coupling.aucs.
    own = np.nan_to_num(judged.features[name][here])
    return Pairs(own, shuffled(judged)[here][:, :, COUPLINGS.index(name)])


def log_spectra(sets: Sets, settings: Settings) -> tuple[Row, ...]:
    """Log-spectral distance of all seeds' windows to the real ones, by state and channel; the left-out person's too."""
    rows = []
    for channel in CHANNELS:
        for state in sets.states:
            real, pooled = (_spectra(each, state, channel) for each in (sets.real, sets.pooled))
            values = tuple(decibels_apart(real, _spectra(each, state, channel)) for each in sets.made)
            size = min(len(pooled), len(real) // 2)
            halves = splits(len(real), size, len(real) - size, settings.repeats, DRAW_SEED)
            floor = Floor.of((decibels_apart(real[b], real[a]) for a, b in halves), "lower")
            limit = SPECTRAL_LIMIT_DB[channel]
            rows.append(Row("spectra", state, channel, decibels_apart(real, pooled), limit, "lower", values, floor))
            if sets.left_out is not None and state in sets.left_out.present_states:
                rows.append(_beside_left_out(sets.left_out, state, channel, real, pooled))
    return tuple(rows)


def _beside_left_out(person: Judged, state: str, channel: str, real: np.ndarray, pooled: np.ndarray) -> Row:
    theirs = _spectra(person, state, channel)
    note = f"the people learned from are {decibels_apart(theirs, real):.2g} dB off this one"
    part = f"{channel} against the person left out"
    return Row("spectra", state, part, decibels_apart(theirs, pooled), None, "lower", note=note)


def _spectra(judged: Judged, state: str, channel: str) -> np.ndarray:
    return curves(judged, channel, "spectra")[judged.states == state]
