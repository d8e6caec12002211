"""Jobs that visitors share: made once, left without disturbing the others, and never waited for in vain."""

import threading

import pytest

from physiosynth.dashboard.sharing import SharedJobs
from physiosynth.errors import RequestError
from physiosynth.running.jobs import CANCELLED, DONE, Job


class Work:
    """A job's work that goes one step on whenever it is let, and counts how often it was begun."""

    def __init__(self, steps=3) -> None:
        self.steps, self.begun = steps, 0
        self.let, self.stepped = threading.Semaphore(0), threading.Semaphore(0)

    def start(self, wanted):
        return Job(self, wanted).start()

    def __call__(self, on_step, on_part):
        self.begun += 1
        for step in range(1, self.steps + 1):
            assert self.let.acquire(timeout=30)
            on_part(step)
            self.stepped.release()
            on_step(step, self.steps)
        return f"result {self.begun}"

    def step(self) -> None:
        self.let.release()
        assert self.stepped.acquire(timeout=30)

    def to_the_end(self) -> None:
        for _ in range(self.steps):
            self.let.release()


def always() -> bool:
    return True


def test_all_who_come_while_it_is_made_and_after_have_the_one_result():
    """Six seats, one job; a seventh after its end has the result at once."""
    work, shared = Work(), SharedJobs(2)
    seats = [shared.join("it", work.start, always) for _ in range(6)]
    work.step()
    assert [seat.parts for seat in seats] == [[1]] * 6 and not any(seat.finished for seat in seats)
    work.to_the_end()
    assert all(seat.wait(30) for seat in seats)
    seats.append(shared.join("it", work.start, always))
    assert {seat.result for seat in seats} == {"result 1"} and seats[-1].finished and seats[-1].state == DONE
    assert work.begun == 1


def test_who_cancels_is_free_at_once_and_the_others_go_on():
    """A visitor keeps the parts of that moment; the job takes no step for it, and ends for the other."""
    work, shared = Work(), SharedJobs(2)
    one, other = (shared.join("it", work.start, always) for _ in range(2))
    work.step()
    one.cancel()
    assert one.finished and one.wait(0) and one.state == CANCELLED and one.result is None
    work.to_the_end()
    assert other.wait(30) and other.result == "result 1" and one.parts == [1] and other.parts == [1, 2, 3]


def test_a_job_nobody_waits_for_ends_and_the_next_visitor_starts_it_anew():
    """One cancels, the other closes the page: the job stops at its next step, and does not stand in the way."""
    work, shared, closed = Work(), SharedJobs(2), threading.Event()
    one, other = shared.join("it", work.start, always), shared.join("it", work.start, lambda: not closed.is_set())
    one.cancel()
    closed.set()
    work.step()
    assert other.wait(30) and other.state == CANCELLED
    again = shared.join("it", work.start, always)
    work.to_the_end()
    assert again.wait(30) and again.result == "result 2"


def test_a_job_that_failed_or_was_refused_is_tried_again():
    """Its visitors are told; the next one does not meet the old failure."""
    shared = SharedJobs(2)

    def failing(on_step, on_part):
        raise RequestError("No.")

    def refused(wanted):
        raise RequestError("Too many wait.")

    seat = shared.join("it", lambda wanted: Job(failing, wanted).start(), always)
    assert seat.wait(30) and seat.error == "No."
    with pytest.raises(RequestError, match="Too many"):
        shared.join("it", refused, always)
    work = Work()
    work.to_the_end()
    assert shared.join("it", work.start, always).wait(30) and work.begun == 1


def test_no_more_results_are_kept_than_was_said():
    """The one that nobody asked for the longest goes first."""
    shared, works = SharedJobs(2), {name: Work(1) for name in "abc"}
    for name in "abac":
        works[name].let.release()
        assert shared.join(name, works[name].start, always).wait(30)
    works["b"].let.release()
    for name in "cb":
        assert shared.join(name, works[name].start, always).wait(30)
    assert {name: work.begun for name, work in works.items()} == {"a": 1, "b": 2, "c": 1}
