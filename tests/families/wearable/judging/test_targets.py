"""Limits on scores: reference windows reach them, corrupted windows do not, and a run goes on where it was."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from making.people import as_synthetic, near_copies
from making.people import cohort as people_cohort
from making.windows import toy_windows
from physiosynth.errors import EvaluationError, RequestError
from physiosynth.families.wearable.features.features import COUPLINGS, FEATURES, Features
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.judging.judging import control_of
from physiosynth.families.wearable.judging.kept import Kept
from physiosynth.families.wearable.judging.limit_people import attacks, by_person, same_beats, transfers
from physiosynth.families.wearable.judging.limit_requests import compared, requested
from physiosynth.families.wearable.judging.limit_run import (
    LIMITS,
    Places,
    Sets,
    Settings,
    check,
    rows_of,
    settings_of,
    windows_of,
)
from physiosynth.families.wearable.judging.limit_scores import TELLING, lying
from physiosynth.families.wearable.judging.limits import Row, markdown, real_draws
from physiosynth.families.wearable.judging.metrics import NAN, Floor, Predictions
from physiosynth.families.wearable.scores.controls import white_noise
from physiosynth.families.wearable.signals import CONDITIONS, LABEL_IDS
from physiosynth.runtime import quiet
from places import FIXTURES

STATES = ("baseline", "stress")
REPEATS = 40


@pytest.fixture(scope="module")
def pool():
    """80 windows of two states of eight people, measured."""
    return Judged.of(toy_windows(80, 0, [f"A{i}" for i in range(8)], STATES))


def alone(judged, at):
    """These windows as a set of their own."""
    view = judged.take(at)
    return Judged.of(view.windows, features=view.features)


@pytest.fixture(scope="module")
def halves(pool):
    """Sets in which 32 windows a state, held out of the real ones, stand for the synthetic ones."""
    late = np.concatenate([np.flatnonzero(pool.states == state)[48:] for state in STATES])
    early = np.setdiff1d(np.arange(len(pool)), late)
    return alone(pool, early), alone(pool, late)


def rows_against(real, made, names=tuple(LIMITS)):
    found = [row for name in names if name in LIMITS for row in rows_of(name, Sets(real, (made,)), REPEATS)]
    slow = {"discriminative": TELLING, "closeness": lying(False)}
    return found + [row for name in names if name in slow for row in slow[name].rows(real, (made,), made, 3)]


def failed(rows):
    """Targets and parts that are missed by more than chance."""
    return {(row.target, row.part.split(":")[0]) for row in rows if row.verdict == "not met"}


@pytest.fixture(scope="module")
def faultless(halves):
    """Rows of reference windows in the place of synthetic ones."""
    return rows_against(*halves)


def test_real_windows_held_out_reach_every_target(halves, faultless):
    """Real windows in the place of synthetic ones miss one figure in twenty, as a 95 % floor has it, and no whole
    target."""
    rows = [*faultless, *rows_against(*halves, ("discriminative", "closeness"))]
    assert sum(row.verdict == "not met" for row in rows) <= 0.05 * len(rows)
    assert all(row.met for row in rows if row.target == "clean")
    for target in ("means", "ks", "coupling", "discriminative", "closeness"):
        assert not any(row.verdict == "not met" for row in rows if row.target == target), target
    assert {row.target for row in rows} == {*LIMITS, "discriminative", "closeness"}
    assert {row.state for row in rows if row.target == "ks"} == set(STATES)


def test_white_noise_misses_every_kind_of_target(halves):
    """Noise has no beats, no breath, no coupling and no spectrum, and is told at once."""
    real, made = halves
    rows = rows_against(
        real, control_of("white_noise", alone(made, np.arange(0, len(made), 2)), 1), (*LIMITS, "discriminative")
    )
    missed = failed(rows)
    assert {target for target, _ in missed} >= {*LIMITS, "discriminative"}
    assert {("spectra", channel) for channel in ("ECG", "EDA", "Resp")} <= missed
    assert ("coupling", "resp_heart") in missed and ("ks", "scr_rate") in missed


def test_randomised_phases_keep_the_spectrum_and_lose_the_beats(halves):
    """Windows with the right spectra and no beats miss clean windows, heart rates and coupling, not the spectra."""
    real, made = halves
    missed = failed(rows_against(real, control_of("phase_randomised", alone(made, np.arange(0, len(made), 2)), 1)))
    assert {("clean", "share"), ("ks", "rmssd"), ("coupling", "edr_resp")} <= missed
    assert ("spectra", "ECG") not in missed


def test_swapped_channels_are_seen_in_levels_and_spectra(halves):
    """EDA in the place of Resp misses both spectra and the skin's level."""
    real, made = halves
    missed = failed(rows_against(real, control_of("swapped_channels", alone(made, np.arange(0, len(made), 2)), 1)))
    assert {("ks", "tonic_level"), ("ks", "breathing_rate"), ("spectra", "EDA"), ("spectra", "Resp")} <= missed


def test_channels_of_different_windows_miss_the_coupling_alone(halves, faultless):
    """Real channels paired anew keep every distribution and lose what ties them together."""
    missed = failed(rows_against(halves[0], control_of("shuffled_pairing", halves[1], 1))) - failed(faultless)
    assert ("coupling", "resp_heart") in missed and {target for target, _ in missed} == {"coupling"}


def test_states_dealt_at_random_miss_the_contrasts(halves):
    """Windows with wrong labels have no state contrasts, and clear ones alone are asked for."""
    found = rows_against(halves[0], control_of("shuffled_states", halves[1], 1), ("contrasts",))
    assert ("contrasts", "heart_rate") in failed(found)
    assert all(float(row.note.split(", ")[-1].split(" SDs")[0]) > 0.5 for row in found)


def test_a_wrong_sign_and_a_figure_that_cannot_be_measured_fail():
    """Limits are read in the direction of the figure; nothing measured is nothing met; no limit is no verdict."""
    assert Row("means", "stress", "x", -1.9, 2.0, "near_zero").met
    assert not Row("means", "stress", "x", -2.1, 2.0, "near_zero").met
    assert not Row("contrasts", "all", "x", -1.5, 0.2, "near_zero").met  # a share of -0.5 of the real effect
    assert not Row("clean", "stress", "x", 0.96, 0.97, "higher").met
    assert not Row("ks", "stress", "x", NAN, 0.3, "lower").met
    assert Row("spectra", "stress", "x", 9.0, NAN, "lower").met is None
    assert Row("membership", "all", "x", 0.3, 0.0, "lower", low=-0.1, on="low").met
    assert not Row("membership", "all", "x", 0.3, 0.0, "lower", low=0.1, on="low").met
    assert Row("ks", "stress", "x", 0.3, 0.2, "lower", floor=Floor(0.1, 0.31)).verdict == "not met, within the floor"
    assert Row("ks", "stress", "x", 0.3, 0.2, "lower", floor=Floor(0.1, 0.29)).verdict == "not met"


def test_the_edge_of_a_floor_lies_towards_worse():
    """Of draws from 1 to 100 it is 95 where lower is better, 6 where higher is, the largest size near zero."""
    draws = [float(i) for i in range(1, 101)]
    assert Floor.of(draws, "lower").edge == 95
    assert Floor.of(draws, "higher").edge == 6
    assert Floor.of([-3.0, 1.0], "near_zero").edge == -3


def test_rows_survive_json_and_stand_in_the_table():
    """A row comes back from JSON as it was, NaN included, and the table tells its verdict."""
    row = Row("ks", "stress", "rmssd", 0.2, 0.25, "lower", (0.1, NAN), Floor(0.1, 0.19, 40), note="few")
    back = Row.from_dict(json.loads(json.dumps(row.to_dict(), allow_nan=False)))
    assert repr(back) == repr(row)
    text = markdown([row], {"ks": "A title"})
    assert "| stress | rmssd | 0.2 | - | 0.1 (0.19) | - | <= 0.25 | met: few |" in text
    assert "## A title (1 of 1 met)" in text


def test_draws_of_a_floor_are_apart_and_shrink_together(pool):
    """Two sets of a floor share no window or no person; where there are too few, both shrink alike."""
    few, many = pool.take(range(15)), pool
    ((first, second),) = real_draws(pool, few, "halves", 1)
    assert len(first) == 15 and len(second) == 65 and not set(first) & set(second)
    ((first, second),) = real_draws(few, many, "equal", 1)
    assert len(first) == len(second) == 7 and not set(first) & set(second)
    ((first, second),) = real_draws(pool, few, "people", 1)
    assert len(first) == len(second) == len(few) and not set(pool.subjects[first]) & set(pool.subjects[second])
    ((first, second),) = real_draws(pool, few, "new", 1)
    assert len(first) == 15 and len(second) == 80 and len(set(second)) < 80


def test_near_copies_are_seen_by_the_attacks_and_new_windows_are_not():
    """Membership shows where training windows are given back with a little noise on them."""
    members, outsiders = people_cohort([1, 2, 3], 2, 1), people_cohort([11, 12, 13], 2, 1)
    real, unseen = Judged.of(members), Judged.of(outsiders)
    asked = unseen, None, None, 6, REPEATS, 0, quiet
    found = {row.part: row for row in attacks(real, Judged.of(near_copies(members)), *asked)}
    assert found["distance: AUC"].measured > 0.95 and not found["distance: AUC"].met
    assert not found["distance: TPR at 1 % FPR"].met
    beats = next(row for part, row in found.items() if "mean beat" in part)
    assert beats.measured > 0.5 and not beats.met
    fresh = Judged.of(as_synthetic(people_cohort([21, 22, 23], 2, 5)))
    found = {row.part: row for row in attacks(real, fresh, *asked)}
    assert found["distance: AUC"].measured < 0.75 and next(r for p, r in found.items() if "mean beat" in p).met


def test_a_beat_is_somebodys_by_its_shape_alone():
    """Twice the size at another level is the same beat; another shape is not."""
    time = np.linspace(0, 1, 60)
    person = np.exp(-((time - 0.4) ** 2) / 0.002)
    other = np.exp(-((time - 0.6) ** 2) / 0.002)
    assert same_beats(np.stack([2 * person + 1, other]), person[None]).tolist() == [[True], [False]]


def test_counts_of_each_person_add_up_to_the_confusion():
    """Two people, two classes: rows are the truth, columns what was said."""
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    said = Predictions(
        ("other", "stress"), chances, np.array(["other", "stress", "stress"]), np.array(["P1", "P1", "P2"])
    )
    assert by_person(said).tolist() == [[[1, 0], [0, 1]], [[0, 0], [1, 0]]]


def test_synthetic_windows_of_the_same_kind_are_as_useful_and_noise_is_not(halves, tmp_path):
    """TSTR over TRTR is near 1 for reference windows under another name; noise cannot teach; trainings are kept."""
    real, made = halves
    unseen = Judged.of(toy_windows(12, 9, ["U1", "U2", "U3"], STATES))
    kept, asked = Kept(tmp_path, "key"), ((0,), ("logistic",))
    ratio, gain = transfers(real, [renamed(made)], unseen, *asked, kept, quiet)[:2]
    assert ratio.met and ratio.measured > 0.9 and gain.met is None and gain.low <= gain.measured <= gain.high
    assert len(kept.read("trainings")) == 6
    noise = Judged.of(
        as_synthetic(white_noise(made.windows, 2)),
        features=made.features.take(np.roll(np.arange(len(made)), len(made) // 2)),
    )
    assert not transfers(real, [noise], unseen, *asked, Kept(tmp_path / "n", "key"), quiet)[0].met


def renamed(judged):
    """These windows as if a generator had made them."""
    return Judged.of(as_synthetic(judged.windows), features=judged.features)


def test_a_person_who_is_trained_on_and_tested_on_is_refused(halves, tmp_path):
    """The unseen people must not be those the generator has seen."""
    with pytest.raises(EvaluationError, match="A0"):
        transfers(halves[0], [renamed(halves[1])], halves[1], (0,), ("logistic",), Kept(tmp_path, "key"), quiet)
    assert not Kept(tmp_path, "key").read("trainings")


def test_steps_are_held_against_the_spread_over_seeds():
    """A figure that moves by more than twice its spread counts as changed."""
    one = [Row("ks", state, "rmssd", 0.1, 0.2, "lower", (0.09, 0.11)) for state in STATES]
    same = [replace(row, values=(0.10, 0.12)) for row in one]
    moved = [replace(row, values=(0.30, 0.32)) for row in one]
    share, *rows = compared(one, same)
    assert share.measured == 1 and share.met and rows[0].measured == pytest.approx(-0.01)
    assert not compared(one, moved)[0].met and compared(one, moved)[0].measured == 0
    single = [replace(row, values=row.values[:1]) for row in one]
    assert compared(single, single)[0].met is False and "two seeds" in compared(single, single)[0].note


class Obedient:
    """A generator whose heart rate is what was asked for, up to a slip, and which tells its range."""

    def __init__(self, slip):
        ranges = {"stress": {"heart_rate": (70.0, 90.0)}}
        defaults = SimpleNamespace(steps=4)
        self.info = SimpleNamespace(
            target_ranges=ranges, conditions=("stress",), bundle_sha256="abc", defaults=defaults
        )
        self.slip, self.asked = slip, []

    def sample_batch(self, state, count, seed, sampling, on_step, first_window, targets):
        self.asked.append(targets.heart_rate)
        return replace(toy_windows(count, seed % 1000, ("x",), (state,)), source="synthetic")

    @staticmethod
    def write_npz(batch, path):
        from physiosynth.files import write_npz

        write_npz(path, ecg=batch.ecg, eda=batch.eda, resp=batch.resp, states=batch.states)


@pytest.mark.parametrize(("slip", "share"), [(0.0, 1.0), (10.0, 0.0)])
def test_requested_rates_are_asked_over_the_whole_range(halves, tmp_path, slip, share):
    """Values from end to end are asked for; windows off by more than the reach do not count."""
    generator, template = Obedient(slip), halves[1].of_state("stress")

    def measure(windows):
        features = template.features.take(np.arange(len(windows)))
        rates = np.repeat(generator.asked, 2) + generator.slip
        return Judged.of(windows, features=replace(features, values=features.values | {"heart_rate": rates}))

    rate, clean = requested(generator, halves[0], 3, 2, 0, tmp_path, measure, quiet)
    assert generator.asked == [70.0, 80.0, 90.0] and "range 70 to 90" in rate.note
    assert rate.measured == share and rate.met is (share >= 0.9) and clean.met is not None


def test_a_generator_that_takes_no_rates_misses_the_target(halves, tmp_path):
    """What cannot be asked for is told and is not met."""
    generator = SimpleNamespace(info=SimpleNamespace())
    (row,) = requested(generator, halves[0], 3, 2, 0, tmp_path, None, quiet)
    assert row.met is False and "no rates" in row.note


def test_settings_that_make_no_sense_are_refused():
    """An unknown target, no seed and no windows are told in words; the reference of steps is off unless asked for."""
    with pytest.raises(RequestError, match="nonsense"):
        settings_of(False, only=("nonsense",))
    with pytest.raises(RequestError, match="seeds"):
        settings_of(False, seeds=(1, 1))
    with pytest.raises(RequestError, match="windows"):
        settings_of(True, windows=0)
    assert "steps" not in Settings().wanted and "steps" in settings_of(True, reference_steps=50).wanted


def write_fold(folder, test_subject, **windows):
    """A fold directory of these windows by split, without norms."""
    folder.mkdir()
    for name, each in windows.items():
        np.save(folder / f"{name}_X_ecg.npy", each.ecg[..., None])
        np.save(folder / f"{name}_X_low.npy", np.stack([each.eda, each.resp], axis=2))
        np.save(folder / f"{name}_cond.npy", np.array([LABEL_IDS[state] for state in each.states]))
        np.save(folder / f"{name}_subject.npy", each.subjects)
    subjects = {name: sorted(set(each.subjects.tolist())) for name, each in windows.items()}
    config = {"test_subject": test_subject, "source": "virtual", "eda": "full", "subjects": subjects}
    (folder / "dataset_config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def folds(tmp_path_factory):
    """A fold that S10 is left out of, and a fold of another cohort with the same names."""
    root = tmp_path_factory.mktemp("folds")
    train, val, test = (
        toy_windows(each, seed, names)
        for each, seed, names in ((6, 1, ("S2", "S3", "S4")), (1, 2, ("S5",)), (2, 3, ("S10",)))
    )
    own = write_fold(root / "own", "S10", train=train, val=val, test=test)
    other = write_fold(root / "other", "S10", train=toy_windows(4, 4, ("S2", "S3")), test=toy_windows(2, 5, ("S10",)))
    return own, other


def test_few_windows_are_drawn_of_each_state_and_person_and_cohorts_are_kept_apart(folds):
    """So many a state of the first fold; so many a state and person of every split of the second, under other names."""
    own, other = folds
    few = windows_of(own, ("train",), per_state=5)
    assert [int((few.states == state).sum()) for state in CONDITIONS] == [5] * 4
    assert few.sha256() == windows_of(own, ("train",), per_state=5).sha256()
    unseen = windows_of(other, ("train", "test"), each=2, cohort="unseen ")
    assert set(unseen.subjects) == {"unseen S2", "unseen S3", "unseen S10"} and len(unseen) == 3 * 4 * 2


def test_a_bundle_is_checked_from_end_to_end_and_goes_on_where_it_was(folds, tmp_path):
    """The embedded bundle: windows are drawn, measured and judged, a report is written; a run that stops has kept what
    was finished, and another call draws and measures nothing again."""
    from physiosynth.bundles.bundle import resolve_bundle
    from physiosynth.families.wearable.generator.generator import WESADGenerator

    bundle = resolve_bundle("default")
    generator = WESADGenerator.from_bundle(bundle, "cpu")
    places = Places(*folds, tmp_path / "out", tmp_path / "cache")
    settings = settings_of(True, windows=2, only=("clean", "spectra"), real=4, unseen=1)
    steps, drawn_at = [], {}

    def stop(stage):
        if stage == "spectra":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(bundle, generator, places, settings, on_stage=stop)
    (parts,) = (tmp_path / "out" / "parts").glob("targets.json")
    assert list(json.loads(parts.read_text())["kept"]) == ["clean"]
    drawn_at = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    found = check(bundle, generator, places, settings, lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps) and steps[-1][0] == steps[-1][1]
    assert {row.target for row in found.rows} == {"clean", "spectra"} and any("unseen people" in n for n in found.notes)
    data, page = found.write(tmp_path / "out")
    assert len(json.loads(data.read_text())["rows"]) == len(found.rows) and "log-spectral" in page.read_text().lower()
    kept = json.loads(parts.read_text())["kept"]
    kept["clean"][0]["part"] = "as it was kept"
    parts.write_text(json.dumps(json.loads(parts.read_text()) | {"kept": kept}))
    again = check(bundle, generator, places, settings)
    assert again.rows[0].part == "as it was kept" and repr(again.rows[1:]) == repr(found.rows[1:])
    assert drawn_at == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}


def test_a_fold_without_training_windows_is_refused(tmp_path):
    """Targets need the people learned from; the message says which windows are missing."""
    from physiosynth.bundles.bundle import resolve_bundle
    from physiosynth.families.wearable.generator.generator import WESADGenerator

    bundle = resolve_bundle("default")
    fold = write_fold(tmp_path / "fold", "S10", test=toy_windows(2, 1, ("S10",)))
    places = Places(fold, None, tmp_path / "out", tmp_path / "cache")
    with pytest.raises(EvaluationError, match="train"):
        check(bundle, WESADGenerator.from_bundle(bundle, "cpu"), places, settings_of(True))


def drawn_features(windows):
    """Features of known numbers, whatever a detector finds: higher in stress, a third of the heart rates missing."""
    rng, n, high = np.random.default_rng(3), len(windows), windows.states == "stress"
    values = {name: 10 + i + high + rng.normal(size=n) * (1 + i / 9) for i, name in enumerate(FEATURES)}
    values["clean"] = (rng.uniform(size=n) < 0.8).astype(float)
    values["heart_rate"] = np.where(rng.uniform(size=n) < 0.33, np.nan, values["heart_rate"])
    values |= {name: rng.uniform(0, 1, n) for name in COUPLINGS}
    lines = [rng.normal(size=(n, 120)).cumsum(axis=1) for _ in range(2)]
    return Features(values, *lines, rng.normal(size=(n, 60)), np.full((n, 1), np.nan))


def test_figures_are_those_of_the_targets_that_limits_replaced():
    """Two seeds of 16 windows a state against 48: what takes no random draw is what the earlier code measured."""
    windows = toy_windows(80, 0, [f"A{i}" for i in range(8)], STATES)
    whole = Judged.of(windows, features=drawn_features(windows))
    places = [np.flatnonzero(whole.states == state) for state in STATES]
    cuts = slice(48), slice(48, 64), slice(64, 80)
    real, *made = (alone(whole, np.concatenate([at[cut] for at in places])) for cut in cuts)
    known = json.loads((FIXTURES / "limits.json").read_text())
    for target, rows in known.items():
        found = {(row.state, row.part): row for row in rows_of(target, Sets(real, tuple(made)), 20)}
        for state, part, measured, values in rows:
            row = found[state, part]
            assert row.measured == pytest.approx(measured, abs=1e-6), (target, state, part)
            assert row.values == pytest.approx(values, abs=1e-6), (target, state, part)
