"""Scores held against floors and controls: the verdict is right where the answer is known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from making.windows import toy_windows
from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.judging.judging import Controls, common_states, control_of, draws, evaluate, in_mix
from physiosynth.families.wearable.judging.levels import CARE, GOOD, LEVEL_OF, PERSON, POOR, UNKNOWN
from physiosynth.families.wearable.judging.metrics import Floor, interval
from physiosynth.families.wearable.judging.registry import GROUPS, Context, Score
from physiosynth.families.wearable.judging.rows import ScoreRow, rows_from_dicts
from physiosynth.families.wearable.judging.scores_table import ALL, score_named, scores
from physiosynth.families.wearable.scores.controls import CONTROLS, phase_randomised, white_noise

NAMES = ("psd_similarity", "feature_ks", "clean_share", "contrast_error", "coupling_auc")


@pytest.fixture(scope="module")
def real():
    return Judged.of(toy_windows(12, seed=1))


@pytest.fixture(scope="module")
def good():
    """Another draw of the same simulator: the best a generator could be."""
    return Judged.of(replace(toy_windows(12, seed=2, subjects=("synthetic",)), source="synthetic"))


@pytest.fixture(scope="module")
def table(real, good):
    return evaluate([score_named(name) for name in NAMES], real, good, repeats=8)


def test_an_equal_generator_is_told_from_noise(real, good, table):
    """Most rows of an equal simulator are like the reference, none as bad as the control; noise never is."""
    found = [row for row in table.rows if row.state == "all"]
    assert np.mean([row.reason == "within the floor" for row in found]) > 0.6
    assert not [row for row in found if row.reason == "beyond the control"]
    noise = Judged.of(white_noise(real.windows, 5))
    rows = evaluate([score_named(name) for name in NAMES[:3]], real, noise, repeats=5).select(state="all").rows
    assert not [row for row in rows if row.level in (GOOD, PERSON)]


FLOOR = Floor(0.1, 0.2, 6)


@pytest.mark.parametrize(
    ("figure", "people", "control", "reason", "level"),
    [
        (0.15, None, 0.9, "within the floor", GOOD),
        (0.25, None, 0.9, "within the floor", GOOD),  # 1.3 times the edge
        (0.25, Floor(0.4, 0.5, 6), 0.9, "within the floor", GOOD),
        (0.30, None, 0.9, "between floor and control", CARE),
        (0.30, None, None, "between floor and control", CARE),
        (0.45, Floor(0.4, 0.5, 6), 0.9, "within other people", PERSON),
        (0.60, None, 0.9, "nearer to the control", POOR),
        (0.95, None, 0.9, "beyond the control", POOR),
        (0.45, Floor(0.4, 0.95, 6), 0.9, "other people beyond the control", UNKNOWN),
        (0.15, None, 0.2, "control within the floor", UNKNOWN),
        (float("nan"), None, 0.9, "no figure or no floor", UNKNOWN),
    ],
)
def test_one_reason_decides_the_level(figure, people, control, reason, level):
    """The same figure cannot be like the reference by one reading and between by another: reason and level agree."""
    row = ScoreRow.of(score_named("value_ks"), "all", "ECG", figure, figure, FLOOR, people, control, (20, 20))
    assert (row.reason, row.level) == (reason, level)


def test_without_a_floor_nothing_is_said():
    """No floor, no level."""
    row = ScoreRow.of(score_named("value_ks"), "all", "ECG", 0.1, 0.1, None, None, 0.9, (20, 20))
    assert row.level == UNKNOWN and np.isnan(row.discrepancy)


def test_every_state_and_part_has_its_row(real, table):
    """Scores by state have a row for all windows and one for each state, in every part."""
    ecg = table.select("psd_similarity", part="ECG").rows
    assert [row.state for row in ecg] == ["all", *real.present_states]
    assert len(table.select("contrast_error").rows) == 1
    assert {row.part for row in table.select("coupling_auc", "all").rows} == set(score_named("coupling_auc").parts)


def test_floors_are_taken_towards_worse(table):
    """The edge of a floor lies above its mean where lower is better, and below where higher is."""
    for row in table.rows:
        if row.random is not None:
            turned = score_named(row.score).badness
            assert turned(row.random.edge) >= turned(row.random.mean) - 1e-12
            assert row.random.repeats <= 8


def test_a_floor_between_people_needs_people(real, good):
    """Two people give a floor between people; one has none, unless others are at hand."""
    one = real.take(real.subjects == "T1")
    chosen = [score_named("feature_ks")]
    assert evaluate(chosen, real, good, repeats=3, controls=False).rows[0].people is not None
    assert evaluate(chosen, one, good, repeats=3, controls=False).rows[0].people is None
    others = Context(train=real.take(real.subjects == "T2"))
    assert evaluate(chosen, one, good, others, repeats=3, controls=False).rows[0].people is not None


def test_another_person_who_differs_widens_the_floor_between_people(real, good):
    """Where people's hearts differ, half against half by person is farther apart than at random."""
    windows = real.windows
    faster = np.where(real.subjects[:, None] == "T2", 2.0, 1.0) * windows.eda
    mixed = Judged.of(replace(windows, eda=faster), features=None)
    row = evaluate([score_named("value_w1_sd")], mixed, good, repeats=6, controls=False).select(part="EDA").rows[0]
    assert row.people.mean > 1.5 * row.random.mean


def test_the_same_seed_gives_the_same_table(real, good, table):
    """A second run is equal to the last digit."""
    chosen = NAMES[:3]
    again = evaluate([score_named(name) for name in chosen], real, good, repeats=8)
    first = [row for row in table.to_dicts() if row["score"] in chosen]
    assert json.dumps(again.to_dicts()) == json.dumps(first)


def test_rows_are_plain_and_without_nan(table):
    """A row becomes JSON without NaN and holds all that is known of it; it comes back as it was."""
    rows = json.loads(json.dumps(table.to_dicts(), allow_nan=False))
    first, score = rows[0], score_named(rows[0]["score"])
    assert (first["title"], first["group"], first["better"]) == (score.title, score.group, score.better)
    assert first["control_name"] == score.control and first["level"] == LEVEL_OF[first["reason"]]
    assert first["reference_windows"] == 48 and first["random"]["edge"] is not None
    assert repr(rows_from_dicts(rows)) == repr(table.rows)


def test_steps_are_counted_in_scores(real, good):
    """The callback hears of every score before it is computed, and of the end."""
    asked, steps = [score_named("clean_share"), score_named("psd_similarity")], []
    evaluate(asked, real, good, repeats=2, controls=False, on_step=lambda done, total: steps.append((done, total)))
    assert steps == [(0, 2), (1, 2), (2, 2)]


def test_intervals_hold_the_draws_and_widen_where_these_are_few(table):
    """Quantiles of many draws, Student's t of a few, nothing of one; a row's interval holds its figure."""
    many = np.random.default_rng(0).normal(size=2000)
    np.testing.assert_allclose(interval(many.tolist()), [-1.96, 1.96], atol=0.15)
    np.testing.assert_allclose(interval([0.0, 1.0, 2.0]), [1 - 4.303, 1 + 4.303], atol=0.01)
    assert np.isnan(interval([1.0, float("nan")])).all()
    known = [row for row in table.rows if np.isfinite(row.matched)]
    assert known and all(row.low <= row.matched <= row.high for row in known)


def test_draws_are_disjoint_and_of_one_size(real, good):
    """The second half and the synthetic draw hold each state equally often, and the halves share nothing."""
    for split in draws(real, good.take(good.states != "baseline").take(np.arange(20)), 3, seed=0):
        assert not set(split.first) & set(split.second)
    (split,) = draws(real, good, 1, seed=0)
    counts = [
        np.unique(each, return_counts=True)[1].tolist()
        for each in (real.states[split.second], good.states[split.synthetic])
    ]
    assert counts[0] == counts[1] == [6] * 4


def test_states_that_only_one_side_has_are_left_out(real, good):
    """Common states alone are judged; without any, or with EDA of two kinds, the user is told."""
    part = good.take(good.states != "meditation")
    ours, theirs = common_states(real, part)
    assert set(ours.present_states) == set(theirs.present_states) == {"baseline", "stress", "amusement"}
    with pytest.raises(EvaluationError, match="No common state"):
        common_states(real.take(real.states == "stress"), good.take(good.states == "baseline"))
    with pytest.raises(EvaluationError, match="phasic"):
        common_states(real, Judged.of(replace(good.windows, eda_kind="phasic")))


def test_pooled_states_are_compared_in_the_real_mix(real, good):
    """Where synthetic stress is twice as frequent, the pool is thinned to the real shares."""
    lopsided = good.take(np.flatnonzero((good.states == "stress") | (np.arange(len(good)) % 2 == 0)))
    mixed = in_mix(real, lopsided, seed=0)
    assert {state: int((mixed.states == state).sum()) for state in mixed.present_states} == dict.fromkeys(
        real.present_states, 6
    )


def test_a_view_shares_what_was_measured(real):
    """A view's features and kept arrays are the rows of the whole set, whatever its order."""
    back = real.take(np.arange(len(real))[::-1])
    assert np.array_equal(back.features["rmssd"], real.features["rmssd"][::-1])
    assert np.array_equal(back.windows.ecg, real.windows.ecg[::-1])
    calls = []

    def count(windows):
        calls.append(len(windows))
        return windows.eda.mean(axis=1)

    first, second = real.of_state("stress").per_window("mean", count), back.per_window("mean", count)
    assert calls == [len(real)] and np.array_equal(second[::-1][real.states == "stress"], first)
    assert len(back.whole) == len(real)


def test_controls_are_measured_only_where_signals_changed(real):
    """Shuffled states and pairs reuse what was detected, and agree with measuring the windows anew."""
    for name in ("shuffled_states", "shuffled_pairing"):
        quick = control_of(name, real, 4)
        some = np.arange(0, len(real), 8)
        slow = Judged.of(quick.windows.take(some)).features
        for feature in ("heart_rate", "breathing_rate", "resp_heart", "scr_heart", "tonic_level"):
            assert np.allclose(quick.features[feature][some], slow[feature], equal_nan=True), (name, feature)
    with pytest.raises(EvaluationError, match=", ".join(CONTROLS)):
        Controls(real, 0)["nothing"]


def test_a_score_that_needs_something_waits_for_it(real, good):
    """Scores whose needs are not met have no rows."""
    needy = Score(
        name="x",
        group="privacy",
        title="t",
        meaning="m.",
        better="lower",
        control="white_noise",
        compute=lambda a, b, c: 1.0,
        repeats=2,
        needs=("generator",),
    )
    assert evaluate([needy], real, good).rows == ()
    assert len(evaluate([needy], real, good, Context(generator=object())).rows) == 1


def test_names_are_unique_and_unknown_ones_are_explained():
    """Every score of the table has a name of its own and a known group; an unknown name is refused."""
    assert len({each.name for each in ALL}) == len(ALL) == len(scores())
    assert {each.group for each in ALL} == set(GROUPS)
    with pytest.raises(EvaluationError, match="value_ks"):
        score_named("charm")


def test_units_are_those_of_the_part():
    """A shift of heart rate is in bpm, of EDA in uS, and a share has no unit."""
    assert score_named("feature_w1").unit_of("heart_rate") == "bpm"
    assert score_named("value_w1").unit_of("EDA") == "uS" and score_named("psd_similarity").unit_of("ECG") == ""


def test_randomised_phases_keep_the_spectrum_and_lose_the_beats(real):
    """A control shows what a score cannot see: the spectrum stays as real, the beats do not."""
    other = Judged.of(phase_randomised(real.windows, 0))
    rows = evaluate([score_named("psd_similarity"), score_named("clean_share")], real, other, repeats=6)
    assert rows.select("psd_similarity", "all", "ECG").rows[0].level == GOOD
    assert rows.select("clean_share", "all").rows[0].value == 0
