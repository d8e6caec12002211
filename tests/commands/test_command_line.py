"""The command `physiosynth`: its table, its help, its messages and exit codes."""

import os
import re
import subprocess
import sys

import click
import pytest

from physiosynth import __version__
from physiosynth.commands import main as command_line
from physiosynth.commands.bars import Bar
from physiosynth.commands.main import main
from physiosynth.commands.table import ENTRIES, TABLE, load
from physiosynth.errors import RequestError
from physiosynth.families.wearable.generator.generator import WESADGenerator
from places import ROOT

HEAVY = ("torch", "numpy", "scipy", "pandas", "streamlit", "sklearn", "neurokit2", "matplotlib", "tqdm", "requests")
SHIMS = [path for path in sorted((ROOT / "scripts").glob("*.py")) if "import run\n" in path.read_text()]


def test_no_help_loads_a_heavy_library():
    """`physiosynth --help` and that of every command answer at once, since nothing is imported before it is used."""
    calls = [["--help"], *([*entry.words, "--help"] for entry in TABLE)]
    code = (
        f"import sys; from physiosynth.commands.main import main\n"
        f"codes = [main(words) for words in {calls!r}]\n"
        f"print(codes, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith(f"{[0] * len(calls)} []\n"), done.stdout[-500:] + done.stderr


@pytest.mark.parametrize("name", ENTRIES)
def test_every_command_says_what_each_option_is_for(name):
    """The help has a line per option, and begins with the line that stands in the list of commands."""
    command = load(name)
    assert command.help.startswith(ENTRIES[name].summary)
    assert [each.name for each in command.params if isinstance(each, click.Option) and not each.help] == []


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("sample", "--low-steps 3 --low-guidance=0", {"low_steps": 3, "low_guidance": 0.0}),
        ("sample", "--slow-steps 3 --slow-guidance 0", {"low_steps": 3, "low_guidance": 0.0}),
        ("sample", "--calibrate --windows 2", {"match_amplitudes": "reference", "windows": 2}),
        ("sample", "--calibrate targets.json", {"match_amplitudes": "targets.json"}),
        ("targets", "--fold f --out o --real 100", {"real": 100}),
    ],
)
def test_an_option_that_was_renamed_answers_to_its_old_name_too(name, words, expected, capsys):
    """The old name sets the same, is not in the help, and a note gives the present one; the present one has no note."""
    command = load(name)
    parsed = command.make_context(name, words.split())
    assert {key: parsed.params[key] for key in expected} == expected
    old = [word.partition("=")[0] for word in words.split() if word.partition("=")[0] in command.old]
    notes = capsys.readouterr().err
    assert [each for each in command.old if f"{each} is now called {command.old[each]}" in notes] == old
    assert notes.count("note:") == len(old) and not any(f"{each} " in parsed.get_help() for each in command.old)


def test_the_list_of_commands_is_grouped_and_complete(capsys):
    """Each command of the table stands under its heading."""
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for entry in TABLE:
        assert re.search(rf"^{entry.section}:\n(?:  .*\n)*?  {entry.name} ", shown, re.MULTILINE), entry.name


def test_the_module_and_the_version(tmp_path):
    """`python -m physiosynth` is the same command, in any folder."""
    line = [sys.executable, "-m", "physiosynth", "--version"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == f"physiosynth, version {__version__}\n" and done.returncode == 0


@pytest.mark.parametrize("path", SHIMS, ids=lambda path: path.stem)
def test_a_script_of_an_older_release_is_its_command(path, tmp_path):
    """scripts/NAME.py stands for a command of the table and hands it its arguments."""
    words = re.search(r"run\((.*)\)", path.read_text()).group(1).replace('"', "").replace(",", "")
    assert words in ENTRIES
    done = subprocess.run([sys.executable, path, "--help"], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.startswith(f"Usage: physiosynth {words} "), done.stderr


@pytest.mark.parametrize(
    "words, message",
    [
        (["sampl"], "No such command 'sampl'"),
        (["sample", "--windows", "-3", "--out", "a.npz"], "'--windows': -3 is not in the range x>=1"),
        (["sample", "--seed", "-1", "--out", "a.npz"], "'--seed': -1 is not in the range x>=0"),
        (["sample", "--steps", "0", "--out", "a.npz"], "'--steps': 0 is not in the range 1<=x<=1000"),
        (["sample", "--method", "euler", "--out", "a.npz"], "'euler' is not one of"),
        (["sample"], "--out FILE is required"),
        (["sample", "--seconds", "60", "--windows", "3", "--out", "a.npz"], "--windows is for windows"),
    ],
)
def test_a_mistake_is_one_line_before_the_model_is_loaded(words, message, capsys, monkeypatch, tmp_path):
    """The line says what was expected; no bar, no usage and no traceback around it; exit code 2."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(WESADGenerator, "from_bundle", lambda *_: pytest.fail("the model was loaded"))
    assert main(words) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ") and message in shown and shown.count("\n") == 1


@pytest.mark.parametrize("place", ["/proc/x.npz", "file/x.npz", "folder.npz", "file/below/x.npz"])
def test_a_place_that_cannot_be_written_to_is_found_before_anything_is_drawn(place, capsys, monkeypatch, tmp_path):
    """A folder of that name, a file in the way and a folder that takes no files are refused in one line."""
    (tmp_path / "file").touch()
    (tmp_path / "folder.npz").mkdir()
    monkeypatch.setattr(WESADGenerator, "from_bundle", lambda *_: pytest.fail("the model was loaded"))
    assert main(["sample", "--out", tmp_path / place]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ") and shown.count("\n") == 1 and str(tmp_path / place) in shown


@pytest.fixture
def stopped_by(monkeypatch):
    """`physiosynth sample` that draws half of a bar and is then stopped by an exception."""

    def stop(error):
        @click.command()
        def half():
            Bar("windows")(1, 2)
            raise error

        monkeypatch.setattr(command_line, "load", lambda name: half)
        return main(["sample"])

    return stop


def test_a_message_after_a_bar_stands_on_a_line_of_its_own(stopped_by, capsys):
    """The bar is cleared before the error is printed."""
    assert stopped_by(RequestError("Nothing doing.")) == 2
    assert capsys.readouterr().err.splitlines()[-1].split("\r")[-1] == "error: Nothing doing."


def test_an_interrupted_command_promises_nothing_that_is_not_so(stopped_by, capsys):
    """What `sample` had drawn is lost, which it says; exit code 130."""
    assert stopped_by(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "Interrupted. Nothing was finished."


def test_a_window_is_one_window(tmp_path, capsys):
    """The line that says what was written counts as people do."""
    assert main(["sample", "--windows", 1, "--steps", 2, "--out", tmp_path / "a.npz"]) == 0
    assert ": 1 window. " in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_a_shell(shell, capsys):
    """The script that is printed calls back with the words typed so far."""
    assert main(["completion", shell]) == 0
    assert "_PHYSIOSYNTH_COMPLETE" in capsys.readouterr().out


@pytest.mark.parametrize(
    "typed, expected",
    [("physiosynth bun", "bundle"), ("physiosynth bundle f", "fetch"), ("physiosynth sample --heart", "--heart-rate"),
     ("physiosynth sample --method he", "heun")],
)  # fmt: skip
def test_words_are_completed(typed, expected):
    """Commands, commands of a group, options and their choices."""
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1), "_PHYSIOSYNTH_COMPLETE": "bash_complete"}
    line = [sys.executable, "-m", "physiosynth"]
    done = subprocess.run(line, env=os.environ | words, capture_output=True, text=True)
    assert expected in [line.partition(",")[2] for line in done.stdout.splitlines()], done.stderr
