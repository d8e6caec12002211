"""Coupling as scores: whether heart, breath and skin of one window belong together."""

from __future__ import annotations

from functools import partial

import numpy as np

from physiosynth.families.wearable.features import pairs
from physiosynth.families.wearable.features.features import COUPLINGS, Features
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.judging.metrics import auroc, ks
from physiosynth.families.wearable.judging.registry import Context, Score
from physiosynth.families.wearable.scores.controls import pairing

PARTNERS = 8  # shuffled pairs a window


def coupling_auc(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """AUC of paired against shuffled windows, of the evaluated set alone; the reference does not enter."""
    return aucs(synthetic)


def coupling_auc_gap(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """|AUC of the synthetic - AUC of the reference|."""
    ours, theirs = aucs(real), aucs(synthetic)
    return {name: abs(theirs[name] - ours[name]) for name in COUPLINGS}


def coupling_ks(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """KS statistic of the windows' coupling."""
    return {name: ks(real.features[name], synthetic.features[name]) for name in COUPLINGS}


def aucs(judged: Judged) -> dict[str, float]:
    """Chance that a window's own pair is coupled more strongly than a shuffled one, by coupling.

    A pair that cannot be measured counts as uncoupled; nan where no window has another one of its state.
    """
    apart, own = shuffled(judged), judged.features
    return {name: auroc(np.nan_to_num(own[name]), apart[:, :, i].ravel()) for i, name in enumerate(COUPLINGS)}


def shuffled(judged: Judged) -> np.ndarray:
    """(n, PARTNERS, couplings): each window's heart with the low channels of others of its state; nan where alone."""
    features = judged.whole.features
    return judged.per_window("shuffled pairs", lambda windows: _shuffled(windows, features))


def _shuffled(windows: WindowSet, features: Features) -> np.ndarray:
    out = np.full((len(windows), PARTNERS, len(COUPLINGS)), np.nan)
    for place in range(PARTNERS):
        partner = pairing(windows.states, place)
        resp, eda = windows.resp[partner], windows.eda[partner]
        found = pairs.couplings(features.rate, features.r_height, resp, eda)
        alone = partner == np.arange(len(windows))
        for i, name in enumerate(COUPLINGS):
            out[:, place, i] = np.where(alone, np.nan, np.nan_to_num(found[name]))
    return out


_score = partial(Score, group="coupling", control="shuffled_pairing", per_state=True, parts=COUPLINGS)
SCORES = (
    _score(
        name="coupling_auc",
        title="Coupling within windows against shuffled windows (AUC)",
        meaning="How often the channels of one window move together more than those of two windows of the same "
        "state: 0.5 is no coupling, 1 is coupling in every window.",
        better="higher",
        compute=coupling_auc,
    ),
    _score(
        name="coupling_auc_gap",
        title="Coupling compared with the reference",
        meaning="The difference between that figure and the reference's; too much coupling counts like too little.",
        better="lower",
        compute=coupling_auc_gap,
    ),
    _score(
        name="coupling_ks",
        title="Magnitude of the coupling (Kolmogorov-Smirnov)",
        meaning="How far the distribution of coupling strength over windows differs from the reference: 0 to 1.",
        better="lower",
        compute=coupling_ks,
    ),
)
