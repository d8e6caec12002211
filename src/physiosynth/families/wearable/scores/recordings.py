"""Long recordings of a bundle: whether their joints can be found, and whether their minutes are like recorded ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from physiosynth.families.wearable.data.synthetic_recording import Stretch
from physiosynth.families.wearable.generator.generator import WESADGenerator
from physiosynth.families.wearable.scores.seams import (
    SeamScore,
    ecg_joints,
    low_joints,
    put_end_to_end,
    seam_score,
    window_ends,
)
from physiosynth.families.wearable.scores.sessions import (
    Comparison,
    compare_sessions,
    recorded_sessions,
    synthetic_sessions,
)

MINUTES = 5
FIRST_S = 40  # left out: the body is still following the change of state
END_TO_END = 10  # windows in a row, as the control
PEOPLE = ("val", "test")  # they decided on nothing but when to stop; all people trained on would take minutes


@dataclass(frozen=True)
class RecordingsReport:
    """joints: a seam score per kind of joint; sessions: measures of MINUTES in each state; drawn: how many recordings;
    notice: what they are."""

    joints: dict[str, SeamScore]
    sessions: list[Comparison]
    drawn: int
    notice: str

    def markdown(self) -> str:
        """Two tables."""
        lines = ["| joints | AUC | SD over folds | stretches |", "| --- | --- | --- | --- |"]
        lines += [f"| {name} | {s.auc:.3f} | {s.sd:.3f} | {s.stretches} |" for name, s in self.joints.items()]
        lines += ["", f"| state | measure of {MINUTES} min | reference | synthetic | KS | floor, 95 % | sessions |"]
        lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
        for row in self.sessions:
            numbers = f"{row.real:.3g} | {row.synthetic:.3g} | {row.ks:.2f} | {row.floor:.2f}"
            lines.append(f"| {row.state} | {row.measure} | {numbers} | {row.sessions[0]} and {row.sessions[1]} |")
        return "\n".join(lines)


def check_recordings(
    generator: WESADGenerator, fold: Path, recordings: int, seed: int, on_step: Callable[[int, int], None]
) -> RecordingsReport:
    """Draw `recordings` through each two states, and as many windows put end to end, and judge them.

    on_step counts recordings. Raises EvaluationError, FoldError and what the generator raises.
    """
    states, seconds = generator.info.conditions, FIRST_S + 60 * MINUTES
    schedules = [tuple(Stretch(state, seconds) for state in pair) for pair in (states[:2], states[2:4])]
    drawn, apart = [], []
    for i in range(recordings):
        drawn += [generator.sample_recording(schedule, seed + i) for schedule in schedules]
        first = END_TO_END * i
        windows = generator.sample_batch(states[i % len(states)], END_TO_END, seed, first_window=first)
        apart.append(put_end_to_end(windows))
        on_step(i + 1, recordings)
    kinds = {
        "windows of EDA and respiration": (drawn, low_joints),
        "ECG windows": (drawn, ecg_joints),
        "control: windows put end to end": (apart, window_ends),
    }
    joints = {name: seam_score(signals, places, seed) for name, (signals, places) in kinds.items()}
    recorded = recorded_sessions(fold, 60 * MINUTES, PEOPLE)
    synthetic = synthetic_sessions(drawn, 60 * MINUTES, FIRST_S)
    sessions = compare_sessions(recorded, synthetic, seed)
    return RecordingsReport(joints, sessions, len(drawn), drawn[0].provenance.notice)
