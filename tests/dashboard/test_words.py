"""Words that a visitor of the page reads: those of the field, and nothing simulated is called real."""

import ast
import re
from pathlib import Path

import pytest

from places import ROOT

PACKAGE = ROOT / "src" / "physiosynth"
WEARABLE = PACKAGE / "families" / "wearable"
SHOWN = {  # by folder or file whose texts the page shows
    "dashboard": PACKAGE / "dashboard",
    "scores": WEARABLE / "scores",
    "readings": WEARABLE / "features" / "readings.py",
    "card": WEARABLE / "generator" / "card.py",
    "notice": WEARABLE / "data" / "batch.py",
}
KEYS = ("sessions.py",)  # whose names with /min are keys of metrics.json, which stay
DIALECT = (
    r"\breal (windows?|ones|people|recordings?|halves)\b|\bas real\b|\(real\b",  # reference
    r"\bLOW\b",  # slow signals
    r"(?<!breaths)(?<!responses)(?<!\w)/min\b",  # bpm
    r"\b([Bb]eats|[Bb]reaths|[Rr]esponses|[Ss]amples) an? (minute|second)\b",  # bpm, breaths/min, sampling rate in Hz
    r"\b([Ww]indows?|steps?|evaluations|files?|[Rr]ows?|cells?) an? (window|cell|state|time|channel|person)\b",  # per
    r"\bon show\b|\b[Hh]eld against\b|\bbroken on purpose\b|\b[Rr]ates asked for\b|\b[Nn]ot to be told\b",
    r"\b[Ss]ize (is |was )?set\b|\b[Mm]ilestones folder\b|\bBreathing rate\b|\bR-R\b",
)


def texts(path: Path) -> list[tuple[str, str]]:
    """Every string of a source file that is no docstring, as (where, text); an f-string with ... for its values."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "..." for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside | docs:
            text = node.value
        else:
            continue
        found.append((f"{path.name}:{node.lineno}", text))
    return found


def dialect(text: str) -> list[str]:
    return [pattern for pattern in DIALECT if re.search(pattern, text)]


@pytest.mark.parametrize("place", SHOWN)
def test_the_page_speaks_the_words_of_the_field(place):
    """No text that the page shows calls a reference real, or uses a word that only this project knows."""
    files = sorted(SHOWN[place].rglob("*.py")) if SHOWN[place].is_dir() else [SHOWN[place]]
    found = [(where, text) for path in files if path.name not in KEYS for where, text in texts(path)]
    assert len(found) > 5
    assert [(where, text) for where, text in found if dialect(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "what halves of real windows score", "● as in real windows", "Clean windows 1 (real 0.854)", "LOW steps",
        "72 /min", "beats a minute", "Samples a second (Hz)", "16 windows a cell", "evaluations a window",
        "The run on show", "Rates asked for", "another (size is set)", "Breathing rate",
    ],
)  # fmt: skip
def test_each_old_phrase_would_be_noticed(text):
    """The list knows the phrases that stood on the page before."""
    assert dialect(text)


@pytest.mark.parametrize("text", ["17 breaths/min", "a real number of", "One row per cell", "Choose a window", "slow"])
def test_plain_words_are_not_taken_for_dialect(text):
    """What is said in the field passes."""
    assert not dialect(text)
