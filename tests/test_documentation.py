"""What README.md and docs/ tell a reader to type works, and what they point at is there."""

import re
import shutil

import click
import numpy as np
import pytest

from documented import DOCUMENTS, call, check_options, commands, section, tried
from places import ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
TYPED = [*tried(section("README.md", "From the command line and from Python")), *tried(section("docs/TASKS.md"))]


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """A folder with a recording, in which the commands of the README and of all tasks were typed one after another."""
    place = tmp_path_factory.mktemp("typed")
    shutil.copy(ROOT / "tests/fixtures/neurokit_rest_60s.csv", place / "recording.csv")
    (place / "labels.csv").write_text("start_s,end_s,state\n0,60,baseline\n")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(place)
        for command in TYPED:
            call(command)
    return place


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_a_document_has_options_that_it_takes(document):
    """An option or a command that was renamed is found before a reader finds it."""
    for command in commands(section(document)):
        try:
            check_options(command)
        except click.UsageError as error:
            pytest.fail(f"{document}: {command.words}: {error}")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_of_a_document_leads_somewhere(document):
    """Files are there, and the headings that an anchor names."""
    for target in LINK.findall(section(document)):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        place = (ROOT / document).parent / path if path else ROOT / document
        assert place.exists(), target
        assert not anchor or anchor in anchors(place.read_text(encoding="utf-8")), target


def anchors(text):
    """The anchors that a page on the web gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_the_python_quick_start_runs_as_it_stands(tmp_path, monkeypatch):
    """Pasted, it draws what its comment says and writes a file that says what it is."""
    code = re.search(r"```python\n(.*?)```", section("README.md"), re.DOTALL).group(1)
    monkeypatch.chdir(tmp_path)
    space = {}
    exec(code, space)
    assert f"# {space['batch'].fused().shape} at 175 Hz" in code
    assert "ynthetic" in (tmp_path / "stress.csv").read_text(encoding="utf-8")[:2000]


@pytest.mark.parametrize("command", TYPED, ids=lambda command: command.words[:60])
def test_a_command_of_a_task_leaves_what_it_names(command, typed):
    """Typed as written, with fewer windows or steps where the document says so."""
    options = dict(zip(command.arguments, command.arguments[1:], strict=False))
    for name in {"--out", "--wesad"} & set(options):
        assert (typed / options[name]).exists()


def test_a_fixed_heart_rate_is_that_of_the_windows(typed):
    """What the task above wrote beats as fast as it asked."""
    with np.load(typed / "hr110.npz", allow_pickle=False) as saved:
        beats = saved["beat_times_s"][0]
    beats = beats[np.isfinite(beats)]
    assert 60 * (len(beats) - 1) / (beats[-1] - beats[0]) == pytest.approx(110, abs=3)


def test_parts_of_a_large_set_are_windows_of_one_numbering(typed):
    """The four files of the task on 10,000 windows hold different windows, numbered from where each begins."""
    parts = [np.load(typed / f"stress_{first}.npz", allow_pickle=False) for first in (0, 2500, 5000, 7500)]
    drawn = np.concatenate([part["ecg"] for part in parts])
    assert len(np.unique(drawn[:, :50, 0], axis=0)) == len(drawn)
