"""The rules of the house that a machine can check; pyproject.toml holds them."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from places import ROOT

SRC = ROOT / "src" / "physiosynth"


def tool(*words, cwd=ROOT):
    """Run a tool of this environment: (exit status, what it said)."""
    sources = str(Path(cwd) / "src")
    env = {**os.environ, "PYTHONPATH": sources, "MYPYPATH": sources}
    program = Path(sys.executable).parent / words[0]
    done = subprocess.run([program, *words[1:]], cwd=cwd, env=env, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("words", [("check",), ("format", "--check")], ids=["lint", "format"])
def test_ruff_finds_nothing(words):
    """Lint and format are clean in the whole repository."""
    status, said = tool("ruff", *words, ".")
    assert status == 0, said


def test_types_fit():
    """Every function says what it takes and gives, and mypy finds none that is called or written otherwise."""
    status, said = tool("mypy")
    assert status == 0, said


def test_imports_keep_to_the_contracts():
    """Imports point down the house, and heavy libraries stay in their rooms."""
    status, said = tool("lint-imports", "--no-cache")
    assert status == 0, said


@pytest.mark.parametrize(
    ("room", "line", "broken"),
    [
        ("errors", "from physiosynth import dashboard", "Imports point down the house BROKEN"),
        ("files", "def lazy():\n    import torch", "The ground floor loads no heavy library BROKEN"),
        (
            "training/trainer",
            "import streamlit",
            "Streamlit, FastAPI and Ray are known in rooms of their own alone BROKEN",
        ),
        ("somewhere_new", "", "every child of every container"),
    ],
)
def test_an_import_that_breaks_a_contract_is_found(tmp_path, room, line, broken):
    """An upward import, a heavy one inside a function, and a room without a layer each fail the contracts."""
    copy = tmp_path / "src" / "physiosynth"
    shutil.copytree(SRC, copy, ignore=shutil.ignore_patterns("__pycache__", "embedded_bundle"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (copy / f"{room}.py").open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    status, said = tool("lint-imports", "--no-cache", cwd=tmp_path)
    assert status == 1 and broken in said


def test_a_call_that_does_not_fit_is_found(tmp_path):
    """A seed of the wrong type and a function without types each fail the check."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from physiosynth.runtime import derive_seed\n\n\ndef f(x):\n    return derive_seed('1', 'a')\n")
    status, said = tool("mypy", str(wrong))
    assert status == 1 and "[no-untyped-def]" in said and "[arg-type]" in said


def test_published_numbers_are_written_in_signals_alone():
    """5250 is derived in signals.py and imported everywhere else."""
    for path in SRC.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        numbers = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert path.name == "signals.py" or 5250 not in numbers, path


def test_signals_does_not_import_a_heavy_library():
    """Asking for --help must not load torch, NeuroKit2 or Streamlit."""
    code = (
        "import sys, physiosynth.signals, physiosynth.runtime, physiosynth.files, physiosynth.physiology.detectors;"
        "print([m for m in ('torch', 'neurokit2', 'streamlit', 'pandas') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
