"""Print a virtual cohort's figures beside published aggregates, as a Markdown table."""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from physiosynth.commands.bars import Bar
from physiosynth.commands.main import guarded


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, required=True, help="JSON of [mean, SD] by condition and measure")
    parser.add_argument("--subjects", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes-scale", type=float, default=1.0)
    parser.add_argument("--jobs", type=int, default=1)
    return parser.parse_args()


def measure(index: int, seed: int, minutes_scale: float) -> dict[str, dict[str, float]]:
    """One subject's figures; at the top of the module so that other processes find it."""
    from physiosynth.families.wearable.data.virtual.measure import NEEDED_CHANNELS, measure_recording
    from physiosynth.families.wearable.data.virtual_cohort import simulate_subject

    return measure_recording(simulate_subject(index, seed, minutes_scale, NEEDED_CHANNELS)[0])


def main() -> None:
    options = arguments()
    from physiosynth.families.wearable.data.virtual.measure import compare
    from physiosynth.families.wearable.data.virtual_cohort import CohortSettings

    settings = CohortSettings(options.subjects, options.seed, options.minutes_scale)
    reference = json.loads(options.reference.read_text(encoding="utf-8"))
    on_step, figures = Bar("measured", "subject"), []
    with ProcessPoolExecutor(options.jobs) as pool:
        task = partial(measure, seed=settings.seed, minutes_scale=settings.minutes_scale)
        for found in pool.map(task, range(settings.subjects)):
            figures.append(found)
            on_step(len(figures), settings.subjects)
    print("| state | measure | virtual, mean (SD) | reference, mean (SD) | difference in SDs |\n|---|---|---|---|---|")
    for row in compare(figures, reference):
        ours, theirs = f"{row.mean:.1f} ({row.sd:.1f})", f"{row.reference_mean:.1f} ({row.reference_sd:.1f})"
        print(f"| {row.condition} | {row.measure} | {ours} | {theirs} | {row.deviation:+.2f} |")


if __name__ == "__main__":
    sys.exit(guarded(main))
