"""Controls: each is wrong in exactly the way it says."""

import numpy as np
import pytest

from making.windows import toy_windows
from physiosynth.families.wearable.scores.controls import (
    CONTROLS,
    pairing,
    phase_randomised,
    shuffled_pairing,
    shuffled_states,
    swapped_channels,
    white_noise,
)


@pytest.fixture(scope="module")
def windows():
    return toy_windows(5)


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_fixed_by_its_seed_and_keeps_its_size(name, windows):
    """The same seed gives the same windows, and there are as many as before, under the control's name."""
    made = CONTROLS[name](windows, 7)
    assert len(made) == len(windows) and made.source == name
    assert made.sha256() == CONTROLS[name](windows, 7).sha256() != windows.sha256()


def test_noise_has_the_mean_and_spread_and_no_memory(windows):
    """Per channel, mean and SD over the set are kept to a few percent and neighbours do not correlate."""
    made = white_noise(windows, 0)
    for name in ("ECG", "EDA", "Resp"):
        real, noise = windows.channel(name), made.channel(name)
        assert noise.mean() == pytest.approx(float(real.mean()), abs=0.1 * float(real.std()))
        assert noise.std() == pytest.approx(float(real.std()), rel=0.1)
        assert abs(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]) < 0.08


def test_randomised_phases_keep_every_spectrum(windows):
    """Each window's power spectrum, mean and variance stay; the signal does not."""
    made = phase_randomised(windows, 0)
    for name in ("ECG", "EDA", "Resp"):
        real, other = windows.channel(name).astype(float), made.channel(name).astype(float)
        powers = [np.abs(np.fft.rfft(rows, axis=1)) for rows in (real, other)]
        assert powers[1] == pytest.approx(powers[0], rel=1e-3, abs=1e-2)
        assert (
            abs(
                np.corrcoef(
                    (real - real.mean(1, keepdims=True)).ravel(), (other - other.mean(1, keepdims=True)).ravel()
                )[0, 1]
            )
            < 0.3
        )


def test_partners_are_others_of_the_same_state(windows):
    """Nobody is paired with itself, no partner is used twice, and the state is the same."""
    partner = pairing(windows.states, 1)
    assert (partner != np.arange(len(windows))).all() and len(set(partner)) == len(windows)
    assert (windows.states[partner] == windows.states).all()
    assert pairing(np.array(["stress", "baseline", "baseline"]), 0).tolist() == [0, 2, 1]


def test_shuffled_pairs_keep_every_channel(windows):
    """ECG stays in place; Resp and EDA are the same rows in another order, each within its state."""
    made = shuffled_pairing(windows, 2)
    assert np.array_equal(made.ecg, windows.ecg) and not (made.resp == windows.resp).all(axis=1).any()
    for state in windows.present_states:
        for name in ("EDA", "Resp"):
            rows = [np.sort(each.of_state(state).channel(name), axis=0) for each in (windows, made)]
            assert np.array_equal(*rows)


def test_shuffled_states_keep_windows_and_counts(windows):
    """Signals are untouched, each state is as frequent, and many windows have another one."""
    made = shuffled_states(windows, 3)
    assert np.array_equal(made.ecg, windows.ecg)
    assert sorted(made.states) == sorted(windows.states)
    assert np.mean(made.states == windows.states) < 0.6


def test_wrong_wiring(windows):
    """EDA and Resp change places and the ECG its sign."""
    made = swapped_channels(windows)
    assert np.array_equal(made.eda, windows.resp) and np.array_equal(made.resp, windows.eda)
    assert np.array_equal(made.ecg, -windows.ecg)
