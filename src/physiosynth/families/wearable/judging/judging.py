"""Scores held against their floors (reference against reference) and their controls (windows known to be wrong)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.features import with_pairing
from physiosynth.families.wearable.features.measured import ALL_STATES, Judged
from physiosynth.families.wearable.features.windows import halves_of
from physiosynth.families.wearable.judging.metrics import Floor, interval, mean_of_known
from physiosynth.families.wearable.judging.registry import Context, Score
from physiosynth.families.wearable.judging.rows import ScoreRow, ScoreTable
from physiosynth.families.wearable.scores.controls import CONTROLS, pairing
from physiosynth.runtime import OnStep, derive_seed, quiet

CONTROL_REPEATS = 5


def evaluate(
    scores: Sequence[Score],
    real: Judged,
    synthetic: Judged,
    context: Context | None = None,
    *,
    repeats: int | None = None,
    controls: bool | Controls = True,
    on_step: OnStep = quiet,
) -> ScoreTable:
    """Every score of every state and part, beside its floors and its control.

    Only states that both sets hold are judged; "all" pools them, synthetic windows drawn in the reference's mix.
    context.train, where given, are the people a floor between people is taken from when `real` is one person; repeats:
    split halves of a floor, the score's own number when None; controls: whether the controls are scored too, or the
    controls of these reference windows, made before; on_step counts scores. Raises EvaluationError.
    """
    context = context or Context()
    real, synthetic = common_states(real, synthetic)
    wrong = Controls(real, context.seed) if controls is True else controls or None
    rows: list[ScoreRow] = []
    for done, score in enumerate(scores):
        on_step(done, len(scores))
        if all(getattr(context, need) is not None for need in score.needs):
            count = score.repeats if repeats is None else min(repeats, score.repeats)
            rows += _rows_of(score, real, synthetic, context, count, wrong)
    on_step(len(scores), len(scores))
    return ScoreTable(tuple(rows))


def common_states(real: Judged, synthetic: Judged) -> tuple[Judged, Judged]:
    """Both sets without the states that the other lacks. Raises EvaluationError where nothing is common."""
    both = [state for state in real.present_states if state in synthetic.present_states]
    if not both:
        raise EvaluationError(
            f"No common state: the reference has {', '.join(real.present_states) or 'none'}, the windows to evaluate "
            f"{', '.join(synthetic.present_states) or 'none'}."
        )
    if real.windows.eda_kind != synthetic.windows.eda_kind:
        raise EvaluationError(
            f"The reference has {real.windows.eda_kind} EDA, the windows to evaluate {synthetic.windows.eda_kind}. "
            "Use a reference that was prepared the same way."
        )

    def cut(each: Judged) -> Judged:
        return each if set(each.present_states) == set(both) else each.take(np.isin(each.states, both))

    return cut(real), cut(synthetic)


def in_mix(real: Judged, synthetic: Judged, seed: int) -> Judged:
    """As many synthetic windows as fit the reference's mix of states, so that pooled states can be compared."""
    counts = {state: int((real.states == state).sum()) for state in real.present_states}
    have = {state: np.flatnonzero(synthetic.states == state) for state in counts}
    share = min(len(have[state]) / count for state, count in counts.items())
    rng = np.random.default_rng(derive_seed(seed, "mix"))
    drawn = [rng.permutation(have[state])[: max(1, round(share * count))] for state, count in counts.items()]
    return synthetic.take(np.sort(np.concatenate(drawn)))


@dataclass(frozen=True)
class Draw:
    """One split: positions of two disjoint halves of the reference, and of as many synthetic windows as the second."""

    first: np.ndarray
    second: np.ndarray
    synthetic: np.ndarray


def draws(real: Judged, synthetic: Judged, repeats: int, seed: int) -> Iterator[Draw]:
    """Random halves of each state, with equal counts of each state in the second half and the synthetic draw."""
    for repeat in range(repeats):
        rng = np.random.default_rng(derive_seed(seed, "halves", repeat))
        first, second = halves_of(real.states, real.subjects, int(rng.integers(2**32)))
        kept, drawn = [], []
        for state in real.present_states:
            mine = second[real.states[second] == state]
            theirs = np.flatnonzero(synthetic.states == state)
            size = min(len(mine), len(theirs))
            kept.append(rng.permutation(mine)[:size])
            drawn.append(rng.permutation(theirs)[:size])
        yield Draw(first, np.concatenate(kept), np.concatenate(drawn))


class Controls:
    """The controls of one reference set, made when asked for; window i of a control is made of window i of the set."""

    def __init__(self, real: Judged, seed: int) -> None:
        self._real, self._seed = real, seed
        self._made: dict[str, Judged] = {}

    def __getitem__(self, name: str) -> Judged:
        if name not in CONTROLS:
            raise EvaluationError(f"No control {name!r}. There are {', '.join(CONTROLS)}.")
        if name not in self._made:
            self._made[name] = control_of(name, self._real, self._seed)
        return self._made[name]

    def values(self, score: Score, first: Judged, second: np.ndarray, state: str, context: Context) -> dict[str, float]:
        """Value by part of the matching control, made of these positions of the reference, against the reference.

        States are cut after the control is made, since one of them shuffles states.
        """
        out: dict[str, float] = {}
        for name in sorted({score.control, *score.control_by_part.values()}):
            found = score.values(first, self[name].take(second).of_state(state), context)
            out |= {part: value for part, value in found.items() if score.control_for(part) == name}
        return out


def control_of(name: str, real: Judged, seed: int) -> Judged:
    """The named control of these windows, measured anew only where signals changed."""
    windows = CONTROLS[name](real.windows, seed)
    if name == "shuffled_states":
        return Judged.of(windows, features=real.features)
    if name == "shuffled_pairing":
        resp_from, eda_from = pairing(real.states, seed), pairing(real.states, seed + 1)
        return Judged.of(windows, features=with_pairing(real.features, windows, resp_from, eda_from))
    return real.derived(windows)


def _rows_of(
    score: Score, real: Judged, synthetic: Judged, context: Context, repeats: int, wrong: Controls | None
) -> Iterator[ScoreRow]:
    splits = list(draws(real, synthetic, repeats, context.seed))
    for state in (ALL_STATES, *(real.present_states if score.per_state else ())):
        ours = real.of_state(state)
        theirs = in_mix(real, synthetic, context.seed) if state == ALL_STATES else synthetic.of_state(state)
        if min(len(ours), len(theirs)) < score.least_windows:
            continue
        whole = score.values(ours, theirs, context)
        fits = len(ours) >= 2 * score.least_windows and len(theirs) >= score.least_windows
        matched, floor, control, people = [], [], [], []
        for place, split in enumerate(splits if fits else ()):
            first = real.take(split.first).of_state(state)
            second = real.take(split.second).of_state(state)
            matched.append(score.values(first, synthetic.take(split.synthetic).of_state(state), context))
            floor.append(score.values(first, second, context))
            if wrong is not None and place < CONTROL_REPEATS:
                control.append(wrong.values(score, first, split.second, state, context))
            others = _others(real, split, context, place)
            if others is not None:
                mine, other = (each.of_state(state) for each in others)
                if min(len(mine), len(other)) >= score.least_windows:
                    people.append(score.values(mine, other, context))
        for part, value in whole.items():
            by_draw = {
                name: [found.get(part, np.nan) for found in draws]
                for name, draws in {"matched": matched, "random": floor, "people": people, "control": control}.items()
            }
            random, between = (Floor.of(by_draw[name], score.better) for name in ("random", "people"))
            yield ScoreRow.of(
                score,
                state,
                part,
                value=value,
                matched=mean_of_known(by_draw["matched"]),
                random=random if random.repeats else None,
                people=between if between.repeats else None,
                control=mean_of_known(by_draw["control"]) if control else None,
                windows=(len(ours), len(theirs)),
                interval=interval(by_draw["matched"]),
            )


def _others(real: Judged, split: Draw, context: Context, place: int) -> tuple[Judged, Judged] | None:
    """Reference windows of some people beside those of others, at about the sizes of the split; None without others."""
    seed = derive_seed(context.seed, "people", place)
    if len(np.unique(real.subjects)) > 1:
        first, second = halves_of(real.states, real.subjects, seed, "subject")
        return real.take(first), real.take(second)
    if context.train is None:
        return None
    mine, rng = real.take(split.first), np.random.default_rng(seed)
    second, drawn = real.states[split.second], []
    candidates = ~np.isin(context.train.subjects, np.unique(real.subjects))
    for state in real.present_states:
        there = np.flatnonzero((context.train.states == state) & candidates)
        drawn.append(rng.permutation(there)[: int((second == state).sum())])
    return mine, context.train.take(np.concatenate(drawn).astype(int))
