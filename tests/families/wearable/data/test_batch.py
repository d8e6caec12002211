"""A batch of windows: one time axis for both streams, windows taken out, and what does not fit together."""

import numpy as np
import pytest

from making.signals import make_batch
from physiosynth.errors import ChannelError, RequestError
from physiosynth.families.wearable.data.batch import SignalBatch


@pytest.fixture(scope="module")
def batch():
    """Three windows, numbered 5 to 7."""
    return make_batch()


def test_fused_windows_keep_channels_and_times_apart(batch):
    """[ECG, Resp, EDA] at 5250 samples: ECG untouched, the low channels linear between their samples, the last held."""
    fused = batch.fused()
    assert fused.shape == (3, 5250, 3) and fused.dtype == np.float32
    assert np.array_equal(fused[..., 0], batch.ecg[..., 0])
    seconds = np.minimum(np.arange(5250) / 175, 29.75)
    np.testing.assert_allclose(fused[1, :, 2], 3 + 0.01 * seconds, atol=1e-5)  # EDA of window 1 is a line
    np.testing.assert_allclose(fused[1, ::175, 1], np.cos(np.arange(30)), atol=1e-6)


def test_the_short_fused_form_does_not_alias_the_ecg():
    """At 4 Hz a 1 Hz wave stays, and one of 3.9 Hz, which would fold back to 0.1 Hz, is gone."""
    batch = make_batch(1)
    seconds = np.arange(5250) / 175
    for hz, kept in ((1.0, True), (3.9, False)):
        ecg = np.sin(2 * np.pi * hz * seconds)[None, :, None].astype(np.float32)
        fused = SignalBatch(ecg, batch.low, batch.conditions, batch.provenance).fused(120)
        assert fused.shape == (1, 120, 3)
        inner = fused[0, 8:-8, 0]
        if kept:
            np.testing.assert_allclose(inner, np.sin(np.pi / 2 * np.arange(120))[8:-8], atol=0.05)
        else:
            assert np.abs(inner).max() < 0.05
    assert np.array_equal(fused[0, :, 1:], batch.low.ordered("Resp", "EDA")[0])
    with pytest.raises(RequestError, match="5250 or 120"):
        batch.fused(1000)


def test_a_window_taken_out_keeps_its_number_and_company_does_not_stay(batch):
    """window(1) of windows 5 to 7 is number 6 with its own condition and beats."""
    one = batch.window(1)
    assert (len(one), one.indices, one.conditions, one.provenance.first_window) == (1, (6,), ("baseline",), 6)
    assert np.array_equal(one.ecg[0], batch.ecg[1]) and np.array_equal(one.beats[0], batch.beats[1])
    with pytest.raises(RequestError, match="choose 0 to 2"):
        batch.window(3)


def test_a_batch_whose_parts_do_not_fit_is_refused(batch):
    """An ECG of another length, or one condition too few, is no batch."""
    with pytest.raises(ChannelError, match="Expected 3 windows"):
        SignalBatch(batch.ecg[:, :100], batch.low, batch.conditions, batch.provenance)
    with pytest.raises(ChannelError, match="Expected 2 windows"):
        SignalBatch(batch.ecg, batch.low, batch.conditions[:2], batch.provenance)


def test_the_notice_names_the_origin_and_the_kind_of_eda():
    """Simulated data is called that, and a phasic EDA too."""
    assert "simulated data" in make_batch().provenance.notice
    assert "phasic" not in make_batch().provenance.notice
    assert "phasic" in make_batch(eda="phasic").provenance.notice
