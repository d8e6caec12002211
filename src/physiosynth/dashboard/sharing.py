"""Jobs whose result is the same for every visitor: made once per server, and shared while they are made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from physiosynth.running.jobs import CANCELLED, DONE, Job, Progress


class Seat:
    """One visitor's view of a job that others may watch too; to cancel it is to leave, and disturbs nobody.

    It is used like a Job.
    """

    def __init__(self, job: Job, page_open: Callable[[], bool]) -> None:
        self._job, self._page_open = job, page_open
        self._left_with: list[Any] | None = None
        self.key = job.key

    @property
    def taken(self) -> bool:
        """Whether somebody still waits here."""
        return self._left_with is None and self._page_open()

    @property
    def cancelling(self) -> bool:
        return self._left_with is not None

    @property
    def finished(self) -> bool:
        return self.cancelling or self._job.finished

    @property
    def state(self) -> str:
        return CANCELLED if self.cancelling else self._job.state

    @property
    def parts(self) -> list[Any]:
        return self._job.parts if self._left_with is None else self._left_with

    @property
    def result(self) -> Any:
        return None if self.cancelling else self._job.result

    @property
    def error(self) -> str | None:
        return None if self.cancelling else self._job.error

    @property
    def seconds(self) -> float:
        return self._job.seconds if self._job.finished else self._job.seconds_so_far

    @property
    def seconds_so_far(self) -> float:
        return self._job.seconds_so_far

    def cancel(self) -> None:
        """Wait no longer, with the parts that are there; what has ended stays as it is."""
        if not self.finished:
            self._left_with = list(self._job.parts)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the job has ended; False when it has not by then."""
        return self.cancelling or self._job.wait(timeout_s)

    def progress(self) -> Progress:
        return self._job.progress()


@dataclass
class _Shared:
    job: Job | None = None
    seats: list[Seat] = field(default_factory=list)
    given_up: bool = False


class SharedJobs:
    """Jobs by what they make, as many as most_kept of those that ended. One that nobody waits for ends early."""

    def __init__(self, most_kept: int) -> None:
        self._most_kept, self._lock = most_kept, threading.Lock()
        self._shared: dict[Hashable, _Shared] = {}

    def join(self, key: Hashable, start: Callable[[Callable[[], bool]], Job], page_open: Callable[[], bool]) -> Seat:
        """A seat at the job of this key, which is started where there is none that came, or may come, to a result.

        start: given what says whether anybody waits for the job. Raises what it raises.
        """
        with self._lock:
            found = self._shared.pop(key, None)
            if found is None or found.given_up or (found.job.finished and found.job.state != DONE):
                found = _Shared()
                found.job = start(lambda: self._wanted(found))
            self._shared[key] = found  # the last to be forgotten
            seat = Seat(found.job, page_open)
            found.seats = [*(each for each in found.seats if not found.job.finished), seat]
            self._forget()
            return seat

    def clear(self) -> None:
        """Forget all of them; who has a seat keeps it."""
        with self._lock:
            self._shared.clear()

    def _wanted(self, shared: _Shared) -> bool:
        """Asked by the job at each step. Once nobody waits, whoever comes later starts another."""
        with self._lock:
            shared.given_up = not any(seat.taken for seat in shared.seats)
            return not shared.given_up

    def _forget(self) -> None:
        ended = [key for key, shared in self._shared.items() if shared.job.finished]
        for key in ended[: max(0, len(ended) - self._most_kept)]:
            del self._shared[key]
