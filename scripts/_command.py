"""What every command shares: a user's mistake becomes one plain message and an exit code, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from physiosynth.errors import PhysiosynthError

OK, INTERRUPTED = 0, 130


def run(main: Callable[[], int | None]) -> None:
    """Call main and exit: 0 when done, the error's exit code (2) for a user's mistake, 130 when interrupted."""
    try:
        code = main() or OK
    except PhysiosynthError as error:
        print(f"error: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print("Interrupted. What was finished is kept; the same command goes on from there.", file=sys.stderr)
        code = INTERRUPTED
    sys.exit(code)


def progress(label: str, unit: str = "step", file=sys.stderr) -> Callable[[int, int], None]:
    """A callback (done, total) that draws one bar with the time left."""
    from tqdm import tqdm

    bar = tqdm(desc=label, unit=unit, file=file, dynamic_ncols=True)

    def on_step(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    return on_step
