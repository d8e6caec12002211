"""One frozen value says what is to be drawn, and one call draws it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from making.bundles import tiny_bundle
from physiosynth.errors import ConditionError, RequestError
from physiosynth.families.wearable.generator.generator import Sampling, Targets, WESADGenerator
from physiosynth.families.wearable.generator.request import Request

FEW = Sampling(low_steps=3, ecg_steps=3)
RANGES = {"stress": {"heart_rate": [62.0, 124.0]}}


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """Small coupled networks."""
    return WESADGenerator.from_bundle(tiny_bundle(tmp_path_factory.mktemp("request") / "b", target_ranges=RANGES))


def assert_same(one, other):
    """The same windows of the same states, with one provenance but for the time."""
    assert np.array_equal(one.ecg, other.ecg) and np.array_equal(one.low.values, other.low.values)
    assert replace(one.provenance, created="") == replace(other.provenance, created="")


def test_a_request_its_fields_and_the_older_calls_draw_the_same_windows(generator):
    """sample(Request), sample(fields), generate_dataset, sample_batch and sample_one are one door."""
    request = Request(("stress", "baseline"), (2, 1), seed=5, sampling=FEW)
    drawn = generator.sample(request)
    assert drawn.conditions == ("stress", "stress", "baseline") and drawn.indices == (0, 1, 0)
    assert_same(drawn, generator.sample({"stress": 2, "baseline": 1}, seed=5, sampling=FEW))
    assert_same(drawn, generator.generate_dataset({"stress": 2, "baseline": 1}, 5, FEW))
    numbered = generator.sample("stress", 2, 5, first_window=7, sampling=FEW)
    assert_same(numbered, generator.sample_batch("stress", 2, 5, FEW, first_window=7))
    assert_same(generator.sample(2, sampling=FEW), generator.sample_one("stress", sampling=FEW))


def test_a_rate_is_requested_by_its_name(generator):
    """heart_rate=100 is Targets(heart_rate=100)."""
    by_name = generator.sample("stress", seed=1, heart_rate=100, sampling=FEW)
    assert_same(by_name, generator.sample_batch("stress", 1, 1, FEW, targets=Targets(heart_rate=100)))
    assert by_name.provenance.targets == {"heart_rate": 100.0}


@pytest.mark.parametrize(
    "request_", [Request.of("stress", 4), Request.of({"stress": 8, 1: 4}, seed=9, sampling=FEW, heart_rate=80)]
)
def test_a_request_survives_json(request_):
    """Every field comes back from text."""
    assert Request.from_dict(json.loads(json.dumps(request_.to_dict()))) == request_


def test_settings_beside_a_request_are_refused(generator):
    """A seed next to a request would be one of two seeds."""
    with pytest.raises(RequestError, match="found seed beside it"):
        generator.sample(Request.of("stress"), seed=1)


@pytest.mark.parametrize(
    ("states", "settings", "error"),
    [
        ((), {}, ConditionError),
        (("stress", "Stress"), {}, ConditionError),
        ("bored", {}, ConditionError),
        ({"stress": 1}, {"windows": 2}, RequestError),
        ("stress", {"windows": 0}, RequestError),
        ("stress", {"windows": 1.5}, RequestError),
        ("stress", {"windows": 10**12}, RequestError),
        ({"stress": 1, "baseline": -1}, {}, RequestError),
        ("stress", {"seed": -1}, RequestError),
        ("stress", {"first_window": -1}, RequestError),
        ("stress", {"heart_rate": 390}, RequestError),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(generator, states, settings, error):
    """Each ends in an error that says what was expected and found."""
    with pytest.raises(error, match=r"xpected|found|Choose|Give"):
        generator.sample(states, **settings)


def test_not_as_many_numbers_as_states_is_refused():
    """(8, 4) belongs to two states."""
    with pytest.raises(RequestError, match="Expected 1 numbers"):
        Request(("stress",), (8, 4))
