"""What `import physiosynth` gives: light at first, complete when used, and documented."""

import doctest
import importlib
import subprocess
import sys
from inspect import getdoc, isclass, isfunction

import pytest

import physiosynth

HEAVY = ("scipy", "pandas", "neurokit2", "sklearn", "streamlit", "matplotlib", "altair", "pyarrow", "h5py", "jinja2")
DOCUMENTED = (
    "physiosynth",
    "physiosynth.families.wearable.generator.generator",
    "physiosynth.families.wearable.generator.request",
    "physiosynth.families.wearable.data.batch",
)


def loaded_after(code, names):
    """Which of the modules a new Python holds after the code."""
    tail = f"\nimport sys\nprint([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def test_importing_the_package_loads_no_library():
    """Not even numpy; a name is loaded when it is first used."""
    names = (*HEAVY, "numpy", "torch", "physiosynth.errors")
    assert loaded_after("import physiosynth; dir(physiosynth)", names) == "[]"
    assert loaded_after("from physiosynth import Request", ("physiosynth.families.wearable.generator.request",)) != "[]"


def test_drawing_a_window_loads_nothing_but_torch_and_numpy():
    """From a cold start; no filter, detector, table or page is loaded on the way."""
    code = "import physiosynth as ps; ps.load(device='cpu').sample('stress', seed=1)"
    assert loaded_after(code, (*HEAVY, "torch._dynamo", "sympy", "physiosynth.families.wearable.judging")) == "[]"


def test_every_name_is_there_and_another_is_refused():
    """The older names are the same things."""
    from physiosynth.families.wearable.generator.generator import WESADGenerator

    for name in physiosynth.__all__:
        assert name in dir(physiosynth) and getattr(physiosynth, name) is not None
    assert physiosynth.Generator is WESADGenerator
    with pytest.raises(AttributeError, match="no attribute 'Generatr'"):
        physiosynth.Generatr  # noqa: B018


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_examples_in_docstrings_do_what_they_say(name):
    """They are run; each of these modules has one, but for the plain containers."""
    module = importlib.import_module(name)
    failed, tried = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0 and (tried or name.endswith("batch"))


@pytest.mark.parametrize("name", [name for name in physiosynth.__all__ if name != "__version__"])
def test_public_names_and_their_parameters_are_documented(name):
    """Every parameter of a public class or function, and of its public methods, stands in the docstring's sections."""
    thing = getattr(physiosynth, name)
    assert "Parameters\n-----" in getdoc(thing)
    methods = [part for key, part in vars(thing).items() if isclass(thing) and isfunction(part) and key[0] != "_"]
    for part in [thing, *methods]:
        text, call = getdoc(part), part.__init__ if isclass(part) else part
        if "Parameters\n-----" in text:
            missing = set(call.__annotations__) - {"return"} - set(_words(text))
            assert not missing, f"{part.__qualname__} says nothing of {missing}"


def _words(text):
    for line in text.splitlines():
        if line and not line.startswith(" "):
            yield from (word.strip(" *") for word in line.split(","))


def test_the_older_python_of_the_readme_still_works(tmp_path):
    """What was published: WESADGenerator.from_bundle, sample_batch, fused, write_csv and write_npz."""
    from physiosynth.families.wearable.generator.generator import Sampling, WESADGenerator

    generator = WESADGenerator.from_bundle("default", "cpu")
    batch = generator.sample_batch("stress", windows=2, seed=42, sampling=Sampling(2, 2))
    assert batch.fused().shape == (2, 5250, 3)
    for path in (generator.write_csv(batch, tmp_path / "s.csv"), generator.write_npz(batch, tmp_path / "s.npz")):
        assert path.is_file()
