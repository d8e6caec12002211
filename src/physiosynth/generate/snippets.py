"""The same run again from Python and from the command line, as text to paste."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from physiosynth.generate.batch import Provenance
from physiosynth.generate.bundle import DEFAULT

FILE = "windows.npz"


def python_snippet(provenance: Provenance, bundle: str = DEFAULT, file: str = FILE) -> str:
    """Python that draws `batch` as it was drawn.

    bundle: what from_bundle is given; file: a file of the windows, from which those are drawn again that were
    calibrated or picked out of a run.
    """
    opened = f"generator = WESADGenerator.from_bundle({bundle!r})  # bundle {provenance.bundle_sha256[:12]}\n"
    counts = counts_of(provenance)
    if counts is None:
        return (
            "from physiosynth.generate.core import WESADGenerator\n"
            "from physiosynth.generate.export import read\n"
            "from physiosynth.generate.reproducing import reproduce\n\n"
            f"{opened}batch = reproduce(read({file!r}).provenance, generator)  # a file of these windows\n"
        )
    names = ["Sampling", *(["Targets"] if provenance.targets else []), "WESADGenerator"]
    asked = [repr(counts), f"seed={provenance.seed}", f"sampling={_call('Sampling', _sampling(provenance))}"]
    asked += [f"targets={_call('Targets', provenance.targets)}"] if provenance.targets else []
    return (
        f"from physiosynth.generate.core import {', '.join(names)}\n\n{opened}"
        "batch = generator.generate_dataset(\n" + "".join(f"    {each},\n" for each in asked) + ")\n"
        "signals = batch.fused()  # (windows, 5250, 3) at 175 Hz: ECG in mV, Resp in % of the belt, EDA in uS\n"
    )


def command_line(provenance: Provenance, bundle: str = DEFAULT, file: str = FILE) -> str:
    """The command that writes the same windows; see python_snippet."""
    counts, named = counts_of(provenance), [] if bundle == DEFAULT else ["--bundle", bundle]
    if counts is None:
        return " ".join(["python scripts/reproduce.py", file, *named, "--out", f"again_{file}"])
    parts = ["python scripts/sample.py", *named, "--condition", ",".join(f"{name}:{n}" for name, n in counts.items())]
    parts += ["--seed", str(provenance.seed)]
    for name, value in {**_sampling(provenance), **provenance.targets}.items():
        parts += [f"--{name.replace('_', '-')}", str(value)]
    return " ".join([*parts, "--out", file])


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
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in values.items())})"
