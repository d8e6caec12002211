"""Limits on scores: what a generator must reach, each figure beside its spread over seeds and its floor.

A limit judges a score of two sets (reference, synthetic) or a statistic of one set held against that of the reference.
Random draws of the reference at the same sizes give the floor: a limit missed within it cannot be told from chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from physiosynth.families.wearable.features.measured import ALL_STATES, Judged
from physiosynth.families.wearable.features.windows import halves_of
from physiosynth.families.wearable.judging.kept import plain
from physiosynth.families.wearable.judging.metrics import NAN, Better, Floor, badness
from physiosynth.families.wearable.judging.registry import Context
from physiosynth.runtime import derive_seed

NO_FLOOR = Floor()
DRAW_SEED = 0  # the reference is drawn the same for every bundle, so that what is measured of it can be kept
Draws = Literal["new", "against all", "halves", "equal", "people"]
Compare = Callable[[float, float], float]
Reading = Callable[[Judged, Judged, str, np.ndarray], "tuple[bool | None, str]"]


@dataclass(frozen=True)
class Row:
    """One figure of one state and part.

    measured: over all seeds; limit: nan for a figure that is told and not judged; values: by seed, empty where seeds
    are not told apart; floor: random draws of reference windows at the same sizes; people: people of the reference
    against other people; low, high: 95 % interval where one was drawn; note: what a reader must know; on: what the
    limit is on.
    """

    target: str
    state: str
    part: str
    measured: float
    limit: float
    better: Better
    values: tuple[float, ...] = ()
    floor: Floor = NO_FLOOR
    people: Floor = NO_FLOOR
    low: float = NAN
    high: float = NAN
    note: str = ""
    on: Literal["measured", "low"] = "measured"

    @property
    def spread(self) -> float:
        """SD over the seeds; nan with fewer than two."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else NAN

    @property
    def met(self) -> bool | None:
        """Whether the limit holds; what could not be measured fails. None where nothing is judged."""
        if np.isnan(self.limit):
            return None
        found = getattr(self, self.on)
        return bool(np.isfinite(found) and badness(self.better, found) <= badness(self.better, self.limit))

    @property
    def verdict(self) -> str:
        """In words. A missed limit within the floor cannot be told from chance at these sizes."""
        if self.met is None:
            return "told"
        # Comparisons with a floor that is not known are false.
        chance = badness(self.better, self.measured) <= badness(self.better, self.floor.edge)
        return "met" if self.met else "not met, within the floor" if chance else "not met"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the properties are there for the reader."""
        return plain(asdict(self) | {"spread": self.spread, "met": self.met, "verdict": self.verdict})

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Row:
        """The row that to_dict was given; figures that could not be computed are NaN again."""

        def back(value: Any) -> Any:
            if isinstance(value, Mapping):
                return Floor(**{name: back(each) for name, each in value.items()})
            return NAN if value is None else tuple(map(back, value)) if isinstance(value, list) else value

        return cls(**{each.name: back(found[each.name]) for each in fields(cls)})


@dataclass(frozen=True)
class Limit:
    """What one score must reach, by state.

    score: by part, of (reference, synthetic, context), or of one set where `compare` says how that of the synthetic
    windows is held against the reference's; at: the limit, by part where parts differ, a multiple of the floor's edge
    with `of_floor`, nan for none; parts: those of the score that are judged (all); draws: how the floor is drawn, see
    real_draws; matched: draws of the reference, as large as one seed's windows, that each seed is held against, 0 where
    all seeds together are held against all of it; repeats: most draws of the floor; people: whether people are held
    against other people; pooled: all states together; reading: (reference, synthetic, part, floor) -> whether the
    figure is judged (False: told; None: left out), and a note.
    """

    target: str
    score: Callable[..., dict[str, float]]
    better: Better
    at: float | Mapping[str, float]
    draws: Draws = "halves"
    compare: Compare | None = None
    parts: Sequence[str] = ()
    of_floor: bool = False
    matched: int = 0
    repeats: int = 1000
    people: bool = False
    pooled: bool = False
    reading: Reading = lambda real, made, part, floor: (True, "")

    def rows(
        self,
        real: Judged,
        made: Sequence[Judged],
        together: Judged,
        repeats: int,
        context: Context | None = None,
    ) -> list[Row]:
        """Rows by part and state. made: a set a seed; together: all of them; repeats: draws of the floor."""
        states = (ALL_STATES,) if self.pooled else tuple(s for s in real.present_states if s in together.present_states)
        held: Callable[..., Iterator[Row]]
        held = self._against if self.compare is None else partial(self._beside, self.compare)
        rows: list[Row] = []
        for state in states:
            sets = real.of_state(state), [each.of_state(state) for each in made], together.of_state(state)
            rows += held(state, *sets, min(repeats, self.repeats), context or Context())
        order = list(dict.fromkeys(row.part for row in rows))
        return sorted(rows, key=lambda row: order.index(row.part))

    def _beside(
        self, compare: Compare, state: str, real: Judged, made: Sequence[Judged], together: Judged, repeats: int,
        context: Context,
    ) -> Iterator[Row]:  # fmt: skip
        """A statistic of the synthetic windows beside the reference one."""
        usual, whole, seeds = self.score(real), self.score(together), [self.score(each) for each in made]
        drawn = [
            (self.score(real.take(like)), usual if self.draws == "against all" else self.score(real.take(all_)))
            for like, all_ in real_draws(real, together, self.draws, repeats)
        ]
        for part, of in usual.items():
            floor = np.array([compare(a[part], b[part]) for a, b in drawn])
            judged, note = self.reading(real, together, part, floor)
            if judged is None:
                continue
            values = np.array([compare(each[part], of) for each in seeds])
            row = Row(
                self.target, state, part, compare(whole[part], of), self._at(part), self.better, tuple(values),
                Floor.of(floor, self.better), note=f"reference {of:.4g}, synthetic {whole[part]:.4g}{note}",
            )  # fmt: skip
            # What is no share of anything is told as it is.
            told: dict[str, Any] = {
                "measured": whole[part],
                "values": tuple(each[part] for each in seeds),
                "limit": NAN,
            }
            yield row if judged else replace(row, **told, floor=Floor.of(floor * of, self.better))

    def _against(
        self, state: str, real: Judged, made: Sequence[Judged], together: Judged, repeats: int, context: Context
    ) -> Iterator[Row]:
        """A score of the synthetic windows against the reference ones, and of reference ones against others."""

        def score(first: Judged, second: Judged, place: int = 0) -> dict[str, float]:
            found = self.score(first, second, replace(context, seed=place))
            return {part: found[part] for part in self.parts or found}

        smallest = min(made, key=len) if self.matched else together
        needed = max(repeats, self.matched * len(made))
        drawn = list(real_draws(real, smallest, self.draws, needed))
        floor = [score(real.take(b), real.take(a), i) for i, (a, b) in enumerate(drawn[:repeats])]
        if self.matched:
            few = [first_of_each_state(each, real.take(drawn[0][0])) for each in made]
            parts = [drawn[i * self.matched : (i + 1) * self.matched] for i in range(len(made))]
            seeds = [_mean([score(real.take(at), few[i], i) for at, _ in part]) for i, part in enumerate(parts)]
            whole = _mean(seeds)
        else:
            whole, seeds = score(real, together), [score(real, each) for each in made]
        others = [score(real.take(b), real.take(a)) for a, b in self._people(real, smallest, repeats)]
        for part, measured in whole.items():
            edge = Floor.of((each[part] for each in floor), self.better)
            between = Floor.of((each[part] for each in others), self.better)
            limit = self._at(part) * (edge.edge if self.of_floor else 1.0)
            values = tuple(each[part] for each in seeds)
            yield Row(self.target, state, part, measured, limit, self.better, values, edge, between)

    def _at(self, part: str) -> float:
        return self.at[part] if isinstance(self.at, Mapping) else self.at

    def _people(self, real: Judged, like: Judged, repeats: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        several = self.people and len(np.unique(real.subjects)) > 1
        return real_draws(real, like, "people", repeats) if several else iter(())


def _mean(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {part: float(np.mean([each[part] for each in found])) for part in found[0]}


def real_draws(real: Judged, like: Judged, how: Draws, repeats: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions of reference windows in the place of `like`, and of reference ones that they are held against.

    "new": both drawn with replacement in each state, as many as `like` has and as many as there are; "against all": the
    second is all there are; "halves": as many as `like` has, half of all at most, and the rest; "equal": as many of the
    rest; "people": windows of some people and of the others, at most as many as `like` has.
    """
    for repeat in range(repeats):
        rng, first, second = np.random.default_rng(derive_seed(DRAW_SEED, how, repeat)), [], []
        if how == "people":
            halves = halves_of(real.states, real.subjects, int(rng.integers(2**32)), "subject")
            yield rng.permutation(halves[0])[: len(like)], rng.permutation(halves[1])[: len(like)]
            continue
        for state in like.present_states:
            at, size = np.flatnonzero(real.states == state), int((like.states == state).sum())
            if how in ("new", "against all"):
                first.append(rng.choice(at, size))
                second.append(rng.choice(at, len(at)) if how == "new" else at)
            else:
                mixed, size = rng.permutation(at), min(size, len(at) // 2)
                first.append(mixed[:size])
                second.append(mixed[size : 2 * size if how == "equal" else None])
        yield np.concatenate(first), np.concatenate(second)


def first_of_each_state(judged: Judged, most: Judged | int) -> Judged:
    """The first windows of each state, at most so many, or as many as `most` has."""
    at = []
    for state in judged.present_states:
        count = most if isinstance(most, int) else int((most.states == state).sum())
        at.append(np.flatnonzero(judged.states == state)[:count])
    return judged.take(np.concatenate(at))


def markdown(rows: Sequence[Row], titles: Mapping[str, str]) -> str:
    """How many limits of each target are met, then a heading and a table for each target, in the order of the rows."""
    by_target = {name: [row for row in rows if row.target == name] for name in dict.fromkeys(r.target for r in rows)}
    out = ["| target | met | missed within the floor | missed |", "| --- | --- | --- | --- |"]
    for target, mine in by_target.items():
        said = [row.verdict for row in mine]
        counts = (str(said.count(verdict)) for verdict in ("met", "not met, within the floor", "not met"))
        out.append(f"| {titles[target]} | {' | '.join(counts)} |")
    out += ["", READING]
    for target, mine in by_target.items():
        out += ["", f"## {titles[target]} ({met_of(mine) or 'reported, not judged'})", ""]
        out += ["| state | what | measured | SD over seeds | floor (95 %) | other people (95 %) | limit | |"]
        out += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
        out += [_line(row) for row in mine]
    return "\n".join(out) + "\n"


READING = (
    "Measured: mean over seeds, or all seeds pooled. Floor: what reference windows of the same people score in place "
    "of the synthetic ones, mean and 95 % quantile towards worse; a limit missed within it cannot be told from chance."
)


def met_of(rows: Sequence[Row]) -> str:
    """ "3 of 4 met", of the figures that are judged; "" where none is."""
    judged = [row.met for row in rows if row.met is not None]
    return f"{sum(judged)} of {len(judged)} met" if judged else ""


def _line(row: Row) -> str:
    sign = {"lower": "<= ", "higher": ">= ", "near_zero": "+-"}[row.better]
    interval = f" ({_text(row.low)} to {_text(row.high)})" if np.isfinite(row.low) else ""
    floors = (
        f"{_text(each.mean)} ({_text(each.edge)})" if np.isfinite(each.edge) else "-"
        for each in (row.floor, row.people)
    )
    limit = "" if row.met is None else sign + _text(row.limit) + (", low end" if row.on == "low" else "")
    said = row.verdict + (f": {row.note}" if row.note else "")
    cells = (row.state, row.part, _text(row.measured) + interval, _text(row.spread), *floors, limit, said)
    return "| " + " | ".join(cells) + " |"


def _text(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "-"
