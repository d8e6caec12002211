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
    """Wasserstein-1 distance in the measurement's unit; a window that cannot be measured lies 4 real SDs off."""
    return {name: w1(*_placed(real, synthetic, name)[:2]) for name in MEASURED}


def feature_w1_sd(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """feature_w1 over the SD of all real windows."""
    placed = {name: _placed(real, synthetic, name) for name in MEASURED}
    return {name: w1(a, b) / spread for name, (a, b, spread) in placed.items()}


def beat_ks(real: Judged, synthetic: Judged, context: Context) -> float:
    """Mean KS statistic over the measurements of beat shape."""
    return float(np.mean([ks(real.features[name], synthetic.features[name]) for name in BEAT_FEATURES]))


def beat_template(real: Judged, synthetic: Judged, context: Context) -> float:
    """RMS difference of the medians of the windows' beats over the SD of the real one; 1 where there are no beats."""
    ours, theirs = (_median_beat(each) for each in (real, synthetic))
    if ours is None:
        return float("nan")
    return float(np.sqrt(np.mean((ours - theirs) ** 2)) / ours.std()) if theirs is not None else 1.0


def clean_share(real: Judged, synthetic: Judged, context: Context) -> float:
    """Share of the judged windows that meet the rule in beats.is_clean; the real ones do not enter."""
    return float(np.mean(synthetic.features["clean"]))


def contrast_error(real: Judged, synthetic: Judged, context: Context) -> float:
    """Mean of |d of the synthetic - d of the real| over the features of ANSWERING; see `contrasts` for each."""
    found = contrasts(real, synthetic)
    return mean_of_known(abs(each.synthetic_d - each.real_d) for each in found.values())


def contrast_agreement(real: Judged, synthetic: Judged, context: Context) -> float:
    """Share of features with |d| >= 0.5 in the whole real set whose synthetic d has that sign and half that size."""
    whole = contrasts(real.whole, real.whole)
    clear = [name for name, each in whole.items() if abs(each.real_d) >= CLEAR_EFFECT]
    if not clear:
        return float("nan")
    found = contrasts(real, synthetic)
    return float(np.mean([found[name].synthetic_d / whole[name].real_d >= 0.5 for name in clear]))


@dataclass(frozen=True)
class Contrast:
    """Stress minus baseline of one feature: both means' difference in its unit, and Cohen's d in the real SD."""

    real: float
    synthetic: float
    real_d: float
    synthetic_d: float


def contrasts(real: Judged, synthetic: Judged) -> dict[str, Contrast]:
    """By feature of ANSWERING; nan where a state is missing or cannot be measured.

    Both effects are divided by the pooled SD within the two states of the whole real set, so that a generator without
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
    """Both columns with NaN put 4 SD above the real median, and that SD, of the whole real set."""
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
        title="Largest gap between the distributions of a measurement (Kolmogorov-Smirnov)",
        meaning="How far the shares of windows below any heart rate, breathing rate and so on differ: 0 to 1.",
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
        title="Average shift of a measurement (Wasserstein-1)",
        meaning="How far a window's heart rate, breathing rate and so on would have to move on average, in its own "
        "unit.",
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
        title="Average shift of a measurement in real standard deviations",
        meaning="The same shift in standard deviations of the real windows, so that measurements can be compared.",
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
        title="Shape of the beats (largest gap between distributions)",
        meaning="Whether P, QRS and T waves, and the likeness of a window's beats to each other, are those of real "
        "ECG.",
        better="lower",
        control="phase_randomised",
        per_state=True,
        compute=beat_ks,
    ),
    Score(
        name="beat_template",
        group="physiology",
        title="The mean beat",
        meaning="How far the average synthetic beat is off the average real one, as a share of the real beat's size.",
        better="lower",
        control="phase_randomised",
        per_state=True,
        compute=beat_template,
    ),
    Score(
        name="clean_share",
        group="physiology",
        title="Clean windows",
        meaning="The share of windows whose beats are alike, evenly spaced and equally tall, with none split or "
        "dropped.",
        better="higher",
        control="phase_randomised",
        per_state=True,
        compute=clean_share,
    ),
    Score(
        name="contrast_error",
        group="physiology",
        title="What stress changes",
        meaning="How far the effects of stress against baseline are off the real ones on average, in standard "
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
        title="Effects of stress that are there",
        meaning="Of the measurements that stress clearly changes, the share that it changes the same way and half as "
        "much at least.",
        better="higher",
        control="shuffled_states",
        least_windows=8,
        compute=contrast_agreement,
    ),
)
