"""What is kept is found again for the same code alone: detectors, judges and samplers, and not the looks of a page."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import physiosynth
from physiosynth.running.keys import code_digest
from places import TESTS

PACKAGE = Path(physiosynth.__file__).parent
# Everything that is kept of windows, under tmp_path: features, scores and drawn windows.
SCRIPT = """
import json, sys
from pathlib import Path
from test_run import FakeGenerator, made
from making.windows import toy_windows
from physiosynth.families.wearable.scores.inputs import Inputs, drawn
from physiosynth.families.wearable.judging.plan import quick_settings
from physiosynth.families.wearable.scores.run import run
out = Path(sys.argv[1])
run(Inputs(toy_windows(2, 1, ("T1",)), made(toy_windows(2, 2))), out, quick_settings(repeats=1), ("spectra",))
drawn(FakeGenerator(), ("stress",), 1, 0, out / "drawn")
scores = json.loads((out / "spectra.json").read_text())["key"]
features = sorted(path.name for path in out.glob("features*"))
print(json.dumps([features, scores, [path.name for path in (out / "drawn").iterdir()]]))
"""


def keys(tmp_path, name, changed=None):
    """The keys of features, scores and drawn windows of a copy of the package with one line more in a file."""
    root = tmp_path / name
    shutil.copytree(PACKAGE, root / "physiosynth", ignore=shutil.ignore_patterns("embedded_bundle", "__pycache__"))
    if changed:
        path = root / "physiosynth" / changed
        path.write_text(path.read_text(encoding="utf-8") + "\nCHANGED = True\n", encoding="utf-8")
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (root, TESTS, TESTS / "families/wearable/scores")))}
    command = [sys.executable, "-c", SCRIPT, tmp_path / f"{name}-kept"]
    answer = subprocess.run(command, capture_output=True, text=True, env=given, timeout=240)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    return json.loads(keys(tmp_path_factory.mktemp("untouched"), "untouched"))


@pytest.mark.parametrize(
    ("changed", "other"),
    [
        ("physiology/detectors.py", {"features", "scores", "drawn"}),  # the generator picks by it, too
        pytest.param("families/wearable/judging/spectra.py", {"scores"}, marks=pytest.mark.slow),
        ("diffusion/samplers.py", {"drawn", "scores"}),  # an attack asks the networks
        ("families/wearable/judging/report/page.py", set()),
    ],
)
def test_what_is_kept_is_made_anew_for_other_code_alone(untouched, tmp_path, changed, other):
    """A changed detector, score or sampler changes the keys of what it made; a style sheet changes none."""
    found = json.loads(keys(tmp_path, "changed", changed))
    differing = {
        name
        for name, before, after in zip(("features", "scores", "drawn"), untouched, found, strict=True)
        if before != after
    }
    assert differing == other


def test_the_digest_follows_imports_however_deep_and_wherever(tmp_path):
    """Imports inside functions and of names count, those for a type checker and of other packages do not."""
    root = tmp_path / "physiosynth"
    (root / "room").mkdir(parents=True)
    files = {
        "__init__.py": "from physiosynth import unasked\n",
        "a.py": "from typing import TYPE_CHECKING\nimport json\nfrom physiosynth import b\nif TYPE_CHECKING:\n"
        "    from physiosynth import unasked\n",
        "b.py": "def later():\n    from physiosynth.room import name\n",
        "room/__init__.py": "from physiosynth.room.deep import name\n",
        "room/deep.py": "import physiosynth.a\nname = 1\n",  # a circle
        "unasked.py": "",
    }

    def digest(**changed):
        for path, text in (files | changed).items():
            (root / path).write_text(text)
        return code_digest.__wrapped__("physiosynth.a", root=root)

    first = digest()
    assert digest() == first
    for path in ("a.py", "b.py", "room/__init__.py", "room/deep.py"):
        assert digest(**{path: files[path] + "# more\n"}) != first, path
    assert digest(**{"unasked.py": "x = 1\n"}) == first
