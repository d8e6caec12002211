"""Runs chunks of windows side by side, each on one thread, so that its arithmetic never depends on the machine's cores.

Vector libraries choose their kernels, and with them the last bits of a result, by thread count too. A chunk therefore
has one thread; more cores run more chunks at once, which costs nothing: two threads in one convolution are no faster
than two chunks on a thread each.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from physiosynth.runtime import StepCallback

Result = TypeVar("Result")
Task = Callable[[StepCallback], Result]


class _Stopped(Exception):
    """A chunk left unfinished because another failed or the caller cancelled."""


class _SingleThreadKernels(AbstractContextManager):
    """Keeps the process's kernels on one thread while any job runs; the last to leave restores the number before."""

    _lock, _jobs, _before = threading.Lock(), 0, 1

    def __enter__(self) -> None:
        import torch

        cls = type(self)
        with cls._lock:
            if cls._jobs == 0:
                cls._before = torch.get_num_threads()
            cls._jobs += 1

    def __exit__(self, *_: Any) -> None:
        import torch

        cls = type(self)
        with cls._lock:
            cls._jobs -= 1
            if cls._jobs == 0:
                torch.set_num_threads(cls._before)

    @staticmethod
    def start_worker() -> None:
        """Called once in each worker: the thread count is a setting of the calling thread."""
        import torch

        torch.set_num_threads(1)


def run_chunks(
    tasks: Sequence[Task], workers: int, on_step: StepCallback, on_result: Callable[[int, Result], None]
) -> None:
    """Run every task, at most `workers` at once, and hand over their results in the tasks' order.

    A task is called with an on_step(done, total) of its own. on_step(done, total) here counts the steps of all tasks
    and, like on_result(position, result), is called in the caller's thread. An exception from a task or a callback
    stops the rest at their next step and is raised here.
    """
    messages: queue.SimpleQueue = queue.SimpleQueue()
    stop = threading.Event()

    def work(position: int) -> None:
        def step(done: int, total: int) -> None:
            if stop.is_set():
                raise _Stopped
            messages.put(("step", position, (done, total)))

        try:
            if not stop.is_set():
                messages.put(("result", position, tasks[position](step)))
        except _Stopped:
            pass
        except BaseException as error:
            messages.put(("error", position, error))

    with _SingleThreadKernels(), ThreadPoolExecutor(workers, initializer=_SingleThreadKernels.start_worker) as pool:
        try:
            for position in range(len(tasks)):
                pool.submit(work, position)
            _deliver(messages, len(tasks), on_step, on_result)
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def run_alone(task: Task, on_step: StepCallback) -> Any:
    """The result of one task that shares its work out itself (see sharing); the rest as in run_chunks."""
    results = []
    run_chunks([task], 1, on_step, lambda _, result: results.append(result))
    return results[0]


@contextmanager
def sharing(workers: int) -> Iterator[Callable[[Iterable[Callable[[], Result]]], Iterator[Result]]]:
    """Give run(calls): their results in order, at most `workers` computed at once, each on one thread."""
    pool = ThreadPoolExecutor(workers, initializer=_SingleThreadKernels.start_worker)
    try:
        yield lambda calls: pool.map(lambda call: call(), calls)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _deliver(
    messages: queue.SimpleQueue, count: int, on_step: StepCallback, on_result: Callable[[int, Any], None]
) -> None:
    """Pass messages on until every task's result is handed over."""
    done, each = [0] * count, 0
    waiting: dict[int, Any] = {}
    handed = 0
    while handed < count:
        kind, position, content = messages.get()
        if kind == "error":
            raise content
        if kind == "step":
            done[position], each = content
            on_step(sum(done), each * count)
            continue
        waiting[position] = content
        while handed in waiting:
            on_result(handed, waiting.pop(handed))
            handed += 1
