"""The Own data page without a browser: a file becomes the reference of this session, and hostile ones a sentence."""

import io
import tempfile

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from making.bundles import TINY_MANIFEST, checkpoint_of, tiny, weights_of, write_bundle
from making.recordings import beats_at
from physiosynth.dashboard.generate_page.runs import Request, _matcher
from physiosynth.dashboard.messages import literally
from physiosynth.dashboard.own_data_page.files import Brought, laid_out, recording_of, safe_name
from physiosynth.dashboard.view.strips import describe, reference_strip
from physiosynth.errors import CalibrationError, RequestError
from physiosynth.families.wearable.signals import CHEST_HZ

RATE_HZ = 100


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A folder with a tiny bundle in the published places."""
    networks = tiny()
    return write_bundle(
        tmp_path_factory.mktemp("own") / "root",
        checkpoint_of(weights_of(networks), epoch=7),
        {**TINY_MANIFEST, "architecture": networks.to_dict()},
        windows=4,
    )


@pytest.fixture(autouse=True)
def here(bundle, monkeypatch):
    monkeypatch.chdir(bundle)


def recording(seconds=75, bpm=77, sign=1) -> bytes:
    """A CSV at RATE_HZ of that heart rate; sign: -1 for an ECG that is upside down."""
    ecg = sign * beats_at(seconds, bpm)[0][:: CHEST_HZ // RATE_HZ]
    t = np.arange(len(ecg)) / RATE_HZ
    text = io.StringIO()
    rows = np.column_stack([ecg, 40 * np.sin(2 * np.pi * 0.25 * t), 3 + 0.1 * np.sin(t / 9)])
    np.savetxt(text, rows, delimiter=",", header="ECG (mV),RSP,EDA", comments="", fmt="%.4f")
    return text.getvalue().encode()


def opened() -> AppTest:
    def script():
        from physiosynth.dashboard.own_data_page import page as own_data

        own_data.main()

    page = AppTest.from_function(script, default_timeout=120).run()
    assert not page.exception
    return page


def with_files(*files: tuple[str, bytes]) -> AppTest:
    page = opened()
    page.file_uploader(key="own_files").set_value([(name, data, "application/octet-stream") for name, data in files])
    page.run()
    assert not page.exception
    return page


def used(page: AppTest) -> AppTest:
    """The page once the button was pressed and the work is done."""
    page.button(key="own_use").click().run()
    if "own_job" in page.session_state:
        assert page.session_state["own_job"][0].wait(120)
        page.run()
    assert not page.exception
    return page


def field(page: AppTest, label: str):
    return next(box for box in page.selectbox if box.label.startswith(label))


def said(page: AppTest) -> str:
    return "\n".join(
        str(each.value) for each in [*page.subheader, *page.markdown, *page.caption, *page.error, *page.info]
    )


def test_a_recording_becomes_the_reference_with_its_heart_rate_and_goes_again(tmp_path, monkeypatch):
    """Signals and units are guessed, the file name is shown, and one press brings the model's reference back."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    page = used(with_files(("my rest.csv", recording())))
    windows, name = page.session_state["own_reference"]
    assert name == "my_rest.csv" and set(windows.conditions) == {"baseline"} and windows.source == "imported"
    assert "**77 bpm**" in said(page) and "is the reference" in said(page)
    assert not list(tmp_path.glob("physiosynth-*"))
    page.button(key="own_clear").click().run()
    assert "own_reference" not in page.session_state and "is the reference" not in said(page)


def test_an_inverted_ecg_is_told_and_can_be_flipped():
    """The note stands below the reference; with the box ticked, the same file is used without it."""
    page = used(with_files(("swapped.csv", recording(sign=-1))))
    assert "looks upside down" in said(page)
    next(box for box in page.checkbox if box.label == "Flip the ECG").check().run()
    assert "looks upside down" not in said(used(page))
    assert page.session_state["own_reference"][0].ecg.max() > 0.8


def test_a_recording_without_eda_is_drawn_and_told_without_it():
    """The page says what is lost; a window's description and amplitude matching do not pretend."""
    page = with_files(("rest.csv", recording()))
    field(page, "EDA").set_value("Not recorded").run()
    page.selectbox(key="own_state").set_value("stress").run()
    used(page)
    windows, _ = page.session_state["own_reference"]
    assert windows.missing == ("EDA",) and "EDA \\(skin conductance\\) is missing" in said(page)
    strip = reference_strip(windows, 0)
    assert "EDA" not in describe(strip, None) and strip.quantity("EDA") == "EDA: not in the reference"
    assert strip.quantity("Resp") == "Respiration (rescaled)"
    with pytest.raises(CalibrationError, match="no EDA"):
        _matcher(None, Request(("stress",), calibrate=True), windows)


def test_a_labels_file_gives_several_states():
    """The button waits for it, and each state gets its windows."""
    page = with_files(("rest.csv", recording(100)))
    page.button_group(key="own_state_how").set_value("Labels file").run()
    assert page.button(key="own_use").disabled
    labels = b"start_s,end_s,state\n0,48,baseline\n50,100,stress\n"
    page.file_uploader(key="own_labels").set_value(("labels.csv", labels, "text/csv")).run()
    assert set(used(page).session_state["own_reference"][0].conditions) == {"baseline", "stress"}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("a.csv", b"PK\x03\x04" + bytes(100))], "expected a table of numbers as text"),
        ([("a.csv", b",".join([b"1"] * 100_000))], "one of 65536 characters"),
        ([("a.edf", b"<html>")], "not a readable EDF file"),
        ([("a.hea", b"a 1 250 10\n../b.dat 16\n"), ("b.dat", bytes(20))], "by a path or URL"),
        ([("a.hea", b"a 1 250 10\na.dat 16\n")], "names a\\.dat, which is not beside it"),
        ([("a.csv", b"a\n1\n"), ("b.csv", b"a\n1\n")], "Expected one recording"),
        ([("a.dat", b"1")], "Expected one recording"),
        ([("![x](http://evil.example).csv", b"")], "not a readable table"),
        ([("a.csv", b"a,b\nx,y\n")], "at least one column of numbers"),
    ],
)
def test_files_that_cannot_be_used_get_a_sentence_without_folders(files, words):
    """No traceback, no folder of the server, and nothing of a file's text acts as Markdown."""
    text = said(with_files(*files)).replace("\\.", ".")
    assert words.replace("\\.", ".") in text or literally(words) in text
    assert tempfile.gettempdir() not in text and "](" not in text.replace("\\]\\(", "")


def formats(tmp_path) -> dict[str, list[tuple[str, bytes]]]:
    """The same recording as a WFDB record and as an EDF file, its ECG in microvolts."""
    wfdb, edfio = pytest.importorskip("wfdb"), pytest.importorskip("edfio")
    signals = np.loadtxt(io.BytesIO(recording()), delimiter=",", skiprows=1) * [1000, 1, 1]
    names, units = ["MLII", "belt", "GSR"], ["uV", "%", "uS"]
    wfdb.wrsamp("rest", RATE_HZ, units, names, p_signal=signals, fmt=["16"] * 3, write_dir=str(tmp_path))
    channels = zip(names, units, signals.T, strict=True)
    edfio.Edf([edfio.EdfSignal(v, RATE_HZ, label=n, physical_dimension=u) for n, u, v in channels]).write(
        tmp_path / "rest.edf"
    )
    return {
        kind: [(f"rest.{ending}", (tmp_path / f"rest.{ending}").read_bytes()) for ending in endings]
        for kind, endings in {"wfdb": ("dat", "hea"), "edf": ("edf",)}.items()
    }


@pytest.mark.parametrize("kind", ["wfdb", "edf"])
def test_wfdb_and_edf_bring_their_own_rates_and_units(tmp_path, kind):
    """Nothing but the button needs a press, and microvolts come out as millivolts."""
    page = used(with_files(*formats(tmp_path)[kind]))
    windows, _ = page.session_state["own_reference"]
    assert "**77 bpm**" in said(page) and windows.missing == () and windows.scaled == ()
    assert windows.ecg.max() == pytest.approx(1, abs=0.3) and np.ptp(windows.low.select("Resp")[0]) > 60


def test_wrong_settings_get_a_sentence_and_the_page_stays():
    """A rate that makes the recording too short; the reference is the model's as before."""
    page = with_files(("rest.csv", recording()))
    next(each for each in page.number_input).set_value(1000.0).run()
    used(page)
    assert "own_reference" not in page.session_state and "at least 40 s of one state" in said(page)


def test_an_operator_who_takes_no_files_has_the_page_say_so(monkeypatch):
    """With a limit of 0 there is no field for them."""
    monkeypatch.setenv("PHYSIOSYNTH_MAX_UPLOAD_MB", "0")
    page = opened()
    assert "disabled uploads" in said(page) and not page.file_uploader


def test_names_of_files_are_made_safe():
    """Folders, odd letters and length go; what is not one recording is refused."""
    assert safe_name("../../etc/passwd.csv") == "passwd.csv" and safe_name("a b$.CSV") == "a_b_.csv"
    assert safe_name(".csv") == "recording.csv" and len(safe_name("x" * 500 + ".edf")) < 60
    with pytest.raises(RequestError, match="Expected one recording"):
        recording_of(["a.edf", "a.dat"])
    with laid_out([Brought("a.csv", b"1\n")]) as path:
        assert path.read_bytes() == b"1\n"
    assert not path.exists() and not path.parent.exists()
