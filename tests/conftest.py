"""What holds for every test."""

from places import NOT_HERE

# Files that take longest begin first, so that no process is left with one of them alone at the end of a parallel run.
LONGEST = ("browser/", "test_whole_way", "training/", "test_targets", "test_documentation", "test_house")


def pytest_collection_modifyitems(items):
    """Begin with the longest files; the order changes no result."""
    items.sort(key=lambda item: not any(name in item.path.as_posix() for name in LONGEST))


def pytest_terminal_summary(terminalreporter):
    """Say in one line how many tests ../shared would have let run: skips are read by nobody."""
    reasons = [report.longrepr[2] for report in terminalreporter.getreports("skipped")]
    if count := sum(NOT_HERE in reason for reason in reasons):
        terminalreporter.line(f"{count} test{'s' * (count > 1)} skipped: {NOT_HERE}", yellow=True)
