"""Physiology as scores: the distributions of what is measured of a window, and what a state does to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.judging.metrics import ks, mean_of_known
from physiosynth.families.wearable.judging.registry import OWN_UNIT, Context, Score

# Clean windows and couplings have scores of their own.
MEASURED = (
    "heart_rate",
    "rmssd",
    "sdnn",
    "r_amplitude",
    "p_wave",
    "t_wave",
    "qrs_width",
    "template_correlation",
    "signal_quality",
    "breathing_rate",
    "breath_depth",
    "breath_regularity",
    "tonic_level",
    "scr_rate",
    "scr_amplitude",
)
# What the states change, in people and in the cohort.
ANSWERING = ("heart_rate", "rmssd", "breathing_rate", "breath_depth", "tonic_level", "scr_rate", "scr_amplitude")
BEAT_FEATURES = ("p_wave", "t_wave", "qrs_width", "template_correlation", "signal_quality", "r_amplitude")
# Noise as strong as the signal has its level and its depth; the wrong wire has neither.
LEVELS = dict.fromkeys(("tonic_level", "breath_depth"), "swapped_channels")
CONTRAST = ("stress", "baseline")
CLEAR_EFFECT = 0.5  # Cohen's medium effect
UNMEASURED_SD = 4.0


def feature_ks(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """Two-sample KS statistic; what could not be measured counts as a value of its own above all others."""
    return {name: ks(real.features[name], synthetic.features[name]) for name in MEASURED}


def feature_w1(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """Wasserstein-1 distance in the measurement's unit; a window that cannot be measured lies 4 reference SDs off."""
    return {name: w1(*_placed(real, synthetic, name)[:2]) for name in MEASURED}


def feature_w1_sd(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """feature_w1 over the SD of all reference windows."""
    placed = {name: _placed(real, synthetic, name) for name in MEASURED}
    return {name: w1(a, b) / spread for name, (a, b, spread) in placed.items()}


def beat_ks(real: Judged, synthetic: Judged, context: Context) -> float:
    """Mean KS statistic over the measurements of beat shape."""
    return float(np.mean([ks(real.features[name], synthetic.features[name]) for name in BEAT_FEATURES]))


def beat_template(real: Judged, synthetic: Judged, context: Context) -> float:
    """RMS difference of the median beats of both sets over the SD of the reference's; 1 where there are no beats."""
    ours, theirs = (_median_beat(each) for each in (real, synthetic))
    if ours is None:
        return float("nan")
    return float(np.sqrt(np.mean((ours - theirs) ** 2)) / ours.std()) if theirs is not None else 1.0


def clean_share(real: Judged, synthetic: Judged, context: Context) -> float:
    """Share of the judged windows that meet the rule in beats.is_clean; the reference ones do not enter."""
    return float(np.mean(synthetic.features["clean"]))


def contrast_error(real: Judged, synthetic: Judged, context: Context) -> float:
    """Mean of |d of the synthetic - d of the reference| over the features of ANSWERING; see `contrasts` for each."""
    found = contrasts(real, synthetic)
    return mean_of_known(abs(each.synthetic_d - each.real_d) for each in found.values())


def contrast_agreement(real: Judged, synthetic: Judged, context: Context) -> float:
    """Share of features with |d| >= 0.5 in the whole reference whose synthetic d has that sign and half that size."""
    whole = contrasts(real.whole, real.whole)
    clear = [name for name, each in whole.items() if abs(each.real_d) >= CLEAR_EFFECT]
    if not clear:
        return float("nan")
    found = contrasts(real, synthetic)
    return float(np.mean([found[name].synthetic_d / whole[name].real_d >= 0.5 for name in clear]))


@dataclass(frozen=True)
class Contrast:
    """Stress minus baseline of one feature: both means' difference in its unit, and Cohen's d in the reference SD."""

    real: float
    synthetic: float
    real_d: float
    synthetic_d: float


def contrasts(real: Judged, synthetic: Judged) -> dict[str, Contrast]:
    """By feature of ANSWERING; nan where a state is missing or cannot be measured.

    Both effects are divided by the pooled SD within the two states of the whole reference, so that a generator without
    spread cannot look strong.
    """
    out = {}
    for name in ANSWERING:
        groups = [_known(each.of_state(state).features[name]) for each in (real, synthetic) for state in CONTRAST]
        changes = [_difference(*groups[:2]), _difference(*groups[2:])]
        spread = _pooled_sd(*(_known(real.whole.of_state(state).features[name]) for state in CONTRAST))
        out[name] = Contrast(*changes, *(change / spread for change in changes))
    return out


def w1(a: np.ndarray, b: np.ndarray) -> float:
    """Wasserstein-1 distance of two samples without NaN; nan where one is empty."""
    if not len(a) or not len(b):
        return float("nan")
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(a, b))


def _placed(real: Judged, synthetic: Judged, name: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Both columns with NaN put 4 SD above the reference median, and that SD, of the whole reference set."""
    known = _known(real.whole.features[name])
    if not len(known):
        nothing = np.empty(0)
        return nothing, nothing, float("nan")
    spread = max(float(known.std()), 1e-9 * max(1.0, float(np.abs(known).max())))
    place = float(np.median(known)) + UNMEASURED_SD * spread
    columns = (each.features[name] for each in (real, synthetic))
    a, b = (np.where(np.isfinite(column), column, place) for column in columns)
    return a, b, spread


def _known(column: np.ndarray) -> np.ndarray:
    return column[np.isfinite(column)]


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(a.mean() - b.mean()) if len(a) and len(b) else float("nan")


def _pooled_sd(a: np.ndarray, b: np.ndarray) -> float:
    """SD within two groups (n - 1 in each); nan with fewer than 2 values in either."""
    if min(len(a), len(b)) < 2:
        return float("nan")
    within = ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(a) + len(b) - 2)
    return float(np.sqrt(within)) if within > 0 else float("nan")


def _median_beat(judged: Judged) -> np.ndarray | None:
    """(t,) median over windows of their beats, in mV; None where no window has beats."""
    beats = judged.features.beat
    beats = beats[np.isfinite(beats).all(axis=1)]
    return np.median(beats, axis=0) if len(beats) else None


SCORES = (
    Score(
        name="feature_ks",
        group="physiology",
        title="Feature distribution: largest gap (Kolmogorov-Smirnov)",
        meaning="How far the distributions of heart rate, respiratory rate and so on over windows differ: 0 to 1.",
        better="lower",
        control="white_noise",
        control_by_part=LEVELS,
        per_state=True,
        parts=MEASURED,
        compute=feature_ks,
    ),
    Score(
        name="feature_w1",
        group="physiology",
        title="Feature distribution: average shift (Wasserstein-1)",
        meaning="How far heart rate, respiratory rate and so on would have to move per window on average, each in "
        "its unit.",
        unit=OWN_UNIT,
        better="lower",
        control="white_noise",
        control_by_part=LEVELS,
        per_state=True,
        parts=MEASURED,
        compute=feature_w1,
    ),
    Score(
        name="feature_w1_sd",
        group="physiology",
        title="Feature distribution: average shift in reference SDs (Wasserstein-1)",
        meaning="The same shift in standard deviations of the reference windows, so that features can be compared.",
        unit="SD",
        better="lower",
        control="white_noise",
        control_by_part=LEVELS,
        per_state=True,
        parts=MEASURED,
        compute=feature_w1_sd,
    ),
    Score(
        name="beat_ks",
        group="physiology",
        title="Beat morphology (Kolmogorov-Smirnov)",
        meaning="How far the distributions of P, QRS and T waves and of the beat-template correlation differ, on "
        "average: 0 to 1.",
        better="lower",
        control="phase_randomised",
        per_state=True,
        compute=beat_ks,
    ),
    Score(
        name="beat_template",
        group="physiology",
        title="Mean beat",
        meaning="RMS difference of the median synthetic beat from the median reference beat, over the SD of the "
        "latter.",
        better="lower",
        control="phase_randomised",
        per_state=True,
        compute=beat_template,
    ),
    Score(
        name="clean_share",
        group="physiology",
        title="Clean windows",
        meaning="The share of windows whose beats are alike, evenly spaced and of equal amplitude, with none split or "
        "dropped.",
        better="higher",
        control="phase_randomised",
        per_state=True,
        compute=clean_share,
    ),
    Score(
        name="contrast_error",
        group="physiology",
        title="Error of the effects of stress (Cohen's d)",
        meaning="Mean difference of the effects of stress against baseline from the reference's, in standard "
        "deviations.",
        unit="SD",
        better="lower",
        control="shuffled_states",
        least_windows=8,
        compute=contrast_error,
    ),
    Score(
        name="contrast_agreement",
        group="physiology",
        title="Agreement of the effects of stress",
        meaning="Of the features that stress clearly changes, the share that it changes in the same direction and by "
        "at least half as much.",
        better="higher",
        control="shuffled_states",
        least_windows=8,
        compute=contrast_agreement,
    ),
)
