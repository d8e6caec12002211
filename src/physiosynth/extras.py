"""Optional packages: which extra of pyproject.toml brings each, and the sentence that says so where one is missing."""

from __future__ import annotations

EXTRA_OF = {
    **dict.fromkeys(("h5py", "wfdb", "edfio", "pyarrow", "pandas"), "formats"),
    **dict.fromkeys(("neurokit2", "sklearn", "matplotlib", "jinja2"), "evaluation"),
    **dict.fromkeys(("streamlit", "starlette", "altair"), "app"),
    "tensorboard": "training",
}


def install_hint(what: str, module: str, extra: str | None = None) -> str:
    """That something needs a package that is not there, and how to install the extra that brings it."""
    wanted = extra or EXTRA_OF.get(module, "test")
    return f"{what} needs {module}, which is not installed. In the project's folder: pip install '.[{wanted}]'"


def missing_module(error: ModuleNotFoundError) -> str | None:
    """The optional package that an import did not find, None where it is another one: that is a fault of ours."""
    root = (error.name or "").partition(".")[0]
    return root if root in EXTRA_OF else None
