"""How well three classifiers tell states of people they have not seen: leave-one-subject-out over a fold directory."""

from __future__ import annotations

import argparse
from pathlib import Path

from _command import progress, run


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fold", type=Path, required=True, help="a fold directory; all of its splits are used")
    parser.add_argument("--out", type=Path, required=True, help="where results go, and what is done is kept")
    parser.add_argument(
        "--classifiers", nargs="+", choices=("logistic", "forest", "resnet"), default=["logistic", "forest", "resnet"]
    )
    parser.add_argument("--tasks", nargs="+", choices=("stress", "states"), default=["stress", "states"])
    parser.add_argument("--seed", type=int, default=0, help="of forests and networks (0)")
    parser.add_argument("--jobs", type=int, default=2, help="processes that measure windows (2)")
    return parser.parse_args()


def main() -> None:
    options = parse()
    from physiosynth.datasets.folds import load_fold
    from physiosynth.evaluation.loso import leave_one_out
    from physiosynth.evaluation.registry import Judged
    from physiosynth.evaluation.windows import WindowSet
    from physiosynth.files import write_json

    windows = WindowSet.from_fold(options.fold, load_fold(options.fold).splits())
    everybody = Judged.of(windows, options.out, workers=options.jobs, on_step=progress("windows", "window"))
    found = leave_one_out(
        everybody,
        options.out,
        options.classifiers,
        options.tasks,
        options.seed,
        on_step=progress("trainings", "training"),
    )
    content = {"windows_sha256": windows.sha256(), "source": windows.source, "seed": options.seed}
    write_json(options.out / "loso.json", content | {"results": [result.to_dict() for result in found]})
    for result in found:
        print(result.title)
        for name in ("accuracy", "balanced_accuracy", "macro_f1", "auroc"):
            figure = getattr(result.quality, name)
            print(f"  {name.replace('_', ' '):18} {figure.value:.3f}  ({figure.low:.3f} to {figure.high:.3f})")
        print(f"  {result.seconds:.0f} s; intervals over {result.quality.over}, {result.quality.subjects} people")


if __name__ == "__main__":
    run(main)
