"""What sampling costs: ms a window, the page's job (16 windows, default settings), memory, and how near its floor.

The floor is the networks' multiply-adds at the rate of the fastest kernel measured here in the same run. With
--published the published networks (fresh weights: the arithmetic is the same) do their own job of 150 guided steps,
through the network as it was published and through the fast path. Run it while nothing else runs.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from physiosynth.runtime import available_cores, prepare_process, window_generators

WINDOWS, BATCHES = 16, (1, 4, 16, 64)
PUBLISHED_STEPS, PUBLISHED_GUIDANCE = 150, 0.5


def peak_mb() -> float:
    """Largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(job: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of each run, after one that is not counted."""
    job()
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        job()
        seconds.append(time.perf_counter() - begin)
    return seconds


def peak_gflops(dtype) -> dict[str, float]:
    """GFLOP/s of a large matrix product and of a wide convolution, on all cores."""
    import torch
    from torch.nn import functional as F

    side, channels, length = 2048, 256, 4096
    matrix = torch.randn(side, side, dtype=dtype)
    image = torch.randn(1, channels, 1, length, dtype=dtype).contiguous(memory_format=torch.channels_last)
    kernel = torch.randn(channels, channels, 1, 3, dtype=dtype).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        product = min(timed(lambda: matrix @ matrix, 7))
        convolution = min(timed(lambda: F.conv2d(image, kernel, padding=(0, 1)), 7))
    return {
        "matrix product": 2e-9 * side**3 / product,
        "convolution": 2e-9 * 3 * channels**2 * length / convolution,
    }


def gflop(stream, length: int) -> float:
    """2e-9 times the multiply-adds of one evaluation for one window, counted from the shapes that pass each layer."""
    import torch
    from torch import nn

    model, total = stream.diff.model, 0

    def count(layer: nn.Module, inputs: tuple, output) -> None:
        nonlocal total
        # Every weight of a convolution meets every sample of its answer; of a transposed one, of its input.
        samples = {nn.Linear: 1, nn.Conv1d: output.shape[-1], nn.ConvTranspose1d: inputs[0].shape[-1]}[type(layer)]
        total += layer.weight.numel() * samples

    layers = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv1d, nn.ConvTranspose1d))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    drawn = model.out_conv[2].out_channels // model.patch
    known = model.in_conv.in_channels // model.patch - drawn
    with torch.inference_mode():
        x, y = torch.zeros(1, drawn, length), torch.zeros(1, model.cond_mlp[0].in_features)
        model(x, torch.zeros(1), y, torch.zeros(1, known, length) if known else None)
    for hook in hooks:
        hook.remove()
    return 2e-9 * total


def floor_gflop(adapter, low, ecg) -> float:
    """GFLOP of one window: every evaluation of both streams."""
    from physiosynth.families.wearable.signals import ECG_STEPS, LOW_STEPS

    streams = ((adapter.low, low, LOW_STEPS), (adapter.ecg, ecg, ECG_STEPS))
    return sum(adapter.evaluations(stream, how) * gflop(stream, length) for stream, how, length in streams)


def draw(adapter, windows: int, low, ecg) -> list:
    """Windows of the second condition, in chunks side by side as the generator draws them."""
    import torch

    from physiosynth.families.wearable.generator.generator import CPU_CHUNK
    from physiosynth.running.parallel import run_chunks

    y = torch.eye(adapter.architecture.condition_dim)[[1] * CPU_CHUNK]
    starts = range(0, windows, CPU_CHUNK)
    parts = {}

    def task(start: int):
        noise = window_generators(0, range(start, start + CPU_CHUNK))
        return lambda step: adapter.sample(y, low, ecg, generators=noise, on_step=step)

    run_chunks([task(start) for start in starts], available_cores(), lambda *_: None, parts.__setitem__)
    return [parts[i] for i in range(len(starts))]


def draw_as_published(adapter, how) -> None:
    """All windows in one batch on all cores, answered by the networks themselves."""
    import torch

    from physiosynth.diffusion.diffusion import clamp_to
    from physiosynth.diffusion.guidance import clamped, guided
    from physiosynth.diffusion.inference import answers
    from physiosynth.diffusion.samplers import sample
    from physiosynth.families.wearable.signals import ECG_STEPS, LOW_STEPS

    y = torch.eye(adapter.architecture.condition_dim)[[1] * WINDOWS]
    for stream, length in ((adapter.low, LOW_STEPS), (adapter.ecg, ECG_STEPS)):
        diff, start = stream.diff, torch.randn(WINDOWS, len(stream.channels), length)

        def denoiser(conditions, diff=diff):
            answer = answers(diff.model, conditions, exact_from=0)
            return lambda x, t: diff.split(x, t, answer(x, t))

        denoise = guided(denoiser(y), denoiser(torch.zeros_like(y)), how, len(diff.betas))
        with torch.inference_mode():
            sample(clamped(denoise, clamp_to(how.x0_clip_q)), start, how, diff.alphas_cumprod, lambda: None)


def print_costs(generator, repeats: int) -> None:
    """ms a window by batch and by steps."""
    from physiosynth.families.wearable.data.batch import Sampling

    low, ecg = generator.adapter.low_sampling, generator.adapter.ecg_sampling
    for windows in BATCHES:
        runs = max(1, repeats * WINDOWS // max(windows, WINDOWS))
        median = statistics.median(timed(lambda n=windows: generator.sample_batch("stress", n), runs))
        print(f"batch {windows:3d}: {1e3 * median / windows:6.1f} ms a window, {median:6.2f} s")
    for factor in (0.5, 1, 2):
        steps = Sampling(max(1, round(factor * low.steps)), max(1, round(factor * ecg.steps)))
        job = timed(lambda s=steps: generator.sample_batch("stress", WINDOWS, sampling=s), repeats)
        name = f"{steps.low_steps} LOW and {steps.ecg_steps} ECG steps"
        print(f"{name}: {1e3 * statistics.median(job) / WINDOWS:6.1f} ms a window (batch {WINDOWS})")


def print_lone(generator, repeats: int) -> None:
    """One window with its networks given it alone, and in turn with the whole chunk that it has a place in."""
    from physiosynth.diffusion import inference

    for_wanted, seconds = inference.for_wanted, {"alone": [], "in a whole chunk": []}
    generator.sample("stress")
    for _ in range(repeats):
        for name, taken in seconds.items():
            if name != "alone":
                inference.for_wanted = lambda evaluate, _, agree: for_wanted(evaluate, None, agree)
            begin = time.perf_counter()
            generator.sample("stress")
            taken.append(time.perf_counter() - begin)
            inference.for_wanted = for_wanted
    alone, filled = (statistics.median(taken) for taken in seconds.values())
    print(
        f"one window: {alone:.2f} s, in a whole chunk {filled:.2f} s, ratio {filled / alone:.1f} ({repeats} runs each)"
    )


def print_job(generator, repeats: int, peaks: dict[str, float]) -> float:
    """The page's job, and its networks alone in either precision beside their floors; seconds of the job."""
    adapter = generator.adapter
    low, ecg = adapter.low_sampling, adapter.ecg_sampling
    spent = time.process_time()
    seconds = timed(lambda: generator.sample_batch("stress", WINDOWS), repeats)
    spent = (time.process_time() - spent) / (repeats + 1)
    median = statistics.median(seconds)
    counts = [adapter.evaluations(*pair) for pair in ((adapter.low, low), (adapter.ecg, ecg))]
    print(
        f"the page's job, {WINDOWS} windows, {generator.info.architecture}, {counts[0]} LOW and {counts[1]} ECG "
        f"evaluations: median {median:.2f} s ({min(seconds):.2f} to {max(seconds):.2f}, {repeats} runs), "
        f"{spent:.2f} s of processor time, peak {peak_mb():.0f} MB"
    )
    work, plain = WINDOWS * floor_gflop(adapter, low, ecg), draw(adapter, WINDOWS, low, ecg)
    for precision, peak in peaks.items():
        how = [replace(settings, precision=precision) for settings in (low, ecg)]
        job = statistics.median(timed(lambda how=how: draw(adapter, WINDOWS, *how), repeats))
        print(
            f"  networks alone, {precision}: {job:.2f} s, {work:.0f} GFLOP, floor {work / peak:.2f} s, "
            f"share {100 * work / peak / job:.0f} %; {difference(draw(adapter, WINDOWS, *how), plain)}"
        )
    return median


def difference(drawn: list, expected: list) -> str:
    """How far samples are from others of the same noise, root mean square in % of their SD."""
    import torch

    told = []
    for stream in ("low", "ecg"):
        one, other = (torch.cat([getattr(part, stream) for part in parts]) for parts in (drawn, expected))
        told.append(f"{stream.upper()} {100 * (one - other).square().mean().sqrt() / other.std():.2f} %")
    return "against the default precision: " + ", ".join(told)


def print_published(median: float, peak: float) -> None:
    """The published job both ways, and how much longer it takes than the page's."""
    from physiosynth.diffusion.stream_sampling import StreamSampling
    from physiosynth.families.wearable.model.adapter import TwoStreamDiffusionAdapter
    from physiosynth.families.wearable.model.architecture import published

    architecture = published()
    adapter = TwoStreamDiffusionAdapter(*architecture.build(), architecture).eval()
    how = StreamSampling(PUBLISHED_STEPS, PUBLISHED_GUIDANCE)
    work = WINDOWS * floor_gflop(adapter, how, how)
    print(
        f"published networks, {PUBLISHED_STEPS} guided steps, {WINDOWS} windows: {work:.0f} GFLOP, {work / peak:.1f} s"
    )
    for name, job in (
        ("as published", lambda: draw_as_published(adapter, how)),
        ("fast path", lambda: draw(adapter, WINDOWS, how, how)),
    ):
        begin = time.perf_counter()
        job()
        seconds = time.perf_counter() - begin
        print(f"  {name}: {seconds:.1f} s, share of the floor {100 * work / peak / seconds:.0f} %, ", end="")
        print(f"{seconds / median:.0f} times the page's job, peak {peak_mb():.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", default="default")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--published", action="store_true", help="also the published networks (two to three minutes)")
    args = parser.parse_args()
    prepare_process()
    begin = time.perf_counter()
    import torch

    from physiosynth.families.wearable.generator.generator import WESADGenerator

    imported = time.perf_counter()
    generator = WESADGenerator.from_bundle(args.bundle, device="cpu")
    loaded = time.perf_counter() - imported
    again = min(timed(lambda: WESADGenerator.from_bundle(args.bundle, device="cpu"), 3))
    print(f"{available_cores()} cores, load average {os.getloadavg()[0]:.1f} (the figures need an idle machine)")
    print(f"import {imported - begin:.2f} s, load {loaded:.2f} s, load again {again:.2f} s, {peak_mb():.0f} MB")
    peaks = {}
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        rates = peak_gflops(dtype)
        peaks[precision] = max(rates.values())
        print(f"peak {precision}: " + ", ".join(f"{name} {rate:.0f} GFLOP/s" for name, rate in rates.items()))
    print_costs(generator, args.repeats)
    print_lone(generator, args.repeats)
    median = print_job(generator, args.repeats, peaks)
    if args.published:
        print_published(median, peaks["fp32"])


if __name__ == "__main__":
    main()
