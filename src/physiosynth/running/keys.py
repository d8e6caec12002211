"""Keys under which results are kept: over what was computed from, and over the code that computes it."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]


def key_of(**inputs: Any) -> str:
    """SHA-256 over named inputs (anything JSON holds); give it the `code_digest` of what computes."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()


@cache
def code_digest(*modules: str, root: Path = PACKAGE) -> str:
    """SHA-256 over the source of these modules and of all that they import from the package, however deep.

    What is computed by them is then found again as long as nothing they use has changed, whatever else has.
    """
    found: dict[Path, str] = {}
    waiting = [path for name in modules if (path := _source(name, root))]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = path.read_text(encoding="utf-8")
            waiting += [each for name in _imports(ast.parse(found[path])) if (each := _source(name, root))]
    ordered = sorted((path.relative_to(root).as_posix(), text) for path, text in found.items())
    return key_of(sources=ordered)


def _source(module: str, root: Path) -> Path | None:
    """The file of a module of the package; None for anything else, the front door included: it only points."""
    package, *names = module.split(".")
    if package != PACKAGE.name or not names:
        return None
    folder = root.joinpath(*names)
    return next((path for path in (folder.with_suffix(".py"), folder / "__init__.py") if path.is_file()), None)


def _imports(node: ast.AST) -> Iterator[str]:
    """Modules imported anywhere below this node, but for a type checker alone; a name of one may be a module, too."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child)
