"""What a provenance holds is enough to draw the same signals again."""

import json
from dataclasses import replace

import numpy as np
import pytest

from making.bundles import tiny_bundle
from physiosynth.errors import BundleError, CalibrationError, RecordingError, RequestError
from physiosynth.families.wearable.data.batch import Provenance, Sampling, Targets, joined
from physiosynth.families.wearable.data.synthetic_recording import Stretch
from physiosynth.families.wearable.export import read
from physiosynth.families.wearable.generator.amplitude_matching import AmplitudeMatcher
from physiosynth.families.wearable.generator.drawing import made_with
from physiosynth.families.wearable.generator.generator import WESADGenerator
from physiosynth.families.wearable.generator.reproducing import compare, reproduce
from places import FIXTURES

ASKED = Sampling(low_steps=3, ecg_steps=2, low_guidance=0.0)


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """Tiny coupled networks that take a heart rate in stress."""
    root = tiny_bundle(tmp_path_factory.mktemp("again") / "bundle", target_ranges={"stress": {"heart_rate": [60, 120]}})
    return WESADGenerator.from_bundle(root, "cpu")


def through_json(signals):
    """The provenance as a file gives it back."""
    return Provenance.from_dict(json.loads(json.dumps(signals.provenance.to_dict())))


def assert_same(one, other):
    """Bit for bit, beats, labels and numbers included."""
    assert np.array_equal(one.ecg, other.ecg) and np.array_equal(one.low.values, other.low.values)
    assert all(np.array_equal(a, b) for a, b in zip(one.beats, other.beats, strict=True))
    assert (one.provenance.conditions, one.provenance.indices) == (
        other.provenance.conditions,
        other.provenance.indices,
    )


def test_windows_of_several_states_are_drawn_again(generator):
    """Each state counts its own windows from 0; steps and guidance that were asked for come back."""
    batch = generator.generate_dataset({"baseline": 2, "stress": 1}, seed=5, sampling=ASKED)
    assert through_json(batch).indices == (0, 1, 0)
    assert_same(reproduce(through_json(batch), generator), batch)


def test_a_run_that_was_stopped_and_windows_picked_out_of_one_are_drawn_again(generator):
    """What is kept knows which windows it has, in their order."""
    parts = []
    generator.sample_batch("stress", 10, seed=5, on_windows=parts.append, first_window=3)
    for kept in (joined(parts[:1]), joined(parts).take([7, 2])):
        assert_same(reproduce(through_json(kept), generator), kept)


def test_rates_that_were_asked_for_are_asked_for_again(generator):
    """So is the guidance that a rate brings along."""
    batch = generator.sample_batch("stress", 1, seed=5, targets=Targets(heart_rate=100.0))
    assert batch.provenance.sampling["low"]["guidance"] == 2.0
    assert_same(reproduce(through_json(batch), generator), batch)


@pytest.fixture(scope="module")
def matcher(generator):
    """Targets of both states, from other windows of the model."""
    reference = generator.generate_dataset({"baseline": 2, "stress": 2}, seed=6)
    return AmplitudeMatcher.from_real(reference.fused(), reference.conditions, "full", "windows of a test")


def test_matched_windows_are_matched_again_without_the_reference(generator, matcher):
    """Targets and maps travel along, so nothing is measured again; windows cut out of a recording are no exception."""
    batch = matcher.apply(generator.generate_dataset({"baseline": 3, "stress": 2}, seed=5), generator)
    assert batch.provenance.calibration["sha256"] == matcher.sha256
    cut = generator.sample_recording((Stretch("baseline", 65),), seed=5).windows(after_s=5)
    for kept in (batch, batch.take([3, 0]), matcher.apply(cut, generator)):
        assert_same(reproduce(through_json(kept), generator), kept)


def test_windows_that_version_0_1_0_matched_in_company_are_drawn_again():
    """A file of two windows out of four, whose maps were measured on all four: they are measured there again."""
    stored = read(FIXTURES / "matched_0_1_0.npz")
    generator = WESADGenerator.from_bundle("default", "cpu")
    assert len(stored.provenance.calibration["together"]["indices"]) == 4
    found = compare(stored, reproduce(stored.provenance, generator))
    if made_with(generator.device) == stored.provenance.made_with:
        assert found.identical, found.words
    assert max(found.difference.values()) < 0.1, found.words  # the rest is left to other processors


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c.pop("maps"),
        lambda c: c.update(maps=[]),
        lambda c: c["maps"].pop("stress"),
        lambda c: c["maps"].update(stress=1),
        lambda c: c["maps"]["stress"].pop("ecg_gain"),
        lambda c: c["maps"]["stress"]["drawn"].update(eda_sd_us=float("nan")),
        lambda c: c.pop("conditions"),
        lambda c: c.update(together={}, maps=None),
    ],
)
def test_maps_that_cannot_be_are_refused_in_words(generator, matcher, damage):
    """A file's settings are not trusted: what is missing or of another form is one plain error."""
    provenance = through_json(matcher.apply(generator.sample("stress"), generator))
    damage(provenance.calibration)
    with pytest.raises(CalibrationError):
        reproduce(provenance, generator)


def test_a_recording_and_windows_cut_out_of_it_are_drawn_again(generator):
    """Stretches keep their rates; windows know how they were cut."""
    schedule = (Stretch("baseline", 65), Stretch("stress", 40, Targets(heart_rate=90.0)))
    recording = generator.sample_recording(schedule, seed=5, sampling=ASKED)
    assert_same(reproduce(through_json(recording), generator), recording)
    windows = recording.windows(after_s=5).take([1])
    assert_same(reproduce(through_json(windows), generator), windows)


def test_another_bundle_is_refused_with_both_hashes(generator):
    """The message names what the file says and what was found."""
    other = replace(generator.sample_one("stress").provenance, bundle_sha256="f" * 64)
    with pytest.raises(BundleError, match=f"with bundle {'f' * 64}, .* is {generator.info.bundle_sha256}"):
        reproduce(other, generator)


def test_settings_that_cannot_be_are_refused_in_words(generator):
    """Missing and unknown ones, ones of another length, and sampling that no sampler knows."""
    content = generator.sample_one("stress").provenance.to_dict()
    for wrong in ({"bundle": "x"}, {"indices": [0, 1]}, {"conditions": None}):
        with pytest.raises(RecordingError, match="Expected settings with bundle_sha256"):
            Provenance.from_dict({**content, **wrong})
    with pytest.raises(RequestError, match="Expected the sampling of"):
        reproduce(Provenance.from_dict({**content, "sampling": {"low": {}}}), generator)
