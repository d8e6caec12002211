"""What an installed package holds: the same as the source tree that the tests run from."""

import sys

from places import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = ROOT / "src" / "physiosynth"


def test_every_file_that_is_no_module_is_installed_too():
    """A style sheet or preset that package-data does not name is there in a checkout and missing in the image."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = project["tool"]["setuptools"]["package-data"]["physiosynth"]
    installed = {path for pattern in named for path in PACKAGE.glob(pattern)}
    others = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert [str(path.relative_to(PACKAGE)) for path in others if path not in installed] == []


def test_every_folder_of_modules_is_a_package():
    """Setuptools leaves out a folder without __init__.py, which Python itself does not miss in a checkout."""
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [str(folder.relative_to(PACKAGE)) for folder in folders if not (folder / "__init__.py").exists()] == []
