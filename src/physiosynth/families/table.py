"""The one list of families. A family is imported when something of it is asked for: --help must load no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from physiosynth.errors import BundleError

if TYPE_CHECKING:
    from physiosynth.bundles.bundle import Bundle
    from physiosynth.bundles.verification import Checks

USUAL = "wearable"  # what a bundle without a family is of: published bundles say none


@dataclass(frozen=True)
class Family:
    """A family of signals and its doors, each of which loads what it needs.

    Parameters
    ----------
    name
        As a bundle.json names it.
    title
        For people.
    tasks
        What its embedded bundle can do, of "generate", "classify" and "detect".
    load
        (bundle, device) -> what does the tasks.
    checks
        (root of a bundle) -> what is checked in it.
    scores
        () -> its registered scores by name.
    card
        (what was loaded, the folder of its milestones) -> what is known of the bundle, its licence and limits.
    """

    name: str
    title: str
    tasks: tuple[str, ...]
    load: Callable[[Bundle | Path | str, str | None], Any]
    checks: Callable[[Path], Checks]
    scores: Callable[[], Mapping[str, Any]]
    card: Callable[[Any, Path], Any]


def _load_wearable(bundle: Bundle | Path | str, device: str | None = None) -> Any:
    from physiosynth.families.wearable.generator.generator import WESADGenerator

    return WESADGenerator.from_bundle(bundle, device)


def _check_wearable(root: Path) -> Checks:
    from physiosynth.families.wearable.generator.bundle_checks import bundle_checks

    return bundle_checks(root)


def _score_wearable() -> Mapping[str, Any]:
    from physiosynth.families.wearable.judging.scores_table import scores

    return {score.name: score for score in scores()}


def _card_wearable(generator: Any, milestones: Path) -> Any:
    from physiosynth.families.wearable.generator.card import card_of

    return card_of(generator, milestones)


#: Every family by its name.
FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(
            "wearable",
            "Wearable: chest ECG, electrodermal activity and respiration",
            ("generate",),
            _load_wearable,
            _check_wearable,
            _score_wearable,
            _card_wearable,
        ),
    )
}


def family_of(index: Mapping[str, Any]) -> Family:
    """The family that a bundle.json names; the wearable one where it names none.

    Parameters
    ----------
    index
        The content of bundle.json.

    Returns
    -------
    Family
        Its entry in FAMILIES.

    Raises
    ------
    BundleError
        For a name that is not in FAMILIES.
    """
    name = index.get("family", USUAL)
    if name not in FAMILIES:
        raise BundleError(
            f"bundle.json: family is {name!r}, expected one of {', '.join(FAMILIES)}. A newer version of physiosynth "
            "may know it."
        )
    return FAMILIES[name]


def checks_of(root: Path) -> Checks:
    """What the family of a bundle checks in it.

    Parameters
    ----------
    root
        Folder of the unpacked bundle.

    Returns
    -------
    Mapping
        Each check by its name, in the order they are run.

    Raises
    ------
    BundleError
        For a bundle.json that cannot be read or names an unknown family.
    """
    from physiosynth.bundles.bundle import read_index

    return family_of(read_index(root)).checks(root)
