"""What an evaluation leaves behind: metrics.json, CSV tables and one page to read."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from physiosynth import __version__
from physiosynth.families.wearable.features.windows import SYNTHETIC, WindowSet
from physiosynth.families.wearable.judging.findings import title_of
from physiosynth.families.wearable.judging.kept import plain
from physiosynth.families.wearable.judging.report import score_figures, signal_figures
from physiosynth.families.wearable.judging.report.drawing import Drawing, styled
from physiosynth.families.wearable.judging.report.page import DataTable, page
from physiosynth.families.wearable.judging.report.summary import summarise
from physiosynth.families.wearable.judging.report.tables import (
    SCHEMA_VERSION,
    baseline_rows,
    feature_rows,
    transfer_rows,
    write_csv,
)
from physiosynth.families.wearable.judging.scores_table import score_named
from physiosynth.families.wearable.scores.run import Evaluation
from physiosynth.files import replacing, write_json

METRICS, PAGE, TABLES = "metrics.json", "report.html", "tables"
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "neurokit2", "matplotlib")
NOTICE = "Figures about synthetic windows. For research and education; no clinical use."
FIGURES: dict[str, tuple[Callable, ...]] = {
    "spectra": (signal_figures.spectra, signal_figures.memory),
    "physiology": (
        signal_figures.examples,
        signal_figures.mean_beats,
        signal_figures.tachograms,
        signal_figures.measurements,
    ),
    "coupling": (score_figures.couplings,),
    "distributions": (score_figures.window_map,),
}


def write_report(
    evaluation: Evaluation, out: Path | str, on_step: Callable[[int, int], None] = lambda done, total: None
) -> Path:
    """Write metrics.json, tables/*.csv and report.html under `out`; the path of the page. on_step counts figures."""
    out = Path(out)
    summary = summarise(evaluation)
    rows: dict[str, list[dict[str, Any]]] = {
        "scores": evaluation.table.to_dicts(),
        "usefulness": transfer_rows(evaluation.transfers),
        "attacks": [dict(each) for each in evaluation.attacks],
        "baselines": baseline_rows(evaluation),
        "measurements": feature_rows(evaluation),
    }
    for name, table in rows.items():
        write_csv(out / TABLES / f"{name}.csv", table)
    content = _metrics(evaluation, summary.to_dict(), rows)
    write_json(out / METRICS, content)
    drawings = _drawings(evaluation, on_step)
    tables = _tables(rows, evaluation.identity)
    text = page(summary, evaluation.table, drawings, tables, _facts(content), evaluation.inputs.notes)
    with replacing(out / PAGE) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return out / PAGE


def _metrics(evaluation: Evaluation, summary: dict[str, Any], rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    described = ("group", "title", "meaning", "better", "control", "unit")
    names = dict.fromkeys(row.score for row in evaluation.table.rows)
    inputs = evaluation.inputs
    sets = {name: getattr(inputs, name) for name in ("real", "synthetic", "train")}
    about = {name: {field: getattr(score_named(name), field) for field in described} for name in names}
    judged = {name: _about(windows) for name, windows in sets.items() if windows is not None}
    return plain(
        {
            "schema_version": SCHEMA_VERSION,
            "kind": SYNTHETIC,
            "notice": NOTICE,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "seed": evaluation.settings.seed,
            "settings": asdict(evaluation.settings),
            "versions": _versions(),
            "sha256": dict(evaluation.hashes),
            "windows": judged,
            "origin": dict(inputs.origin),
            "notes": inputs.notes,
            "summary": summary,
            "score_meanings": about,
            **rows,
            "reidentification": evaluation.identity,
            "confusion": [
                {name: each[name] for name in ("setup", "classifier", "task")}
                | {name: each["quality"][name] for name in ("classes", "confusion")}
                for each in evaluation.transfers
            ],
            "seconds": dict(evaluation.seconds),
        }
    )


def _about(windows: WindowSet) -> dict[str, Any]:
    return {
        "source": windows.source,
        "eda": windows.eda_kind,
        "count": len(windows),
        "states": {state: int((windows.states == state).sum()) for state in windows.present_states},
        "subjects": sorted(set(windows.subjects.tolist())),
        "seen_subjects": sorted(windows.seen_subjects),
    }


def _versions() -> dict[str, str]:
    found = {"physiosynth": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _drawings(evaluation: Evaluation, on_step: Callable[[int, int], None]) -> dict[str, list[Drawing]]:
    pair = evaluation.real, evaluation.synthetic
    jobs = [(group, lambda draw=draw: draw(*pair)) for group, draws in FIGURES.items() for draw in draws]
    for draw in (score_figures.usefulness, score_figures.confusions):
        jobs.append(("usefulness", lambda draw=draw: draw(evaluation.transfers)))
    found: dict[str, list[Drawing]] = {}
    with styled():
        for done, (group, draw) in enumerate(jobs):
            on_step(done, len(jobs))
            drawing = draw()
            if drawing is not None:
                found.setdefault(group, []).append(drawing)
    on_step(len(jobs), len(jobs))
    return found


def _tables(rows: dict[str, list[dict[str, Any]]], identity: Mapping[str, Any] | None) -> dict[str, list[DataTable]]:
    """Tables beside those of the scores, by group."""
    found: dict[str, list[DataTable]] = {}
    if rows["baselines"]:
        names = [name for name in rows["baselines"][0] if name not in ("score", "title", "part", "better")]
        lines = [[_named(row), row["better"], *(row[name] for name in names)] for row in rows["baselines"]]
        caption = "What other windows score, all states together, at the same numbers of windows."
        found["distributions"] = [DataTable(caption, ("", "better", *names), lines, "Every score beside its rivals")]
    if rows["usefulness"]:
        found["usefulness"] = [_usefulness_table(rows["usefulness"])]
    if rows["attacks"]:
        found["privacy"] = [_attack_table(rows["attacks"])]
    if identity is not None:
        found.setdefault("privacy", []).append(_identity_table(identity))
    return found


def _named(row: dict[str, Any]) -> str:
    return f"{row['title']}: {title_of(row['part'])}" if row["part"] else row["title"]


def _usefulness_table(rows: Sequence[dict[str, Any]]) -> DataTable:
    header = ("task", "classifier", "trained → tested", "accuracy", "balanced accuracy", "macro F1", "AUROC",
              "windows trained on", "tested on")  # fmt: skip
    figures = ("accuracy", "balanced_accuracy", "macro_f1", "auroc")
    lines = [
        [
            {"states": "states", "stress": "stress or not"}.get(row["task"], row["task"]),
            title_of(row["classifier"]),
            score_figures.SETUP_TITLES.get(row["setup"], row["setup"]),
            *(_interval(row, name) for name in figures),
            row["train_windows"],
            row["test_windows"],
        ]
        for row in rows
    ]
    over = " or ".join(sorted({row["over"] for row in rows}))
    return DataTable(f"95 % bootstrap intervals in brackets, drawn over {over}.", header, lines)


def _attack_table(rows: Sequence[dict[str, Any]]) -> DataTable:
    header = ("attack", "AUC", "found at 1 % false alarms", "members", "outsiders", "drawn over")
    lines = []
    for row in rows:
        bracket = {"auc": row["auc"], "auc_low": row["low"], "auc_high": row["high"]}
        lines.append([title_of(row["name"]), _interval(bracket, "auc"), f"{100 * row['tpr']:.1f} %", row["members"],
                      row["outsiders"], row["over"]])  # fmt: skip
    caption = (
        "Which windows were trained on? 0.5 is chance. Members are training subjects, outsiders are not. They "
        "are different people, so a figure a little above 0.5 may be likeness, not memory."
    )
    return DataTable(caption, header, lines)


def _identity_table(found: Mapping[str, Any]) -> DataTable:
    caption = "Do synthetic windows look like one of the training subjects? A classifier learned to name some of them."
    surer = "surer of a synthetic window than of an unseen person's (50 %: it looks like nobody known)"
    lines = [
        [f"right about new reference windows of {found['subjects']} people", f"{100 * found['accuracy']:.0f} %"],
        ["right by chance", f"{100 * found['chance']:.0f} %"],
        [surer, f"{100 * found['auc']:.0f} %"],
    ]
    return DataTable(caption, ("", "share"), lines)


def _interval(row: dict[str, Any], name: str) -> str:
    if row[name] is None:
        return "–"
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{row[name]:.2f}" + ("" if low is None or high is None else f" ({low:.2f} to {high:.2f})")


def _facts(content: dict[str, Any]) -> list[tuple[str, str]]:
    facts = [("Written", content["created"]), ("Seed", str(content["seed"]))]
    for name, title in (
        ("real", "Reference windows"),
        ("synthetic", "Synthetic windows"),
        ("train", "Training windows"),
    ):
        about = content["windows"].get(name)
        if about:
            states = ", ".join(f"{count} {state}" for state, count in about["states"].items())
            people = ", ".join(about["subjects"])
            facts.append((title, f"{states}; source {about['source']}; of {people}; EDA {about['eda']}"))
            facts.append((f"{title}, SHA-256", content["sha256"][name]))
    seen = content["windows"]["synthetic"]["seen_subjects"]
    facts.append(("Subjects the generator has seen", ", ".join(seen) or "not known"))
    for title in ("Origin", "Settings", "Versions"):
        facts.append((title, "; ".join(f"{name} {value}" for name, value in content[title.lower()].items())))
    return facts
