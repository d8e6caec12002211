"""What holds for every test."""

from places import NOT_HERE


def pytest_terminal_summary(terminalreporter):
    """Say in one line how many tests ../shared would have let run: skips are read by nobody."""
    reasons = [report.longrepr[2] for report in terminalreporter.getreports("skipped")]
    if count := sum(NOT_HERE in reason for reason in reasons):
        terminalreporter.line(f"{count} test{'s' * (count > 1)} skipped: {NOT_HERE}", yellow=True)
