"""Zips that nobody vouches for: what is unpacked, what is refused, and what a killed unpack leaves behind."""

import errno
import os
import signal
import stat
import struct
import subprocess
import sys
import time
import zipfile

import pytest
from filelock import FileLock

from physiosynth.bundles import archive
from physiosynth.bundles.archive import UnpackLimits, cache_folder, unpack, unpack_into
from physiosynth.errors import BundleError
from physiosynth.files import swap_in


def anything(folder):
    """A check that refuses nothing."""


def zip_of(path, *members, compression=zipfile.ZIP_STORED):
    """A zip of (name or ZipInfo, contents); names are stored as given."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members:
            info = name
            if isinstance(name, str):
                info = zipfile.ZipInfo("x")
                info.filename, info.compress_type = name, compression
            file.writestr(info, content)
    return path


def left_in(folder):
    """Everything below a folder, hidden or not."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("separator", ["/", "\\"])
@pytest.mark.parametrize("parent", ["", "inference_bundle/"])
def test_a_flat_zip_and_one_with_a_parent_are_unpacked_on_every_system(tmp_path, parent, separator):
    """Names keep their folders, with Windows' backslashes too."""
    name = f"{parent}results/weights.txt"
    path = zip_of(tmp_path / "b.zip", (name.replace("/", separator), "w"))
    folder = unpack(path, anything, tmp_path / "cache")
    assert (folder / name).read_text() == "w"


REFUSED = {
    "a way up": ([("fine", "x"), ("../evil", "x")], "'../evil' is a link or leads outside"),
    "a way up inside": ([("a/../../evil", "x")], "leads outside"),
    "an absolute path": ([("/etc/evil", "x")], "leads outside"),
    "a way up with backslashes": ([("..\\evil", "x")], "leads outside"),
    "a drive": ([("C:\\evil", "x")], "leads outside"),
    "a drive without a slash": ([("C:evil", "x")], "leads outside"),
    "a network path": ([("\\\\host\\share\\evil", "x")], "leads outside"),
    "a null in a name": ([("evil\0.txt", "x")], "leads outside"),
    "one name twice": ([("a/b", "1"), ("a/b", "2")], "'a/b' is there twice"),
    "names that differ in case": ([("results/A", "1"), ("results/a", "2")], "'results/a' is there twice"),
    "names that differ in Unicode's forms": ([("\u00e9", "1"), ("e\u0301", "2")], "is there twice"),
    "names that differ in a last dot": ([("a", "1"), ("a.", "2")], "is there twice"),
    "a file that is a folder too": ([("a", "1"), ("a/b", "2")], "a folder of member 'a/b' is a file"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", REFUSED)
def test_members_that_could_land_elsewhere_are_refused(tmp_path, case):
    """The zip and the member are named, and nothing of the zip is written anywhere."""
    members, message = REFUSED[case]
    path = zip_of(tmp_path / "b.zip", *members)
    with pytest.raises(BundleError, match=r"b\.zip: .*" + message):
        unpack(path, anything, tmp_path / "cache")
    assert left_in(tmp_path) == ["b.zip", "cache", "cache/bundles"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    """A member that is not a plain file is refused by its stored mode."""
    info = zipfile.ZipInfo("results/link")
    info.external_attr = (kind | 0o777) << 16
    with pytest.raises(BundleError, match="member 'results/link' is a link"):
        unpack(zip_of(tmp_path / "b.zip", (info, "/etc/passwd")), anything, tmp_path / "cache")


def test_too_many_files_are_refused(tmp_path):
    """One file above the limit is one too many; at the limit the zip is unpacked."""
    path = zip_of(tmp_path / "b.zip", *((f"f{i}", "") for i in range(4)))
    with pytest.raises(BundleError, match="holds 4 files, expected at most 3"):
        unpack(path, anything, tmp_path / "cache", UnpackLimits(files=3))
    unpack(path, anything, tmp_path / "cache", UnpackLimits(files=4))


def test_a_zip_above_the_limit_of_bytes_is_refused(tmp_path):
    """The size that the zip says is judged before anything is written."""
    path = zip_of(tmp_path / "b.zip", ("a", bytes(600)), ("b", bytes(600)))
    with pytest.raises(BundleError, match=r"more than 0\.0 MB, the limit"):
        unpack(path, anything, tmp_path / "cache", UnpackLimits(total_bytes=1199))
    unpack(path, anything, tmp_path / "cache", UnpackLimits(total_bytes=1200))


def test_a_bomb_is_known_by_its_ratio(tmp_path, monkeypatch):
    """A thousand to one is refused, also inside a second zip, whose ratio counts from the outer one's size."""
    monkeypatch.setattr(archive, "SMALL_BYTES", 1 << 16)
    bomb = zip_of(tmp_path / "bomb.zip", ("zeros", bytes(4 << 20)), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(BundleError, match="200 times its size, as a zip bomb does"):
        unpack(bomb, anything, tmp_path / "cache")
    unpack(bomb, anything, tmp_path / "cache", UnpackLimits(ratio=1100))
    nested = zip_of(tmp_path / "nested.zip", ("bomb.zip", bomb.read_bytes()), compression=zipfile.ZIP_DEFLATED)
    assert nested.stat().st_size < bomb.stat().st_size
    with pytest.raises(BundleError, match="1000 times its size"):
        unpack(nested, anything, tmp_path / "cache", UnpackLimits(ratio=1000))


def altered(path, change):
    """The zip with its directory's entry of the one member changed: change(entry) on the bytes from its signature."""
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    entry = bytearray(content[at:])
    change(entry)
    path.write_bytes(content[:at] + entry)
    return path


def test_a_size_the_zip_lies_about_is_not_believed(tmp_path):
    """A directory that says 10 bytes for a megabyte writes no megabyte: the member is refused."""
    path = zip_of(tmp_path / "b.zip", ("a", bytes(1 << 20)), compression=zipfile.ZIP_DEFLATED)
    altered(path, lambda entry: struct.pack_into("<I", entry, 24, 10))
    with pytest.raises(BundleError, match=r"b\.zip: (the zip is damaged|a member's size)"):
        unpack(path, anything, tmp_path / "cache", UnpackLimits(total_bytes=1000))


def test_members_over_each_other_are_refused(tmp_path):
    """A directory whose members share their bytes claims more packed bytes than the zip has."""
    path = zip_of(tmp_path / "b.zip", ("a", bytes(1000)))
    altered(path, lambda entry: struct.pack_into("<I", entry, 20, 1 << 20))
    with pytest.raises(BundleError, match="members lie over each other"):
        unpack(path, anything, tmp_path / "cache")


def test_an_encrypted_zip_is_told_from_a_damaged_one(tmp_path):
    """The message says that the member is encrypted and what to do."""
    path = zip_of(tmp_path / "b.zip", ("a", "x"))
    altered(path, lambda entry: struct.pack_into("<H", entry, 8, 1))
    with pytest.raises(BundleError, match=r"'a' is encrypted\. Unpack the zip with its password"):
        unpack(path, anything, tmp_path / "cache")


@pytest.mark.parametrize("method", [9, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 93])
def test_other_compressions_have_their_own_message(tmp_path, method):
    """Windows writes method 9 for large files; what is not plain is named by its number."""
    path = zip_of(tmp_path / "b.zip", ("a", "x"))
    altered(path, lambda entry: struct.pack_into("<H", entry, 10, method))
    with pytest.raises(BundleError, match=rf"compressed by method {method}, expected stored or deflated"):
        unpack(path, anything, tmp_path / "cache")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_zip_is_named(tmp_path, share):
    """Wherever it is cut, the message says so, and nothing is kept."""
    path = zip_of(tmp_path / "b.zip", *((f"f{i}", os.urandom(500)) for i in range(5)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(BundleError, match=r"b\.zip: the zip is damaged or cut short"):
        unpack(path, anything, tmp_path / "cache")
    assert left_in(tmp_path / "cache") == ["bundles"]


def test_contents_that_are_refused_are_not_kept(tmp_path):
    """What check raises comes out; the cache stays empty and the target keeps what it held."""

    def refuse(folder):
        assert (folder / "a").read_text() == "new"
        raise BundleError("not this one")

    path = zip_of(tmp_path / "b.zip", ("a", "new"))
    target = tmp_path / "target"
    target.mkdir()
    (target / "a").write_text("old")
    for attempt in (lambda: unpack(path, refuse, tmp_path / "cache"), lambda: unpack_into(path, target, refuse)):
        with pytest.raises(BundleError, match="not this one"):
            attempt()
    assert (target / "a").read_text() == "old"
    assert left_in(tmp_path) == ["b.zip", "cache", "cache/bundles", "target", "target/a"]


def test_a_target_is_replaced_whole(tmp_path):
    """Nothing of the older contents stays among the new, and nothing stays beside the target."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "old only").write_text("old")
    path = zip_of(tmp_path / "b.zip", ("a", "new"))
    assert unpack_into(path, target, anything) == target
    assert left_in(tmp_path) == ["b.zip", "target", "target/a"]


def test_folders_are_swapped_where_no_exchange_in_one_move_exists(tmp_path, monkeypatch):
    """Outside Linux two moves do it, with the same end."""
    monkeypatch.setattr("physiosynth.files._exchange", lambda one, other: False)
    for name in ("new", "target"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    swap_in(tmp_path / "new", tmp_path / "target")
    assert left_in(tmp_path) == ["target", "target/new"]


UNPACK_FOR_EVER = """
import sys, time
from pathlib import Path
from physiosynth.bundles import archive
real = archive._blocks
def slow(*args):
    for block in real(*args):
        yield block
        print("writing", flush=True)
        time.sleep(60)
archive._blocks = slow
archive.unpack_into(Path(sys.argv[1]), Path(sys.argv[2]), lambda folder: None)
"""


def test_an_unpack_killed_on_its_way_leaves_the_old_bundle_and_the_next_one_tidies_up(tmp_path, monkeypatch):
    """SIGKILL while a member is written: the old contents are whole, and the next unpack removes the half-written."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "a").write_text("old")
    path = zip_of(tmp_path / "b.zip", ("a", bytes(100)), ("b", bytes(100)))
    child = subprocess.Popen([sys.executable, "-c", UNPACK_FOR_EVER, path, target], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"writing\n"
    half = [name for name in left_in(tmp_path) if name.startswith(".unpacking-")]
    assert half
    monkeypatch.setattr(archive, "SETTLED_S", -1.0)
    other = zip_of(tmp_path / "c.zip", ("c", "1"))
    unpack_into(other, tmp_path / "other", anything)
    assert set(half) <= set(left_in(tmp_path)), "a workplace in use was removed"
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert left_in(target) == ["a"] and (target / "a").read_text() == "old"
    unpack_into(path, target, anything)
    assert left_in(target) == ["a", "b"] and (target / "a").stat().st_size == 100
    assert not [name for name in left_in(tmp_path) if name.startswith(".")]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of this kind are POSIX's")
def test_a_cache_in_the_shared_temporary_folder_belongs_to_this_user_alone(tmp_path, monkeypatch):
    """Where others could have planted weights the cache is refused; one made here is private."""
    (tmp_path / "file").write_text("")
    for name, value in {"XDG_CACHE_HOME": str(tmp_path / "file"), "HOME": str(tmp_path / "file")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PHYSIOSYNTH_CACHE", raising=False)
    monkeypatch.setattr(archive.tempfile, "gettempdir", lambda: str(tmp_path))
    made = cache_folder()
    assert made.parent == tmp_path and stat.S_IMODE(made.stat().st_mode) == 0o700
    assert cache_folder() == made
    made.chmod(0o777)
    with pytest.raises(BundleError, match="others can write to it"):
        cache_folder()
    made.rmdir()
    made.symlink_to(tmp_path)
    with pytest.raises(BundleError, match="others can write to it"):
        cache_folder()


def test_time_does_not_make_a_workplace_in_use_old(tmp_path):
    """A workplace is removed only when it is settled and no process holds its lock."""
    place = tmp_path / ".unpacking-x"
    place.mkdir()
    (place / archive.HELD).write_bytes(b"")
    archive._remove_if_left(place)
    assert place.exists()
    past = time.time() - 2 * archive.SETTLED_S
    os.utime(place, (past, past))
    with FileLock(place / archive.HELD):
        archive._remove_if_left(place)
        assert place.exists()
    archive._remove_if_left(place)
    assert not place.exists()


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path, monkeypatch):
    """The error comes from the system's own for a full disk, which commands turn into an exit code."""
    usage = archive.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda folder: usage._replace(free=10))
    with pytest.raises(BundleError, match=r"b\.zip: unpacks to 0\.0 GB; 0\.0 GB are free") as caught:
        unpack(zip_of(tmp_path / "b.zip", ("a", bytes(100))), anything, tmp_path / "cache")
    assert caught.value.__cause__.errno == errno.ENOSPC
