"""The pages of the Python interface: built from the docstrings without a warning, whole, and without a dead link."""

import subprocess
import sys
from enum import Enum
from html.parser import HTMLParser
from importlib import import_module
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from numpydoc.validate import Validator, validate
from sphinx.util.inventory import InventoryFile

import physiosynth
from places import ROOT

PUBLIC = {
    *(f"physiosynth.{name}" for name in physiosynth.__all__ if name != "__version__"),
    "physiosynth.generate.core.WESADGenerator",
    "physiosynth.families.wearable.data.reference.RealWESADPreparer",
    "physiosynth.families.table.FAMILIES",
    "physiosynth.families.table.Family",
    "physiosynth.families.table.family_of",
    "physiosynth.families.wearable.export.write",
    "physiosynth.training.task.Task",
    "physiosynth.running.pool.Pool",
}
# No docstring; parameters without a text, or texts without a parameter; no Returns.
INCOMPLETE = {"GL08", "PR01", "PR02", "RT01"}


def build(source, out):
    """Build pages as README.md says: (exit status, what was said)."""
    command = [sys.executable, "-m", "sphinx", "-n", "-W", "--keep-going", "-q", source, out]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The built folder."""
    out = tmp_path_factory.mktemp("api")
    status, said = build(ROOT / "docs" / "api", out)
    assert status == 0, said
    return out


def entries(pages, *kinds):
    """Names that have an entry of one of these kinds."""
    with (pages / "objects.inv").open("rb") as stream:
        inventory = InventoryFile.load(stream, "", urljoin)
    return {name for kind in kinds for name in inventory.get(f"py:{kind}", ())}


class Anchors(HTMLParser):
    """What a page points at, and what in it can be pointed at."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.links += [given[name] for name in ("href", "src") if given.get(name)]
        self.ids |= {given["id"]} if given.get("id") else set()


def dead_links(folder):
    """Links and anchors of the pages in a folder that lead nowhere in it."""
    found = {path.relative_to(folder).as_posix(): Anchors(path.read_text("utf-8")) for path in folder.rglob("*.html")}
    dead = []
    for name, page in found.items():
        for link in page.links:
            address = urlsplit(urljoin(name, link) if urlsplit(link).path else f"{name}{link}")
            if urlsplit(link).scheme:
                continue
            target, anchor = unquote(address.path), unquote(address.fragment)
            if not (folder / target).is_file() or (anchor and target in found and anchor not in found[target].ids):
                dead.append((name, link))
    return dead


def test_every_link_between_the_pages_leads_somewhere(pages):
    """Files and anchors alike, on every page."""
    assert len(list(pages.glob("*.html"))) > 5
    assert dead_links(pages) == []


def test_a_dead_link_is_found(tmp_path):
    """A missing page and a missing anchor are two; what is there and what lies elsewhere are none."""
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here">1</a><a href="b.html#c">2</a><a href="no.html">3</a>'
    )
    (tmp_path / "b.html").write_text('<a href="a.html#here">4</a><a href="https://example.org/#x">5</a>')
    assert dead_links(tmp_path) == [("a.html", "b.html#c"), ("a.html", "no.html")]


def test_every_public_name_has_an_entry(pages):
    """Those of the front door, the published ones, the table of families, and the contracts."""
    assert PUBLIC - entries(pages, "function", "class", "data") == set()
    assert import_module("physiosynth.generate.core").WESADGenerator is physiosynth.Generator


def incomplete(name):
    """What numpydoc misses in a docstring; a protocol and an enumeration have no constructor of their own."""
    thing = Validator._load_obj(name)
    uncalled = isinstance(thing, type) and (issubclass(thing, Enum) or getattr(thing, "_is_protocol", False))
    wanted = INCOMPLETE - ({"PR01"} if uncalled else set())
    return [text for code, text in validate(name)["errors"] if code in wanted]


def test_every_entry_says_what_it_takes_and_gives(pages):
    """Parameters as they are in the signature, Returns where something is returned: of functions, classes, methods."""
    names = entries(pages, "function", "class", "method")
    assert {"physiosynth.load", "physiosynth.Generator.sample", "physiosynth.training.task.Task.losses"} <= names
    assert {name: missing for name in sorted(names) if (missing := incomplete(name))} == {}


def test_a_name_that_cannot_be_resolved_ends_the_build(tmp_path):
    """A page that points at a class which is not there."""
    (tmp_path / "conf.py").write_text((ROOT / "docs" / "api" / "conf.py").read_text("utf-8"))
    (tmp_path / "index.rst").write_text("Title\n=====\n\n:class:`physiosynth.Genrator`\n")
    status, said = build(tmp_path, tmp_path / "out")
    assert status != 0 and "reference target not found: physiosynth.Genrator" in said
