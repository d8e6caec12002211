"""Who is trained on, validated on and tested on, one subject left out at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from physiosynth.errors import FoldError
from physiosynth.runtime import check_seed


@dataclass(frozen=True)
class Split:
    """Subjects of one fold; nobody is in two places. Raises FoldError where somebody is, or a place is empty."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        everyone = [*self.train, *self.val, *self.test]
        twice = sorted({name for name in everyone if everyone.count(name) > 1})
        if twice:
            raise FoldError(f"A subject belongs to one of train, validation and test; {', '.join(twice)} to several.")
        if not (self.train and self.val and self.test):
            raise FoldError(
                f"Train, validation and test need a subject each, found {len(self.train)}, {len(self.val)} and "
                f"{len(self.test)}. Add subjects, or name fewer for validation."
            )


def usual_validation_count(subjects: int) -> int:
    """Two subjects of seven or more, one of fewer."""
    return 2 if subjects >= 7 else 1


def split_for(
    subjects: Sequence[str], test_subject: str, validation: Sequence[str] | int | None = None, seed: int = 0
) -> Split:
    """The fold that leaves test_subject out.

    validation: names, or how many to draw, or None for the usual number; the draw depends on the seed, the test subject
    and the subjects there are, and on nothing else. Raises FoldError for an unknown name or too few subjects.
    """
    wanted = [test_subject] if validation is None or isinstance(validation, int) else [test_subject, *validation]
    unknown = [name for name in wanted if name not in subjects]
    if unknown:
        raise FoldError(f"No subject {', '.join(unknown)}. There are {', '.join(subjects) or 'none'}.")
    others = [name for name in subjects if name != test_subject]
    if validation is None or isinstance(validation, int):
        count = usual_validation_count(len(subjects)) if validation is None else validation
        if not 1 <= count < len(others):
            raise FoldError(
                f"With {test_subject} tested and {count} for validation, {max(len(others) - count, 0)} of "
                f"{len(subjects)} subjects are left to train on. Needed: at least one for each."
            )
        rng = np.random.default_rng((check_seed(seed), list(subjects).index(test_subject)))
        validation = [others[index] for index in sorted(rng.choice(len(others), size=count, replace=False))]
    return Split(tuple(name for name in others if name not in validation), tuple(validation), (test_subject,))


def subjects_to_test(subjects: Sequence[str], test_subject: str) -> tuple[str, ...]:
    """The one named, or everybody for 'all'. Raises FoldError for an unknown name."""
    if test_subject.lower() == "all":
        return tuple(subjects)
    if test_subject not in subjects:
        raise FoldError(f"No subject {test_subject}. There are {', '.join(subjects) or 'none'}; or say 'all'.")
    return (test_subject,)


def validation_choice(words: Sequence[str] | None) -> Sequence[str] | int | None:
    """A command's words as split_for takes them: one number, or names, or nothing."""
    return int(words[0]) if words and len(words) == 1 and words[0].isdigit() else words
