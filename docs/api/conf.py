"""Pages of the Python interface, from its docstrings: python -m sphinx -n -W docs/api runs/api"""

from physiosynth import __version__

project = "physiosynth"
release = __version__
extensions = ["sphinx.ext.autodoc", "numpydoc"]
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "sidebar_width": "260px"}
html_show_copyright = False
html_copy_source = False

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
numpydoc_show_class_members = False  # autodoc lists them, with their texts
# Types of other libraries have pages elsewhere, which a build without a network does not ask for.
nitpick_ignore_regex = [
    ("py:.*", r"(np|numpy|torch|nn|pathlib|collections|enum|typing|typing_extensions)\..*|Path|Tensor|Any"),
    # Types of the package that a caller only passes on.
    ("py:class", r"(physiosynth\..*\.)?(Batch|Bundle|Checks|Losses|Progress|Recording|Result|RunLog|States|Stored)"),
]
