"""The virtual cohort: like the published aggregates, coupled, repeatable, and in WESAD's layout."""

import json
import pickle
from itertools import combinations

import numpy as np
import pytest
from scipy.signal import butter, coherence, sosfiltfilt

from physiosynth.errors import RequestError
from physiosynth.families.wearable.data.virtual import ecg as ecg_room
from physiosynth.families.wearable.data.virtual.measure import NEEDED_CHANNELS, compare, measure_recording
from physiosynth.families.wearable.data.virtual.subject import draw_traits
from physiosynth.families.wearable.data.virtual_cohort import (
    CHANNELS,
    CohortSettings,
    read_truth,
    simulate_subject,
    subject_name,
    truth_path,
    write_cohort,
)
from physiosynth.families.wearable.data.wesad import find_subjects, read_subject, write_subject
from physiosynth.families.wearable.signals import CHEST_HZ, CONDITIONS, ECG_HZ, IGNORED_IDS, LABEL_IDS, LOW_HZ
from physiosynth.physiology import detectors as physiology
from places import FIXTURES

BASELINE = LABEL_IDS["baseline"]
SUBJECTS, SCALE = 15, 0.4


@pytest.fixture(scope="module")
def cohort():
    """Fifteen subjects at 0.4 of the real minutes: everyone's figures, and the first four's recordings and truths."""
    figures, kept = [], []
    for index in range(SUBJECTS):
        recording, truth = simulate_subject(index, 0, SCALE, NEEDED_CHANNELS)
        figures.append(measure_recording(recording))
        if index < 4:
            kept.append((recording, truth))
    return figures, kept


@pytest.fixture(scope="module")
def rows(cohort):
    """The cohort beside the published aggregates."""
    reference = json.loads((FIXTURES / "reference_stats/wesad_by_condition.json").read_text(encoding="utf-8"))
    return compare(cohort[0], reference)


def baseline_of(recording):
    """(start, end) in s of the baseline, less 5 s at each end."""
    inside = np.flatnonzero(recording.label == BASELINE)
    return inside[0] / CHEST_HZ + 5, inside[-1] / CHEST_HZ - 5


def at_rate(channel, start, end, rate_hz):
    values = channel.values[round(start * CHEST_HZ) : round(end * CHEST_HZ)]
    return sosfiltfilt(butter(4, 0.4 * rate_hz, fs=CHEST_HZ, output="sos"), values)[:: CHEST_HZ // rate_hz]


def test_every_mean_is_within_half_a_between_subject_sd(rows):
    """Every measure's mean lies within half of the reference's between-subject SD; breathing within 3 a minute."""
    off = [
        f"{row.condition} {row.measure}: {row.mean:.2f}, reference {row.reference_mean} ({row.reference_sd})"
        for row in rows
        if (abs(row.mean - row.reference_mean) > 3 if row.measure == "breathing_rate" else abs(row.deviation) > 0.5)
    ]
    assert len(rows) == 30
    assert not off


def test_subjects_differ_about_as_much_as_people_do(rows):
    """Between-subject SDs are of the reference's order, neither one person 15 times nor a crowd of extremes."""
    ratios = {f"{row.condition} {row.measure}": row.sd / row.reference_sd for row in rows}
    assert 0.75 < np.median(list(ratios.values())) < 1.25
    assert {name: ratio for name, ratio in ratios.items() if not 0.4 < ratio < 1.8} == {}


def test_contrasts_between_states_keep_their_sign(rows):
    """A difference of two states larger than half a between-subject SD in the reference has the same sign here."""
    checked = 0
    for one, other in combinations(rows, 2):
        expected = other.reference_mean - one.reference_mean
        spread = max(one.reference_sd, other.reference_sd)
        if one.measure == other.measure and abs(expected) > 0.5 * spread:
            checked += 1
            assert np.sign(other.mean - one.mean) == np.sign(expected), (
                f"{one.measure}: {one.condition}, {other.condition}"
            )
    assert checked >= 12


def test_meditation_breathes_slowly_and_regularly(cohort):
    """Meditation breathes 6 to 12 times a minute in almost everyone, always slower than in baseline."""
    rates = np.array([[f["baseline"]["breathing_rate"], f["meditation"]["breathing_rate"]] for f in cohort[0]])
    assert 6 <= np.median(rates[:, 1]) <= 12
    assert (rates[:, 1] < rates[:, 0]).all()


def test_the_detector_finds_the_beats_of_the_truth(cohort):
    """In baseline more than 98 % of the true beats are detected within 20 ms, and hardly any others."""
    for recording, truth in cohort[1]:
        start, end = baseline_of(recording)
        found = physiology.r_peaks(at_rate(recording.chest["ECG"], start, end, ECG_HZ), ECG_HZ) + start
        beats = truth.beats_s[(truth.beats_s > start + 0.5) & (truth.beats_s < end - 0.5)]
        nearest = np.abs(found[None] - beats[:, None]).min(axis=1)
        assert (nearest < 0.02).mean() > 0.98
        assert len(found) < 1.02 * len(beats) + 2


def test_heart_rate_follows_the_subjects_own_breath(cohort):
    """Coherence of heart rate and belt at the breathing rate is high paired and low with another subject's belt."""
    rates, belts, paired, shuffled = [], [], [], []
    for recording, _ in cohort[1]:
        start, _ = baseline_of(recording)
        end = start + 400
        beats = physiology.r_peaks(at_rate(recording.chest["ECG"], start, end, ECG_HZ), ECG_HZ)
        edges = np.arange((end - start) * LOW_HZ + 1) / LOW_HZ
        rates.append(np.diff(physiology.beat_phase(beats, edges)) * LOW_HZ * 60)
        belts.append(at_rate(recording.chest["Resp"], start, end, LOW_HZ))
    for one in range(len(rates)):
        for other in range(len(belts)):
            frequency, value = coherence(rates[one], belts[other], fs=LOW_HZ, nperseg=128)
            band = (frequency > 0.15) & (frequency < 0.4)
            (paired if one == other else shuffled).append(value[band].mean())
    assert min(paired) > max(shuffled)
    assert np.mean(paired) > np.mean(shuffled) + 0.3


def test_heart_rate_answers_to_what_the_skin_answers_to(cohort):
    """On average the heart is faster just after a skin response begins than some seconds before."""
    change = []
    for _, truth in cohort[1]:
        middle, rate = (truth.beats_s[1:] + truth.beats_s[:-1]) / 2, 60 / np.diff(truth.beats_s)
        onset = truth.sweating.onset_s[truth.sweating.strength > 0.5]
        after, before = (
            np.interp(onset[:, None] + np.arange(*span, 0.25), middle, rate) for span in ((0, 2), (-7, -4))
        )
        change.append(np.mean(after.mean(axis=1) - before.mean(axis=1)))
    assert np.mean(change) > 0.5


def test_pulse_arrives_about_a_fifth_of_a_second_after_the_beat():
    """The wrist pulse starts to rise 120 to 300 ms after R."""
    recording, truth = simulate_subject(2, 0, 0.05, ("wrist/BVP",))
    bvp = recording.wrist["BVP"]
    rising = np.diff(bvp.values, prepend=bvp.values[0]) * bvp.rate_hz
    lags = np.arange(0, 0.6, 1 / bvp.rate_hz)
    mean = [np.interp(truth.beats_s + lag, np.arange(len(rising)) / bvp.rate_hz, rising).mean() for lag in lags]
    steepest = lags[int(np.argmax(mean))]
    assert 0.2 < steepest < 0.4
    foot = lags[np.flatnonzero((np.array(mean) < 0.1 * max(mean)) & (lags < steepest))[-1]]
    assert 0.12 < foot < 0.3


def test_beats_of_two_subjects_have_different_shapes():
    """R, S and T differ between subjects by tens of percent, and the T wave comes sooner when the heart is fast."""
    heights = np.array([[draw_traits(0, i).ecg.waves[w].height for w in ("P", "R", "S", "T")] for i in range(SUBJECTS)])
    assert (np.abs(heights.std(axis=0) / heights.mean(axis=0)) > 0.2).all()
    traits = draw_traits(0, 1).ecg
    peak_at = []
    for interval in (1.0, 0.5):
        signal = np.zeros(60 * CHEST_HZ)
        beats = np.arange(1, 58, interval)
        ecg_room._add_beats(signal, np.random.default_rng(0), traits, beats, np.zeros(60 * 20))
        mean = np.mean([signal[round(b * CHEST_HZ) :][: round(0.45 * CHEST_HZ)] for b in beats[10:-5]], axis=0)
        after = round(0.13 * CHEST_HZ)
        peak_at.append((after + mean[after:].argmax()) / CHEST_HZ)
    assert peak_at[1] / peak_at[0] == pytest.approx(0.5**traits.qt_power, abs=0.06)


def test_layout_is_that_of_the_published_pickles(tmp_path):
    """Keys, shapes and dtypes are those of WESAD; ECG is 16 bits over 3 mV and EDA's noise that of the sensor."""
    path = write_cohort(tmp_path, CohortSettings(1, 0, 0.05))["S2"]
    with path.open("rb") as stream:
        content = pickle.load(stream, encoding="latin1")
    assert content["subject"] == "S2"
    label = content["label"]
    assert label.dtype == np.int32 and label.ndim == 1
    assert {0, *LABEL_IDS.values(), *IGNORED_IDS} == set(np.unique(label))
    chest, wrist = content["signal"]["chest"], content["signal"]["wrist"]
    assert {k: (v.dtype.name, v.shape[1]) for k, v in chest.items()} == {
        "ACC": ("float64", 3), "ECG": ("float64", 1), "EMG": ("float64", 1), "EDA": ("float64", 1),
        "Temp": ("float32", 1), "Resp": ("float64", 1),
    }  # fmt: skip
    assert {k: v.shape[1] for k, v in wrist.items()} == {"ACC": 3, "BVP": 1, "EDA": 1, "TEMP": 1}
    seconds = len(label) / 700
    assert all(len(v) == len(label) for v in chest.values())
    for name, rate in {"ACC": 32, "BVP": 64, "EDA": 4, "TEMP": 4}.items():
        assert len(wrist[name]) / rate == pytest.approx(seconds, abs=0.5)
    assert np.abs(chest["ECG"]).max() <= 1.5
    codes = (chest["ECG"] + 1.5) / (3 / 2**16)
    assert np.abs(codes - np.rint(codes)).max() < 1e-6
    still = np.diff(chest["EDA"][:, 0])[: 30 * 700]
    # The difference of a noise of SD 0.014 and lag-1 correlation 0.51 has SD 0.014 * sqrt(2 * 0.49).
    assert np.median(np.abs(still)) / 0.6745 == pytest.approx(0.0139, rel=0.15)


def test_protocol_has_the_minutes_of_the_real_study():
    """At scale 1: 20, 10, 6.5 and twice 7 minutes, about an hour in all, and either order of the conditions."""
    orders = set()
    for index in range(4):
        recording, _ = simulate_subject(index, 0, 1.0, ())
        minutes = {name: (recording.label == LABEL_IDS[name]).sum() / CHEST_HZ / 60 for name in CONDITIONS}
        expected = {"baseline": 20, "stress": 10, "amusement": 6.5, "meditation": 14}
        assert minutes == {name: pytest.approx(value, rel=0.04) for name, value in expected.items()}
        assert 55 < recording.duration_s / 60 < 70
        first = {name: np.flatnonzero(recording.label == LABEL_IDS[name])[0] for name in CONDITIONS}
        assert first["baseline"] < min(first["stress"], first["amusement"])
        orders.add(first["stress"] < first["amusement"])
    assert orders == {True, False}
    assert sum(draw_traits(0, index).stress_first for index in range(16)) == 8


def test_subject_names_skip_those_wesad_lacks():
    """S2 to S11, S13 to S17, and on from S18."""
    names = [subject_name(index) for index in range(17)]
    assert names == [f"S{n}" for n in (*range(2, 12), *range(13, 18), 18, 19)]


def test_same_seed_same_bytes_whatever_the_company(tmp_path):
    """A subject is the same file whatever the number of subjects and processes; another seed gives another one."""
    alone = write_cohort(tmp_path / "a", CohortSettings(1, 3, 0.05), jobs=1)["S2"]
    among = write_cohort(tmp_path / "b", CohortSettings(2, 3, 0.05), jobs=2)
    other = write_cohort(tmp_path / "c", CohortSettings(1, 4, 0.05), jobs=1)["S2"]
    assert list(among) == ["S2", "S3"] == list(find_subjects(tmp_path / "b"))
    assert alone.read_bytes() == among["S2"].read_bytes() != other.read_bytes()
    assert truth_path(alone).read_bytes() == truth_path(among["S2"]).read_bytes()


def test_leaving_channels_out_does_not_change_the_others():
    """A channel made alone equals the one made with all others."""
    everything, _ = simulate_subject(0, 0, 0.05, CHANNELS)
    alone, _ = simulate_subject(0, 0, 0.05, ("chest/EDA",))
    assert list(alone.chest) == ["EDA"] and alone.wrist == {}
    assert np.array_equal(alone.chest["EDA"].values, everything.chest["EDA"].values)


def test_truth_lies_beside_the_pickle_without_objects(tmp_path):
    """The truth file says that it is virtual and holds beats, breaths, responses and traits as plain arrays."""
    path = write_cohort(tmp_path, CohortSettings(1, 0, 0.05))["S2"]
    with np.load(path.with_name("S2_truth.npz"), allow_pickle=False) as arrays:
        truth = {name: arrays[name] for name in arrays.files}
    assert str(truth["source"]) == "virtual" and "ynthetic" in str(truth["synthetic"])
    assert read_subject(path).source == "virtual"
    duration = read_subject(path).duration_s
    for name in ("beats_s", "breath_peak_s", "scr_onset_s"):
        assert len(truth[name]) > 10 and (np.diff(truth[name]) > 0).all() and truth[name].max() <= duration
    assert len(truth["scr_onset_s"]) == len(truth["scr_chest_amplitude_us"]) == len(truth["scr_wrist_amplitude_us"])
    assert truth["trait_heart_rate"].shape == truth["states"].shape == (5,)
    # A whole session's mean rate lies among the rates that were set.
    mean = 60 / np.diff(truth["beats_s"]).mean()
    assert truth["trait_heart_rate"].min() - 5 < mean < truth["trait_heart_rate"].max() + 5


def test_finished_subjects_are_kept_and_others_made_anew(tmp_path):
    """A second run touches nothing, a run with another seed replaces, a lost truth file has its subject made again."""
    settings, steps = CohortSettings(2, 0, 0.05), []
    paths = write_cohort(tmp_path, settings, jobs=1)
    before = [path.stat().st_mtime_ns for path in paths.values()]
    write_cohort(tmp_path, settings, jobs=1, on_step=lambda done, total: steps.append((done, total)))
    assert steps == [(2, 2)]
    assert before == [path.stat().st_mtime_ns for path in paths.values()]
    first = paths["S2"].read_bytes()
    truth_path(paths["S2"]).write_bytes(b"damaged")
    write_cohort(tmp_path, settings, jobs=1)
    assert paths["S2"].read_bytes() == first and read_truth(paths["S2"]) is not None
    write_cohort(tmp_path, CohortSettings(1, 1, 0.05), jobs=1)
    assert paths["S2"].read_bytes() != first


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_can_be_stopped_between_subjects(tmp_path, jobs):
    """An exception from the callback ends the work; finished subjects stay and no part of a file is left."""

    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_cohort(tmp_path, CohortSettings(12, 0, 0.05), jobs=jobs, on_step=stop)
    assert 1 <= len(find_subjects(tmp_path)) < 12
    assert not list(tmp_path.rglob("*.part*"))


def test_a_recording_is_never_overwritten(tmp_path):
    """A pickle that no simulator made stops the command with its name."""
    recording, _ = simulate_subject(0, 0, 0.05, ("chest/ECG", "chest/EDA", "chest/Resp"))
    path = tmp_path / "S2" / "S2.pkl"
    write_subject(type(recording)(**{**vars(recording), "source": "recorded"}), path)
    before = path.read_bytes()
    with pytest.raises(RequestError, match=r"S2\.pkl: this is a recording"):
        write_cohort(tmp_path, CohortSettings(2, 0, 0.05), jobs=1)
    assert path.read_bytes() == before


@pytest.mark.parametrize("wrong", [{"subjects": 0}, {"minutes_scale": 0.0}, {"minutes_scale": 50}, {"seed": -1}])
def test_settings_out_of_range_are_named(wrong):
    """No subjects, no minutes, or a negative seed end in a plain message."""
    with pytest.raises(RequestError):
        CohortSettings(**wrong)
