"""Leave-one-subject-out: one model a fold, each judged once on the subject it has not seen.

Every fold is a run in a directory of its own, so that an interrupted call goes on where it was. The left-out subject is
looked at when its fold is finished, and chooses nothing.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from physiosynth import __version__
from physiosynth.errors import PhysiosynthError, TrainingError
from physiosynth.families.wearable.data.fold_writing import fold_path
from physiosynth.families.wearable.data.folds import FoldDirectory, load_fold
from physiosynth.families.wearable.data.loading import WindowDataset
from physiosynth.families.wearable.training.samples import drawn, rates_of, recorded
from physiosynth.families.wearable.training.settings import TrainSettings
from physiosynth.families.wearable.training.task import trainer_of
from physiosynth.files import replacing, write_json
from physiosynth.training.state import Progress, load_torch
from physiosynth.training.trainer import Trainer
from physiosynth.training.validation import mean_losses

RESULT, FAILURE = "result.json", "failure.txt"
JUDGED_WINDOWS = 24  # drawn a state, and at most so many of the subject's own, to compare rates
EXPLANATION = """\
Losses are of averaged weights at the best validation, val on the fold's validation subjects, test on the subject left
out, which chose nothing. Rate errors are the mean of drawn windows less the mean of the left-out subject's own, in
beats or breaths per minute. The windows drawn are synthetic."""
TRAINED, UNFINISHED, FAILED = "trained", "unfinished", "failed"


@dataclass(frozen=True)
class FoldResult:
    """One fold. losses: val_ and test_ of each stream and their total, by averaged weights of the best validation;
    rate_errors: mean of drawn windows less mean of the left-out subject's, in /min, by "heart_rate stress" and so on,
    where both could be measured; note: why there is less.
    """

    subject: str
    status: str
    step: int = 0
    total_steps: int = 0
    losses: dict[str, float] = field(default_factory=dict)
    rate_errors: dict[str, float] = field(default_factory=dict)
    note: str = ""


def choose_folds(folds: Path, names: Sequence[str]) -> list[str]:
    """Subjects of the fold directories under `folds` that are named, or of all of them for 'all'; S2 before S10.

    Raises TrainingError where there is no such fold.
    """
    found = [path.name.removeprefix("fold_") for path in Path(folds).glob("fold_*") if path.is_dir()]
    found.sort(key=lambda name: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)])
    wanted = found if list(names) == ["all"] else list(dict.fromkeys(names))
    missing = [name for name in wanted if name not in found]
    if missing or not wanted:
        raise TrainingError(
            f"{folds}: no fold of {', '.join(missing) or 'anybody'}. There are {', '.join(found) or 'none'}; make them "
            "with `physiosynth preprocess --test-subject all`."
        )
    return wanted


def train_folds(
    folds: Path,
    names: Sequence[str],
    out: Path,
    settings: TrainSettings,
    max_minutes: float | None = None,
    device: str | None = None,
    on_step: Callable[[int, str, Progress], None] = lambda done, name, progress: None,
) -> list[FoldResult]:
    """Train and judge fold after fold under OUT/fold_<subject>; finished ones are read, not trained again.

    max_minutes: for each fold; on_step is given the number of folds done, the fold's subject and where its run is, and
    may raise KeyboardInterrupt to stop. What goes wrong in one fold is its result, with a note, and the next begins.
    """
    results = []
    for done, name in enumerate(names):
        run = fold_path(out, name)
        result = _finished(run / RESULT, settings)
        if result is None:
            try:
                result = train_fold(
                    fold_path(folds, name), run, name, settings, max_minutes, device,
                    partial(on_step, done, name),
                )  # fmt: skip
            except Exception as error:  # the other folds are not to blame
                result = _failed(run, name, error)
        on_step(done + 1, name, Progress())
        results.append(result)
    return results


def train_fold(
    fold_folder: Path,
    run: Path,
    subject: str,
    settings: TrainSettings,
    max_minutes: float | None,
    device: str | None,
    on_step: Callable[[Progress], None],
) -> FoldResult:
    """One fold: train or go on, then judge the weights of the best validation. Raises what training raises."""
    fold = load_fold(fold_folder)
    trainer = trainer_of(fold, run, settings, device)
    progress = trainer.run(max_minutes, on_step)
    # A length that the minutes have set is over when they are.
    if progress.step < progress.total_steps and settings.total_steps is not None:
        note = f"stopped after {max_minutes:g} minutes at step {progress.step} of {progress.total_steps}"
        return FoldResult(subject, UNFINISHED, progress.step, progress.total_steps, note=note)
    losses, errors = _judge(trainer, fold)
    result = FoldResult(subject, TRAINED, progress.step, progress.total_steps, losses, errors)
    (run / FAILURE).unlink(missing_ok=True)
    write_json(run / RESULT, {"settings": settings.to_dict(), "synthetic": True, **asdict(result)})
    return result


def _judge(trainer: Trainer, fold: FoldDirectory) -> tuple[dict[str, float], dict[str, float]]:
    """Losses and rate errors of the best milestone's averaged weights, on all windows of the left-out subject."""
    model, settings, task, test = trainer.average.module, trainer.settings, trainer.task, WindowDataset(fold, "test")
    if trainer.progress.milestone is None:
        raise TrainingError(f"{trainer.out}: the run has no milestone that could be judged.")
    best = load_torch(trainer.progress.milestone)
    model.low.load_state_dict(best["ema_low"], strict=True)
    model.ecg.load_state_dict(best["ema_ecg"], strict=True)
    losses: dict[str, float] = {}
    for split, data, windows in (
        ("val", task.data["val"], settings.validation_windows), ("test", test, len(test)),
    ):  # fmt: skip
        found = mean_losses(task, model, data, windows, settings.batch_size, trainer.device)
        losses |= {f"{split}_{name}": value for name, value in found.items()}
    real = [rates_of(windows) for windows in recorded(test, JUDGED_WINDOWS)]
    made = drawn(model, test, [rates.state for rates in real], JUDGED_WINDOWS, trainer.device)
    errors = {}
    for mine, theirs in zip(map(rates_of, made), real, strict=True):
        for rate in ("heart_rate", "breathing_rate"):
            error = getattr(mine, rate) - getattr(theirs, rate)
            if math.isfinite(error):
                errors[f"{rate} {theirs.state}"] = error
    return losses, errors


def _finished(path: Path, settings: TrainSettings) -> FoldResult | None:
    """The result of a fold that was trained with the same settings, else None."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("settings") != settings.to_dict():
            return None
        content.pop("synthetic")
        return FoldResult(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # what cannot be read is made again
        return None


def _failed(run: Path, name: str, error: Exception) -> FoldResult:
    """The result that says what went wrong; where the user is not to blame, the traceback is kept in a file."""
    if isinstance(error, PhysiosynthError):
        return FoldResult(name, FAILED, note=str(error))
    run.mkdir(parents=True, exist_ok=True)
    (run / FAILURE).write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    first = (str(error).splitlines() or ["no message"])[0]
    return FoldResult(name, FAILED, note=f"{type(error).__name__}: {first} (details in {run.name}/{FAILURE})")


def mean_and_sd(values: Sequence[float]) -> tuple[float, float]:
    """Mean and SD (n - 1) over folds of what could be measured; nan where there is too little."""
    known = [value for value in values if math.isfinite(value)]
    mean = sum(known) / len(known) if known else math.nan
    sd = math.sqrt(sum((v - mean) ** 2 for v in known) / (len(known) - 1)) if len(known) > 1 else math.nan
    return mean, sd


def summary(results: Sequence[FoldResult]) -> dict[str, tuple[float, float]]:
    """Mean and SD over the trained folds of each loss and each rate error."""
    columns: dict[str, list[float]] = {}
    for result in results:
        for name, value in measured(result).items():
            columns.setdefault(name, []).append(value)
    return {name: mean_and_sd(values) for name, values in columns.items()}


def measured(result: FoldResult) -> dict[str, Any]:
    """Everything numeric of a trained fold, by column."""
    errors = {f"{name} error": value for name, value in result.rate_errors.items()}
    return result.losses | errors


def write_table(results: Sequence[FoldResult], out: Path, settings: TrainSettings) -> str:
    """Write loso.csv, loso.md and loso.json into `out`; returns the Markdown."""
    header, rows = table(results)
    with replacing(Path(out) / "loso.csv") as temporary:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *rows])
        temporary.write_text(text.getvalue(), encoding="utf-8")
    markdown = to_markdown(header, rows, results, settings)
    with replacing(Path(out) / "loso.md") as temporary:
        temporary.write_text(markdown, encoding="utf-8")
    write_json(Path(out) / "loso.json", to_json(results, settings))
    return markdown


def table(results: Sequence[FoldResult]) -> tuple[list[str], list[list[str]]]:
    """Names of the columns, and the rows as text: one per subject, then mean and SD over the trained ones."""
    means = summary(results)
    rows = []
    for result in results:
        values = measured(result)
        steps = f"{result.step}/{result.total_steps}"
        rows.append([result.subject, result.status, steps, *(_text(values.get(name, math.nan)) for name in means)])
    count = f"{sum(result.status == TRAINED for result in results)} folds"
    for place, label in enumerate(("mean", "SD")):
        rows.append([label, count, "", *(_text(pair[place]) for pair in means.values())])
    return ["subject", "status", "steps", *means], rows


def to_markdown(
    header: list[str], rows: list[list[str]], results: Sequence[FoldResult], settings: TrainSettings
) -> str:
    """The table with what it means, what went wrong, and the settings."""
    lines = ["# Leave-one-subject-out training", "", EXPLANATION, ""]
    lines += [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
    notes = [f"- {result.subject}: {result.note}" for result in results if result.note]
    lines += ["", "Not finished:", "", *notes] if notes else []
    told = ", ".join(f"{name} {value}" for name, value in settings.to_dict().items())
    return "\n".join([*lines, "", f"physiosynth {__version__}; {told}.", ""])


def to_json(results: Sequence[FoldResult], settings: TrainSettings) -> dict[str, Any]:
    """Everything in the table, with settings, seed and version; null where nothing could be measured."""
    content = {
        "synthetic": True,
        "physiosynth_version": __version__,
        "seed": settings.seed,
        "settings": settings.to_dict(),
        "folds": [asdict(result) for result in results],
        "mean": {name: mean for name, (mean, _) in summary(results).items()},
        "sd": {name: sd for name, (_, sd) in summary(results).items()},
    }
    return _without_nan(content)


def _without_nan(content: Any) -> Any:
    """JSON knows no nan."""
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _text(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else ""
