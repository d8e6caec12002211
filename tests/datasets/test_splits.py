"""Leave-one-subject-out splits."""

import pytest

from physiosynth.datasets.splits import Split, split_for, subjects_to_test, validation_choice
from physiosynth.errors import FoldError

WESAD = tuple(f"S{number}" for number in (*range(2, 12), *range(13, 18)))


def test_everyone_is_tested_once_and_nobody_is_in_two_places():
    """Over all folds each subject is tested once; within a fold the three groups are apart and complete."""
    splits = [split_for(WESAD, name) for name in WESAD]
    assert [split.test for split in splits] == [(name,) for name in WESAD]
    for split in splits:
        groups = set(split.train), set(split.val), set(split.test)
        assert sum(map(len, groups)) == len(set.union(*groups)) == len(WESAD)
        assert len(split.val) == 2 and len(split.train) == 12


def test_validation_subjects_depend_on_the_seed_alone():
    """The same seed draws the same subjects, whoever else's fold is made; another seed draws others somewhere."""
    assert split_for(WESAD, "S10", seed=3) == [split_for(WESAD, name, seed=3) for name in WESAD][WESAD.index("S10")]
    drawn = {seed: [split.val for split in [split_for(WESAD, name, seed=seed) for name in WESAD]] for seed in (0, 1)}
    assert drawn[0] != drawn[1]
    assert len(set(drawn[0])) > 5  # not the same two for everyone


def test_validation_subjects_can_be_named_or_counted():
    """Names are taken as they are, a count is drawn, and small cohorts keep one for validation."""
    assert split_for(WESAD, "S10", ["S2", "S3"]).val == ("S2", "S3")
    assert len(split_for(WESAD, "S10", 4).val) == 4
    assert len(split_for(WESAD[:4], "S2").val) == 1
    assert validation_choice(["3"]) == 3 and validation_choice(["S3"]) == ["S3"] and validation_choice(None) is None


@pytest.mark.parametrize(
    ("subjects", "test", "validation", "words"),
    [
        (WESAD, "S12", None, "No subject S12. There are S2, S3"),
        (WESAD, "S10", ["S99"], "No subject S99"),
        (WESAD, "S10", ["S10"], "S10 to several"),
        (WESAD[:2], "S2", None, "0 of 2 subjects are left to train on"),
        (WESAD, "S10", 0, "at least one for each"),
    ],
)
def test_splits_that_cannot_be_are_explained(subjects, test, validation, words):
    """Unknown names, overlaps and too few subjects each have a message."""
    with pytest.raises(FoldError, match=words):
        split_for(subjects, test, validation)


def test_a_split_with_a_subject_in_two_places_cannot_be_made():
    """Split itself refuses a subject in two groups, and an empty group."""
    with pytest.raises(FoldError, match="S3 to several"):
        Split(("S2", "S3"), ("S3",), ("S4",))
    with pytest.raises(FoldError, match="found 1, 0 and 1"):
        Split(("S2",), (), ("S4",))


def test_all_means_everyone():
    """'all' tests each subject in turn; an unknown name lists the known ones."""
    assert subjects_to_test(WESAD, "ALL") == WESAD and subjects_to_test(WESAD, "S2") == ("S2",)
    with pytest.raises(FoldError, match=r"No subject S1\. There are"):
        subjects_to_test(WESAD, "S1")
