"""Presets and the flags that override them."""

from dataclasses import fields

import click
import pytest

from physiosynth.commands.training import PRESETS, SETTINGS, chosen_settings, settings_options
from physiosynth.errors import TrainingError
from physiosynth.families.wearable.training.settings import TrainSettings, preset_names, read_preset


def chosen(*words: str) -> TrainSettings:
    """What the training commands make of these words."""
    given = settings_options(click.Command("train", callback=None)).make_context("train", list(words)).params
    return chosen_settings(given.pop("preset"), {name: given[name] for name, *_ in SETTINGS})


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_says_how_long_and_can_be_used(name):
    """smoke, demo and full hold settings that the trainer knows, with a number of steps."""
    assert TrainSettings.from_dict(read_preset(name)).total_steps


def test_presets_grow_from_smoke_to_full():
    """Each preset trains longer than the one before it."""
    assert preset_names() == PRESETS == ("smoke", "demo", "full", "polish")
    lengths = [read_preset(name)["total_steps"] for name in ("smoke", "demo", "full")]
    assert lengths == sorted(set(lengths))


def test_polishing_trains_the_networks_of_a_full_run():
    """The widths agree, so that its milestone can be started from; beats are varied."""
    full, polish = (TrainSettings.from_dict(read_preset(name)) for name in ("full", "polish"))
    assert polish.build_architecture(4) == full.build_architecture(4)
    assert polish.beat_variation > 0 == full.beat_variation


def test_flags_override_a_preset_and_the_rest_of_it_holds():
    """--preset full --batch-size 8 trains in batches of 8, and all else is the preset's."""
    settings, full = chosen("--preset", "full", "--batch-size", "8"), TrainSettings.from_dict(read_preset("full"))
    assert settings.batch_size == 8 != full.batch_size
    assert settings == TrainSettings.from_dict({**full.to_dict(), "batch_size": 8})


def test_a_file_is_taken_for_a_preset(tmp_path):
    """A path to a TOML file of one's own is read like a preset."""
    path = tmp_path / "mine.toml"
    path.write_text("total_steps = 5\nlearning_rate = 1 # a whole number will do\n")
    settings = chosen("--preset", str(path))
    assert (settings.total_steps, settings.learning_rate, settings.batch_size) == (5, 1, TrainSettings().batch_size)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("batchsize = 3", "mine.toml: .*batchsize.*There are .*batch_size"),
        ('batch_size = "three"', "batch_size='three'"),
        ("batch_size = true", "batch_size=True"),
        ("batch_size = 0", "batch_size=0"),
        ("batch_size = ", "mine.toml cannot be read as TOML"),
    ],
)
def test_a_preset_that_cannot_be_used_is_refused_with_its_name_and_reason(tmp_path, text, told):
    """Unknown keys (with the known ones), wrong kinds of value and broken files raise TrainingError."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=told):
        read_preset(str(path))


def test_a_preset_that_is_not_there_is_told_with_those_that_are():
    """A misspelt name answers with the presets there are."""
    with pytest.raises(TrainingError, match="smoke, demo, full"):
        read_preset("fulll")


def test_every_setting_has_a_flag():
    """No setting can be reached by a file alone."""
    assert {field.name for field in fields(TrainSettings)} == {name for name, *_ in SETTINGS}
