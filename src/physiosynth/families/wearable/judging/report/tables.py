"""The tables of an evaluation as rows of plain values: for metrics.json, for CSV files and for the page."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from physiosynth.families.wearable.features.features import FEATURES
from physiosynth.families.wearable.features.measured import ALL_STATES
from physiosynth.families.wearable.judging.kept import plain
from physiosynth.families.wearable.scores.run import Evaluation
from physiosynth.files import replacing

SCHEMA_VERSION = 2  # of metrics.json; 1: floors of a score were columns of their own


def transfer_rows(transfers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per setup, classifier and task, each figure with its interval."""
    rows = []
    for each in transfers:
        row = {name: each[name] for name in ("setup", "classifier", "task", "train_windows", "seconds")}
        quality = each["quality"]
        row |= {"test_windows": quality["windows"], "test_subjects": quality["subjects"], "over": quality["over"]}
        for name in ("accuracy", "balanced_accuracy", "macro_f1", "auroc"):
            row |= {f"{name}{ending}": quality[name][end] for ending, end in _ENDS}
        rows.append(row | {"notes": " ".join(each["notes"])})
    return rows


_ENDS = (("", "value"), ("_low", "low"), ("_high", "high"))


def baseline_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """One row per score and part, all states pooled: the reference's halves, every baseline, and the windows judged."""
    rows = []
    for row in evaluation.table.rows:
        tables = evaluation.baselines
        if row.state != ALL_STATES or not any(table.select(row.score).rows for table in tables.values()):
            continue
        line: dict[str, Any] = {"score": row.score, "title": row.title, "part": row.part, "better": row.better}
        line["Split halves of the reference"] = row.random.mean if row.random else None
        line["Other people"] = row.people.mean if row.people else None
        for title, table in tables.items():
            found = table.select(row.score, ALL_STATES, row.part).rows
            line[title] = found[0].matched if found else None
        rows.append(plain(line | {"These windows": row.matched}))
    return rows


def feature_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Mean and SD of each measurement by state, reference beside synthetic; nan left out, its share told."""
    rows = []
    for name, feature in FEATURES.items():
        for state in evaluation.real.present_states:
            row: dict[str, Any] = {"measurement": name, "title": feature.title, "unit": feature.unit, "state": state}
            for side, judged in (("real", evaluation.real), ("synthetic", evaluation.synthetic)):
                column = judged.of_state(state).features[name]
                known = column[np.isfinite(column)]
                row[f"{side}_mean"] = known.mean() if len(known) else None
                row[f"{side}_sd"] = known.std(ddof=1) if len(known) > 1 else None
                row[f"{side}_measured"] = len(known) / max(len(column), 1)
            rows.append(plain(row))
    return rows


def write_csv(path: Path | str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV with a header, whole or not at all; None is an empty cell. Nothing is written without rows.

    A mapping within a row becomes a column for each of its names: {"random": {"mean": 1}} is random_mean.
    """
    if not rows:
        return
    nested = {name for row in rows for name, found in row.items() if isinstance(found, Mapping)}
    flat = [_flat(row, nested) for row in rows]
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in flat for name in row)))
        writer.writeheader()
        writer.writerows(flat)


def _flat(row: Mapping[str, Any], nested: set[str]) -> dict[str, Any]:
    inner = {f"{name}_{key}": value for name in sorted(nested) for key, value in (row[name] or {}).items()}
    return {name: value for name, value in row.items() if name not in nested} | inner
