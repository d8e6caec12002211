"""Usefulness: states are learned and transferred, leaks are refused, intervals say what they were drawn over."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from making.people import cohort, synthetic
from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.tables import TableScaler, table_of
from physiosynth.families.wearable.judging.classifiers import train, train_table
from physiosynth.families.wearable.judging.kept import Kept
from physiosynth.families.wearable.judging.metrics import Predictions, auroc, quality
from physiosynth.families.wearable.judging.registry import Context
from physiosynth.families.wearable.judging.scores_table import score_named
from physiosynth.families.wearable.scores.controls import shuffled_states
from physiosynth.families.wearable.scores.loso import leave_one_out
from physiosynth.families.wearable.scores.usefulness import TASKS, UNVERIFIED, balanced, transfer, utility


@pytest.fixture(scope="module")
def real():
    """Four people the generator learned from."""
    return Judged.of(cohort(range(4), 4))


@pytest.fixture(scope="module")
def test_people():
    """Two people nobody has seen."""
    return Judged.of(cohort([8, 9], 4))


@pytest.fixture(scope="module")
def made():
    """A faultless generator that saw the first four people."""
    return Judged.of(synthetic(range(4), 4))


def test_states_of_new_people_are_told_by_both_table_classifiers(real, test_people):
    """Trained on four people, both name four states of two others far above a quarter."""
    for kind in ("logistic", "forest"):
        found = transfer(kind, TASKS["states"], [real], test_people)
        assert found.quality.balanced_accuracy.value > 0.7 and found.quality.auroc.value > 0.85
        assert found.test_subjects == ("S8", "S9") and found.train_windows == 64
        assert np.sum(found.quality.confusion) == len(test_people)


def test_faultless_synthetic_windows_teach_and_shuffled_states_do_not(made, test_people):
    """TSTR is far above chance; with the states dealt out at random it falls to about chance."""
    wrong = Judged.of(shuffled_states(made.windows, 0), features=made.features)
    for kind in ("logistic", "forest"):
        assert balanced([made], test_people, kind, 0) > balanced([wrong], test_people, kind, 0) + 0.3


def test_every_setup_is_run_and_says_whom_it_was_tested_on(real, made, test_people):
    """TRTR, TSTR, TRTS and real + synthetic come back, with a note where classifier and generator share people."""
    seen = []
    found = utility(real, made, test_people, ["logistic"], ["stress"], on_step=lambda *at: seen.append(at))
    assert [each.setup for each in found] == ["TRTR", "TSTR", "TRTS", "real+synthetic"] and seen[-1] == (4000, 4000)
    assert all(each.quality.accuracy.value > 0.8 for each in found)
    assert "same subjects" in found[2].notes[0] and not found[0].notes
    assert found[2].quality.over == "windows" and found[0].quality.over == "subjects"


def test_known_transfers_are_not_trained_again(real, made, test_people, tmp_path):
    """Each result is kept as soon as it is there, so that an interruption loses one training at most."""
    kept, trained = Kept(tmp_path, "key"), []

    def keep(name, compute, most=4):
        def watched():
            if len(trained) == most:
                raise KeyboardInterrupt
            trained.append(name)
            return compute()

        return kept.once("transfers", name, watched)

    with pytest.raises(KeyboardInterrupt):
        utility(real, made, test_people, ["logistic"], ["stress"], keep=partial(keep, most=3))
    found = utility(real, made, test_people, ["logistic"], ["stress"], keep=keep)
    assert [each["setup"] for each in found] == ["TRTR", "TSTR", "TRTS", "real+synthetic"]
    assert trained == [f"{each['setup']} / logistic / stress" for each in found]


def test_training_and_testing_on_one_person_is_refused(real):
    """A person in both sets raises, by name."""
    with pytest.raises(EvaluationError, match="S0 would be trained on and tested on"):
        transfer("logistic", TASKS["stress"], [real], real.take(real.subjects == "S0"))


def test_a_generator_that_saw_the_test_person_is_refused(real, made, test_people):
    """The leaky combination cannot be computed: not by transfer, not by utility, not by a score."""
    leaky = Judged.of(replace(made.windows, seen_subjects=frozenset({"S1", "S9"})), features=made.features)
    with pytest.raises(EvaluationError, match="has seen subject S9"):
        transfer("logistic", TASKS["stress"], [leaky], test_people)
    with pytest.raises(EvaluationError, match="has seen subject S9"):
        utility(real, leaky, test_people, ["logistic"])
    with pytest.raises(EvaluationError, match="has seen subject S9"):
        score_named("tstr").values(test_people, leaky, Context())
    with pytest.raises(EvaluationError, match="has seen subject S1"):
        balanced([real, leaky], real, "logistic", 0)


def test_synthetic_windows_of_unknown_origin_are_marked(made, test_people):
    """Windows that do not say whom their generator saw are used, with a note that nothing is verified."""
    unknown = Judged.of(replace(made.windows, seen_subjects=frozenset()), features=made.features)
    assert transfer("logistic", TASKS["stress"], [unknown], test_people).notes == (UNVERIFIED,)


def test_leaving_one_out_goes_on_where_it_was(tmp_path, real, monkeypatch):
    """Every person is tested once, finished folds are not trained again, and other windows are not taken for these."""
    found = leave_one_out(real, tmp_path, ["logistic"], ["states"])[0]
    assert set(found.accuracy) == {"S0", "S1", "S2", "S3"} and found.quality.windows == len(real)
    assert found.quality.over == "subjects" and found.quality.accuracy.value > 0.7
    (tmp_path / "folds" / "real_logistic_states_S2.json").unlink()
    trained = []
    monkeypatch.setattr("physiosynth.families.wearable.scores.loso.train", lambda *a: trained.append(a) or train(*a))
    again = leave_one_out(real, tmp_path, ["logistic"], ["states"])[0]
    assert len(trained) == 1 and again.quality == found.quality
    leave_one_out(real.take(real.subjects != "S3"), tmp_path, ["logistic"], ["states"])
    assert len(trained) == 4


def test_leaving_one_out_refuses_a_generator_that_saw_the_person(tmp_path, real, made):
    """One generator for all folds leaks, and is refused before anything is trained."""
    with pytest.raises(EvaluationError, match="has seen subject S0"):
        leave_one_out(real, tmp_path, ["logistic"], ["states"], synthetic=dict.fromkeys(("S0", "S1", "S2", "S3"), made))
    with pytest.raises(EvaluationError, match="No synthetic windows for the folds of S1"):
        leave_one_out(real, tmp_path, ["logistic"], ["states"], synthetic={"S0": made})


def test_figures_of_known_predictions():
    """Three of four right: accuracy .75, recalls 1 and .5, F1 .8 and .667, AUROC as counted by hand."""
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.1, 0.9]])
    said = Predictions(("a", "b"), chances, np.array(["a", "a", "b", "b"]), np.array(["S1"] * 4))
    found = quality(said)
    values = [getattr(found, name).value for name in ("accuracy", "balanced_accuracy", "macro_f1", "auroc")]
    np.testing.assert_allclose(values, [0.75, 0.75, (0.8 + 2 / 3) / 2, 1.0])
    assert found.over == "windows" and found.confusion == ((2, 0), (1, 1))
    assert found.accuracy.low <= 0.75 <= found.accuracy.high


def test_intervals_over_subjects_are_wider_where_subjects_differ():
    """Two people always right and two always wrong: windows pretend certainty, subjects do not."""
    truth = np.array(["a", "b"] * 40)
    whose = np.repeat(["S1", "S2", "S3", "S4"], 20)
    right = np.isin(whose, ["S1", "S2"])
    said_b = (truth == "b") == right
    chances = np.stack([~said_b, said_b], axis=1).astype(float)
    by_subject = quality(Predictions(("a", "b"), chances, truth, whose)).accuracy
    by_window = quality(Predictions(("a", "b"), chances, truth, np.full(80, "S1"))).accuracy
    assert by_subject.value == by_window.value == 0.5
    assert by_subject.high - by_subject.low > 2 * (by_window.high - by_window.low)


def test_auroc_counts_ties_half():
    """Two against two with one tie: 3.5 of 4 pairs."""
    assert auroc([1, 3], [1, 0]) == pytest.approx(3.5 / 4)
    assert np.isnan(auroc([], [1]))


def test_scaling_is_fitted_on_training_windows_alone(real, test_people):
    """Gaps take the training median; test windows change nothing of the scaler."""
    values = table_of(real).values.copy()
    scaler = TableScaler.fit(values)
    gap = values[:1].copy()
    gap[0, 0] = np.nan
    median = (scaler.median[0] - scaler.mean[0]) / scaler.sd[0]
    assert scaler.apply(gap)[0, 0] == pytest.approx(np.clip(median, -6, 6))
    np.testing.assert_allclose(scaler.apply(values).mean(axis=0), 0, atol=0.2)
    labels = np.array(["a", "b"] * (len(values) // 2))
    first = train_table("forest", values, labels, 3).of_values(values)
    np.testing.assert_array_equal(first, train_table("forest", values, labels, 3).of_values(values))


def test_one_class_and_an_unknown_kind_are_refused(real):
    """A classifier needs two classes and a known kind."""
    with pytest.raises(EvaluationError, match="two classes"):
        train("logistic", [real], ["stress"] * len(real))
    with pytest.raises(EvaluationError, match="logistic, forest, resnet"):
        train("oracle", [real], real.states)
