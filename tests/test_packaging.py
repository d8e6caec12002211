"""What an installed package holds and needs: the same files as the source tree that the tests run from, and no more."""

import ast
import os
import re
import subprocess
import sys

import pytest

from physiosynth.commands.table import TABLE
from physiosynth.extras import EXTRA_OF
from places import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = ROOT / "src" / "physiosynth"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
DISTRIBUTION_OF = {"sklearn": "scikit-learn"}  # where a package is called otherwise than what it installs
COMES_WITH = {"starlette": "streamlit", "altair": "streamlit", "urllib3": "requests", "typing_extensions": "torch"}
PLAIN = {"torch", "numpy", "scipy", "safetensors", "click", "tqdm", "requests", "filelock", "tomli"}
# A package that cannot be imported stands for one that is not installed.
WITHOUT_EXTRAS = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from physiosynth.commands.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_every_file_that_is_no_module_is_installed_too():
    """A style sheet or preset that package-data does not name is there in a checkout and missing in the image."""
    named = PROJECT["tool"]["setuptools"]["package-data"]["physiosynth"]
    installed = {path for pattern in named for path in PACKAGE.glob(pattern)}
    others = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert [str(path.relative_to(PACKAGE)) for path in others if path not in installed] == []


def test_every_folder_of_modules_is_a_package():
    """Setuptools leaves out a folder without __init__.py, which Python itself does not miss in a checkout."""
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [str(folder.relative_to(PACKAGE)) for folder in folders if not (folder / "__init__.py").exists()] == []


def packages_of(*extras):
    """Names of the distributions that extras bring, those of the extras they name included."""
    found = set()
    for wanted in [wanted for extra in extras for wanted in EXTRAS[extra]]:
        name, others = re.match(r"([\w-]+)(?:\[([\w,-]+)\])?", wanted).groups()
        found |= packages_of(*others.split(",")) if name == "physiosynth" else {name}
    return found


def test_every_import_is_of_a_package_that_is_asked_for():
    """What the package imports comes with the plain install, or with the extra that a message would name."""
    roots = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                roots |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                roots.add(node.module.partition(".")[0])
    others = roots - set(sys.stdlib_module_names) - PLAIN - set(EXTRA_OF) - set(COMES_WITH) - {"physiosynth"}
    assert others == set()
    required = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert {line for line in re.findall(r"^([\w-]+)[<>=]", required, re.MULTILINE)} == PLAIN
    for module, extra in EXTRA_OF.items():
        distribution = COMES_WITH.get(module, DISTRIBUTION_OF.get(module, module))
        assert distribution in packages_of(extra), module


def test_the_extras_are_there_under_their_names():
    """Those of the commands, and the aliases."""
    assert {entry.extra for entry in TABLE if entry.extra} <= set(EXTRAS)
    assert packages_of("metrics") == packages_of("classification") == packages_of("evaluation")
    assert packages_of("fine-tuning") == packages_of("training") > packages_of("evaluation")
    assert {"app", "formats", "notebooks", "test"} <= set(EXTRAS)


def without_extras(folder, *words):
    """A command where no optional package can be imported."""
    code = WITHOUT_EXTRAS.format(names=set(EXTRA_OF))
    line = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True)


def test_sampling_needs_none_of_the_extras(tmp_path):
    """Windows with rates, in NPZ and CSV, a recording, and the same again."""
    rates = ("--heart-rate", 90, "--breathing-rate", 16, "--scr-rate", 4, "--steps", 2)
    for name in ("a.npz", "a.csv"):
        done = without_extras(tmp_path, "sample", "--condition", "stress", "--windows", 1, *rates, "--out", name)
        assert done.returncode == 0, done.stderr
    done = without_extras(tmp_path, "sample", "--seconds", 60, "--steps", 2, "--out", "r.npz", "--wesad", "w")
    assert done.returncode == 0, done.stderr
    done = without_extras(tmp_path, "reproduce", "a.npz")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "words, extra",
    [
        (("app",), "app"),
        (("sample", "--out", "a.h5"), "formats"),
        (("sample", "--out", "a.parquet"), "formats"),
        (("reproduce", ROOT / "tests/fixtures/neurokit_rest_60s.csv"), "formats"),
        (("import", ROOT / "tests/fixtures/neurokit_rest_60s.csv", "--subject", "ME", "--out", "x", "--rate", "100",
          "--channels", "ECG=ECG,EDA=EDA,Resp=RSP", "--state", "baseline"), "formats"),
        (("evaluate", "--out", "x", "--quick", "--windows", "4"), "evaluation"),
    ],
    ids=str,
)  # fmt: skip
def test_what_needs_an_extra_says_which_one(words, extra, tmp_path):
    """One line with what to type, exit code 2, no traceback."""
    done = without_extras(tmp_path, *words)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and last.startswith("error: "), done.stderr
    assert f"pip install '.[{extra}]'" in last and "Traceback" not in done.stderr


def test_no_file_names_the_host_of_a_package_registry():
    """Installers have an index of their own, which a mirror or an offline site replaces; only its settings name one."""
    hosts = [
        ".".join(parts) for parts in (("pypi", "org"), ("files", "pythonhosted", "org"), ("registry", "npmjs", "org"))
    ]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    found = [path for path in paths if path.is_file() and any(host.encode() in path.read_bytes() for host in hosts)]
    assert [str(path.relative_to(ROOT)) for path in found] == []


def test_the_index_of_torch_stands_in_one_place():
    """requirements-torch.lock names it; the image and the scripts read it there."""
    host = ".".join(("download", "pytorch", "org"))
    places = [path for folder in (ROOT, ROOT / "scripts") for path in folder.iterdir() if path.is_file()]
    assert [path.name for path in places if host.encode() in path.read_bytes()] == ["requirements-torch.lock"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_wheel_in_a_fresh_environment_samples(tmp_path):
    """Built and installed without extras: the command draws NPZ and CSV in another folder, and names what it lacks."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*words):
        done = subprocess.run(list(map(str, words)), cwd=tmp_path, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def expect(*words):
        code, said = run(*words)
        assert code == 0, said[-3000:]
        return said

    expect(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("physiosynth-*.whl")
    expect(sys.executable, "-m", "venv", tmp_path / "venv")
    pip, physiosynth = (tmp_path / "venv" / "bin" / name for name in ("pip", "physiosynth"))
    index = re.search(r"^# Index: (.+)$", (ROOT / "requirements-torch.lock").read_text(), re.MULTILINE).group(1)
    torch = re.search(r"^torch.+$", (ROOT / "requirements.txt").read_text(), re.MULTILINE).group(0)
    expect(pip, "install", "--no-deps", torch, "--extra-index-url", os.environ.get("TORCH_INDEX_URL") or index)
    expect(pip, "install", wheel)
    assert "physiosynth, version" in expect(physiosynth, "--version")
    for name in ("a.npz", "a.csv"):
        expect(physiosynth, "sample", "--condition", "stress", "--heart-rate", 90, "--windows", 1, "--out", name)
    assert "identical" in expect(physiosynth, "reproduce", "a.npz")
    for words in (("app",), ("sample", "--out", "a.h5"), ("evaluate", "--out", "x", "--quick", "--windows", "4")):
        code, said = run(physiosynth, *words)
        assert code == 2 and "pip install '.[" in said and "Traceback" not in said, said
    assert not [
        name for name in ("streamlit", "sklearn", "pandas") if any(tmp_path.glob(f"venv/lib/*/site-packages/{name}"))
    ]
