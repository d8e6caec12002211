"""Verifies a bundle: what is there, whether it is whole, and whether its parts agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from physiosynth.errors import BundleError
from physiosynth.generate.archive import DEFAULT_LIMITS, UnpackLimits, cache_folder, unpacked_below
from physiosynth.generate.bundle import Bundle, bundle_errors_alone, resolve_bundle
from physiosynth.generate.bundle_checks import CHECKS, FAILED, NOTE, PASSED, OpenedBundle
from physiosynth.generate.layout import DEFAULT, find_root
from physiosynth.models.samplers import ignore_step


@dataclass(frozen=True)
class Check:
    """One line of a verification. status: PASSED, FAILED or NOTE; detail names the file at fault."""

    status: str
    name: str
    detail: str

    def line(self) -> str:
        return f"{self.status:6}  {self.name}: {self.detail}"


def verify(
    source: Path | str | Bundle = DEFAULT,
    limits: UnpackLimits = DEFAULT_LIMITS,
    on_step: Callable[[int, int], None] = ignore_step,
) -> list[Check]:
    """Every check of a bundle folder, zip or resolved bundle, in a fixed order; nothing of a bundle makes this raise.

    A zip is unpacked within the limits beside the cache and removed again. A published bundle, which has no
    bundle.json, passes with notes. on_step(done, total) counts checks.
    """
    if isinstance(source, Bundle):
        return _checked(source.root, on_step)
    try:
        with bundle_errors_alone(str(source)):
            if str(source) == DEFAULT:
                return _checked(resolve_bundle(DEFAULT).root, on_step)
            path = Path(source).expanduser()
            if not path.is_file():
                if not path.is_dir():
                    raise BundleError(f"{path}: expected a bundle folder or zip, found nothing there. Check the path.")
                return _checked(find_root(path, path), on_step)
            place = cache_folder() / "bundles"
            with unpacked_below(place, path, lambda folder: find_root(folder, path), limits) as contents:
                unpacked = Check(PASSED, "zip", f"{path.name} unpacks within the limits")
                return [unpacked, *_checked(find_root(contents, path), on_step)]
    except BundleError as error:
        return [Check(FAILED, "bundle", str(error))]


def failures(results: Iterable[Check]) -> list[Check]:
    """The checks that failed; none for a bundle that can be used."""
    return [check for check in results if check.status == FAILED]


def require_verified(source: Path | str | Bundle = DEFAULT) -> list[Check]:
    """The results of verify. Raises BundleError, with every check that failed, for a bundle that cannot be used."""
    results = verify(source)
    if failures(results):
        raise BundleError("; ".join(f"{check.name}: {check.detail}" for check in failures(results)))
    return results


def _checked(root: Path, on_step: Callable[[int, int], None]) -> list[Check]:
    """Run every check; one that cannot go on fails with its reason and does not keep the next from running."""
    bundle, results = OpenedBundle(root), []
    for done, (name, look) in enumerate(CHECKS.items(), start=1):
        found: list[Check] = []
        try:
            with bundle_errors_alone(name):
                for status, detail in look(bundle):
                    found.append(Check(status, name, detail))
        except BundleError as error:
            found.append(Check(FAILED, name, str(error)))
        results += _worth_saying(found, results)
        on_step(done, len(CHECKS))
    return results


def _worth_saying(found: list[Check], before: list[Check]) -> list[Check]:
    """A check that failed has not passed; what an earlier check said of the same fault is not said again."""
    said = {check.detail: check.name for check in before}
    kept = dict.fromkeys(check for check in found if not (failures(found) and check.status == PASSED))
    again = [check for check in kept if check.detail in said and check.status == FAILED]
    rest = [check for check in kept if check.detail not in said]
    return rest + [Check(NOTE, check.name, f"not checked, because {said[check.detail]} failed") for check in again]
