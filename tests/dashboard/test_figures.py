"""Pictures: their sizes, scales and words."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from physiosynth.dashboard.figures import Strip, _set_limits, describe, paper, traces
from physiosynth.signals import ECG_HZ, ECG_STEPS, LOW_HZ, LOW_STEPS


def strip(level: float = 2.0, reference: bool = False) -> Strip:
    time, slow = np.arange(ECG_STEPS) / ECG_HZ, np.arange(LOW_STEPS) / LOW_HZ
    beats = None if reference else np.arange(0.5, 30, 0.8)
    return Strip(
        "Reference" if reference else "Synthetic", np.sin(8 * time), np.sin(slow), level + slow / 30, beats, reference
    )


def pixels(png: bytes) -> np.ndarray:
    return imread(io.BytesIO(png), format="png")


@pytest.mark.parametrize("overlay", [False, True])
@pytest.mark.parametrize("narrow", [False, True])
def test_traces_differ_with_the_window_and_suit_the_screen(overlay, narrow):
    """Every arrangement draws, shows another window as another picture, and is upright on a narrow screen."""
    one = pixels(traces(strip(), strip(5, True), "EDA", overlay, narrow))
    other = pixels(traces(strip(3), strip(5, True), "EDA", overlay, narrow))
    assert one.shape == other.shape and not np.array_equal(one, other)
    assert (one.shape[0] > one.shape[1]) == narrow


def test_each_channel_has_its_colour_and_the_reference_is_muted():
    """Red for ECG on the synthetic side; a reference alone holds no red."""
    red = lambda image: ((image[..., 0] > 0.5) & (image[..., 1] < 0.3) & (image[..., 2] < 0.3)).sum()  # noqa: E731
    assert red(pixels(traces(strip(), None, "EDA"))) > 500
    assert red(pixels(traces(strip(reference=True), None, "EDA"))) == 0


def test_paper_shows_the_seconds_asked_for():
    """The strip moves with its first second."""
    assert paper(strip(), None, 0) != paper(strip(), None, 7)


def test_panels_share_a_scale_and_eda_keeps_its_level():
    """ECG and Resp have the same limits in both panels; EDA the same height around each panel's own level."""

    class Axis:
        def set_ylim(self, low, high):
            self.limits = (low, high)

    panels, axes = [[strip(2)], [strip(9, True)]], [Axis(), Axis()]
    _set_limits(panels, "Resp", axes)
    assert axes[0].limits == axes[1].limits
    _set_limits(panels, "EDA", axes)
    (low, high), (low_b, high_b) = (axis.limits for axis in axes)
    assert high - low == pytest.approx(high_b - low_b) and low_b - low == pytest.approx(7)


def test_a_flat_signal_is_drawn():
    """A window without any variation is a line, not an error."""
    flat = Strip("Flat", np.zeros(ECG_STEPS), np.zeros(LOW_STEPS), np.zeros(LOW_STEPS), np.empty(0))
    assert pixels(traces(flat, None, "EDA")).size and pixels(paper(flat, None, 0)).size


def test_the_picture_is_put_in_words():
    """Title, channels with ranges and units, beats and the reference are named."""
    text = describe(strip(), strip(5, True), "Phasic EDA")
    for part in ("Synthetic, 30 s", "ECG from -1.00 to 1.00 mV", "Phasic EDA from 2.00", "uS", "37 beats", "Reference"):
        assert part in text
