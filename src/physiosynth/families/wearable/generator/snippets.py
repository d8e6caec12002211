"""The same run again from Python and from the command line, as text to paste."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping
from typing import Any

from physiosynth.bundles.bundle import DEFAULT
from physiosynth.families.wearable.data.batch import Provenance

FILE = "windows.npz"


def python_snippet(provenance: Provenance, bundle: str = DEFAULT, file: str = FILE) -> str:
    """Python that draws `batch` as it was drawn.

    bundle: what from_bundle is given; file: a file of the windows, from which those are drawn again whose
    amplitudes were matched, or that were picked out of a run.
    """
    opened = f"generator = WESADGenerator.from_bundle({json.dumps(bundle)})  # bundle {provenance.bundle_sha256[:12]}\n"
    counts = counts_of(provenance)
    if counts is None:
        return (
            "from physiosynth.families.wearable.generator.generator import WESADGenerator\n"
            "from physiosynth.families.wearable.export import read\n"
            "from physiosynth.families.wearable.generator.reproducing import reproduce\n\n"
            f"{opened}stored = read({json.dumps(file)})  # a file of these windows\n"
            "batch = reproduce(stored.provenance, generator)\n"
        )
    names = ["Sampling", *(["Targets"] if provenance.targets else []), "WESADGenerator"]
    asked = f"    {json.dumps(counts)},\n    seed={provenance.seed},\n"
    asked += f"    sampling={_call('Sampling', _sampling(provenance))},\n"
    asked += f"    targets={_call('Targets', provenance.targets)},\n" if provenance.targets else ""
    return (
        f"from physiosynth.families.wearable.generator.generator import {', '.join(names)}\n\n{opened}"
        f"batch = generator.generate_dataset(\n{asked})\n"
        "signals = batch.fused()  # windows x 5250 x ECG mV, Resp %, EDA uS\n"
    )


def command_line(provenance: Provenance, bundle: str = DEFAULT, file: str = FILE) -> str:
    """The command that writes the same windows; see python_snippet."""
    counts, named = counts_of(provenance), [] if bundle == DEFAULT else [f"--bundle {shlex.quote(bundle)}"]
    if counts is None:
        return _wrapped([f"physiosynth reproduce {shlex.quote(file)}", *named, f"--out again_{file}"])
    states = ",".join(f"{name}:{number}" for name, number in counts.items())
    asked = {**_sampling(provenance), **provenance.targets}
    options = [f"--{name.replace('low_', 'slow_').replace('_', '-')} {value}" for name, value in asked.items()]
    start = f"physiosynth sample --condition {states} --seed {provenance.seed}"
    return _wrapped([start, *named, *options, f"--out {shlex.quote(file)}"])


def counts_of(provenance: Provenance) -> dict[str, int] | None:
    """Windows of each state, where generate_dataset of these numbers draws what the provenance is of; else None."""
    counts = dict(Counter(provenance.conditions))
    numbered = [(i, name) for name, count in counts.items() for i in range(count)]
    drawn = list(zip(provenance.indices, provenance.conditions, strict=False))
    plain = not provenance.schedule and provenance.calibration is None and provenance.calibrated is None
    return counts if plain and drawn == numbered else None


def _sampling(provenance: Provenance) -> dict[str, Any]:
    """The fields of Sampling that were used."""
    low, ecg = provenance.sampling["low"], provenance.sampling["ecg"]
    used = {
        "low_steps": low["steps"],
        "ecg_steps": ecg["steps"],
        "low_guidance": low["guidance"],
        "ecg_guidance": ecg["guidance"],
    }
    # Sampling knows one method for both; where they differ they are the bundle's own.
    same = {"method": low["method"]} if low.get("method") == ecg.get("method") and low.get("method") else {}
    return used | same


def _call(name: str, values: Mapping[str, Any]) -> str:
    """A call in an argument list, two arguments a line."""
    given = [f"{key}={json.dumps(value)}" for key, value in values.items()]
    lines = [", ".join(given[i : i + 2]) for i in range(0, len(given), 2)]
    return f"{name}(\n        " + ",\n        ".join(lines) + ",\n    )"


def _wrapped(parts: list[str]) -> str:
    """A command over several lines, its start alone on the first one and two options on each other."""
    lines = [parts[0], *(" ".join(parts[i : i + 2]) for i in range(1, len(parts), 2))]
    return " \\\n  ".join(lines)
