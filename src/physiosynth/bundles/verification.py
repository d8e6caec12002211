"""Verifies a bundle: what is there, whether it is whole, and whether its parts agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from physiosynth.bundles.archive import DEFAULT_LIMITS, UnpackLimits, cache_folder, unpacked_below
from physiosynth.bundles.bundle import FORMAT, Bundle, bundle_errors_alone, read_index, resolve_bundle
from physiosynth.bundles.fetching import RECEIPT
from physiosynth.bundles.layout import DEFAULT, INDEX, find_root
from physiosynth.errors import BundleError
from physiosynth.files import sha256_of
from physiosynth.runtime import OnStep, quiet

PASSED, FAILED, NOTE = "passed", "failed", "note"
Found = Iterator[tuple[str, str]]  # status and detail; a PASSED counts where nothing of the check failed
Checks = Mapping[str, Callable[[], Found]]  # by name, in the order they are run
ChecksOf = Callable[[Path], Checks]  # what a family checks in the bundle at a root; see families.table.checks_of


@dataclass(frozen=True)
class Check:
    """One line of a verification. status: PASSED, FAILED or NOTE; detail names the file at fault."""

    status: str
    name: str
    detail: str

    def line(self) -> str:
        return f"{self.status:6}  {self.name}: {self.detail}"


def verify(
    source: Path | str | Bundle,
    checks_of: ChecksOf,
    limits: UnpackLimits = DEFAULT_LIMITS,
    on_step: OnStep = quiet,
) -> list[Check]:
    """The files, and every check of the bundle's family, of a bundle folder, zip or resolved bundle, in a fixed order.

    Nothing of a bundle makes this raise. checks_of: families.table.checks_of, which knows the families. A zip is
    unpacked within the limits beside the cache and removed again. A published bundle, which has no bundle.json, passes
    with notes. on_step(done, total) counts checks.
    """
    if isinstance(source, Bundle):
        return _checked(source.root, checks_of, on_step)
    try:
        with bundle_errors_alone(str(source)):
            if str(source) == DEFAULT:
                return _checked(resolve_bundle(DEFAULT).root, checks_of, on_step)
            path = Path(source).expanduser()
            if not path.is_file():
                if not path.is_dir():
                    raise BundleError(f"{path}: expected a bundle folder or zip, found nothing there. Check the path.")
                return _checked(find_root(path, path), checks_of, on_step)
            place = cache_folder() / "bundles"
            with unpacked_below(place, path, lambda folder: find_root(folder, path), limits) as contents:
                unpacked = Check(PASSED, "zip", f"{path.name} unpacks within the limits")
                return [unpacked, *_checked(find_root(contents, path), checks_of, on_step)]
    except BundleError as error:
        return [Check(FAILED, "bundle", str(error))]


def failures(results: Iterable[Check]) -> list[Check]:
    """The checks that failed; none for a bundle that can be used."""
    return [check for check in results if check.status == FAILED]


def require_verified(source: Path | str | Bundle, checks_of: ChecksOf) -> list[Check]:
    """The results of verify. Raises BundleError, with every check that failed, for a bundle that cannot be used."""
    results = verify(source, checks_of)
    if failures(results):
        raise BundleError("; ".join(f"{check.name}: {check.detail}" for check in failures(results)))
    return results


def _checked(root: Path, checks_of: ChecksOf, on_step: Callable[[int, int], None]) -> list[Check]:
    """Run every check; one that cannot go on fails with its reason and does not keep the next from running."""
    results = _outcome("files", lambda: _files(root), [])
    checks: Checks = {}
    try:
        with bundle_errors_alone(root.name):
            checks = checks_of(root)
    except BundleError as error:
        results += _worth_saying([Check(FAILED, "family", str(error))], results)
    on_step(1, 1 + len(checks))
    for done, (name, look) in enumerate(checks.items(), start=2):
        results += _outcome(name, look, results)
        on_step(done, 1 + len(checks))
    return results


def _outcome(name: str, look: Callable[[], Found], before: list[Check]) -> list[Check]:
    found: list[Check] = []
    try:
        with bundle_errors_alone(name):
            for status, detail in look():
                found.append(Check(status, name, detail))
    except BundleError as error:
        found.append(Check(FAILED, name, str(error)))
    return _worth_saying(found, before)


def _files(root: Path) -> Found:
    """Every file of bundle.json is there, unchanged, and nothing else is."""
    index = read_index(root)
    if not index:
        yield NOTE, f"no {INDEX}, as in published bundles: nothing says what the files should be"
        return
    if index.get("format") != FORMAT:
        yield FAILED, f"{INDEX}: format is {index.get('format')!r}, expected {FORMAT!r}"
    wanted = index["files"]
    for name, sha256 in wanted.items():
        file = root / name
        found = sha256_of(file) if file.is_file() else "no such file"
        if found != sha256:
            yield FAILED, f"{name}: SHA-256 is {found}, expected {sha256}"
    present = {path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir()}
    for name in sorted(present - set(wanted) - {INDEX, RECEIPT}):
        yield FAILED, f"{name}: is not in {INDEX}"
    yield PASSED, f"{len(wanted)} files are those of {INDEX}"


def _worth_saying(found: list[Check], before: list[Check]) -> list[Check]:
    """A check that failed has not passed; what an earlier check said of the same fault is not said again."""
    said = {check.detail: check.name for check in before}
    kept = dict.fromkeys(check for check in found if not (failures(found) and check.status == PASSED))
    again = [check for check in kept if check.detail in said and check.status == FAILED]
    rest = [check for check in kept if check.detail not in said]
    return rest + [Check(NOTE, check.name, f"not checked, because {said[check.detail]} failed") for check in again]
