"""One run of the sampler in a thread of its own: watched by its page, cancelled within a step, shared by nobody.

The processor is one: runs of several pages take turns in the order they were asked for, so that each is as fast as it
can be.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from physiosynth.errors import PhysiosynthError, RequestError

WAITING, RUNNING, DONE, CANCELLED, FAILED = "waiting", "running", "done", "cancelled", "failed"
UNEXPECTED = "An unexpected error occurred; finished results are kept. The log of the program says more."

_LOG = logging.getLogger(__name__)

Work = Callable[[Callable[[int, int], None], Callable[[Any], None]], Any]


class _Stopped(Exception):
    """Raised inside the sampler's callback to end a run."""


@dataclass(frozen=True)
class Progress:
    """A run as it stands: done of total steps; seconds_left is None until it can be told; ahead: runs before it."""

    state: str
    done: int
    total: int
    seconds_left: float | None
    ahead: int = 0

    @property
    def share(self) -> float:
        return self.done / self.total if self.total else 0.0


class Queue:
    """Runs that were asked for and have not ended; the first has its turn."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._jobs)

    def join(self, job: Job, most_waiting: int | None = None) -> None:
        """Take the last place. Raises RequestError where most_waiting runs wait already."""
        with self._changed:
            if most_waiting is not None and len(self._jobs) > most_waiting:
                raise RequestError(
                    f"{len(self._jobs)} runs are under way or waiting, which is as many as may be. Try again later."
                )
            self._jobs.append(job)

    def leave(self, job: Job) -> None:
        """Give the place up, at the head or further back."""
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)
            self._changed.notify_all()

    def ahead(self, job: Job) -> int:
        """How many runs come before this one."""
        with self._changed:
            return self._jobs.index(job) if job in self._jobs else 0

    def wait_for_turn(self, job: Job, check: Callable[[], None]) -> None:
        """Return when the run is first. check() is called meanwhile, and may raise to stop waiting."""
        while True:
            with self._changed:
                if self._jobs[0] is job:
                    return
                self._changed.wait(0.1)
            check()


_QUEUE = Queue()


class Job:
    """A run. work(on_step, on_part) returns its result; on_part hands over what is finished early.

    page_open: says whether the page that asked is still there; a run nobody watches ends at its next step.
    """

    def __init__(self, work: Work, page_open: Callable[[], bool] = lambda: True) -> None:
        self._work, self._page_open = work, page_open
        self._cancel = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampling", daemon=True)
        self._began = time.monotonic()
        self._done = self._total = 0
        self.key = uuid4().hex
        self.state = WAITING
        self.result: Any = None
        self.parts: list[Any] = []
        self.error: str | None = None
        self.seconds = 0.0

    def start(self, most_waiting: int | None = None) -> Job:
        """Queue up and begin. Raises RequestError where most_waiting runs wait already."""
        _QUEUE.join(self, most_waiting)
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Ask the run to stop; it does so at its next step, and keeps its finished parts."""
        self._cancel.set()

    @property
    def seconds_so_far(self) -> float:
        """How long it has been sampling, or how long it took."""
        return self.seconds if self.finished else time.monotonic() - self._began

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
        return Progress(self.state, done, total, left, _QUEUE.ahead(self))

    def _run(self) -> None:
        state = FAILED
        try:
            _QUEUE.wait_for_turn(self, self._check)
            self._began, self.state = time.monotonic(), RUNNING
            self.result = self._work(self._on_step, self.parts.append)
            state = DONE
        except _Stopped:
            state = CANCELLED
        except PhysiosynthError as error:
            self.error = str(error)
        except Exception:
            _LOG.exception("A run of the sampler failed.")
            self.error = UNEXPECTED
        finally:
            _QUEUE.leave(self)
        self.seconds = time.monotonic() - self._began
        self.state = state

    def _on_step(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        self._check()

    def _check(self) -> None:
        if self._cancel.is_set() or not self._page_open():
            raise _Stopped


def in_words(seconds: float) -> str:
    """A duration a person reads at a glance."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    seconds = round(seconds)
    return f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} min"
