"""Recordings longer than a window: schedules, continuity, the same again, and files that say what they are."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from making.bundles import tiny, tiny_bundle
from physiosynth.errors import ConditionError, FoldError, RequestError
from physiosynth.families.wearable.data.batch import Targets
from physiosynth.families.wearable.data.fold_writing import _source
from physiosynth.families.wearable.data.preprocess import Run, prepare
from physiosynth.families.wearable.data.synthetic_recording import Stretch, parse_schedule, schedule_of, write_wesad
from physiosynth.families.wearable.data.wesad import find_subjects, read_subject, write_subject
from physiosynth.families.wearable.export import write
from physiosynth.families.wearable.generator import generator as core
from physiosynth.families.wearable.generator.generator import WESADGenerator
from physiosynth.families.wearable.signals import CHEST_HZ, LOW_CHANNELS, LOW_HZ
from physiosynth.recordings.recording import RecordedChannel, Recording
from physiosynth.signals import NamedSignals

SCHEDULE = (Stretch("baseline", 50), Stretch("stress", 40))


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """Tiny coupled networks that take a heart rate in stress."""
    ranges = {"stress": {"heart_rate": [60, 120]}}
    root = tiny_bundle(tmp_path_factory.mktemp("recording") / "bundle", target_ranges=ranges)
    return WESADGenerator.from_bundle(root, "cpu")


@pytest.fixture(scope="module")
def recording(generator):
    return generator.sample_recording(SCHEDULE, seed=3)


def test_a_schedule_is_read_with_its_rates():
    """States in any case, whole seconds, and rates by name."""
    assert parse_schedule("Baseline:120, stress:60:heart_rate=95:breathing_rate=18") == (
        Stretch("baseline", 120),
        Stretch("stress", 60, Targets(heart_rate=95.0, breathing_rate=18.0)),
    )
    assert schedule_of(None, 300, "stress") == (Stretch("stress", 300),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("baseline", "expected a state, ':' and whole seconds, such as baseline:120"),
        ("baseline:12.5", "expected a state, ':' and whole seconds"),
        ("baseline:120,", "expected a state, ':' and whole seconds"),
        ("baseline:20", "baseline: expected 30 to 21600 whole seconds, found 20"),
        ("stress:60:pulse=90", "'pulse=90' is no rate. Write one of heart_rate"),
        ("stress:60:heart_rate=fast", "'heart_rate=fast' is no rate"),
        ("stress:60:heart_rate=90:heart_rate=80", "is no rate"),
        (",".join(["stress:21600"] * 2), "the schedule has 43200 s"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_in_plain_words(text, message):
    """The message says what was expected and what was found."""
    with pytest.raises(RequestError, match=message):
        schedule_of(text, None, "baseline")


def test_seconds_and_schedule_must_agree_and_states_be_known():
    """A sum that is not the length asked for is named with both numbers."""
    with pytest.raises(RequestError, match="last 180 s together, but 300 s are asked for"):
        schedule_of("baseline:120,stress:60", 300, "baseline")
    with pytest.raises(ConditionError, match="Unknown condition 'bored'"):
        parse_schedule("bored:60")


def test_a_recording_is_as_long_as_its_schedule_and_its_beats_follow_one_another(recording):
    """Both streams last 90 s, each second has its state, and no beat is lost or doubled at a joint."""
    assert recording.seconds == 90 and recording.ecg.shape == (90 * 175,)
    assert recording.low.values.shape == (360, 2)
    assert recording.states.tolist() == ["baseline"] * 50 + ["stress"] * 40
    intervals = np.diff(recording.beats)
    assert len(intervals) > 40 and (intervals > 0.2).all()
    # Beats of untrained networks jitter; a lost phase at a joint would show as an interval of another kind.
    assert intervals.max() < 3 * np.median(intervals)
    assert recording.provenance.schedule[1] == {"condition": "stress", "seconds": 40}


def test_the_same_request_gives_the_same_recording_however_many_cores(generator, recording, monkeypatch):
    """One core or five, the samples are equal to the last bit; another seed is another person."""
    for cores in (1, 5):
        monkeypatch.setattr(core, "available_cores", lambda cores=cores: cores)
        again = generator.sample_recording(SCHEDULE, seed=3)
        assert np.array_equal(again.ecg, recording.ecg) and np.array_equal(again.low.values, recording.low.values)
        assert np.array_equal(again.beats, recording.beats)
    assert not np.array_equal(generator.sample_recording(SCHEDULE, seed=4).ecg, recording.ecg)


def test_progress_never_falls_and_a_callback_can_cancel(generator):
    """Counts rise to their total; an exception from the callback comes out as it was raised."""
    seen = []
    generator.sample_recording(SCHEDULE, on_step=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1] == 2 * (2 * 6 + 2 * 4)  # two guided steps of 6 LOW and 4 ECG windows

    def cancel(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generator.sample_recording(SCHEDULE, on_step=cancel)


def test_rates_are_asked_for_by_stretch_and_checked(generator):
    """A rate reaches its own stretch alone; one outside the trained range is refused with the range."""
    fast = (Stretch("baseline", 60), Stretch("stress", 60, Targets(heart_rate=115.0)))
    assert generator.sample_recording(fast).provenance.schedule[1]["heart_rate"] == 115.0
    with pytest.raises(RequestError, match="heart rate of stress: expected 60 to 120 /min"):
        generator.sample_recording((Stretch("stress", 60, Targets(heart_rate=200.0)),))


def test_weights_that_draw_no_beats_are_refused(tmp_path):
    """Windows without a phase cannot be joined."""
    generator = WESADGenerator.from_bundle(tiny_bundle(tmp_path / "b", tiny("published")))
    with pytest.raises(RequestError, match="windows without beats, which cannot be joined"):
        generator.sample_recording(SCHEDULE)


def test_files_hold_the_recording_and_say_that_it_is_synthetic(recording, tmp_path):
    """NPZ and CSV as of windows, without the axis of windows; the schedule stands in the settings."""
    with np.load(write(recording, tmp_path / "r.npz"), allow_pickle=False) as arrays:
        assert np.array_equal(arrays["ecg"][:, 0], recording.ecg) and arrays["eda"].shape == (360,)
        assert arrays["synthetic"] == "synthetic" and arrays["conditions"].shape == (90,)
        assert json.loads(str(arrays["settings"]))["schedule"][0] == {"condition": "baseline", "seconds": 50}
    table = pd.read_csv(write(recording, tmp_path / "r.csv"), comment="#")
    assert (np.diff(table.time_s) > 0).all() and set(table.window) == {0}
    assert table.condition[table.time_s < 50].unique().tolist() == ["baseline"]
    ecg = table.dropna(subset=["ECG_mV"])
    np.testing.assert_allclose(ecg.time_s, np.arange(90 * 175) / 175, atol=1e-6)
    np.testing.assert_allclose(ecg.ECG_mV, recording.ecg, atol=1e-5)
    assert (tmp_path / "r.csv").read_text().startswith("# synthetic: ")


def test_a_recording_goes_through_the_wesad_layout_and_back(recording, tmp_path):
    """The reader takes the pickle for synthetic, and preprocessing finds the states and the signals where they were."""
    ecg_s, low_s = np.arange(90 * 175) / 175, np.arange(360) / 4
    ecg = np.sin(2 * np.pi * 5 * ecg_s) + 0.5 * np.sin(2 * np.pi * 20 * ecg_s)
    low = np.stack([3 + 0.01 * low_s, np.sin(2 * np.pi * 0.25 * low_s)], -1)
    known = replace(recording, ecg=ecg, low=NamedSignals(low, LOW_CHANNELS, LOW_HZ))
    path = write_wesad(known, tmp_path, "S901")
    assert find_subjects(tmp_path) == {"S901": path}
    subject = read_subject(path)
    assert subject.source == "synthetic" and subject.subject == "S901"
    assert subject.label.tolist() == [1] * 50 * 700 + [2] * 40 * 700
    prepared = prepare(subject)
    assert prepared.source == "synthetic"
    assert prepared.runs == (Run(5, 45, 1), Run(55, 85, 2))
    inner = slice(5 * 175, -5 * 175)  # filters settle at the ends
    np.testing.assert_allclose(prepared.ecg[inner], ecg[inner], atol=0.05)
    np.testing.assert_allclose(prepared.low[40:-40], low[40:-40], atol=0.03)


def test_synthetic_and_recorded_subjects_are_not_put_in_one_fold():
    """A fold says what it holds; one that mixes the two would pass drawn signals off as a person's."""

    def windows(source):
        return SimpleNamespace(subject=f"of {source}", source=source)

    assert _source({"train": [windows("synthetic")]}) == "synthetic"
    assert _source({"train": [windows("recorded"), windows("imported")]}) == "recorded"
    with pytest.raises(FoldError, match=r"recorded subjects \(of recorded\) and synthetic subjects \(of synthetic\)"):
        _source({"train": [windows("synthetic")], "test": [windows("recorded")]})


def test_a_recording_of_a_person_is_never_overwritten(recording, tmp_path):
    """A synthetic subject may be written again; a recorded one, and a name that leads elsewhere, are refused."""
    write_wesad(recording, tmp_path, "S901")
    write_wesad(recording, tmp_path, "S901")
    flat = {name: RecordedChannel(name, np.zeros(7000), 700.0, "mV") for name in ("ECG", "EDA", "Resp")}
    write_subject(Recording("S2", flat, {}, np.ones(7000, np.int32), CHEST_HZ), tmp_path / "S2" / "S2.pkl")
    with pytest.raises(RequestError, match="is not a synthetic subject and would be overwritten"):
        write_wesad(recording, tmp_path, "S2")
    with pytest.raises(RequestError, match="expected letters, digits"):
        write_wesad(recording, tmp_path, "../S3")


def test_windows_of_a_recording_lie_within_one_state(recording):
    """Judges of windows are given stretches of 30 s that no change of state is in."""
    batch = recording.windows()
    assert batch.conditions == ("baseline", "stress")
    assert np.array_equal(batch.ecg[1, :, 0], recording.ecg[50 * 175 : 80 * 175])
    assert (batch.beats[1] >= 0).all() and (batch.beats[1] < 30).all()
