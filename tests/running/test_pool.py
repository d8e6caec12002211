"""Tasks over processes: every result comes once, faults are told, and stopping waits for what is under way."""

import os
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from physiosynth.errors import RequestError
from physiosynth.running.pool import LocalPool


def square(number, folder):
    """A task: write a file, return something small."""
    (Path(folder) / f"{number}.txt").write_text(str(os.getpid()))
    return number * number


def killed(number):
    """A task whose process is ended from outside, as by a machine without memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def slow(number, folder):
    """A task that takes longer to finish than to start."""
    started = Path(folder) / f"{number}.started"
    started.touch()
    time.sleep(0.3)
    (Path(folder) / f"{number}.finished").touch()


@pytest.mark.parametrize("workers", [1, 2])
def test_every_argument_has_its_result_whatever_the_number_of_processes(tmp_path, workers):
    """Places and results belong together; one worker is this process, two are others."""
    found = dict(LocalPool(workers).results(square, [(n, tmp_path) for n in (3, 1, 2)]))
    assert found == {0: 9, 1: 1, 2: 4}
    processes = {int(path.read_text()) for path in tmp_path.iterdir()}
    assert (processes == {os.getpid()}) == (workers == 1)


def test_a_process_ended_from_outside_is_told_with_what_to_do():
    """Not a broken pool's traceback, but fewer processes."""
    with pytest.raises(RequestError, match=r"want of memory.*fewer than 2"):
        list(LocalPool(2).results(killed, [(1,), (2,)]))


def test_closing_waits_for_what_is_under_way_and_starts_no_more(tmp_path):
    """After the first result, tasks that have begun are finished; the others never begin."""
    with closing(LocalPool(2).results(slow, [(n, tmp_path) for n in range(12)])) as results:
        next(results)
    started, finished = (sorted(path.stem for path in tmp_path.glob(f"*.{kind}")) for kind in ("started", "finished"))
    assert started == finished
    assert len(finished) < 12


def test_no_process_at_all_is_refused():
    """Nought workers could never finish."""
    with pytest.raises(RequestError, match="found 0"):
        LocalPool(0)
