"""Tasks in processes of this machine, behind the one contract that a cluster keeps as well."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol, TypeVar

from physiosynth.errors import RequestError

Result = TypeVar("Result")


class Pool(Protocol):
    """Runs a function over many arguments and gives results as they are finished.

    A task is a module's function of paths and a seed path; it writes one file, whole or not at all, and returns
    something small: so that it can be run anywhere, and again.
    """

    def results(
        self, task: Callable[..., Result], arguments: Sequence[tuple]
    ) -> Generator[tuple[int, Result], None, None]:
        """Run the task on every argument.

        Closing the iterator waits for the tasks under way and starts no more; what a task raises is raised here.

        Parameters
        ----------
        task
            A function of a module, which another process can import.
        arguments
            The task's arguments, one tuple per call.

        Yields
        ------
        tuple
            The place of an argument and its result, in the order they end.
        """
        ...


class LocalPool:
    """Spawned processes, or this one where one worker is all there is to use.

    Parameters
    ----------
    workers
        Processes at a time.

    Raises
    ------
    RequestError
        For fewer than one.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise RequestError(f"At least one process is needed, found {workers}.")
        self.workers = workers

    def results(
        self, task: Callable[..., Result], arguments: Sequence[tuple]
    ) -> Generator[tuple[int, Result], None, None]:
        """Run the task on every argument; see Pool.

        Parameters
        ----------
        task
            A function of a module, which another process can import.
        arguments
            The task's arguments, one tuple per call.

        Yields
        ------
        tuple
            The place of an argument and its result, in the order they end.

        Raises
        ------
        RequestError
            Where a process was ended from outside.
        """
        workers = min(self.workers, len(arguments))
        if workers < 2:
            for place, given in enumerate(arguments):
                yield place, task(*given)
            return
        from concurrent.futures import ProcessPoolExecutor, as_completed
        from concurrent.futures.process import BrokenProcessPool
        from multiprocessing import get_context

        # Spawned: a forked child inherits locks that other threads of a server or a numerical library may hold.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            places: dict[Any, int] = {pool.submit(task, *given): place for place, given in enumerate(arguments)}
            try:
                for done in as_completed(places):
                    yield places[done], done.result()
            except BrokenProcessPool as error:
                raise RequestError(
                    f"A process was ended from outside, most often for want of memory. What was finished is kept: run "
                    f"the same again with fewer than {workers} at a time."
                ) from error
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
