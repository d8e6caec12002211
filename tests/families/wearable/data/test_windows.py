"""Windows lie inside one run, and know their beats."""

import numpy as np
import pytest

from making.recordings import session
from physiosynth.families.wearable.data.preprocess import PreparedSubject, Run, prepare
from physiosynth.families.wearable.data.windows import cut_windows, window_starts
from physiosynth.families.wearable.signals import ECG_HZ, ECG_STEPS, HOP_S, LOW_HZ, LOW_STEPS, WINDOW_S


def test_windows_start_every_hop_while_a_whole_one_fits():
    """A run of 30 s gives one window, 44 s one, 45 s two, 29 s none."""
    counts = {length: len(window_starts(Run(7, 7 + length, 1))) for length in (29, 30, 44, 45, 75)}
    assert counts == {29: 0, 30: 1, 44: 1, 45: 2, 75: 4}


def test_no_window_crosses_a_cut_between_two_runs_of_one_label():
    """Two runs of the same label, 2 s apart, give no window that holds samples of both or of the gap."""
    prepared = prepare(session(parts=((1, 61), (0, 2), (1, 61), (2, 50))))
    windows = cut_windows(prepared)
    spans = [(run.start_s, run.stop_s, run.label) for run in prepared.runs]
    assert [label for _, _, label in spans] == [1, 1, 2]
    for start, label in zip(windows.start_s, windows.labels, strict=True):
        homes = [span for span in spans if span[0] <= start and start + WINDOW_S <= span[1] and span[2] == label]
        assert len(homes) == 1
    assert windows.labels.tolist() == [1, 1, 1, 1, 2]
    assert set(np.diff(windows.start_s[:2])) == {HOP_S}


def test_both_streams_of_a_window_are_the_same_moment():
    """A window that starts at s holds ECG samples from 175 s on and LOW samples from 4 s on."""
    seconds = 100
    prepared = PreparedSubject(
        subject="S2",
        source="virtual",
        ecg=(np.arange(seconds * ECG_HZ) / ECG_HZ).astype(np.float32),
        low=np.column_stack([np.arange(seconds * LOW_HZ) / LOW_HZ] * 2).astype(np.float32),
        runs=(Run(5, 95, 1),),
        notes=(),
    )
    windows = cut_windows(prepared)
    assert windows.ecg.shape == (5, ECG_STEPS, 1) and windows.low.shape == (5, LOW_STEPS, 2)
    np.testing.assert_allclose(windows.ecg[:, 0, 0], windows.start_s)
    np.testing.assert_allclose(windows.low[:, 0, 1], windows.start_s)
    np.testing.assert_allclose(windows.ecg[:, -1, 0] - windows.start_s, WINDOW_S - 1 / ECG_HZ, atol=1e-5)


@pytest.mark.parametrize("bpm", [50, 96, 150])
def test_the_phase_is_whole_at_each_beat(bpm):
    """Where a beat is known to be, the window's phase is a whole number; it advances by the heart rate that was set."""
    windows = cut_windows(prepare(session(parts=((1, 90),), bpm=bpm)))
    assert windows.beat_found.all()
    edges_s = np.arange(LOW_STEPS + 1) / LOW_HZ
    for start, phase in zip(windows.start_s, windows.phase, strict=True):
        assert 0 <= phase[0] < 1
        assert phase[-1] - phase[0] == pytest.approx(bpm / 60 * WINDOW_S, abs=0.05)
        beats = np.arange(0.5, 90, 60 / bpm) - start
        at_beats = np.interp(beats[(beats > 0) & (beats < WINDOW_S)], edges_s, phase)
        assert np.abs(at_beats - np.round(at_beats)).max() < 0.05


def test_windows_without_beats_say_so_and_hold_no_nan():
    """A flat ECG keeps its windows, marked as not found, with a phase that rises evenly."""
    made = prepare(session(parts=((1, 90),)))
    flat = PreparedSubject("S2", "virtual", np.zeros_like(made.ecg), made.low, made.runs, ())
    windows = cut_windows(flat)
    assert len(windows) == 4 and not windows.beat_found.any()
    steps = np.diff(windows.phase, axis=1)
    assert np.isfinite(windows.phase).all() and np.ptp(steps) < 1e-4 and steps.min() > 0


def test_a_recording_without_runs_has_no_windows():
    """Labels to be ignored throughout give empty arrays of the right shape, not an error."""
    windows = cut_windows(prepare(session(parts=((7, 60),))))
    assert len(windows) == 0 and windows.ecg.shape == (0, ECG_STEPS, 1) and windows.low.shape == (0, LOW_STEPS, 2)
