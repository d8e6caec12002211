"""The default number of network evaluations held against a large one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from physiosynth.evaluation.registry import ALL_STATES
from physiosynth.evaluation.targets.rows import NAN, Row

SPREADS = 2.0  # SDs over the seeds that two means may differ by
SHARE_LIMIT = 0.95  # of the figures; one in twenty is off by chance


def compared(default: Sequence[Row], many: Sequence[Row]) -> tuple[Row, ...]:
    """Every figure with the default number of evaluations less that with many, beside its spread over seeds.

    The spread is that of both numbers of evaluations, pooled over the states of a figure: three seeds alone tell it
    badly. One row, the share of judged figures that stay within it, is judged.
    """
    others = {(row.target, row.state, row.part): row for row in many}
    pairs = [(row, others.get((row.target, row.state, row.part))) for row in default]
    pairs = [(one, other) for one, other in pairs if other is not None and one.limit is not None and one.values]
    rows, within = [], []
    for one, other in pairs:
        alike = [pair for pair in pairs if _kind(pair[0]) == _kind(one)]
        spread = _pooled_spread([row for pair in alike for row in pair])
        change = float(np.mean(one.values) - np.mean(other.values))
        inside = bool(abs(change) <= SPREADS * spread)  # a figure that cannot be measured is off
        within += [inside] if np.isfinite(spread) else []
        note = f"{np.mean(one.values):.3g} against {np.mean(other.values):.3g}; spread over seeds {spread:.2g}"
        note += "" if inside or not np.isfinite(spread) else f", off by more than {SPREADS:g} of it"
        rows.append(Row("steps", one.state, f"{one.target}: {one.part}", change, None, "near_zero", note=note))
    share = float(np.mean(within)) if within else NAN
    note = f"{sum(within)} of {len(within)} figures" if within else "a spread needs two seeds or more"
    judged = Row("steps", ALL_STATES, "figures within the spread of seeds", share, SHARE_LIMIT, "higher", note=note)
    return (judged, *rows)


def _kind(row: Row) -> tuple[str, str]:
    """What is pooled: one figure's states, or one measurement's contrasts."""
    return row.target, row.part.split(":")[0] if row.target == "contrasts" else row.part


def _pooled_spread(rows: Sequence[Row]) -> float:
    """SD over seeds, pooled over rows; nan for single seeds."""
    known = [row.spread for row in rows if np.isfinite(row.spread)]
    return float(np.sqrt(np.mean(np.square(known)))) if known else NAN
