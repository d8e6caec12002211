"""Progress bars on standard error, drawn from the first step on and cleared before anything else is said."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tqdm import tqdm

PERCENT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed} elapsed, {remaining} left"


class Bar:
    """One bar with the time left, moved by calling it with (done, total); it appears with the first step.

    percent: show how much of the work is done instead of counting units.
    """

    def __init__(self, label: str, unit: str = "step", percent: bool = False) -> None:
        self.label, self._bar = label, None
        self._look = {"bar_format": PERCENT} if percent else {"unit": unit}
        if context := click.get_current_context(silent=True):
            context.call_on_close(self.close)

    def __call__(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = self._drawn(total)
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        if done >= total:
            self.close()

    def stage(self, label: str) -> None:
        """Say what is being done from here on."""
        self.label = label
        if self._bar is not None:
            self._bar.set_description(label)

    def close(self) -> None:
        """Leave a full bar where it is; clear one that was stopped, so that a message stands on a line of its own."""
        if self._bar is not None:
            self._bar.leave = self._bar.n >= self._bar.total
            self._bar.close()

    def _drawn(self, total: int) -> tqdm:
        from tqdm import tqdm

        return tqdm(desc=self.label, total=total, file=sys.stderr, dynamic_ncols=True, **self._look)
