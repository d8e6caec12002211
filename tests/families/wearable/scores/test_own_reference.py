"""A person's own recording becomes reference windows with the rates that it was made with."""

import numpy as np
import pytest

from making.recordings import beats_at
from physiosynth.errors import RecordingError
from physiosynth.families.wearable.data.importing import ImportSettings
from physiosynth.families.wearable.scores import own_reference as module
from physiosynth.families.wearable.scores.own_reference import NEEDED, own_reference, typical_resp_sd
from physiosynth.families.wearable.signals import CHEST_HZ, LOW_HZ
from physiosynth.physiology.detectors import breathing_rate

RATE_HZ = 175


def recording(tmp_path, seconds=100, bpm=83, flat=0.0, unit=1.0, every=None):
    """A CSV with an ECG of that heart rate, 15 breaths/min and an EDA of 3 uS; flat: share of the ECG that is none."""
    ecg = beats_at(seconds, bpm)[0][:: CHEST_HZ // RATE_HZ] * unit
    ecg[: round(flat * len(ecg))] = 0
    t = np.arange(len(ecg)) / RATE_HZ
    path = tmp_path / "mine.csv"
    rows = np.column_stack([ecg, 40 * np.sin(2 * np.pi * 0.25 * t), 3 + 0.1 * np.sin(2 * np.pi * 0.02 * t)])
    np.savetxt(path, rows, delimiter=",", header="ECG,RSP,EDA", comments="", fmt="%.5f")
    return path


def settings(**changed):
    columns = {"ECG": "ECG", "EDA": "EDA", "Resp": "RSP"}
    given = {"subject": "me", "columns": columns, "rates_hz": float(RATE_HZ), "needed": NEEDED}
    return ImportSettings(**(given | changed))


def test_a_recording_of_known_rates_gives_windows_of_those_rates(tmp_path):
    """Heart rate, breathing rate, level and state come out as they were put in; progress rises to the end."""
    steps = []
    made = own_reference(
        recording(tmp_path, unit=1000.0), settings(units={"ECG": "uV"}), state="stress", resp_sd=2.5,
        on_step=lambda done, total: steps.append(done / total),
    )  # fmt: skip
    windows = made.windows
    assert set(windows.conditions) == {"stress"} and len(windows) == made.found["stress"] == 5
    assert made.heart_rate == pytest.approx(83, abs=0.5) and windows.source == "imported"
    resp, eda = windows.low.select("Resp", "EDA")
    assert breathing_rate(resp[0], LOW_HZ) == pytest.approx(15, abs=0.3) and eda.mean() == pytest.approx(3, abs=0.05)
    assert typical_resp_sd(windows) == pytest.approx(2.5, rel=1e-5) and windows.missing == ()
    assert windows.ecg.max() == pytest.approx(1.0, abs=0.2)
    assert steps == sorted(steps) and steps[-1] == 1


def test_an_inverted_lead_is_told_where_it_is_the_reference(tmp_path):
    """The note reaches the page, and goes when the ECG is flipped."""
    path = recording(tmp_path, seconds=60, unit=-1.0)
    told = own_reference(path, settings(), state="stress")
    flipped = own_reference(path, settings(flip=("ECG",)), state="stress")
    assert ["upside down" in " ".join(each.windows.notices) for each in (told, flipped)] == [True, False]
    assert flipped.windows.ecg.max() == pytest.approx(1.0, abs=0.2)


def test_labels_give_the_states_and_what_no_row_covers_is_left_out(tmp_path):
    """A window lies within one row; rows beyond the part that is used are no error."""
    labels = tmp_path / "labels.csv"
    labels.write_text("start_s,end_s,state\n0,45,baseline\n50,100,2\n")
    made = own_reference(recording(tmp_path), settings(), labels)
    assert made.found == {"baseline": 1, "stress": 1}


def test_a_recording_without_eda_says_so_and_has_zeros_there(tmp_path):
    """What is missing is named, not made up."""
    made = own_reference(recording(tmp_path), settings(columns={"ECG": "ECG", "Resp": "RSP"}), state="baseline")
    assert made.windows.missing == ("EDA",) and not made.windows.low.select("EDA")[0].any()
    assert made.windows.low.select("Resp")[0].std() > 1


def test_windows_without_beats_are_left_out_and_counted(tmp_path):
    """A loose electrode for half of the time costs its windows and no others."""
    made = own_reference(recording(tmp_path, flat=0.45), settings(), state="baseline")
    assert 0 < len(made.windows) < made.found["baseline"]
    assert any("were left out: no heart beats" in note for note in made.notes)
    with pytest.raises(RecordingError, match="No heart beats were found in the ECG"):
        own_reference(recording(tmp_path), settings(columns={"ECG": "RSP"}), state="baseline")


def test_a_long_recording_is_cut_and_thinned_and_says_so(tmp_path, monkeypatch):
    """Its first part is used, and of many windows some, evenly spread."""
    monkeypatch.setattr(module, "LONGEST_S", 70.0)
    monkeypatch.setattr(module, "MOST_WINDOWS", 2)
    made = own_reference(recording(tmp_path), settings(), state="baseline")
    assert made.duration_s == pytest.approx(70, abs=0.1) and len(made.windows) == 2 and made.found["baseline"] == 3
    assert any("the first 1 are used" in note for note in made.notes)
    assert any("Of 3 windows of baseline 2, evenly spread, are kept" in note for note in made.notes)


def test_a_recording_too_short_for_a_window_is_refused(tmp_path):
    """With what is needed and what was found."""
    with pytest.raises(RecordingError, match=r"at least 40 s of one state .* found none in 30 s"):
        own_reference(recording(tmp_path, seconds=30), settings(), state="baseline")


def test_work_stops_where_its_callback_raises(tmp_path):
    """Cancel reaches it."""

    class Stop(Exception):
        pass

    def stop(done, total):
        raise Stop

    with pytest.raises(Stop):
        own_reference(recording(tmp_path), settings(), state="baseline", on_step=stop)
