"""The slot of a job in a session: what is finished is taken over once and never lost."""

import pytest

from physiosynth.dashboard import session
from physiosynth.dashboard.session import JobSlot
from physiosynth.errors import RequestError


class LandingJob:
    """A job whose last part, and whose end, come the moment after somebody looked at its parts."""

    error, result = None, "all"

    def __init__(self) -> None:
        self._parts, self.finished = ["first"], False

    @property
    def parts(self) -> list[str]:
        seen = list(self._parts)
        if not self.finished:
            self._parts.append("last")
            self.finished = True
        return seen


@pytest.fixture
def slot(monkeypatch):
    """An empty slot in a session of its own."""
    monkeypatch.setattr(session.st, "session_state", {})
    return JobSlot("test")


def test_a_part_that_lands_while_parts_are_taken_is_taken_the_next_time(slot):
    """The job ends between the two looks at it: its last part still arrives, and its end is told once."""
    parts, ends = [], []

    def collect():
        slot.collect(lambda job, about: ends.append((job.result, about)), lambda part, about: parts.append(part))

    slot.begin(LandingJob, "about it")
    collect()
    assert parts == ["first"] and ends == [] and slot.about == "about it"
    collect()
    assert parts[1:] == ["first", "last"] and ends == [("all", "about it")]
    collect()
    assert slot.job is None and len(ends) == 1 and slot.error is None


def test_a_job_that_is_refused_leaves_its_reason_until_the_next_one(slot):
    """The slot stays empty and says why; a job that begins clears the words."""

    def refused():
        raise RequestError("Try again later.")

    assert not slot.begin(refused) and slot.job is None and slot.error == "Try again later."
    assert slot.begin(LandingJob) and slot.error is None


def test_how_a_job_failed_is_kept(slot):
    """What a failed job says is the error of the slot once the job is collected."""
    failed = LandingJob()
    failed.finished, failed.error = True, "No room."
    slot.begin(lambda: failed)
    slot.collect()
    assert slot.job is None and slot.error == "No room."
