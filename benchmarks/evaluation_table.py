"""Write the figures of docs/EVALUATION.md from the metrics.json of an evaluation of the embedded model.

python benchmarks/evaluation_table.py runs/judged/metrics.json docs/EVALUATION.md
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from physiosynth.families.wearable.judging.report.compare import read_metrics
from physiosynth.files import replacing

HEADING = "## Measured"
FIGURES = ("accuracy", "macro_f1", "auroc")


def main(metrics: str, document: str) -> None:
    """Put the section "Measured" of the document in the place of the one that is there."""
    path = Path(document)
    before, heading, after = path.read_text(encoding="utf-8").partition(f"{HEADING}\n")
    if not heading:
        sys.exit(f"{path}: expected a section {HEADING!r}, found none.")
    rest = after.partition("\n## ")
    content = read_metrics(metrics)
    with replacing(path) as temporary:
        temporary.write_text(f"{before}{HEADING}\n\n{measured(content)}{''.join(rest[1:])}", encoding="utf-8")


def measured(content: dict[str, Any]) -> str:
    """The section: what was judged, and a table for the scores, for usefulness and for attacks."""
    sets = content["windows"]
    facts = [
        f"Bundle `{content['origin']['bundle_sha256']}`, {content['created'][:10]}, seed {content['seed']}: "
        f"{sets['synthetic']['count']} windows drawn, {sets['real']['count']} simulated reference windows of "
        f"{', '.join(sets['real']['subjects'])}, {len(sets['train']['subjects'])} other people."
    ]
    rows = content["baselines"]
    names = [name for name in rows[0] if name not in ("score", "title", "part", "better")]
    scores = [[f"`{row['score']}`", row["part"], row["better"], *(figure(row[name]) for name in names)] for row in rows]
    blocks = ["\n".join(facts), table(["score", "part", "better", *names], scores)]
    if content["usefulness"]:
        lines = [
            [row["classifier"], row["task"], row["setup"], *(interval(row, name) for name in FIGURES)]
            for row in content["usefulness"]
        ]
        blocks.append("Classifiers trained and tested on simulated reference (R) or synthetic (S) windows, with 95 % "
                      f"intervals over {content['usefulness'][0]['over']}:")  # fmt: skip
        blocks.append(table(["classifier", "task", "setup", *(name.replace("_", " ") for name in FIGURES)], lines))
    if content["attacks"]:
        lines = [
            [row["name"], f"{row['auc']:.3f} ({row['low']:.3f}-{row['high']:.3f})", row["members"], row["outsiders"]]
            for row in content["attacks"]
        ]
        blocks.append("Membership attacks, 0.5 is chance:")
        blocks.append(table(["attack", "AUC", "members", "outsiders"], lines))
    return "\n\n".join(blocks) + "\n"


def table(header: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def figure(value: float | None) -> str:
    """Three digits that count; a dash where there is no figure."""
    return "–" if value is None else f"{value:.3g}"


def interval(row: dict[str, Any], name: str) -> str:
    """A figure with its interval."""
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return figure(value) if value is None or low is None else f"{value:.3f} ({low:.3f}-{high:.3f})"


if __name__ == "__main__":
    main(*sys.argv[1:])
