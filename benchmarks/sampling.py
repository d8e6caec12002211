"""The page's job, measured: 16 windows at the default settings from the embedded bundle, seconds and peak memory.

With --published the published networks (fresh weights: the arithmetic is the same) do the same job in the same run.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

from physiosynth.runtime import available_cores, prepare_process

WINDOWS = 16


def peak_mb() -> float:
    """Largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", default="default")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--published", action="store_true", help="also the published networks, 150 steps (a minute)")
    args = parser.parse_args()
    prepare_process()
    begin = time.perf_counter()
    import torch

    from physiosynth.generate.core import WESADGenerator

    imported = time.perf_counter()
    generator = WESADGenerator.from_bundle(args.bundle)
    loaded = time.perf_counter()
    waits = f"import {imported - begin:.2f} s, load {loaded - imported:.2f} s"
    print(f"{available_cores()} cores; {waits}, {peak_mb():.0f} MB")
    generator.sample_one("stress")
    seconds = []
    for repeat in range(args.repeats):
        begin = time.perf_counter()
        generator.sample_batch("stress", WINDOWS, seed=repeat)
        seconds.append(time.perf_counter() - begin)
    median = statistics.median(seconds)
    print(
        f"{WINDOWS} windows, {generator.info.architecture}: median {median:.2f} s "
        f"({min(seconds):.2f} to {max(seconds):.2f}, {args.repeats} runs), peak {peak_mb():.0f} MB"
    )
    if not args.published:
        return
    from physiosynth.models.architecture import published
    from physiosynth.signals import ECG_STEPS, LOW_STEPS

    low, ecg = (stream.eval() for stream in published().build())
    y = torch.eye(4)[torch.full((WINDOWS,), 1)]
    begin = time.perf_counter()
    low.sample(y, x_T=torch.randn(WINDOWS, LOW_STEPS, 2))
    ecg.sample(y, x_T=torch.randn(WINDOWS, ECG_STEPS, 1))
    other = time.perf_counter() - begin
    print(
        f"{WINDOWS} windows, published networks, 150 steps without guidance: {other:.1f} s, {other / median:.0f} times"
    )


if __name__ == "__main__":
    main()
