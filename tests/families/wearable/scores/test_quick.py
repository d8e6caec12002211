"""The quick judgement: it passes good windows, names what is broken, and says how rough it is."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from making.people import as_synthetic, cohort
from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.data.reference import RealWindows
from physiosynth.families.wearable.scores.controls import shuffled_pairing, white_noise
from physiosynth.families.wearable.scores.glance import glance
from physiosynth.families.wearable.scores.quick import YardstickCache, judge
from physiosynth.families.wearable.scores.strangers import EACH, strangers
from physiosynth.families.wearable.signals import CONDITIONS, LOW_CHANNELS, LOW_HZ
from physiosynth.signals import NamedSignals


def as_reference(windows, source="recorded") -> RealWindows:
    low = NamedSignals(np.stack([windows.eda, windows.resp], axis=2), LOW_CHANNELS, LOW_HZ)
    return RealWindows(
        windows.ecg[..., None], low, tuple(windows.states), source, windows.eda_kind, tuple(windows.subjects)
    )


@pytest.fixture(scope="module")
def people():
    return cohort(range(4), 3)


@pytest.fixture(scope="module")
def reference(people):
    return as_reference(people)


@pytest.fixture(scope="module")
def good(reference):
    """What is said of windows of the same people."""
    return judge(as_synthetic(cohort(range(4), 3, seed=5)), reference, repeats=4)


def line(look, name):
    return next(each for each in look.lines() if each.name == name)


def test_new_windows_of_the_same_people_are_trusted(good, reference):
    """Over three draws, most figures come out as the reference's, one in twenty as broken at most."""
    cache = YardstickCache()
    others = [
        judge(as_synthetic(cohort(range(4), 3, seed=seed)), reference, repeats=4, yardsticks=cache) for seed in (7, 8)
    ]
    levels = [each.level for look in (good, *others) for each in look.lines()]
    assert {look.verdict for look in (good, *others)} == {"good"}
    assert levels.count("poor") <= 0.05 * len(levels) and levels.count("good") > 0.6 * len(levels)
    assert {each.group for each in good.lines()} == {"physiology", "coupling", "spectra", "distributions"}


def test_noise_is_not_trusted_and_the_reasons_are_named(people, reference):
    """White noise is as far off as its control in heart rate, beats and spectra."""
    look = judge(as_synthetic(white_noise(people, 3)), reference, repeats=4)
    assert look.verdict == "poor"
    assert line(look, "Heart rate").level == "poor" and line(look, "Heart rate").place > 0.7
    named = {found.about for found in look.discrepant}
    assert {"Mean beat", "RMSSD (beat-to-beat variability)", "ECG (spectrum and autocorrelation)"} <= named


def test_windows_whose_channels_were_exchanged_fail_in_coupling_alone(people, reference):
    """The same signals paired at random keep their spectra and lose what ties the heart to the breath."""
    look = judge(as_synthetic(shuffled_pairing(people, 4)), reference, repeats=4)
    assert line(look, "HR-respiration coherence: magnitude").level == "poor"
    assert line(look, "ECG: spectrum").level == "good" and line(look, "Heart rate").level == "good"


def test_each_line_has_its_floor_and_control_in_order(good):
    """On the common scale the floor begins at 0, the control is 1, and the floor's end lies between."""
    rate = line(good, "Heart rate")
    assert rate.floor <= rate.edge < rate.control and 0 <= rate.floor_place < 0.6
    assert rate.control_name == "white noise" and "unit" not in rate.unit


def test_it_says_how_rough_few_windows_make_it(good):
    """The sentence holds the counts and what halves of reference windows differ by; fewer windows differ by more."""
    assert "At most 12 synthetic and 12 reference windows per state, 4 random halves" in good.rough
    assert "differ by 0." in good.rough and "no proof" in good.rough


def test_one_state_is_judged_alone(people, reference):
    """A run of one state is held against that state; what needs several is left out."""
    look = judge(as_synthetic(cohort(range(4), 3, seed=6)).of_state("stress"), reference, repeats=2)
    assert look.states == ("stress",) and not any(each.name == "Effects of stress" for each in look.lines())


def test_what_the_reference_has_not_is_not_judged(people, reference):
    """Without EDA no line needs it, and where the size of the respiration was set none tells that; both are said."""
    low = reference.low.values.copy()
    low[..., LOW_CHANNELS.index("EDA")] = 0
    lacking = replace(reference, low=replace(reference.low, values=low), missing=("EDA",), scaled=("Resp",))
    look = judge(as_synthetic(people), lacking, repeats=2)
    parts = {(row.score, row.part) for row in look.table.rows}
    assert not {part for _, part in parts} & {"EDA", "tonic_level", "scr_rate", "scr_heart", "breath_depth"}
    assert ("value_ks", "ECG") in parts and ("acf_similarity", "Resp") in parts and ("value_ks", "Resp") not in parts
    assert "The reference has no EDA" in look.rough and "amplitude of Resp was set" in look.rough


def test_states_that_the_reference_lacks_are_refused_in_words(people):
    """No common state: the error names what is there."""
    only = as_reference(people.of_state("baseline"))
    with pytest.raises(EvaluationError, match="windows of stress, found baseline"):
        judge(as_synthetic(people).of_state("stress"), only)


def test_a_yardstick_is_measured_once(reference):
    """The same reference gives the same yardstick, another one another; the oldest makes room."""
    cache, other = YardstickCache(most=1), as_reference(cohort(range(4), 3, seed=9))
    first = cache.get(reference)
    assert cache.get(replace(reference)) is first
    assert cache.get(other) is not first and cache.get(other) is cache.get(other)
    assert cache.get(reference) is not first


def test_what_is_measured_of_a_recording_goes_with_its_cache(people):
    """Whoever holds the cache holds what was measured of the windows, and nobody else does."""
    cache = YardstickCache()
    there = weakref.ref(cache.get(as_reference(people, "imported")))
    gc.collect()
    assert there() is not None
    del cache
    gc.collect()
    assert there() is None


def test_progress_can_cancel(reference):
    """What the callback raises ends the judgement."""

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(as_synthetic(cohort([8], 4)), reference, on_step=stop)


def test_strangers_are_new_people_in_every_state():
    """Each simulated person gives windows of all states, always the same, within what bodies do."""
    few = strangers(2)
    assert sorted(set(few.subjects)) == ["stranger 1", "stranger 2"] and few.source == "virtual"
    assert all((few.states == state).sum() == 2 * EACH for state in CONDITIONS)
    assert few.sha256() == strangers(2).sha256()
    assert 0.3 < np.abs(few.ecg).max() < 5 and 0 < few.eda.min() and few.eda.max() < 60


def test_strangers_are_refused_beside_a_phasic_reference(reference):
    """Simulated people have a tonic level, which a phasic recording has lost."""
    with pytest.raises(EvaluationError, match="phasic"):
        YardstickCache().get(replace(reference, eda="phasic"), of_strangers=True)


def test_a_glance_tells_noise_from_people(people, reference):
    """Good windows lie within the floors, noise far outside; too few windows have no figure."""
    good = glance(as_synthetic(cohort(range(4), 3, seed=5)), reference)
    noise = glance(as_synthetic(white_noise(people, 3)), reference)
    assert good["spectra"].within and good["clean"].value > 0.8
    assert noise["measurements"].value > 2 * good["measurements"].value and not noise["measurements"].within
    assert noise["clean"].value == 0
    assert np.isnan(glance(as_synthetic(people.take([0, 1])), reference)["spectra"].value)
