"""Judge long recordings of a bundle: whether their joints can be found, and whether minutes of them are like real ones.

Prints Markdown: the AUC of a classifier trained to find the joints, beside that for windows put end to end; measures
of five minutes in each state, beside those of a fold's people.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from _command import progress, run
from physiosynth.runtime import prepare_process

MINUTES = 5
FIRST_S = 40  # left out: the body is still following the change of state


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", default="default", metavar="DIR|ZIP", help="the bundle (default: the embedded one)")
    parser.add_argument("--fold", type=Path, required=True, help="fold whose people are compared with")
    parser.add_argument("--recordings", type=int, default=24, help="of each kind (24)")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    options = parse()
    prepare_process()
    from physiosynth.evaluation.seams import ecg_joints, low_joints, put_end_to_end, seam_score, window_ends
    from physiosynth.evaluation.sessions import compare_sessions, recorded_sessions, synthetic_sessions
    from physiosynth.generate.core import WESADGenerator
    from physiosynth.generate.recording import Stretch

    generator = WESADGenerator.from_bundle(options.bundle)
    states, seconds = generator.info.conditions, FIRST_S + 60 * MINUTES
    schedules = [tuple(Stretch(state, seconds) for state in pair) for pair in (states[:2], states[2:4])]
    bar = progress("recordings", "recording")
    drawn, apart = [], []
    for i in range(options.recordings):
        for schedule in schedules:
            drawn.append(generator.sample_recording(schedule, options.seed + i))
        windows = generator.sample(states[i % len(states)], 10, options.seed, first_window=10 * i)
        apart.append(put_end_to_end(windows))
        bar(i + 1, options.recordings)
    print("| joints | AUC | SD over folds | stretches |\n| --- | --- | --- | --- |")
    kinds = [("LOW windows", drawn, low_joints), ("ECG windows", drawn, ecg_joints)]
    for name, recordings, joints in [*kinds, ("control: windows put end to end", apart, window_ends)]:
        score = seam_score(recordings, joints, options.seed)
        print(f"| {name} | {score.auc:.3f} | {score.sd:.3f} | {score.stretches} |")
    print(f"\n| state | measure of {MINUTES} min | real | synthetic | KS | floor, 95 % | sessions |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    people = ("val", "test")  # they decided on nothing but when to stop; all people trained on would take minutes
    real, synthetic = (
        recorded_sessions(options.fold, 60 * MINUTES, people),
        synthetic_sessions(drawn, 60 * MINUTES, FIRST_S),
    )
    for row in compare_sessions(real, synthetic, options.seed):
        numbers = f"{row.real:.3g} | {row.synthetic:.3g} | {row.ks:.2f} | {row.floor:.2f}"
        print(f"| {row.state} | {row.measure} | {numbers} | {row.sessions[0]} and {row.sessions[1]} |")
    print(f"{len(drawn)} recordings. {drawn[0].provenance.notice}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
