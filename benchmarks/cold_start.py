"""What one window costs from a cold start, beyond `import torch`: each in a process of its own, by turns.

Run it while nothing else runs; the processor time tells how much of the wall clock was waiting.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time

TORCH = "import torch"
WINDOW = "import physiosynth; physiosynth.load().sample('stress')"


def spent(code: str) -> tuple[float, float]:
    """Seconds on the clock and of processor time that a new Python takes for the code."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begin, processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    for code in (TORCH, WINDOW):
        spent(code)  # files into memory
    runs = [(spent(TORCH), spent(WINDOW)) for _ in range(repeats)]
    print(f"load average {os.getloadavg()[0]:.1f}, {repeats} runs each, medians")
    for what, column in (("wall clock", 0), ("processor", 1)):
        torch_s, window_s = (statistics.median(run[i][column] for run in runs) for i in (0, 1))
        print(f"{what}: import torch {torch_s:.2f} s, one window {window_s:.2f} s, {window_s - torch_s:+.2f} s")


if __name__ == "__main__":
    main()
