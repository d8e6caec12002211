"""Filters, decimation and masks against signals whose answer is known."""

import numpy as np
import pytest

from making.recordings import chest, clock, session
from physiosynth.errors import RecordingError, RequestError
from physiosynth.families.wearable.data.preprocess import (
    PreprocessSettings,
    decimate,
    filter_ecg,
    filter_eda,
    filter_resp,
    label_runs,
    prepare,
)
from physiosynth.families.wearable.signals import CHEST_HZ, ECG_HZ, LOW_HZ
from physiosynth.recordings.recording import RecordedChannel, Recording

SETTINGS = PreprocessSettings()
HALF_ECG_SAMPLE_S = 0.5 / ECG_HZ


def tone_of(signal, hz, rate_hz, edge_s=10):
    """Amplitude and delay in s of the tone of `hz` in a signal whose sample k is at k / rate_hz, away from the ends."""
    edge = round(edge_s * rate_hz)
    t = np.arange(len(signal))[edge:-edge] / rate_hz
    basis = np.column_stack([np.sin(2 * np.pi * hz * t), np.cos(2 * np.pi * hz * t), np.ones_like(t)])
    sine, cosine, _ = np.linalg.lstsq(basis, signal[edge:-edge], rcond=None)[0]
    return np.hypot(sine, cosine), -np.arctan2(cosine, sine) / (2 * np.pi * hz)


@pytest.mark.parametrize(
    ("filtered", "hz", "rate_hz"),
    [
        (lambda x: filter_ecg(x, SETTINGS), 10.0, ECG_HZ),
        (lambda x: filter_eda(x, SETTINGS), 0.2, LOW_HZ),
        (lambda x: filter_eda(x, PreprocessSettings(eda="phasic")), 0.2, LOW_HZ),
        (lambda x: filter_resp(x, SETTINGS), 0.25, LOW_HZ),
        (lambda x: filter_resp(x, PreprocessSettings(resp_band_hz=(0.1, 0.35))), 0.2, LOW_HZ),
    ],
    ids=["ECG", "EDA full", "EDA phasic", "Resp", "Resp published"],
)
def test_a_tone_in_the_band_keeps_its_size_and_its_time(filtered, hz, rate_hz):
    """Tones come through within 6 % of their size and within half an ECG sample of their time."""
    out = filtered(np.sin(2 * np.pi * hz * clock(120)))
    assert len(out) == 120 * rate_hz
    amplitude, delay_s = tone_of(out, hz, rate_hz)
    assert amplitude == pytest.approx(1.0, abs=0.06)
    assert abs(delay_s) < HALF_ECG_SAMPLE_S


def test_an_r_peak_stays_where_it_was():
    """A narrow peak at 30.123 s is at 30.123 s after filtering and decimation, within half an ECG sample."""
    peak = np.exp(-0.5 * ((clock(60) - 30.123) / 0.012) ** 2)
    ecg = filter_ecg(peak, SETTINGS)
    top = int(ecg.argmax())
    left, middle, right = ecg[top - 1 : top + 2]
    vertex_s = (top + 0.5 * (left - right) / (left - 2 * middle + right)) / ECG_HZ
    assert abs(vertex_s - 30.123) < HALF_ECG_SAMPLE_S


@pytest.mark.parametrize(
    ("filtered", "hz"),
    [
        (lambda x: filter_ecg(x, SETTINGS), 0.02),
        (lambda x: filter_ecg(x, SETTINGS), 140.0),  # folds to 35 Hz
        (lambda x: filter_eda(x, SETTINGS), 2.1),  # inside the 5 Hz low-pass; folds to 1.9 Hz
        (lambda x: filter_eda(x, SETTINGS), 4.0),  # folds to a constant
        (lambda x: filter_resp(x, SETTINGS), 3.9),  # folds to 0.1 Hz
        (lambda x: filter_resp(x, SETTINGS), 0.005),
        (lambda x: filter_resp(x, PreprocessSettings(resp_band_hz=(0.1, 0.35))), 0.9),
        (lambda x: filter_eda(x, PreprocessSettings(eda="phasic")), 0.003),
    ],
)
def test_what_lies_outside_a_band_does_not_come_back_as_something_else(filtered, hz):
    """Tones outside the band, and those that decimation would fold into it, are under 3 % of their size."""
    out = filtered(np.sin(2 * np.pi * hz * clock(600)))
    middle = slice(len(out) // 10, -len(out) // 10)
    assert np.abs(out[middle]).max() < 0.03


@pytest.mark.parametrize("stages", [(4,), (7, 5), (7, 5, 5)])
def test_each_decimation_has_its_own_filter(stages):
    """On its own, decimate removes a tone just above the new Nyquist frequency and keeps one at 70 % of it."""
    nyquist = CHEST_HZ / np.prod(stages) / 2
    above = decimate(np.sin(2 * np.pi * 1.05 * nyquist * clock(100) + 0.3), stages)
    below = decimate(np.sin(2 * np.pi * 0.7 * nyquist * clock(100)), stages)
    inner = slice(len(above) // 10, -len(above) // 10)
    assert np.abs(above[inner]).max() < 0.002
    assert tone_of(below, 0.7 * nyquist, 2 * nyquist)[0] == pytest.approx(1, abs=0.002)


def test_the_eda_keeps_its_level_or_is_signed():
    """Full EDA keeps its microsiemens; phasic EDA has lost the level and goes below zero, unclipped."""
    t = clock(300)
    eda = 4.0 + 0.5 * np.sin(2 * np.pi * 0.08 * t)
    full = filter_eda(eda, SETTINGS)
    phasic = filter_eda(eda, PreprocessSettings(eda="phasic"))
    assert np.median(full) == pytest.approx(4.0, abs=0.02) and full.min() > 3.4
    assert phasic.mean() == pytest.approx(0.0, abs=0.02)
    assert phasic.min() == pytest.approx(-phasic.max(), rel=0.15) and phasic.min() < -0.4


def test_label_runs_known_answer():
    """5 s come off each transition, the remainder must last 30 s, and only states 1 to 4 count."""
    parts = [(0, 12.5), (1, 100.0), (0, 3), (1, 39.9), (2, 40.0), (7, 60), (3, 45.5), (4, 60)]
    label = np.concatenate([np.full(round(seconds * CHEST_HZ), i) for i, seconds in parts])
    runs = [(run.start_s, run.stop_s, run.label) for run in label_runs(label, CHEST_HZ, SETTINGS)]
    # 12.5 + 5 rounds up to 18 and 112.5 - 5 down to 107; 39.9 s are too short; 155.4 + 5 -> 161 to 190.4 leaves 29 s;
    # 255.4 + 5 -> 261 to 295.9 -> 295; the last begins at 300.9 + 5 -> 306 and ends 5 s before the recording does.
    assert runs == [(18, 107, 1), (261, 295, 3), (306, 355, 4)]


def test_a_gap_is_bridged_for_the_filter_and_cut_out_of_the_runs():
    """NaN in one channel leaves finite streams, and runs end 5 s before it and start 5 s after it."""
    made = session(parts=((1, 120),))
    values = made.chest["EDA"].values.copy()
    values[60 * CHEST_HZ : 61 * CHEST_HZ] = np.nan
    gapped = Recording(
        "S2", made.chest | {"EDA": RecordedChannel("EDA", values, CHEST_HZ, "uS")}, {}, made.label, CHEST_HZ
    )
    prepared = prepare(gapped)
    assert [(run.start_s, run.stop_s) for run in prepared.runs] == [(5, 55), (66, 115)]
    assert np.isfinite(prepared.low).all()


def test_prepared_streams_are_aligned_and_named():
    """Both streams last as long as the recording, at their own rates, with EDA before Resp."""
    prepared = prepare(session(parts=((1, 61),)))
    assert prepared.ecg.shape == (61 * ECG_HZ,) and prepared.low.shape == (61 * LOW_HZ, 2)
    assert np.median(prepared.low[:, 0]) == pytest.approx(3.0, abs=0.3)
    assert prepared.low[:, 1].mean() == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("seconds", [1 / CHEST_HZ, 0.1, 1, 4, 29])
def test_a_recording_of_any_length_is_prepared(seconds):
    """Recordings shorter than a filter or a window come out finite, without a run."""
    prepared = prepare(session(parts=((1, seconds),)))
    assert prepared.runs == () and np.isfinite(prepared.ecg).all() and np.isfinite(prepared.low).all()


def test_recordings_that_cannot_be_prepared_are_explained():
    """A missing channel, another rate and an empty channel each have a message."""
    made = session(parts=((1, 40),))
    without = {name: channel for name, channel in made.chest.items() if name != "Resp"}
    with pytest.raises(RecordingError, match="expected a chest channel Resp, found ECG, EDA"):
        prepare(Recording("S2", without, {}, made.label, CHEST_HZ))
    slow = made.chest | {"EDA": RecordedChannel("EDA", np.ones(160), 4.0, "uS")}
    with pytest.raises(RecordingError, match=r"EDA at 700 Hz.*160 samples at 4 Hz"):
        prepare(Recording("S2", slow, {}, made.label, CHEST_HZ))
    nothing = made.chest | chest(EDA=np.full(len(made.label), np.nan))
    with pytest.raises(RecordingError, match="EDA has no values"):
        prepare(Recording("S2", nothing, {}, made.label, CHEST_HZ))


@pytest.mark.parametrize(
    "wrong",
    [
        {"eda": "tonic"},
        {"resp_band_hz": (1.0, 0.1)},
        {"resp_band_hz": (0.1, 15.0)},
        {"ecg_band_hz": (0.0, 40.0)},
        {"eda_lowpass_hz": 0.0},
        {"shortest_run_s": 10},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong):
    """Edges that fall, leave the band or are zero, and unknown kinds of EDA, are refused."""
    with pytest.raises(RequestError):
        PreprocessSettings(**wrong)


def test_settings_survive_json_and_refuse_unknown_keys():
    """What to_dict gives makes the same settings again; a key nobody knows is named."""
    settings = PreprocessSettings(eda="phasic", resp_band_hz=(0.1, 0.35))
    assert PreprocessSettings.from_dict(settings.to_dict()) == settings
    with pytest.raises(RequestError, match="resp_bnad"):
        PreprocessSettings.from_dict({"resp_bnad": 1})
