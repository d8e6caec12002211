"""The generator: conditions in, synthetic windows in physical units out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from physiosynth import __version__
from physiosynth.bundles.bundle import Bundle, resolve_bundle
from physiosynth.diffusion.chunks import Chunk, chunks_of
from physiosynth.errors import RequestError
from physiosynth.families.wearable.data.batch import Provenance, Sampling, SignalBatch, Targets, joined
from physiosynth.families.wearable.data.synthetic_recording import Stretch, SyntheticRecording, check_schedule
from physiosynth.families.wearable.data.windows import RATES
from physiosynth.families.wearable.generator.asking import (
    MAX_WINDOWS,
    condition_each,
    known_condition,
    rates_asked,
    recorded,
    streams_asked,
    whole_number,
)
from physiosynth.families.wearable.generator.candidates import candidates_for, nearest
from physiosynth.families.wearable.generator.drawing import (
    CPU_CHUNK,
    chunk_size,
    draw_plan,
    made_with,
    noise_stream,
    plan_of,
)
from physiosynth.families.wearable.generator.loading import GeneratorInfo
from physiosynth.families.wearable.generator.loading import load as load_files
from physiosynth.families.wearable.generator.request import MAX_INDEX, Request, States
from physiosynth.families.wearable.generator.units import Units
from physiosynth.families.wearable.model.adapter import AdapterSamples, TwoStreamDiffusionAdapter
from physiosynth.families.wearable.model.rhythm import beat_times
from physiosynth.families.wearable.signals import LOW_HZ, LOW_STEPS, condition_name
from physiosynth.physiology.detectors import beats_of_phase
from physiosynth.running.parallel import run_alone, run_chunks
from physiosynth.runtime import (
    StepCallback,
    available_cores,
    check_seed,
    ignore_step,
    resolve_device,
    window_generators,
)

if TYPE_CHECKING:
    from physiosynth.diffusion.stream_sampling import StreamSampling

__all__ = [
    "CPU_CHUNK",
    "Generator",
    "GeneratorInfo",
    "Provenance",
    "Sampling",
    "SignalBatch",
    "Targets",
    "WESADGenerator",
    "load",
]


def load(bundle: Path | str | Bundle = "default", device: str | None = None) -> Generator:
    """The generator of a bundle.

    Parameters
    ----------
    bundle
        A folder, a zip file or an https address; "default" is the bundle that comes with the package.
    device
        "cpu", "cuda" ...; a GPU where there is one by default.

    Returns
    -------
    Generator
        Ready to sample, and safe to share among threads.

    Raises
    ------
    BundleError
        For a bundle that is not there or incomplete; CheckpointError for weights that do not fit.
    RequestError
        For an unusable device.

    Examples
    --------
    >>> load("default", "cpu").info.conditions
    ('baseline', 'stress', 'amusement', 'meditation')
    """
    return Generator.from_bundle(bundle, device)


class Generator:
    """Draws synthetic windows from a two-stream checkpoint; `load` opens one from a bundle.

    Window i of a state and seed is the same array whatever else is drawn with it. Safe to share among threads.

    Parameters
    ----------
    milestones_dir
        Folder of manifests and norm files.
    ckpt_path
        Weights, else the folder's best milestone.
    device
        "cpu", "cuda" ...; a GPU where there is one by default.
    fold_dir
        Reference windows and settings, else found in the layout around milestones_dir.

    Attributes
    ----------
    info : GeneratorInfo
        What the weights know: states, ranges of rates, settings, origin.

    Raises
    ------
    BundleError
        For files that do not fit; CheckpointError for weights that do not.
    RequestError
        For an unusable device.
    """

    def __init__(
        self,
        milestones_dir: Path | str,
        ckpt_path: Path | str | None = None,
        device: str | None = None,
        fold_dir: Path | str | None = None,
    ) -> None:
        self.device = resolve_device(device)
        # On one thread: reading is no work for several, and those that wait would spin on the cores.
        loaded = run_alone(lambda _: load_files(milestones_dir, ckpt_path, fold_dir), ignore_step)
        checkpoint = loaded.checkpoint
        self.info = loaded.info
        self._units = Units(loaded.norm_low, loaded.norm_ecg, loaded.info.eda, loaded.info.checkpoint.name)
        self._defaults = loaded.sampling
        self._architecture = checkpoint.architecture
        adapter = TwoStreamDiffusionAdapter(
            checkpoint.low, checkpoint.ecg, checkpoint.architecture, loaded.sampling["low"], loaded.sampling["ecg"]
        )
        self.adapter = adapter.to(self.device).eval()

    @classmethod
    def from_bundle(cls, path: Path | str | Bundle = "default", device: str | None = None) -> Generator:
        """The generator of a bundle; see load.

        Parameters
        ----------
        path, device
            As load takes them.
        """
        bundle = path if isinstance(path, Bundle) else resolve_bundle(path)
        return cls(bundle.milestones, bundle.checkpoint, device, bundle.fold)

    def sample(
        self,
        request: Request | States,
        windows: int | None = None,
        seed: int | None = None,
        *,
        heart_rate: float | None = None,
        breathing_rate: float | None = None,
        scr_rate: float | None = None,
        sampling: Sampling | None = None,
        first_window: int | None = None,
        on_step: StepCallback = ignore_step,
        on_windows: Callable[[SignalBatch], None] | None = None,
        chunk: int | None = None,
    ) -> SignalBatch:
        """Draw windows of 30 s, one state after another.

        Window i of a state and seed is the same array whatever else is drawn with it, on any number of cores.

        Parameters
        ----------
        request
            A Request, which leaves the next parameters out; or its states: "stress", ("stress", "baseline") or
            {"stress": 8, "baseline": 4}.
        windows
            Windows of each state; 1 where left out.
        seed
            A whole number; 0 where left out.
        heart_rate, breathing_rate, scr_rate
            Rates in /min requested of every window, within `info.target_ranges` of every state.
        sampling
            What differs from the bundle's settings.
        first_window
            Number of each state's first window; 0 where left out.
        on_step
            Called with (done, total) network steps; may raise to cancel.
        on_windows
            Called with finished windows, in order, as they come.
        chunk
            Windows to hold in the networks at once, by default as many as the cores serve. The result does not
            depend on it.

        Returns
        -------
        SignalBatch
            ECG (n, 5250, 1) in mV at 175 Hz, EDA in uS and respiration in % of the belt (n, 120, 2) at 4 Hz.

        Raises
        ------
        ConditionError
            For a state that the weights were not trained on.
        RequestError
            For numbers, rates or settings that cannot be.
        BundleError
            Where the networks answer with values that are not finite.

        Examples
        --------
        >>> batch = load("default", "cpu").sample("stress", windows=2, seed=42, heart_rate=95)
        >>> batch.ecg.shape, batch.low.values.shape, batch.low.channels
        ((2, 5250, 1), (2, 120, 2), ('EDA', 'Resp'))
        """
        given: dict[str, Any] = {
            name: value
            for name, value in {
                "windows": windows,
                "seed": seed,
                "heart_rate": heart_rate,
                "breathing_rate": breathing_rate,
                "scr_rate": scr_rate,
                "sampling": sampling,
                "first_window": first_window,
            }.items()
            if value is not None
        }
        if not isinstance(request, Request):
            request = Request.of(request, **given)
        elif given:
            raise RequestError(f"The request holds all settings; found {', '.join(given)} beside it. Use replace().")
        for name in request.conditions:
            known_condition(self.info, name)
        streams = streams_asked(self._defaults, request.sampling, request.targets)
        return self._draw(request.numbered(), request.seed, streams, request.targets, on_step, on_windows, chunk)

    def sample_one(
        self,
        condition: str | int,
        seed: int = 0,
        sampling: Sampling | None = None,
        on_step: StepCallback = ignore_step,
        index: int = 0,
        targets: Targets | None = None,
    ) -> SignalBatch:
        """One window of a condition: sample(condition, first_window=index, ...).

        Parameters
        ----------
        condition, seed, sampling, on_step
            As sample takes them.
        index
            Number of the window.
        targets
            Rates requested of it.

        Returns
        -------
        SignalBatch
            A batch of one, as sample gives it, with the same errors.
        """
        return self.sample_batch(condition, 1, seed, sampling, on_step, first_window=index, targets=targets)

    def sample_batch(
        self,
        conditions: str | int | Sequence[str | int],
        windows: int | None = None,
        seed: int = 0,
        sampling: Sampling | None = None,
        on_step: StepCallback = ignore_step,
        on_windows: Callable[[SignalBatch], None] | None = None,
        first_window: int = 0,
        chunk: int | None = None,
        targets: Targets | None = None,
    ) -> SignalBatch:
        """Draw windows first_window, first_window + 1, ... of a seed, each of a condition of its own if need be.

        Parameters
        ----------
        conditions
            One for all windows, or one for each (then `windows` may be left out).
        windows, seed, sampling, on_step, on_windows, first_window, chunk
            As sample takes them.
        targets
            Rates requested of every window.

        Returns
        -------
        SignalBatch
            As sample gives it, with the same errors.
        """
        names = condition_each(self.info, conditions, windows)
        first_window = whole_number(first_window, "first_window", 0, MAX_INDEX)
        numbered = list(enumerate(names, start=first_window))
        streams = streams_asked(self._defaults, sampling, targets)
        return self._draw(numbered, seed, streams, targets, on_step, on_windows, chunk)

    def generate_dataset(
        self,
        counts: Mapping[str | int, int],
        seed: int = 0,
        sampling: Sampling | None = None,
        on_step: StepCallback = ignore_step,
        on_windows: Callable[[SignalBatch], None] | None = None,
        chunk: int | None = None,
        targets: Targets | None = None,
    ) -> SignalBatch:
        """Windows 0, 1, ... of several conditions: sample(counts, ...).

        Parameters
        ----------
        counts
            Number of windows by condition.
        seed, sampling, on_step, on_windows, chunk
            As sample takes them.
        targets
            Rates requested of every window.

        Returns
        -------
        SignalBatch
            As sample gives it, with the same errors.
        """
        states, numbers = tuple(map(condition_name, counts)), tuple(counts.values())
        request = Request(states, numbers, seed, sampling or Sampling(), targets or Targets())
        return self.sample(request, on_step=on_step, on_windows=on_windows, chunk=chunk)

    def sample_recording(
        self,
        schedule: Sequence[Stretch],
        seed: int = 0,
        sampling: Sampling | None = None,
        on_step: StepCallback = ignore_step,
    ) -> SyntheticRecording:
        """A continuous recording of one synthetic person, the same for the same arguments.

        Parameters
        ----------
        schedule
            Its stretches in order, each a state, a length in s and requested rates; see recording.parse_schedule.
        seed, sampling
            As sample takes them.
        on_step
            Called with (done, total), windows times evaluations of the networks; may raise to cancel.

        Returns
        -------
        SyntheticRecording
            ECG (175 s, 1) in mV, EDA in uS and respiration in % of the belt (4 s, 2), and the beats in s.

        Raises
        ------
        ConditionError, RequestError, RecordingError, BundleError
            As sample does, and for a schedule or weights of which no recording can be drawn.
        """
        return self._record(schedule, seed, streams_asked(self._defaults, sampling), on_step)

    def settings_of(self, request: Request) -> dict[str, dict[str, Any]]:
        """The settings that a request is drawn with.

        Parameters
        ----------
        request
            What is to be drawn.

        Returns
        -------
        dict of str to dict
            By stream: what its windows' provenance.sampling holds.
        """
        streams = streams_asked(self._defaults, request.sampling, request.targets)
        return {stream: dict(vars(settings)) for stream, settings in streams.items()}

    def draw_again(
        self, provenance: Provenance, on_step: StepCallback = ignore_step
    ) -> SignalBatch | SyntheticRecording:
        """The windows, or the recording, that a provenance of this bundle is of, before amplitude matching.

        See reproducing.reproduce, which checks the bundle.

        Parameters
        ----------
        provenance
            Of windows or a recording.
        on_step
            As sample takes it.

        Returns
        -------
        SignalBatch or SyntheticRecording
            What the provenance is of.

        Raises
        ------
        ConditionError, RequestError, RecordingError
            For settings that cannot be.
        """
        streams = recorded(provenance.sampling)
        if provenance.schedule:
            schedule = tuple(Stretch.from_dict(part) for part in provenance.schedule)
            return self._record(schedule, provenance.seed, streams, on_step)
        names = condition_each(self.info, provenance.conditions, None)
        indices = [whole_number(index, "The number of a window", 0, MAX_INDEX) for index in provenance.indices]
        numbered = list(zip(indices, names, strict=True))
        return self._draw(numbered, provenance.seed, streams, Targets(**provenance.targets), on_step)

    def _record(
        self, schedule: Sequence[Stretch], seed: int, streams: Mapping[str, StreamSampling], on_step: StepCallback
    ) -> SyntheticRecording:
        if not self._architecture.coupled:
            raise RequestError("These weights draw windows without beats, which cannot be joined. Use coupled weights.")
        schedule = check_schedule(schedule)
        plan = plan_of(schedule, self.info.conditions, RATES)
        for stretch in schedule:
            rates_asked(self.info, stretch.targets, {stretch.condition})
        provenance = self._provenance([(0, stretch.condition) for stretch in schedule], seed, streams)
        provenance = replace(provenance, schedule=tuple(stretch.to_dict() for stretch in schedule), indices=())
        size, workers = chunk_size(self.device), self._workers()
        drawn = draw_plan(self.adapter, plan, streams, provenance.seed, size, workers, on_step)
        low, ecg = drawn.low.float().cpu().numpy(), drawn.ecg.float().cpu().numpy()
        self._units.check_finite("the recording", low, ecg)
        low, ecg = self._units.physical(low, ecg)
        return SyntheticRecording(ecg[:, 0], low, beats_of_phase(drawn.phase.cpu().numpy(), LOW_HZ), provenance)

    @staticmethod
    def write_npz(batch: SignalBatch, path: Path | str) -> Path:
        """Write an .npz file; see physiosynth.families.wearable.export.write.

        Parameters
        ----------
        batch, path
            The windows and the file.

        Returns
        -------
        pathlib.Path
            The file.
        """
        from physiosynth.families.wearable import export

        return export.write(batch, path, ".npz")

    @staticmethod
    def write_csv(batch: SignalBatch, path: Path | str) -> Path:
        """Write a .csv file; see physiosynth.families.wearable.export.write.

        Parameters
        ----------
        batch, path
            The windows and the file.

        Returns
        -------
        pathlib.Path
            The file.
        """
        from physiosynth.families.wearable import export

        return export.write(batch, path, ".csv")

    def _draw(
        self,
        numbered: list[tuple[int, str]],
        seed: int,
        streams: Mapping[str, StreamSampling],
        targets: Targets | None,
        on_step: StepCallback,
        on_windows: Callable[[SignalBatch], None] | None = None,
        chunk: int | None = None,
    ) -> SignalBatch:
        """Draw (index, condition) windows chunk by chunk and put them together."""
        if not 1 <= len(numbered) <= MAX_WINDOWS:
            raise RequestError(f"Choose 1 to {MAX_WINDOWS} windows, found {len(numbered)}.")
        asked = rates_asked(self.info, targets, {name for _, name in numbered})
        provenance = replace(self._provenance(numbered, seed, streams), targets=asked)
        size = chunk_size(self.device)
        at_once = len(numbered) if chunk is None else whole_number(chunk, "chunk", 1, MAX_WINDOWS)
        workers = min(self._workers(), at_once)
        chunks = chunks_of([(window[0], window) for window in numbered], size, workers)
        parts: list[SignalBatch] = []

        def task(chunk: Chunk[tuple[int, str]]) -> Callable[[StepCallback], SignalBatch]:
            return lambda step: self._chunk(chunk, streams, provenance, step)

        def keep(_: int, part: SignalBatch) -> None:
            parts.append(part)
            if on_windows is not None:
                on_windows(part)

        run_chunks([task(chunk) for chunk in chunks], workers, on_step, keep)
        return joined(parts)

    def _workers(self) -> int:
        """Chunks that are drawn at once."""
        return available_cores() if self.device.type == "cpu" else 1

    def _chunk(
        self,
        chunk: Chunk[tuple[int, str]],
        streams: Mapping[str, StreamSampling],
        provenance: Provenance,
        on_step: StepCallback,
    ) -> SignalBatch:
        """Draw the wanted windows of one chunk."""
        import torch

        generators = window_generators(provenance.seed, [noise_stream(index, name) for index, name in chunk.full])
        onehot = torch.zeros(chunk.size, LOW_STEPS, self._architecture.condition_dim)
        for place, (_, name) in enumerate(chunk.full):
            onehot[place, :, self.info.conditions.index(name)] = 1.0
        asked = [provenance.targets.get(rate, math.nan) for rate in RATES]
        rates = torch.tensor(asked).expand(chunk.size, -1)
        samples = self.adapter.sample(
            onehot.to(self.device),
            streams["low"],
            streams["ecg"],
            rates,
            generators,
            wanted=chunk.places,
            candidates=candidates_for(rates),
            choose=lambda draws: nearest(draws, rates, chunk.places),
            on_step=on_step,
        )
        return self._to_signals(samples, list(chunk.places), list(chunk.wanted.values()), provenance)

    def _to_signals(
        self, samples: AdapterSamples, kept: list[int], group: list[tuple[int, str]], provenance: Provenance
    ) -> SignalBatch:
        """Normalised samples -> physical units, channels by name."""
        low, ecg = samples.low[kept].float().cpu().numpy(), samples.ecg[kept].float().cpu().numpy()
        for (index, name), *arrays in zip(group, low, ecg, strict=True):
            self._units.check_finite(f"window {index} ({name})", *arrays)
        beats = None
        if samples.phase is not None:
            beats = tuple(np.array(times) for times in beat_times(samples.phase[kept]))
        low_rate, ecg_mv = self._units.physical(low, ecg)
        names, indices = tuple(name for _, name in group), tuple(index for index, _ in group)
        return SignalBatch(ecg_mv, low_rate, names, provenance, beats, indices)

    def _provenance(
        self, numbered: list[tuple[int, str]], seed: int, streams: Mapping[str, StreamSampling]
    ) -> Provenance:
        return Provenance(
            bundle_sha256=self.info.bundle_sha256,
            source=self.info.source,
            eda=self.info.eda,
            seed=check_seed(seed),
            first_window=min(index for index, _ in numbered),
            sampling={stream: dict(vars(settings)) for stream, settings in streams.items()},
            conditions=tuple(name for _, name in numbered),
            version=__version__,
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            indices=tuple(index for index, _ in numbered),
            made_with=made_with(self.device),
        )


#: The published name of Generator.
WESADGenerator = Generator
