"""What a run leaves for those who watch it."""

import csv

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from making.folds import BREATHING_RATE, HEART_RATE, SMALL, same, small, weights
from physiosynth.families.wearable.signals import CONDITIONS, ECG_STEPS, LOW_CHANNELS, LOW_HZ, LOW_STEPS
from physiosynth.families.wearable.training.samples import StateWindows, draw_panel, drawn, rates_of
from physiosynth.families.wearable.training.task import trainer_of
from physiosynth.signals import NamedSignals
from physiosynth.training.plan import SAMPLING_SHARE, Plan

WATCHED = small(sample_every=1, sample_windows=2, total_steps=4, validate_every=2)


@pytest.fixture(scope="module")
def watched(fold, tmp_path_factory):
    """A run that drew windows at both of its validations, and the random state it was started with."""
    out = tmp_path_factory.mktemp("watched")
    trainer_of(fold, out, WATCHED).run()
    return out


def rows(path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open()))


def test_drawn_windows_stand_beside_validation_windows_of_their_state(watched):
    """samples.csv has a row a state and validation; the recorded rates are those the toy windows were made with."""
    found = rows(watched / "samples.csv")
    assert [(row["step"], row["state"]) for row in found] == [(s, state) for s in "24" for state in CONDITIONS]
    assert {row["windows"] for row in found} == {row["val_windows"] for row in found} == {"2"}
    for row in found:
        assert float(row["val_heart_rate"]) == pytest.approx(HEART_RATE, abs=0.5)
        assert float(row["val_breathing_rate"]) == pytest.approx(BREATHING_RATE, abs=1)


def test_drawing_changes_nothing_of_the_training(fold, watched, tmp_path):
    """A run that draws ends with the weights of one that does not."""
    trainer_of(fold, tmp_path, small(sample_every=0, total_steps=4, validate_every=2)).run()
    assert same(weights(watched), weights(tmp_path))
    assert not (tmp_path / "samples.csv").exists()


def test_every_drawing_leaves_a_panel_that_is_not_blank(watched):
    """Two pictures, and one of validation windows beside them, with ink in each of three columns."""
    pictures = sorted((watched / "panels").glob("*.png"))
    assert [path.name for path in pictures] == ["step_000002.png", "step_000004.png", "validation.png"]
    for picture in pictures:
        for third in np.array_split(imread(picture)[..., :3], 3, axis=1):
            assert (third < 0.5).any()


def test_tensorboard_reads_back_what_the_tables_say(watched):
    """The events hold the validation losses, rates, learning rate and two pictures, at the steps of the tables."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(watched / "tensorboard"))
    events.Reload()
    log, samples = rows(watched / "log.csv"), rows(watched / "samples.csv")
    for name, column in (("val/total", "val_total"), ("learning_rate",) * 2, ("gradient_norm",) * 2):
        told = [(event.step, pytest.approx(event.value, rel=1e-4)) for event in events.Scalars(name)]
        assert [(int(row["step"]), float(row[column])) for row in log] == told
    stress = [float(row["heart_rate"]) for row in samples if row["state"] == "stress"]
    assert [e.value for e in events.Scalars("heart_rate/stress")] == pytest.approx(stress, rel=1e-4, nan_ok=True)
    assert [image.step for image in events.Images("samples")] == [2, 4]


def test_rows_that_a_killed_run_lost_are_not_written_twice(fold, tmp_path):
    """Rows beyond the saved step, and half a row, are gone after the run has gone on; each step is there once."""

    def stop(progress) -> None:
        if progress.step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer_of(fold, tmp_path, SMALL).run(on_step=stop)
    log = tmp_path / "log.csv"
    kept = log.read_text().splitlines()
    log.write_text("\n".join([*kept, kept[1].replace("3,", "6,", 1), kept[1][:9]]))
    trainer_of(fold, tmp_path, SMALL).run()
    assert log.read_text().splitlines()[:2] == kept
    assert [row["step"] for row in rows(log)] == ["3", "6", "8"]
    assert rows(log)[1]["val_total"] != rows(log)[0]["val_total"]


def test_windows_without_beats_or_numbers_have_no_rate_and_can_be_drawn():
    """What early weights draw must not end a run."""
    ecg = np.zeros((2, ECG_STEPS))
    ecg[1] = np.nan
    low = NamedSignals(np.full((2, LOW_STEPS, 2), np.nan), LOW_CHANNELS, LOW_HZ)
    windows = StateWindows("stress", ecg, low)
    rates = rates_of(windows)
    assert np.isnan([rates.heart_rate, rates.breathing_rate]).all()
    assert draw_panel([windows], "nothing").dtype == np.uint8


def test_drawing_is_planned_for_its_share_of_the_time():
    """Windows that cost 10 s are drawn so seldom that the steps between take 33 times as long."""
    plan = Plan("fp32", 1000, seconds_a_step=0.5)
    every = plan.choose_sample_every(10.0, validate_every=100)
    assert every == 7
    assert 10.0 <= SAMPLING_SHARE * every * 100 * plan.seconds_a_step
    assert plan.choose_sample_every(0.1, validate_every=100) == 1


def test_windows_depend_on_the_weights_alone(fold, watched):
    """Drawn twice they are the same, and the process's own random state is left alone."""
    trainer = trainer_of(fold, watched, WATCHED)
    before = torch.get_rng_state()
    one, other = (
        drawn(trainer.average.module, trainer.task.data["val"], ["stress"], 1, trainer.device)[0] for _ in range(2)
    )
    assert np.array_equal(one.ecg, other.ecg) and np.array_equal(one.low.values, other.low.values)
    assert torch.equal(before, torch.get_rng_state())
