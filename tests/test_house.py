"""The rules of the house that a machine can check."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "physiosynth"
# A room may import itself and the rooms of a lower level.
LEVELS = {
    "errors": 0, "signals": 1, "files": 1, "runtime": 1, "physiology": 1,
    "running": 1, "datasets": 2, "nets": 2, "models": 3,
    "training": 4, "generate": 4, "evaluation": 5, "families": 6, "dashboard": 7,
    "commands": 8, "__main__": 9,
}  # fmt: skip
SOURCES = sorted(SRC.rglob("*.py"))


def room_of(path: Path) -> str:
    first = path.relative_to(SRC).parts[0]
    return first.removesuffix(".py")


def imports_of(path: Path) -> list[str]:
    """Rooms of the package that a file imports, wherever in the file."""
    rooms = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "physiosynth" else [f"physiosynth.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms += [name.split(".")[1] for name in names if name.startswith("physiosynth.")]
    return [room for room in rooms if room in LEVELS or (SRC / room).exists() or (SRC / f"{room}.py").exists()]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(SRC)))
def test_imports_point_down_the_house(path):
    """A file imports its own room or one below it, never one above or beside it."""
    room = room_of(path)
    if room == "__init__":
        return  # the front door names rooms and loads none, see test_front_door.py
    for other in imports_of(path):
        assert other in LEVELS, f"{other} has no level: add it to LEVELS"
        assert other == room or LEVELS[other] < LEVELS[room] or (LEVELS[room] == LEVELS[other] == 1), (
            f"{path.name} ({room}) imports {other}"
        )


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(SRC)))
def test_published_numbers_are_written_in_signals_alone(path):
    """5250 is derived in signals.py and imported everywhere else."""
    numbers = {n.value for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Constant)}
    assert path.name == "signals.py" or 5250 not in numbers


def test_signals_does_not_import_a_heavy_library():
    """Asking for --help must not load torch, NeuroKit2 or Streamlit."""
    import subprocess
    import sys

    code = (
        "import sys, physiosynth.signals, physiosynth.runtime, physiosynth.files, physiosynth.physiology;"
        "print([m for m in ('torch', 'neurokit2', 'streamlit', 'pandas') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
