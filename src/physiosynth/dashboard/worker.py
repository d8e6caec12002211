"""One run of the sampler in a thread of its own: watched by its page, cancelled within a step, shared by nobody."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from physiosynth.errors import PhysiosynthError

WAITING, RUNNING, DONE, CANCELLED, FAILED = "waiting", "running", "done", "cancelled", "failed"
ABANDONED_AFTER_S = 10.0  # a page that reloads or loses its network for a moment is not a closed one
UNEXPECTED = "Something in the program itself went wrong; what was finished is kept. The terminal it runs in says more."

# The processor is one: runs of several pages take turns, so that each is as fast as it can be.
_TURN = threading.Lock()
_LOG = logging.getLogger(__name__)

Work = Callable[[Callable[[int, int], None], Callable[[Any], None]], Any]


class _Stopped(Exception):
    """Raised inside the sampler's callback to end a run."""


@dataclass(frozen=True)
class Progress:
    """A run as it stands: done of total steps; seconds_left is None until it can be told."""

    state: str
    done: int
    total: int
    seconds_left: float | None

    @property
    def share(self) -> float:
        return self.done / self.total if self.total else 0.0


class Job:
    """A run. work(on_step, on_part) returns its result; on_part hands over what is finished early.

    page_open: says whether the page that asked is still there; a run nobody watches ends by itself.
    """

    def __init__(self, work: Work, page_open: Callable[[], bool] = lambda: True) -> None:
        self._work, self._page_open = work, page_open
        self._cancel = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampling", daemon=True)
        self._began = self._seen = time.monotonic()
        self._done = self._total = 0
        self.state = WAITING
        self.result: Any = None
        self.parts: list[Any] = []
        self.error: str | None = None
        self.seconds = 0.0

    def start(self) -> Job:
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Ask the run to stop; it does so at its next step, and keeps its finished parts."""
        self._cancel.set()

    @property
    def cancelling(self) -> bool:
        return self._cancel.is_set()

    @property
    def finished(self) -> bool:
        return self.state in (DONE, CANCELLED, FAILED)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the run has ended; False when it has not by then."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def progress(self) -> Progress:
        done, total, left = self._done, self._total, None
        if self.state == RUNNING and done:
            left = (time.monotonic() - self._began) / done * (total - done)
        return Progress(self.state, done, total, left)

    def _run(self) -> None:
        state = FAILED
        try:
            self._take_turn()
            try:
                self.result = self._work(self._on_step, self.parts.append)
            finally:
                self.seconds = time.monotonic() - self._began
                _TURN.release()
            state = DONE
        except _Stopped:
            state = CANCELLED
        except PhysiosynthError as error:
            self.error = str(error)
        except Exception:
            _LOG.exception("A run of the sampler failed.")
            self.error = UNEXPECTED
        self.state = state

    def _take_turn(self) -> None:
        while not _TURN.acquire(timeout=0.1):
            self._check()
        self._began, self.state = time.monotonic(), RUNNING

    def _on_step(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        self._check()

    def _check(self) -> None:
        now = time.monotonic()
        if self._page_open():
            self._seen = now
        if self._cancel.is_set() or now - self._seen > ABANDONED_AFTER_S:
            raise _Stopped


def in_words(seconds: float) -> str:
    """A duration a person reads at a glance."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    seconds = round(seconds)
    return f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} min"
