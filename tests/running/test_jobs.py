"""A run in its own thread: progress, cancelling, turns and failures."""

import threading
import time

import pytest

from physiosynth.errors import BundleError
from physiosynth.running import jobs as worker
from physiosynth.running.jobs import CANCELLED, DONE, FAILED, WAITING, Job, in_words


def steps(count, seen, gate=None):
    """Work of `count` steps that hands over one part every two steps."""

    def work(on_step, on_part):
        for step in range(1, count + 1):
            if gate is not None:
                assert gate.wait(60)
            seen.append(step)
            on_step(step, count)
            if step % 2 == 0:
                on_part(step)
        return "all"

    return work


def test_a_run_reports_its_steps_and_its_result():
    """A finished run has its result, every part, and all steps counted."""
    job = Job(steps(4, [])).start()
    assert job.wait(60) and job.state == DONE
    assert job.result == "all" and job.parts == [2, 4] and job.progress().share == 1


def test_cancel_stops_at_the_next_step_and_keeps_what_is_finished():
    """After Cancel at most one more step runs; parts handed over before stay."""
    seen, reached, go = [], threading.Event(), threading.Event()

    def work(on_step, on_part):
        for step in range(1, 100):
            seen.append(step)
            on_step(step, 99)
            if step == 2:
                on_part("first window")
            if step == 3:
                reached.set()
                assert go.wait(60)

    job = Job(work).start()
    assert reached.wait(60)
    job.cancel()
    go.set()
    assert job.wait(60) and job.state == CANCELLED and job.error is None
    assert seen[-1] <= 4 and job.parts == ["first window"]


def test_two_runs_take_turns_and_one_waiting_can_be_cancelled():
    """The second run waits for the first, and leaves the queue at once when cancelled; the first never notices."""
    gate, first_steps, second_steps = threading.Event(), [], []
    first = Job(steps(3, first_steps, gate)).start()
    time.sleep(0.05)
    second = Job(steps(3, second_steps)).start()
    time.sleep(0.05)
    assert second.state == WAITING and second.progress().seconds_left is None
    second.cancel()
    assert second.wait(60) and second.state == CANCELLED and second_steps == []
    gate.set()
    assert first.wait(60) and first.state == DONE and first_steps == [1, 2, 3]


def test_a_run_nobody_watches_ends_within_two_steps():
    """A page that was closed stops its run, and what was finished stays."""
    seen = []

    job = Job(steps(99, seen), page_open=lambda: len(seen) < 3).start()
    assert job.wait(60) and job.state == CANCELLED and len(seen) <= 5 and job.parts == [2]


@pytest.mark.parametrize(
    "raised, words", [(BundleError("No bundle there."), "No bundle there."), (ValueError("0x7f"), worker.UNEXPECTED)]
)
def test_a_failure_is_told_in_words_and_the_next_run_gets_its_turn(raised, words):
    """A user's mistake keeps its own message, anything else a plain one; neither blocks the queue."""

    def work(on_step, on_part):
        on_part("kept")
        raise raised

    job = Job(work).start()
    assert job.wait(60) and job.state == FAILED and job.error == words and job.parts == ["kept"]
    after = Job(steps(1, [])).start()
    assert after.wait(60) and after.state == DONE


def test_time_left_follows_the_pace_so_far():
    """Half done after a time means about that time again."""
    gate, half = threading.Event(), threading.Event()

    def work(on_step, on_part):
        time.sleep(0.2)
        on_step(1, 2)
        half.set()
        assert gate.wait(60)
        on_step(2, 2)

    job = Job(work).start()
    assert half.wait(60)
    assert 0.2 <= job.progress().seconds_left <= job.seconds_so_far
    gate.set()
    assert job.wait(60)


def test_durations_are_short():
    """Tenths below ten seconds, seconds up to a minute and a half, then minutes."""
    assert [in_words(s) for s in (0.44, 89.0, 125)] == ["0.4 s", "89 s", "2 min"]
