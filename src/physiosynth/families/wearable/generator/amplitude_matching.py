"""Matches the amplitudes of synthetic windows to those of reference windows, condition by condition.

A condition's map leads from the model's amplitudes, measured once on windows of a fixed seed, to the reference's. It
is the same for every window, so a matched window depends on nothing that was drawn with it, and windows keep what
tells them apart. The windows it is measured on have the batch's sampling settings and no requested rates: what a rate
does to amplitudes stays in the signals.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from physiosynth import __version__
from physiosynth.errors import CalibrationError
from physiosynth.families.wearable.data.batch import FULL_EDA, PHASIC_EDA, Provenance, SignalBatch
from physiosynth.families.wearable.signals import ECG_HZ, ECG_STEPS, FUSED_CHANNELS, LOW_HZ, LOW_STEPS, condition_name
from physiosynth.files import write_json
from physiosynth.runtime import StepCallback, derive_seed, ignore_step
from physiosynth.signals import NamedSignals

if TYPE_CHECKING:
    from physiosynth.families.wearable.generator.generator import WESADGenerator

FORMAT = "physiosynth-calibration-1"
# Dense at both ends: R peaks live in the last half percent of an ECG's values.
PROBABILITIES = np.unique(np.concatenate([[0.001, 0.002, 0.005], np.linspace(0.01, 0.99, 99), [0.995, 0.998, 0.999]]))
SMALLEST_SPREAD = 1e-9
# Drawn to measure a condition's amplitudes: their mean EDA level is then known to a sixth of its spread over windows.
PILOT_WINDOWS, PILOT_SEED = 32, derive_seed(0, "amplitude matching")
PILOTS_KEPT = 16  # of each generator, 0.7 MB each
# Where a fused window holds the low stream's own samples: values interpolated between them have less spread.
LOW_SAMPLES = np.round(np.arange(LOW_STEPS) * ECG_HZ / LOW_HZ).astype(int)


@dataclass(frozen=True)
class ConditionTargets:
    """What the signals of one condition are matched to.

    r_amplitude_mv: median over windows of the R amplitude (highest value above the window's median); quantiles: values
    at PROBABILITIES, of the ECG less its median in mV and of the respiration in % of the belt; eda_mean_us, eda_sd_us:
    over all windows; windows: how many were measured.
    """

    r_amplitude_mv: float
    ecg_quantiles_mv: tuple[float, ...]
    resp_quantiles: tuple[float, ...]
    eda_mean_us: float
    eda_sd_us: float
    windows: int

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ConditionTargets:
        """The targets of a JSON object. Raises CalibrationError for missing, unknown or unusable ones."""
        try:
            values: dict[str, Any] = {k: tuple(map(float, v)) if isinstance(v, list) else v for k, v in content.items()}
            targets = cls(**values)
            numbers = np.concatenate([np.ravel(value).astype(float) for value in vars(targets).values()])
        except (TypeError, ValueError, AttributeError) as error:
            raise CalibrationError(f"Amplitude targets are incomplete or of the wrong form: {error}.") from error
        sizes = {len(targets.ecg_quantiles_mv), len(targets.resp_quantiles)}
        if sizes != {len(PROBABILITIES)} or not np.isfinite(numbers).all() or targets.eda_sd_us < 0:
            raise CalibrationError(
                f"Amplitude targets need {len(PROBABILITIES)} finite quantiles per signal and an SD of at least 0. "
                "Make them again from reference windows."
            )
        return targets


@dataclass(frozen=True)
class AmplitudeMap:
    """What brings the windows of one condition to its targets.

    drawn: the model's own amplitudes; ecg_gain: what is left to the R amplitude once the ECG's quantiles are matched.
    """

    drawn: ConditionTargets
    ecg_gain: float

    @classmethod
    def between(cls, batch: SignalBatch, condition: str, target: ConditionTargets) -> AmplitudeMap:
        """The map that brings the batch's windows of this condition to the targets, all of them taken as one."""
        ecg, resp, eda = signals_of(batch, [i for i, name in enumerate(batch.conditions) if name == condition])
        drawn = measure(ecg, resp, eda)
        centred = ecg - np.median(ecg, axis=1, keepdims=True)
        reached = r_amplitude(match_quantiles(centred, drawn.ecg_quantiles_mv, target.ecg_quantiles_mv))
        return cls(drawn, target.r_amplitude_mv / reached if reached > SMALLEST_SPREAD else 1.0)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> AmplitudeMap:
        """The map of asdict. Raises CalibrationError."""
        try:
            return cls(ConditionTargets.from_dict(content["drawn"]), float(content["ecg_gain"]))
        except (KeyError, TypeError, ValueError) as error:
            raise CalibrationError(f"An amplitude map is incomplete or of the wrong form: {error}.") from error

    def apply(
        self, ecg: np.ndarray, resp: np.ndarray, eda: np.ndarray, target: ConditionTargets
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Windows (n, t) of each signal, moved; the ECG about each window's own median."""
        level = np.median(ecg, axis=1, keepdims=True)
        ecg = match_quantiles(ecg - level, self.drawn.ecg_quantiles_mv, target.ecg_quantiles_mv)
        spread = self.drawn.eda_sd_us
        gain = target.eda_sd_us / spread if spread > SMALLEST_SPREAD else 1.0
        return (
            level + ecg * self.ecg_gain,
            match_quantiles(resp, self.drawn.resp_quantiles, target.resp_quantiles),
            (eda - self.drawn.eda_mean_us) * gain + target.eda_mean_us,
        )


class AmplitudeMatcher:
    """Amplitude targets for each condition, and the maps that reach them.

    targets: by condition name; eda: "full" or "phasic", what the reference's EDA is; source: a phrase that names the
    reference. Raises CalibrationError where there are no targets.
    """

    def __init__(self, targets: Mapping[str, ConditionTargets], eda: str, source: str = "reference windows") -> None:
        if not targets:
            raise CalibrationError("There are no amplitude targets: the reference holds no labelled windows.")
        if eda not in (FULL_EDA, PHASIC_EDA):
            raise CalibrationError(f"The reference's EDA is {FULL_EDA!r} or {PHASIC_EDA!r}, found {eda!r}.")
        self.targets = {condition_name(name): target for name, target in targets.items()}
        self.eda, self.source = eda, source

    @classmethod
    def from_real(
        cls, fused: np.ndarray, conditions: Sequence[str | int], eda: str, source: str = "reference windows"
    ) -> AmplitudeMatcher:
        """Measure reference windows: fused (n, 5250, 3) [ECG, Resp, EDA] and a condition for each.

        Raises CalibrationError for another shape, no windows, or values that are not finite.
        """
        fused = np.asarray(fused)
        if fused.ndim != 3 or fused.shape[1:] != (ECG_STEPS, len(FUSED_CHANNELS)) or len(fused) != len(conditions):
            raise CalibrationError(
                f"Expected (n, {ECG_STEPS}, {len(FUSED_CHANNELS)}) windows of {', '.join(FUSED_CHANNELS)} and n "
                f"conditions, found {fused.shape} and {len(conditions)} conditions."
            )
        if not np.isfinite(fused).all():
            raise CalibrationError("The reference windows hold values that are not finite.")
        names = np.array([condition_name(condition) for condition in conditions])
        ecg, resp, skin = np.moveaxis(fused, -1, 0)
        rows = {str(name): names == name for name in np.unique(names)}
        targets = {
            name: measure(ecg[here], resp[here][:, LOW_SAMPLES], skin[here][:, LOW_SAMPLES])
            for name, here in rows.items()
        }
        return cls(targets, eda, source)

    @classmethod
    def load(cls, path: Path | str) -> AmplitudeMatcher:
        """Read targets that save wrote. Raises CalibrationError, naming the file."""
        path = Path(path)
        if not path.is_file():
            raise CalibrationError(f"{path}: expected amplitude targets, found no such file. Nothing was matched.")
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise CalibrationError(f"{path.name}: not readable amplitude targets ({error}).") from error
        except CalibrationError as error:
            raise CalibrationError(f"{path.name}: {error}") from error

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> AmplitudeMatcher:
        """The targets that to_dict gave. Raises CalibrationError."""
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise CalibrationError(f"expected a JSON object of format {FORMAT}.")
        try:
            targets = {name: ConditionTargets.from_dict(target) for name, target in content["conditions"].items()}
            return cls(targets, content["eda"], str(content["source"]))
        except (KeyError, AttributeError) as error:
            raise CalibrationError(f"not readable amplitude targets ({error}).") from error

    def to_dict(self) -> dict[str, Any]:
        """The targets as plain values for JSON."""
        conditions = {name: asdict(target) for name, target in self.targets.items()}
        return {"format": FORMAT, "eda": self.eda, "source": self.source, "conditions": conditions}

    def save(self, path: Path | str) -> None:
        """Write the targets as JSON."""
        write_json(path, self.to_dict())

    @property
    def sha256(self) -> str:
        """SHA-256 over the targets: two references with the same one match alike."""
        content = {name: value for name, value in self.to_dict().items() if name != "source"}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def check(self, conditions: Sequence[str], eda: str) -> None:
        """Raises CalibrationError unless windows of these conditions, with this kind of EDA, can be matched."""
        missing = sorted(set(conditions) - set(self.targets))
        if missing:
            raise CalibrationError(
                f"The amplitude targets hold {', '.join(sorted(self.targets))}, none for {', '.join(missing)}. "
                "Nothing was matched."
            )
        if eda != self.eda:
            raise CalibrationError(
                f"The windows' EDA is {eda}, the targets' is {self.eda}: they cannot be matched. "
                "Use a reference that was filtered alike."
            )

    def apply(self, batch: SignalBatch, generator: WESADGenerator, on_step: StepCallback = ignore_step) -> SignalBatch:
        """The batch with each condition's amplitudes matched to its targets, by maps_for.

        ECG: its quantiles matched about each window's own median, then scaled to the R amplitude; Resp: quantiles;
        EDA: mean and SD, floored at 0 only where it is a tonic level. generator: the one that drew the batch. Raises
        CalibrationError where a condition has no targets, the two EDAs are of different kinds, the windows are of
        another bundle, or are matched already.
        """
        provenance = batch.provenance
        if provenance.calibrated:
            raise CalibrationError(f"The windows' amplitudes are matched already, to {provenance.calibrated}.")
        if provenance.bundle_sha256 != generator.info.bundle_sha256:
            raise CalibrationError("The windows were drawn with another bundle than the generator's. Use its own.")
        return self.mapped(batch, self.maps_for(generator, batch.conditions, provenance.sampling, on_step))

    def maps_for(
        self,
        generator: WESADGenerator,
        conditions: Sequence[str],
        sampling: Mapping[str, Any],
        on_step: StepCallback = ignore_step,
    ) -> dict[str, AmplitudeMap]:
        """The map of each condition for windows drawn with these settings, as provenance.sampling holds them.

        The first call for a condition and its settings draws PILOT_WINDOWS, counted by on_step. Raises
        CalibrationError as check does.
        """
        self.check(conditions, generator.info.eda)
        pilots = pilots_of(generator, conditions, sampling, on_step)
        return {name: self.maps_from(pilot)[name] for name, pilot in pilots.items()}

    def maps_from(self, batch: SignalBatch) -> dict[str, AmplitudeMap]:
        """The map of each condition, measured on these windows. Raises CalibrationError as check does."""
        self.check(batch.conditions, batch.provenance.eda)
        return {name: AmplitudeMap.between(batch, name, self.targets[name]) for name in set(batch.conditions)}

    def mapped(self, batch: SignalBatch, maps: Mapping[str, AmplitudeMap]) -> SignalBatch:
        """The batch with these maps applied, its provenance saying so. Raises CalibrationError as check does."""
        self.check(batch.conditions, batch.provenance.eda)
        if missing := sorted(set(batch.conditions) - set(maps)):
            raise CalibrationError(f"There is no amplitude map for {', '.join(missing)}.")
        names = np.array(batch.conditions)
        ecg, resp, eda = signals_of(batch, slice(None))
        for name in set(batch.conditions):
            here = names == name
            ecg[here], resp[here], eda[here] = maps[name].apply(ecg[here], resp[here], eda[here], self.targets[name])
        if self.eda == FULL_EDA:
            eda = np.maximum(eda, 0.0)
        low = NamedSignals(np.stack([eda, resp], -1).astype(np.float32), ("EDA", "Resp"), batch.low.rate_hz)
        provenance = replace(batch.provenance, calibrated=self.source, calibration=self._record(maps))
        return replace(batch, ecg=ecg[..., None].astype(np.float32), low=low, provenance=provenance)

    def _record(self, maps: Mapping[str, AmplitudeMap]) -> dict[str, Any]:
        """What it takes to do the same again: the targets of the conditions, and their maps."""
        content = self.to_dict()
        needed = {name: content["conditions"][name] for name in sorted(maps)}
        kept = {name: asdict(maps[name]) for name in sorted(maps)}
        return {**content, "conditions": needed, "sha256": self.sha256, "maps": kept}


def maps_recorded(calibration: Mapping[str, Any]) -> dict[str, AmplitudeMap]:
    """The maps of a provenance's calibration. Raises CalibrationError for others than AmplitudeMatcher wrote."""
    if not isinstance(calibration["maps"], dict):
        raise CalibrationError("An amplitude map for each condition was expected, found something else.")
    return {name: AmplitudeMap.from_dict(content) for name, content in calibration["maps"].items()}


_PILOTS: WeakKeyDictionary[WESADGenerator, OrderedDict[tuple[str, str], SignalBatch]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def pilots_of(
    generator: WESADGenerator, conditions: Sequence[str], sampling: Mapping[str, Any], on_step: StepCallback
) -> dict[str, SignalBatch]:
    """The windows that the model's amplitudes are measured on, for each condition with these sampling settings.

    The latest PILOTS_KEPT are kept with the generator; only what is missing is drawn.
    """
    settings = json.dumps(sampling, sort_keys=True)
    with _LOCK:
        kept = _PILOTS.setdefault(generator, OrderedDict())
        found = {name: kept[name, settings] for name in dict.fromkeys(conditions) if (name, settings) in kept}
    missing = [name for name in dict.fromkeys(conditions) if name not in found]
    for place, name in enumerate(missing):
        drawn = generator.draw_again(_pilot(generator, name, sampling), _counted(on_step, place, len(missing)))
        assert isinstance(drawn, SignalBatch)  # a pilot has no schedule
        found[name] = drawn
        with _LOCK:
            kept[name, settings] = drawn
            while len(kept) > PILOTS_KEPT:
                kept.popitem(last=False)
    return found


def _pilot(generator: WESADGenerator, condition: str, sampling: Mapping[str, Any]) -> Provenance:
    """What the windows are that a condition's amplitudes are measured on."""
    info, numbers = generator.info, tuple(range(PILOT_WINDOWS))
    names = (condition,) * PILOT_WINDOWS
    return Provenance(
        info.bundle_sha256, info.source, info.eda, PILOT_SEED, 0, sampling, names, __version__, "", indices=numbers
    )


def _counted(on_step: StepCallback, place: int, of: int) -> Callable[[int, int], None]:
    """The steps of one of several equal draws, counted among all."""
    return lambda done, total: on_step(place * total + done, of * total)


def signals_of(batch: SignalBatch, rows: slice | list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ECG, Resp and EDA of these windows as new float64 arrays (n, t)."""
    eda, resp = batch.low.select("EDA", "Resp")
    ecg, resp, eda = (np.array(values[rows], dtype=np.float64) for values in (batch.ecg[..., 0], resp, eda))
    return ecg, resp, eda


def measure(ecg: np.ndarray, resp: np.ndarray, eda: np.ndarray) -> ConditionTargets:
    """The targets of one condition's windows, each (n, t)."""
    centred = ecg - np.median(ecg, axis=1, keepdims=True)
    return ConditionTargets(
        r_amplitude_mv=r_amplitude(centred),
        ecg_quantiles_mv=tuple(np.quantile(centred, PROBABILITIES).tolist()),
        resp_quantiles=tuple(np.quantile(resp, PROBABILITIES).tolist()),
        eda_mean_us=float(eda.mean(dtype=np.float64)),
        eda_sd_us=float(eda.std(dtype=np.float64)),
        windows=len(ecg),
    )


def r_amplitude(centred: np.ndarray) -> float:
    """Median over windows (n, t) of the highest value, the top 0.1 % (five samples of a window) being left out."""
    return float(np.median(np.quantile(centred, PROBABILITIES[-1], axis=1)))


def match_quantiles(values: np.ndarray, found: Sequence[float], wanted: Sequence[float]) -> np.ndarray:
    """A monotone map that moves the quantiles found at PROBABILITIES to those wanted.

    Between them it is linear; beyond the outermost ones values are shifted, so that no peak is cut off.
    """
    if found[-1] - found[0] < SMALLEST_SPREAD:
        return values - found[0] + wanted[len(wanted) // 2]
    # Equal quantiles (a flat stretch) would make the map jump: they share one middle value.
    grid, first, count = np.unique(found, return_index=True, return_counts=True)
    goal = np.array([np.mean(wanted[i : i + n]) for i, n in zip(first, count, strict=True)])
    inside = np.interp(values, grid, goal)
    return inside + np.minimum(values - grid[0], 0) + np.maximum(values - grid[-1], 0)
