"""The limits themselves: which scores a generator is judged by, and what each must reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np

from physiosynth.families.wearable.features.features import COUPLINGS
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.judging.limits import Limit, Row
from physiosynth.families.wearable.judging.metrics import NAN, auroc, mean_of_known
from physiosynth.families.wearable.judging.registry import Context
from physiosynth.families.wearable.scores.coupling import shuffled
from physiosynth.families.wearable.scores.fidelity import (
    SPACES,
    closeness,
    discriminate,
    discriminative,
    has_space,
    space_of,
)
from physiosynth.families.wearable.scores.physiology_scores import clean_share, feature_ks
from physiosynth.families.wearable.scores.spectra_scores import log_spectral_distance

KS_FEATURES = ("heart_rate", "rmssd", "breathing_rate", "scr_rate", "tonic_level")
CONTRASTED = ("heart_rate", "rmssd", "sdnn", "breathing_rate", "scr_rate", "tonic_level")
JUDGED_COUPLINGS = ("resp_heart", "edr_resp", "scr_heart")
CLEAR_EFFECT = 0.5  # SDs between subjects
SURE = 1.96  # standard errors


def share(found: float, usual: float) -> float:
    return found / usual if usual else NAN


def change(found: float, usual: float) -> float:
    """The share less 1: a wrong sign fails with the size."""
    return share(found, usual) - 1


def difference(found: float, usual: float) -> float:
    return found - usual


def mean_heart_rate(judged: Judged) -> dict[str, float]:
    """beats/min."""
    return {"heart_rate difference": mean_of_known(judged.feature("heart_rate"))}


def mean_rmssd(judged: Judged) -> dict[str, float]:
    """ms."""
    return {"rmssd relative difference": mean_of_known(judged.feature("rmssd"))}


def contrasts(judged: Judged) -> dict[str, float]:
    """Differences of the states' means, each pair of states of each measurement, in its unit."""
    means = {
        (name, state): mean_of_known(judged.feature(name)[judged.states == state])
        for name in CONTRASTED
        for state in judged.present_states
    }
    pairs = list(combinations(judged.present_states, 2))
    return {f"{name}: {a} - {b}": means[name, a] - means[name, b] for name in CONTRASTED for a, b in pairs}


def strengths(judged: Judged) -> dict[str, float]:
    """How far a window's own channels are coupled above those of shuffled windows: AUC off 0.5, and mean."""
    apart, found = shuffled(judged), {}
    for name in JUDGED_COUPLINGS:
        # A window whose coupling cannot be measured counts as uncoupled, as in coupling.aucs.
        own, others = np.nan_to_num(judged.feature(name)), apart[:, :, COUPLINGS.index(name)].ravel()
        found[f"{name}: AUC above guessing"] = auroc(own, others) - 0.5
        found[f"{name}: mean above shuffled"] = float(own.mean()) - mean_of_known(others)
    return found


def shuffled_coupling(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """AUC off 0.5 of shuffled synthetic against shuffled reference pairs: shuffling leaves nothing of the window."""
    apart = [shuffled(each) for each in (synthetic, real)]
    places = {name: COUPLINGS.index(name) for name in JUDGED_COUPLINGS}
    return {
        f"{name}: shuffled, AUC off 0.5": auroc(*(each[:, :, i].ravel() for each in apart)) - 0.5
        for name, i in places.items()
    }


def density_and_coverage(spaces: tuple[str, ...]) -> Callable[[Judged, Judged, Context], dict[str, float]]:
    """Both, in these spaces alone: the network's has to be trained."""

    def compute(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
        known = [name for name in spaces if has_space(name, real, context)]
        close = {name: closeness(*space_of(name, real, synthetic, context)) for name in known}
        return {f"{field}, {name}": getattr(close[name], field) for field in ("density", "coverage") for name in known}

    return compute


def by_network(real: Judged, synthetic: Judged, context: Context) -> dict[str, float]:
    """Distance from guessing of a network on raw windows."""
    return {"resnet on raw windows": abs(discriminate(real, synthetic, "resnet", context.seed) - 0.5)}


def person_means(judged: Judged, name: str) -> np.ndarray:
    """Means of one measurement of the people it is known of."""
    columns = (judged.feature(name)[judged.subjects == person] for person in np.unique(judged.subjects))
    found = np.array([mean_of_known(column) for column in columns])
    return found[np.isfinite(found)]


def _standard_error(real: Judged, made: Judged, part: str, floor: np.ndarray) -> tuple[bool, str]:
    """Of a difference of means, in the unit of the figure; people's windows are not independent."""
    from scipy.stats import sem

    name = part.split()[0]
    known = [column[np.isfinite(column)] for column in (made.feature(name), real.feature(name))]
    people = person_means(real, name)
    error = np.hypot(sem(known[0]), sem(people if len(people) > 1 else known[1]))
    error /= known[1].mean() if "relative" in part else 1.0
    lost = len(made) - len(known[0])
    return True, f", standard error {error:.2g}" + (f"; {lost} not measured" if lost else "")


def _in_subject_sds(real: Judged, made: Judged, part: str, floor: np.ndarray) -> tuple[bool | None, str]:
    """Only differences that are clear between reference people are judged."""
    name, states = part.split(": ")
    views = [real.of_state(state) for state in states.split(" - ")]
    means = [person_means(view, name) for view in views]
    if min(map(len, means)) < 2:
        return None, ""
    between = np.sqrt(np.mean([each.std(ddof=1) ** 2 for each in means]))
    size = abs(contrasts(real)[part]) / between
    return (True if size > CLEAR_EFFECT else None), f", {size:.2f} SDs between subjects"


def _is_coupled(real: Judged, made: Judged, part: str, floor: np.ndarray) -> tuple[bool, str]:
    """Whether the reference strength is surely above nothing. floor: shares of it, drawn as large as the other."""
    error = np.nanstd(floor) * np.sqrt(len(made) / len(real))
    if strengths(real)[part] > 0 and 1 > SURE * error:
        return True, ""
    return False, "; not a share: reference windows are no different from shuffled ones"


def share_of_clean(judged: Judged) -> dict[str, float]:
    return {"share": clean_share(judged, judged, Context())}


LIMITS: Mapping[str, tuple[Limit, ...]] = {
    "clean": (Limit("clean", share_of_clean, "higher", 0.97, "new", share),),
    "means": (
        Limit("means", mean_heart_rate, "near_zero", 2.0, "new", difference, reading=_standard_error),
        Limit("means", mean_rmssd, "near_zero", 0.10, "new", change, reading=_standard_error),
    ),
    "ks": (
        Limit("ks", feature_ks, "lower", 1.3, "equal", parts=KS_FEATURES, of_floor=True, matched=20, people=True),
    ),
    "contrasts": (
        Limit("contrasts", contrasts, "near_zero", 0.20, "new", change, pooled=True, reading=_in_subject_sds),
    ),
    "coupling": (
        Limit("coupling", strengths, "higher", 0.85, "against all", share, reading=_is_coupled),
        Limit("coupling", shuffled_coupling, "near_zero", 0.05, repeats=100),
    ),
    "spectra": (Limit("spectra", log_spectral_distance, "lower", {"ECG": 1.2, "Resp": 1.0, "EDA": 1.0}),),
}  # fmt: skip
CLOSENESS_LIMIT = 0.8
# Asked of as many reference as synthetic windows, and of few draws.
TELLING = Limit("discriminative", discriminative, "lower", 0.15, "equal", matched=1, pooled=True)
TELLING_BY_NETWORK = Limit("discriminative", by_network, "lower", NAN, "equal", matched=1, pooled=True, repeats=1)


def lying(with_network: bool) -> Limit:
    """Density and coverage; in the network's space too where networks are asked for."""
    score = density_and_coverage(SPACES if with_network else SPACES[:1])
    return Limit("closeness", score, "higher", CLOSENESS_LIMIT, "equal", matched=1, pooled=True)


def beside_left_out(person: Judged, real: Judged, made: Judged) -> list[Row]:
    """The spectra of the person left out against synthetic windows, told beside those of the people learned from."""
    rows = []
    for state in (state for state in made.present_states if state in person.present_states):
        views = [each.of_state(state) for each in (person, made, real)]
        found, usual = (log_spectral_distance(views[0], each, Context()) for each in views[1:])
        for channel, apart in found.items():
            note = f"the training subjects are {usual[channel]:.2g} dB off this one"
            part = f"{channel} against the person left out"
            rows.append(Row("spectra", state, part, apart, NAN, "lower", note=note))
    return rows
