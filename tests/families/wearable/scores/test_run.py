"""An evaluation as a whole: what is written, what is kept, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from making.windows import toy_windows
from physiosynth.errors import EvaluationError, RequestError
from physiosynth.families.wearable.judging.kept import Kept
from physiosynth.families.wearable.judging.metrics import Floor
from physiosynth.families.wearable.judging.plan import SCALE, Settings, Steps, quick_settings
from physiosynth.families.wearable.judging.rows import ScoreRow, ScoreTable, rows_from_dicts
from physiosynth.families.wearable.judging.scores_table import score_named
from physiosynth.families.wearable.scores.asked_once import transfers
from physiosynth.families.wearable.scores.controls import white_noise
from physiosynth.families.wearable.scores.inputs import Inputs, drawn, known_people, seen_by, thinned
from physiosynth.families.wearable.scores.run import run
from physiosynth.running.keys import key_of

GROUPS = ("spectra", "coupling")  # quick ones; what is tested here does not depend on the group


def made(windows, seen=("A1", "A2")):
    return replace(
        windows, subjects=np.full(len(windows), "synthetic"), source="synthetic", seen_subjects=frozenset(seen)
    )


@pytest.fixture(scope="module")
def inputs():
    real = toy_windows(10, 1, ("T1",))
    return Inputs(real, made(toy_windows(10, 2)), toy_windows(6, 3, ("A1", "A2")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("parts")


@pytest.fixture(scope="module")
def first(inputs, folder):
    return run(inputs, folder, quick_settings(), GROUPS)


def test_a_second_run_computes_nothing_anew(inputs, folder, first, monkeypatch):
    """The same inputs and settings are answered from the kept parts, score for score."""

    def forbidden(*args, **kwargs):
        raise AssertionError("computed although it was kept")

    monkeypatch.setattr("physiosynth.families.wearable.scores.run.evaluate", forbidden)
    second = run(inputs, folder, quick_settings(), GROUPS)
    assert second.table.to_dicts() == first.table.to_dicts()
    assert len(second.table.rows) > 50


def only_asked(names):
    """In the place of judging.evaluate: notes the scores that are asked for, and has no rows."""

    def evaluate(scores, *args, **kwargs):
        names.extend(score.name for score in scores)
        return ScoreTable(())

    return evaluate


def test_a_kept_part_is_not_reused_for_other_windows_or_settings(inputs, folder, first, monkeypatch):
    """Another seed, or one changed sample, makes the scores be computed again."""
    asked = []
    monkeypatch.setattr("physiosynth.families.wearable.scores.run.evaluate", only_asked(asked))
    run(inputs, folder, quick_settings(seed=1), ("coupling",))
    changed = inputs.synthetic.ecg.copy()
    changed[0, 0] += 1.0
    run(replace(inputs, synthetic=replace(inputs.synthetic, ecg=changed)), folder, quick_settings(), ("coupling",))
    assert asked == ["coupling_auc", "coupling_auc_gap", "coupling_ks"] * 2


def test_an_interrupted_run_keeps_the_finished_scores(inputs, folder, first, tmp_path, monkeypatch):
    """What was scored before the interruption is there; the next run asks for the rest alone."""
    for path in folder.glob("features_*.npz"):  # measured by the first run
        (tmp_path / path.name).write_bytes(path.read_bytes())

    def stop(done, total):
        if "coupling_auc_gap" in Kept(tmp_path, key_in(tmp_path)).read("coupling"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(inputs, tmp_path, quick_settings(), ("coupling",), on_step=stop)
    asked = []
    monkeypatch.setattr("physiosynth.families.wearable.scores.run.evaluate", only_asked(asked))
    run(inputs, tmp_path, quick_settings(), ("coupling",))
    assert asked == ["coupling_ks"]


def key_in(folder):
    path = folder / "coupling.json"
    return json.loads(path.read_text())["key"] if path.is_file() else ""


def test_a_leak_of_subjects_is_refused_before_anything_is_measured(inputs, tmp_path):
    """A generator that has seen the test subject is not judged, and nothing is written."""
    leaky = replace(inputs, synthetic=made(inputs.synthetic, ("A1", "T1")))
    with pytest.raises(EvaluationError, match="T1"):
        run(leaky, tmp_path, quick_settings(), GROUPS)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_up_to_the_whole(inputs, folder, first):
    """Steps never go back and end at the total, and stages are named."""
    steps, stages = [], []
    run(inputs, folder, quick_settings(), GROUPS, lambda done, total: steps.append((done, total)), stages.append)
    assert steps[-1] == (SCALE, SCALE)
    assert steps == sorted(steps)
    assert "coupling" in stages


def test_stages_weigh_as_much_as_they_take():
    """A stage of 30 s of 40 s in all moves the bar by three quarters."""
    seen = []
    steps = Steps({"short": 10, "long": 30}, lambda done, total: seen.append(done / total), lambda stage: None)
    steps.start("short")(1, 1)
    steps.start("long")(1, 2)
    assert seen == [0.25, 0.625]


def test_rows_survive_json_with_what_could_not_be_computed():
    """NaN, a missing floor and a missing control come back as they were."""
    rows = (
        ScoreRow.of(score_named("mmd"), "all", "", 0.5, float("nan"), Floor(0.1, 0.2, 4), None, None, (8, 9)),
        ScoreRow.of(score_named("value_ks"), "stress", "ECG", 0.5, 0.4, None, Floor(0.1, float("nan"), 2), 0.9, (8, 9)),
    )
    back = rows_from_dicts(json.loads(json.dumps(ScoreTable(rows).to_dicts(), allow_nan=False)))
    assert repr(back) == repr(rows)


def test_a_damaged_part_is_made_anew(tmp_path):
    """Half a file, or one of another key, counts as nothing kept."""
    kept = Kept(tmp_path, key_of(seed=1))
    kept.add("spectra", "one", [1.0, float("nan")])
    assert kept.read("spectra") == {"one": [1.0, None]}
    assert Kept(tmp_path, key_of(seed=2)).read("spectra") == {}
    (tmp_path / "spectra.json").write_text('{"key": ')
    assert kept.read("spectra") == {}


def test_thinning_keeps_every_state_and_depends_on_the_seed_alone():
    """So many windows of each state are drawn, the same ones for the same seed."""
    windows = toy_windows(6, 0)
    few = thinned(windows, 2, 5)
    assert [int((few.states == state).sum()) for state in few.present_states] == [2, 2, 2, 2]
    assert few.sha256() == thinned(windows, 2, 5).sha256() != thinned(windows, 2, 6).sha256()
    assert thinned(windows, None, 5) is windows


def test_settings_that_make_no_sense_are_refused():
    """Zero windows, and a negative seed, are told in words."""
    with pytest.raises(RequestError, match="windows"):
        Settings(windows=0)
    with pytest.raises(RequestError, match="seed"):
        quick_settings(seed=-1)
    assert quick_settings(32).windows == 32


class FakeFold:
    """A fold that leaves S10 out."""

    config = {"subjects": {"train": ["S2", "S3"], "val": ["S4"], "test": ["S10"]}}  # noqa: RUF012
    test_subject = "S10"


def test_whom_a_bundle_has_seen_comes_from_its_own_fold_first():
    """Its own settings speak; else the fold that its manifest names; else nobody knows, and a note says so."""
    assert seen_by("S10", {"subjects": {"train": ["S5"], "val": []}}, FakeFold()) == (frozenset({"S5"}), "")
    seen, note = seen_by("fold_S10", {}, FakeFold())
    assert seen == {"S2", "S3", "S4"} and "S10" in note
    seen, note = seen_by("S7", {}, FakeFold())
    assert seen == frozenset() and "not verified" in note


class FakeGenerator:
    """Draws toy windows and counts how often it is asked."""

    def __init__(self):
        from types import SimpleNamespace

        self.calls = []
        self.info = SimpleNamespace(
            conditions=("baseline", "stress"), bundle_sha256="abc", defaults=SimpleNamespace(steps=4)
        )

    def sample_batch(self, state, count, seed, sampling, on_step, first_window):
        self.calls.append((state, first_window, count))
        on_step(1, 1)
        return toy_windows(count, seed + first_window, ("x",), (state,))

    @staticmethod
    def write_npz(batch, path):
        from physiosynth.files import write_npz

        write_npz(path, ecg=batch.ecg, eda=batch.eda, resp=batch.resp, states=batch.states)


def test_windows_are_drawn_once_and_read_the_next_time(tmp_path):
    """Files of 32 windows a state are written; a second call draws nothing, more windows draw the rest alone."""
    generator = FakeGenerator()
    states = ("baseline", "stress", "amusement")
    windows = drawn(generator, states, 33, 7, tmp_path, ("S2",))
    assert generator.calls == [("baseline", 0, 32), ("baseline", 32, 1), ("stress", 0, 32), ("stress", 32, 1)]
    assert len(windows) == 66 and windows.seen_subjects == {"S2"} and set(windows.subjects) == {"synthetic"}
    again = drawn(generator, states, 33, 7, tmp_path, ("S2",))
    assert len(generator.calls) == 4 and again.sha256() == windows.sha256()
    drawn(generator, states, 33, 8, tmp_path)
    assert len(generator.calls) == 8


def test_trainings_are_kept_one_by_one(inputs, folder, first, tmp_path):
    """A run that is stopped between two classifiers goes on with the second."""
    real, synthetic, train = first.real, first.synthetic, first.train
    settings, kept, stages = quick_settings(kinds=("logistic",)), Kept(tmp_path, "key"), []

    def stop(done, total):
        stages.append(done / total)
        if stages[-1] >= 0.25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transfers(real, synthetic, train, settings, kept, stop)
    assert len(kept.read("transfers")) == 2
    found = transfers(real, synthetic, train, settings, kept, lambda done, total: None)
    assert len(found) == len(kept.read("transfers")) == 8
    assert [each["setup"] for each in found[:2]] == ["TRTR", "TSTR"]


def test_attacks_ask_of_several_outsiders_and_people_are_looked_for(inputs, tmp_path):
    """People beside the one left out are outsiders too, that one no more than each of them; known people are named."""
    more = replace(inputs, outsiders=toy_windows(8, 4, ("V1", "V2")), known=toy_windows(4, 5, ("A1", "A2")))
    found = run(more, tmp_path, quick_settings(repeats=1), ("privacy",))
    assert {each["name"] for each in found.attacks} == {"distance", "discriminator"}
    assert all(each["over"] == "subjects" and each["outsiders"] == 32 + 16 for each in found.attacks)
    assert found.identity["subjects"] == 2 and found.identity["chance"] == 0.5
    assert set(found.hashes) == {"real", "synthetic", "train", "outsiders", "known"}


def test_known_people_have_many_windows_each():
    """So many windows a state of a few people, the same for the same seed; one person alone cannot be told apart."""
    windows = toy_windows(8, 0, ("A", "B", "C"), ("baseline", "stress"))
    some = known_people(windows, 2, 0)
    assert [int((some.subjects == name).sum()) for name in "ABC"] == [4, 4, 4]
    assert some.sha256() == known_people(windows, 2, 0).sha256()
    assert known_people(windows.take(windows.subjects == "A"), 2, 0) is None


def test_noise_is_told_from_windows_of_the_same_kind(inputs, folder, first, tmp_path):
    """The whole way from windows to rows: noise is farther off than its like in every spectrum."""
    noise = run(replace(inputs, synthetic=made(white_noise(inputs.real, 3))), tmp_path, quick_settings(), ("spectra",))
    for row in first.table.select("log_spectral_distance", "all").rows:
        (worse,) = noise.table.select("log_spectral_distance", "all", row.part).rows
        assert worse.matched > 2 * row.matched
