"""The judges in quick form: a few dozen windows held against reference ones within seconds, for the page.

A Yardstick is measured once and serves every run: the reference windows, what differs between people, and the controls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.measured import ALL_STATES, Judged
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.judging.findings import Assessment, assess, title_of
from physiosynth.families.wearable.judging.judging import Controls, evaluate
from physiosynth.families.wearable.judging.metrics import badness
from physiosynth.families.wearable.judging.plan import Steps
from physiosynth.families.wearable.judging.registry import Context
from physiosynth.families.wearable.judging.rows import ScoreRow, ScoreTable
from physiosynth.families.wearable.judging.scores_table import score_named
from physiosynth.families.wearable.scores.inputs import thinned
from physiosynth.runtime import OnStep, quiet

if TYPE_CHECKING:
    from physiosynth.families.wearable.data.reference import RealWindows

WINDOWS = 24  # per state: what a quick judgement draws, and the most that it looks at
FEWEST = 8  # windows per state, below which there is no floor for most scores
REPEATS = 6  # split halves of a floor
NAMES = {  # score: what its rows are called; {} is the channel or measurement
    "feature_ks": "{}",
    "clean_share": "Clean windows",
    "beat_template": "Mean beat",
    "contrast_agreement": "Effects of stress",
    "coupling_auc_gap": "{}: within-window vs shuffled",
    "coupling_ks": "{}: magnitude",
    "log_spectral_distance": "{}: spectrum",
    "acf_similarity": "{}: autocorrelation",
    "value_ks": "{}: amplitude distribution",
}
SEVERAL_STATES = ("contrast_agreement",)
ALL_CHANNELS = ("contrast_agreement",)
# Seconds each stage takes at first; they steer the time left and nothing else.
COSTS_S = {"people": 2.5, "yardstick": 4.5, "windows": 1.0, "scores": 1.5}


class Yardstick:
    """What synthetic windows are held against; what is measured of it serves every later run.

    real: the windows, at most WINDOWS per person and state; others: reference windows of other people, where real is
    one person's and there are any; words: whose windows they are, for a sentence.
    """

    def __init__(self, real: WindowSet, others: WindowSet | None, words: str, seed: int = 0) -> None:
        people = len(np.unique(real.subjects))
        self.real, self.words, self.seed = Judged.of(thinned(real, WINDOWS * people, seed)), words, seed
        self.others = None if others is None or people > 1 else Judged.of(others)
        self._kept: dict[tuple[str, ...], tuple[Judged, Controls]] = {}

    def of_states(self, states: tuple[str, ...], on_step: OnStep = quiet) -> tuple[Judged, Controls]:
        """The reference windows of these states and their controls, measured. on_step counts sets of windows.

        Raises EvaluationError where there are no such windows.
        """
        if states not in self._kept:
            if not np.isin(self.real.states, states).any():
                held = ", ".join(self.real.present_states) or "no windows"
                raise EvaluationError(f"Expected reference windows of {', '.join(states)}, found {held}.")
            real = self.real.take(np.isin(self.real.states, states))
            wrong = Controls(real, self.seed)
            names = _controls_of(NAMES)
            for done, each in enumerate((self.real, self.others or self.real)):
                on_step(done, len(names) + 2)
                each.measured()
            for done, name in enumerate(names, 2):
                on_step(done, len(names) + 2)
                wrong[name].measured()
            self._kept[states] = real, wrong
        on_step(1, 1)
        return self._kept[states]


def _controls_of(names: Iterable[str]) -> list[str]:
    found = [score_named(name) for name in names]
    return sorted({name for each in found for name in (each.control, *each.control_by_part.values())})


class YardstickCache:
    """The yardsticks that were asked for last; they go with whoever holds this. most: how many are kept."""

    def __init__(self, most: int = 4) -> None:
        self.most = most
        self._held: dict[str, Yardstick] = {}

    def get(self, reference: RealWindows, of_strangers: bool = False, on_step: OnStep = quiet) -> Yardstick:
        """The yardstick of reference windows, or of simulated people whom no model has seen.

        A simulated person's windows get simulated strangers as the other people. on_step counts people that are
        simulated. Raises EvaluationError for strangers beside a reference of phasic EDA, which they have not.
        """
        from physiosynth.families.wearable.scores.strangers import PEOPLE, strangers

        real = windows_of(reference)
        if of_strangers and real.eda_kind != "full":
            raise EvaluationError(
                f"The simulated people have full EDA, this reference has {real.eda_kind} EDA. Compare with the "
                "reference itself."
            )
        key = "" if of_strangers else real.sha256()
        if key not in self._held:
            alike = real.source == "virtual" and real.eda_kind == "full"
            others = strangers(on_step=on_step) if of_strangers or alike else None
            if of_strangers and others is not None:
                made = Yardstick(others, None, f"{PEOPLE} simulated people whom no model has seen")
            else:
                made = Yardstick(real, others, _whose(real))
            while len(self._held) >= self.most:
                self._held.pop(next(iter(self._held)))
            self._held[key] = made
        return self._held[key]


def _whose(real: WindowSet) -> str:
    people = sorted(set(real.subjects.tolist()))
    kind = "simulated person" if real.source == "virtual" else "person"
    return f"one {kind}, {people[0]}" if len(people) == 1 else f"{len(people)} {kind.replace('person', 'people')}"


def windows_of(reference: RealWindows) -> WindowSet:
    """Reference windows as judges see them."""
    eda, resp = reference.low.select("EDA", "Resp")
    whose = reference.subjects or ("unnamed",) * len(reference)
    return WindowSet(
        reference.ecg[..., 0],
        eda,
        resp,
        np.array(reference.conditions),
        np.array(whose),
        reference.source,
        reference.eda,
    )


@dataclass(frozen=True)
class Line:
    """One score in a row of a table: a title and figures beside what the reference and its controls score.

    value, floor, people, control: in the score's unit, nan where unknown; edge: the end of the floor towards worse;
    place, floor_place, people_place: the same on a scale from 0, where halves of the same reference windows lie, to 1,
    where the control lies (nan where the control is no worse).
    """

    group: str
    name: str
    meaning: str
    unit: str
    better: str
    level: str
    value: float
    floor: float
    edge: float
    people: float
    control: float
    control_name: str
    place: float
    floor_place: float
    people_place: float


@dataclass(frozen=True)
class QuickLook(Assessment):
    """A quick judgement. rough: how coarse it is, a sentence; table: every row; windows: reference and synthetic per
    state, at most; states: those judged."""

    rough: str
    table: ScoreTable
    windows: tuple[int, int]
    states: tuple[str, ...]

    def lines(self, state: str = ALL_STATES) -> tuple[Line, ...]:
        """The scores of one state, or of all together."""
        return tuple(_line(row) for row in self.table.select(state=state).rows)


def judge(
    synthetic: WindowSet,
    reference: RealWindows,
    of_strangers: bool = False,
    repeats: int = REPEATS,
    on_step: OnStep = quiet,
    yardsticks: YardstickCache | None = None,
) -> QuickLook:
    """Compare synthetic with reference windows of the same states, at most WINDOWS per state; see YardstickCache.get.

    on_step counts thousandths and may raise to cancel. Raises EvaluationError for no common state or other EDA.
    """
    steps = Steps(COSTS_S, on_step, lambda stage: None)
    against = (yardsticks or YardstickCache()).get(reference, of_strangers, steps.start("people"))
    states = tuple(s for s in synthetic.present_states if s in against.real.present_states)
    real, wrong = against.of_states(states or synthetic.present_states, steps.start("yardstick"))
    some = thinned(synthetic.take(np.isin(synthetic.states, states)), WINDOWS, against.seed)
    made = Judged.of(some, on_step=steps.start("windows")).measured()
    missing, scaled = ((), ()) if of_strangers else (reference.missing, reference.scaled)
    names = [name for name in NAMES if len(states) > 1 or name not in SEVERAL_STATES]
    names = [name for name in names if not missing or name not in ALL_CHANNELS]
    table = evaluate(
        [score_named(name) for name in names], real, made, Context(against.seed, against.others), repeats=repeats,
        controls=wrong, on_step=steps.start("scores"),
    ).without(missing).without_size(scaled)  # fmt: skip
    windows = _most(real), _most(made)
    said = [f"Compared with {against.words}.", _rough(table, windows, repeats)]
    said += [f"The reference has no {name}, so nothing that needs {name} is evaluated." for name in missing]
    said += [f"The amplitude of {name} was set on import, so it is not evaluated." for name in scaled]
    simulated = "simulated reference" if against.real.windows.source == "virtual" else "recorded reference"
    assessment = assess(table, f"n = {windows[1]} per state, {simulated}")
    return QuickLook(**vars(assessment), rough=" ".join(said), table=table, windows=windows, states=states)


def _most(judged: Judged) -> int:
    return max(int((judged.states == state).sum()) for state in judged.present_states)


def _rough(table: ScoreTable, windows: tuple[int, int], repeats: int) -> str:
    """How coarse so few windows make the figures, by what the reference scores against itself."""
    known = [row for row in table.select("feature_ks").rows if row.random is not None]
    rows = [row for row in known if row.state != ALL_STATES] or known
    said = f"At most {windows[1]} synthetic and {windows[0]} reference windows per state, {repeats} random halves."
    if not rows:
        return f"{said} That is too few for a baseline, so little can be told: evaluate {FEWEST} per state or more."
    gap = float(np.median([row.random.mean for row in rows if row.random is not None]))
    return (
        f"{said} So few are rough: within a state, halves of the same reference already differ by {gap:.2f} "
        "(Kolmogorov-Smirnov, 0 to 1) in the median feature. A fault smaller than that cannot be seen here, and "
        "finding none is no proof."
    )


def _line(row: ScoreRow) -> Line:
    nan = float("nan")
    floor, edge = (nan, nan) if row.random is None else (row.random.mean, row.random.edge)
    people, control = nan if row.people is None else row.people.mean, nan if row.control is None else row.control
    start, end = badness(row.better, floor), badness(row.better, control)

    def place(value: float) -> float:
        return (badness(row.better, value) - start) / (end - start) if end > start else nan

    return Line(
        group=row.group,
        name=NAMES[row.score].format(title_of(row.part)),
        meaning=score_named(row.score).meaning,
        unit=row.unit,
        better=row.better,
        level=row.level,
        value=row.matched if np.isfinite(row.matched) else row.value,
        floor=floor,
        edge=edge,
        people=people,
        control=control,
        control_name=row.control_name.replace("_", " "),
        place=place(row.matched),
        floor_place=place(edge),
        people_place=place(people),
    )
