"""The counter of code lines, which says how much the package has shrunk."""

import runpy
from pathlib import Path

COUNTER = runpy.run_path(str(Path(__file__).parents[1] / "scripts" / "count_lines.py"))


def test_docstrings_comments_and_blank_lines_are_no_code():
    """A statement counts by its lines, a string that is a value too, a docstring and a comment do not."""
    source = '''"""A module."""

# A comment.
TEXT = """one
two"""  # a value over two lines


def twice(x):
    """A function.

    More.
    """
    return [
        x,

        x,
    ]
'''
    assert COUNTER["code_lines"](source) == 2 + 1 + 4


def test_commands_and_the_table_of_families_are_left_out():
    """Rooms are folders, files beside them stand together, and what came with the front door does not count."""
    found = {"a.py": "x = 1", "room/b.py": "y = 2\nz = 3", "commands/c.py": "q = 1", "families/table.py": "t = 1"}
    assert COUNTER["by_room"](found) == {".": 1, "room": 2}
