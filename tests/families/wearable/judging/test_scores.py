"""Every registered score of signals and measurements: real halves must beat the score's control by a clear margin."""

import numpy as np
import pytest

from making.windows import toy_windows
from physiosynth.families.wearable.features.measured import ALL_STATES, Judged
from physiosynth.families.wearable.judging.judging import Controls, draws
from physiosynth.families.wearable.judging.registry import GROUPS, Context, part_title
from physiosynth.families.wearable.judging.scores_table import scores
from physiosynth.families.wearable.scores.controls import CONTROL_TITLES, CONTROLS

FAST_GROUPS = ("distributions", "spectra", "physiology", "coupling")
REPEATS = 6


@pytest.fixture(scope="module")
def real():
    """Measured toy windows, 24 of each state."""
    return Judged.of(toy_windows(24))


@pytest.fixture(scope="module")
def wrong(real):
    """The controls of those windows, each made once."""
    return Controls(real, seed=3)


def compared(score, real, wrong, state=ALL_STATES):
    """Badness by part of real halves, and of the control's other half: two dicts of (REPEATS,) arrays."""
    floor, control = {}, {}
    for split in draws(real, real, REPEATS, seed=1):
        first = real.take(split.first).of_state(state)
        good = score.values(first, real.take(split.second).of_state(state), Context())
        bad = wrong.values(score, first, split.second, state, Context())
        for out, values in ((floor, good), (control, bad)):
            for part, value in values.items():
                out.setdefault(part, []).append(score.badness(value))
    return tuple({part: np.array(values) for part, values in out.items()} for out in (floor, control))


@pytest.mark.parametrize("score", scores(FAST_GROUPS), ids=lambda s: s.name)
def test_no_score_survives_that_cannot_fail(score, real, wrong):
    """Real windows against real ones score clearly better than the control, in every part: by 3 SD and never worse."""
    floor, control = compared(score, real, wrong)
    assert set(floor) == (set(score.parts) or {""})
    for part, values in floor.items():
        margin = control[part].mean() - values.mean()
        assert margin > 3 * values.std(), f"{part}: real {values}, control {control[part]}"
        assert control[part].min() > values.max(), f"{part}: real {values}, control {control[part]}"


@pytest.mark.parametrize(
    "control, names",
    [
        ("white_noise", ["psd_similarity", "acf_similarity", "log_spectral_distance", "energy_distance", "feature_ks"]),
        ("phase_randomised", ["beat_ks", "beat_template", "clean_share", "mmd", "sliced_w1", "coupling_auc"]),
        ("shuffled_pairing", ["coupling_auc", "coupling_auc_gap", "coupling_ks"]),
        ("shuffled_states", ["contrast_error", "contrast_agreement", "energy_by_state"]),
        ("swapped_channels", ["value_ks", "value_w1", "value_w1_sd", "value_js", "psd_similarity"]),
    ],
)
def test_each_way_of_being_wrong_is_seen(control, names, real, wrong):
    """Every control makes the scores drop that claim to see it, its own ones or not."""
    found = {score.name: score for score in scores(FAST_GROUPS)}
    (split,) = draws(real, real, 1, seed=2)
    first, second = real.take(split.first), real.take(split.second)
    for name in names:
        score = found[name]
        good = score.values(first, second, Context())
        bad = score.values(first, wrong[control].take(split.second), Context())
        # A reversed lead keeps the spectrum of the ECG.
        judged = set(good) - ({"ECG"} if (control, name) == ("swapped_channels", "psd_similarity") else set())
        worse = [score.badness(bad[part]) > score.badness(good[part]) for part in judged]
        assert all(worse), f"{name}: {good} against {bad}"


def test_shuffled_pairing_leaves_each_channel_alone(real, wrong):
    """What looks at one channel at a time cannot see wrong pairs: only the coupling scores can."""
    (split,) = draws(real, real, 1, seed=2)
    first = real.take(split.first)
    for name in ("psd_similarity", "value_ks", "beat_ks", "clean_share"):
        score = next(s for s in scores(FAST_GROUPS) if s.name == name)
        real_part = score.values(first, real, Context())
        shuffled = score.values(first, wrong["shuffled_pairing"], Context())
        assert shuffled == pytest.approx(real_part, abs=1e-6), name


@pytest.mark.parametrize("score", scores(), ids=lambda s: s.name)
def test_every_score_explains_itself(score):
    """A score has a known group and control, a title and one sentence for a reader who is no specialist."""
    assert score.group in GROUPS and {score.control, *score.control_by_part.values()} <= set(CONTROLS)
    assert set(score.control_by_part) <= set(score.parts)
    assert score.better in ("lower", "higher", "near_zero")
    assert 3 < len(score.title) <= 90 and not score.title.endswith(".")
    assert score.meaning.endswith(".") and len(score.meaning.split()) >= 8
    assert score.compute.__doc__
    assert all(part_title(part) for part in score.parts)


def test_every_control_has_a_title():
    """The page names each control in words."""
    assert set(CONTROL_TITLES) == set(CONTROLS)


@pytest.mark.parametrize("score", scores(FAST_GROUPS), ids=lambda s: s.name)
def test_dead_windows_are_judged_and_not_rewarded(score, real):
    """Flat synthetic windows raise nothing, and score worse than real ones wherever there is a figure."""
    flat = real.windows.take(np.arange(0, len(real), 2))
    dead = Judged.of(
        type(flat)(0 * flat.ecg, 0 * flat.eda + 3, 0 * flat.resp, flat.states, flat.subjects, "synthetic", "full")
    )
    bad = score.values(real, dead, Context())
    good = score.values(real, real.take(np.arange(1, len(real), 2)), Context())
    known = [part for part, value in bad.items() if np.isfinite(value)]
    assert len(known) >= 0.7 * len(bad)
    assert np.mean([score.badness(bad[p]) > score.badness(good[p]) for p in known]) > 0.8
