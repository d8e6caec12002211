"""The card of a bundle: what it is, what it was trained on, its hashes, its limits and its licence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from physiosynth.bundles.bundle import EMBEDDED, bundle_errors_alone, deciding_files, read_index, root_of
from physiosynth.bundles.manifest import Manifest, manifest_of
from physiosynth.errors import BundleError
from physiosynth.families.wearable.data.batch import LICENCE, TRAINED_ON, UNKNOWN_SOURCE, Sampling
from physiosynth.files import sha256_of

if TYPE_CHECKING:
    from physiosynth.families.wearable.generator.generator import WESADGenerator

MODEL_CARD, DATA_CARD, EVALUATION = "MODEL_CARD.md", "DATA_CARD.md", "EVALUATION.md"
LICENCE_TEXT = "WEIGHTS_LICENSE.txt"
WEAK = "What is not good yet"
LONGEST_TEXT = 200_000  # characters of a text file that is read


@dataclass(frozen=True)
class Card:
    """What is known of a bundle; texts are empty and numbers None where nothing says.

    trained_on: in words; people: subjects by split; states: names; architecture: in words; parameters: of both
    networks; training: name and value of what the manifest tells of it; sampling: the defaults; files: SHA-256 by name;
    weak: sentences on where it falls short; licence: its text, or a line; texts: whole documents by name.
    """

    name: str
    trained_on: str
    people: Mapping[str, int]
    states: tuple[str, ...]
    architecture: str
    parameters: int
    training: Mapping[str, str]
    sampling: Sampling
    bundle_sha256: str
    files: Mapping[str, str]
    weak: tuple[str, ...]
    licence: str
    texts: Mapping[str, str]


def card_of(generator: WESADGenerator, milestones: Path | str) -> Card:
    """The card of a loaded generator. milestones: the folder it was loaded from. Raises BundleError."""
    with bundle_errors_alone(str(milestones)):
        info, root = generator.info, root_of(Path(milestones))
        manifest, _ = manifest_of(info.checkpoint, Path(milestones))
        texts = documents(root)
        # Figures of another model are no figures of this one.
        if info.bundle_sha256 not in texts.get(EVALUATION, ""):
            texts.pop(EVALUATION, None)
        return Card(
            name=_name(manifest, root),
            trained_on=TRAINED_ON.get(info.source, TRAINED_ON[UNKNOWN_SOURCE]),
            people=_people(manifest.content.get("subjects")),
            states=info.conditions,
            architecture=_architecture(info.architecture, manifest.content.get("architecture")),
            parameters=sum(weight.numel() for weight in generator.adapter.parameters()),
            training=_training(manifest),
            sampling=info.defaults,
            bundle_sha256=info.bundle_sha256,
            files=_files(root, info.checkpoint, Path(milestones), info.reference_dir),
            weak=bullets(texts.get(MODEL_CARD, ""), WEAK),
            licence=texts.get(LICENCE_TEXT, LICENCE),
            texts=texts,
        )


def documents(root: Path | None) -> dict[str, str]:
    """The texts that come with a bundle, by name: its own, and for the embedded one those of the project."""
    places = [] if root is None else [root]
    if root is not None and root.resolve() == EMBEDDED.resolve():
        project = EMBEDDED.parents[2]
        places += [folder / part for folder in (project, Path.cwd()) for part in ("", "docs")]
    found = {}
    for name in (MODEL_CARD, DATA_CARD, EVALUATION, LICENCE_TEXT):
        path = next((folder / name for folder in places if (folder / name).is_file()), None)
        if path is not None:
            found[name] = path.read_text(encoding="utf-8", errors="replace")[:LONGEST_TEXT]
    return found


def section(text: str, title: str) -> str:
    """What stands below a second-level heading of a Markdown text; empty where there is none."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found.group(1).strip() if found else ""


def bullets(text: str, title: str) -> tuple[str, ...]:
    """The items of the list below a heading, each on one line."""
    items = re.split(r"^- ", section(text, title), flags=re.MULTILINE)[1:]
    return tuple(" ".join(item.split()) for item in items)


def _name(manifest: Manifest, root: Path | None) -> str:
    if root is not None and root.resolve() == EMBEDDED.resolve():
        return "Embedded model"
    return manifest.path.stem if manifest.path is not None else "Bundle without a manifest"


def _people(listed: Any) -> dict[str, int]:
    if not isinstance(listed, Mapping):
        return {}
    return {split: len(names) for split, names in listed.items() if isinstance(names, (list, tuple))}


def _architecture(name: str, streams: Any) -> str:
    said = {
        "coupled": "two coupled diffusion networks: one generates EDA, respiration and the cardiac rhythm at 4 Hz, the "
        "other the ECG at 175 Hz from these",
        "published": "the two published diffusion networks: EDA and respiration at 4 Hz, ECG at 175 Hz",
    }.get(name, name)
    kinds = {
        part["prediction"]
        for part in (streams.values() if isinstance(streams, Mapping) else ())
        if isinstance(part, Mapping) and isinstance(part.get("prediction"), str)
    }
    return said + "".join(f"; {kind}-prediction" for kind in sorted(kinds))


def _training(manifest: Manifest) -> dict[str, str]:
    """What the manifest tells of the training, in words."""
    content, found = manifest.content, {}
    settings = content.get("training")
    settings = settings if isinstance(settings, Mapping) else {}
    for title, value in (
        ("Finished", content.get("created")),
        ("Epoch", content.get("epoch")),
        ("Steps", content.get("step")),
        ("Seed", content.get("seed")),
        ("Batch size", settings.get("batch_size")),
        ("Validation loss, slow signals", content.get("val_low")),
        ("Validation loss, ECG", content.get("val_ecg")),
        ("Written by physiosynth", content.get("physiosynth_version")),
    ):
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            found[title] = f"{value:.4g}" if isinstance(value, float) else str(value)[:60]
    return found


def _files(root: Path | None, checkpoint: Path, milestones: Path, fold: Path | None) -> dict[str, str]:
    """SHA-256 by name: those of bundle.json, else of the files that samples depend on."""
    listed = {} if root is None else read_index(root).get("files", {})
    if listed:
        return {str(name): str(digest) for name, digest in listed.items()}
    try:
        return {path.name: sha256_of(path) for path in deciding_files(milestones, checkpoint, fold)}
    except OSError as error:
        raise BundleError(f"{checkpoint.name}: can no longer be read. Fetch the bundle again.") from error
