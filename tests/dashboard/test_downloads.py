"""The menu of files: every format of the table, what is missing said, nothing made before it is asked for."""

import pytest
from streamlit.testing.v1 import AppTest

from making.signals import make_batch
from physiosynth.dashboard.generate_page.runs import Request, Run
from physiosynth.families.wearable import export
from physiosynth.families.wearable.export import FORMATS


def menu():
    import streamlit as st

    from physiosynth.dashboard.generate_page import downloads

    downloads.show(st.session_state.run)


@pytest.fixture
def opened(monkeypatch):
    """A function that draws the menu of a run."""

    def draw():
        page = AppTest.from_function(menu, default_timeout=60)
        page.session_state.run = Run(make_batch(), Request(("stress",), 3, 42), 1.0)
        return page.run()

    # A file made before anybody asks for it would be an exception here.
    monkeypatch.setattr(export, "to_bytes", lambda *_: pytest.fail("a file was made"))
    return draw


def buttons(page):
    return {button.proto.label: button.proto for button in page.get("download_button")}


def test_all_formats_are_offered_and_none_is_made_yet(opened):
    """Each with one line that says who reads it."""
    page = opened()
    assert not page.exception
    assert list(buttons(page)) == [each.name for each in FORMATS]
    assert not any(button.disabled for button in buttons(page).values())
    words = " ".join(element.value for element in page.markdown)
    assert all(each.readers in words for each in FORMATS)


def test_a_format_without_its_library_is_shown_with_what_to_install(opened, monkeypatch):
    """It cannot be pressed; the others can."""
    monkeypatch.setattr(export, "find_spec", lambda module: None if module == "h5py" else object())
    page = opened()
    assert [name for name, button in buttons(page).items() if button.disabled] == ["HDF5"]
    assert any("HDF5 needs h5py" in element.value for element in page.markdown)


def test_the_code_names_the_bundle_only_where_it_is_the_default_one(opened):
    """A run of other weights names a file to put there, never a path of the server."""
    code = "\n".join(element.value for element in opened().code)
    assert 'from_bundle("bundle.zip")  # bundle abababababab' in code and "--condition" not in code.split("#")[0]
    assert "physiosynth reproduce" in code
