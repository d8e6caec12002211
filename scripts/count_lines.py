"""Count code lines of the package by room, without blank lines, comments and docstrings: of the tree, or of a revision.

The commands and the table of families are left out, so that figures from before and after they came can be compared.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tokenize
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "src/physiosynth"
LEFT_OUT = ("commands/", "families/table.py")  # under PACKAGE
NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
    tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(source: str) -> int:
    """Lines that hold a token of code; of a string over several lines each one counts unless it is a docstring."""
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            held.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                if isinstance(first.value.value, str):
                    held.difference_update(range(first.lineno, first.end_lineno + 1))
    return len(held)


def sources(revision: str | None) -> dict[str, str]:
    """Text by path under PACKAGE, of the working tree or of a revision of git."""
    if revision is None:
        folder = ROOT / PACKAGE
        return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*.py")}
    listed = _git("ls-tree", "-r", "--name-only", revision, "--", PACKAGE).splitlines()
    names = [name for name in listed if name.endswith(".py")]
    return {name.removeprefix(f"{PACKAGE}/"): _git("show", f"{revision}:{name}") for name in names}


def by_room(found: dict[str, str]) -> Counter[str]:
    """Code lines by room: the first folder under PACKAGE, "." for files beside them."""
    counts: Counter[str] = Counter()
    for name, text in found.items():
        if not name.startswith(LEFT_OUT):
            counts[name.split("/")[0] if "/" in name else "."] += code_lines(text)
    return counts


def _git(*words: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision", nargs="?", help="a revision of git (default: the working tree)")
    options = parser.parse_args()
    try:
        counts = by_room(sources(options.revision))
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{options.revision}: git knows no such revision. {error.stderr.strip()}") from error
    for room, lines in sorted(counts.items()):
        print(f"{lines:7,} {room}")
    print(f"{sum(counts.values()):7,} in all")


if __name__ == "__main__":
    main()
