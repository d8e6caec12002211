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

    start: what was done before; shape: another look than a count of units, such as PERCENT.
    """

    def __init__(self, label: str, unit: str = "step", start: int = 0, shape: str | None = None) -> None:
        self.label, self.start = label, start
        self._bar: tqdm | None = None
        self._look = {"unit": unit, "bar_format": shape}
        self._note = ""
        if context := click.get_current_context(silent=True):
            context.call_on_close(self.close)

    def __call__(self, done: float, total: float) -> None:
        if self._bar is None:
            self._bar = self._drawn(total)
        self._bar.total = total
        self._bar.set_postfix_str(self._note, refresh=False)
        self._bar.update(done - self._bar.n)
        if done >= total:
            self.close()

    def stage(self, label: str) -> None:
        """Say what is being done from here on."""
        self.label = label
        if self._bar is not None:
            self._bar.set_description(label)

    def note(self, words: str) -> None:
        """Words behind the bar, shown with the next step."""
        self._note = words

    def say(self, words: str) -> None:
        """A line above the bar."""
        if self._bar is not None:
            self._bar.clear()
        print(words, file=sys.stderr)

    def close(self) -> None:
        """Leave a full bar where it is; clear one that was stopped, so that a message stands on a line of its own."""
        if self._bar is not None:
            self._bar.leave = self._bar.n >= self._bar.total
            self._bar.close()

    def _drawn(self, total: float) -> tqdm:
        from tqdm import tqdm

        return tqdm(desc=self.label, total=total, initial=self.start, file=sys.stderr, dynamic_ncols=True, **self._look)
