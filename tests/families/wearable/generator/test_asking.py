"""Rates asked of a generator: what it takes, what it refuses, and what the files say of them."""

import numpy as np
import pytest

from making.bundles import tiny, tiny_bundle
from physiosynth.errors import BundleError, RequestError
from physiosynth.families.wearable.generator.generator import Targets, WESADGenerator

RANGES = {"stress": {"heart_rate": [62.0, 124.0], "breathing_rate": [9.0, 22.0]}, "baseline": {"heart_rate": [54, 93]}}


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    return WESADGenerator.from_bundle(tiny_bundle(tmp_path_factory.mktemp("asked") / "b", target_ranges=RANGES))


def test_a_rate_asked_for_changes_the_windows_and_stands_in_their_provenance(generator):
    """The same seed with and without a heart rate gives different beats; the batch says what was asked."""
    plain = generator.sample_batch("stress", 2, seed=1)
    asked = generator.sample_batch("stress", 2, seed=1, targets=Targets(heart_rate=110))
    assert plain.provenance.targets == {} and asked.provenance.targets == {"heart_rate": 110.0}
    assert not np.array_equal(plain.ecg, asked.ecg)
    assert "heart_rate" in str(asked.provenance.to_dict()["targets"])


def test_asking_for_nothing_is_the_plain_request(generator):
    """An empty Targets draws the very windows that none draws."""
    assert np.array_equal(
        generator.sample_batch("stress", 1, seed=1).ecg, generator.sample_batch("stress", 1, 1, targets=Targets()).ecg
    )


@pytest.mark.parametrize(
    "state, targets, words",
    [
        ("stress", Targets(heart_rate=200), "expected 62 to 124 /min.*found 200"),
        ("baseline", Targets(heart_rate=110), "expected 54 to 93 /min"),
        ("baseline", Targets(breathing_rate=12), "take no breathing rate"),
    ],
)
def test_what_the_weights_cannot_give_is_refused_with_the_range(generator, state, targets, words):
    """Nothing is drawn outside what the model has seen of a state."""
    with pytest.raises(RequestError, match=words):
        generator.sample_batch(state, 1, targets=targets)


@pytest.mark.parametrize("value", ["fast", True, -1, float("nan"), 1000])
def test_a_rate_is_a_number_a_minute(value):
    """Text, truth values and impossible rates are told as such."""
    with pytest.raises(RequestError, match="expected a rate per minute"):
        Targets(heart_rate=value)


def test_published_weights_take_no_rates(tmp_path):
    """They have no input for one."""
    generator = WESADGenerator.from_bundle(tiny_bundle(tmp_path / "b", tiny("published"), target_ranges=RANGES))
    with pytest.raises(RequestError, match="take no heart rate"):
        generator.sample_batch("stress", 1, targets=Targets(heart_rate=80))


def test_ranges_that_are_no_ranges_are_the_bundles_fault(tmp_path):
    """A manifest with a number in the place of a range is refused when it is loaded."""
    with pytest.raises(BundleError, match="target_ranges"):
        WESADGenerator.from_bundle(tiny_bundle(tmp_path / "b", target_ranges={"stress": {"heart_rate": 80}}))
