"""Matches synthetic windows to targets measured on reference windows, condition by condition.

The map of a condition is found from the batch it is applied to: a window's calibrated values depend on its company,
and a batch of few windows is pulled to the targets' mean window.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from physiosynth.errors import CalibrationError
from physiosynth.files import write_json
from physiosynth.generate.batch import FULL_EDA, PHASIC_EDA, SignalBatch
from physiosynth.signals import ECG_HZ, ECG_STEPS, FUSED_CHANNELS, LOW_HZ, LOW_STEPS, NamedSignals, condition_name

FORMAT = "physiosynth-calibration-1"
# Dense at both ends: R peaks live in the last half percent of an ECG's values.
PROBABILITIES = np.unique(np.concatenate([[0.001, 0.002, 0.005], np.linspace(0.01, 0.99, 99), [0.995, 0.998, 0.999]]))
SMALLEST_SPREAD = 1e-9
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
            values = {k: tuple(map(float, v)) if isinstance(v, list) else v for k, v in content.items()}
            targets = cls(**values)
            numbers = np.concatenate([np.ravel(value).astype(float) for value in vars(targets).values()])
        except (TypeError, ValueError, AttributeError) as error:
            raise CalibrationError(f"Calibration targets are incomplete or of the wrong form: {error}.") from error
        sizes = {len(targets.ecg_quantiles_mv), len(targets.resp_quantiles)}
        if sizes != {len(PROBABILITIES)} or not np.isfinite(numbers).all() or targets.eda_sd_us < 0:
            raise CalibrationError(
                f"Calibration targets need {len(PROBABILITIES)} finite quantiles a signal and an SD of at least 0. "
                "Make them again from reference windows."
            )
        return targets


class WESADCalibrator:
    """Targets for each condition, and the maps that reach them.

    targets: by condition name; eda: "full" or "phasic", what the reference's EDA is; source: a phrase that names the
    reference. Raises CalibrationError where there are no targets.
    """

    def __init__(self, targets: Mapping[str, ConditionTargets], eda: str, source: str = "reference windows") -> None:
        if not targets:
            raise CalibrationError("There are no calibration targets: the reference holds no labelled windows.")
        if eda not in (FULL_EDA, PHASIC_EDA):
            raise CalibrationError(f"The reference's EDA is {FULL_EDA!r} or {PHASIC_EDA!r}, found {eda!r}.")
        self.targets = {condition_name(name): target for name, target in targets.items()}
        self.eda, self.source = eda, source

    @classmethod
    def from_real(
        cls, fused: np.ndarray, conditions: Sequence[str | int], eda: str, source: str = "reference windows"
    ) -> WESADCalibrator:
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
    def load(cls, path: Path | str) -> WESADCalibrator:
        """Read targets that save wrote. Raises CalibrationError, naming the file."""
        path = Path(path)
        if not path.is_file():
            raise CalibrationError(f"{path}: expected calibration targets, found no such file. Nothing was calibrated.")
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise CalibrationError(f"{path.name}: not readable calibration targets ({error}).") from error
        except CalibrationError as error:
            raise CalibrationError(f"{path.name}: {error}") from error

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> WESADCalibrator:
        """The targets that to_dict gave. Raises CalibrationError."""
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise CalibrationError(f"expected a JSON object of format {FORMAT}.")
        try:
            targets = {name: ConditionTargets.from_dict(target) for name, target in content["conditions"].items()}
            return cls(targets, content["eda"], str(content["source"]))
        except (KeyError, AttributeError) as error:
            raise CalibrationError(f"not readable calibration targets ({error}).") from error

    def to_dict(self) -> dict[str, Any]:
        """The targets as plain values for JSON."""
        conditions = {name: asdict(target) for name, target in self.targets.items()}
        return {"format": FORMAT, "eda": self.eda, "source": self.source, "conditions": conditions}

    def save(self, path: Path | str) -> None:
        """Write the targets as JSON."""
        write_json(path, self.to_dict())

    @property
    def sha256(self) -> str:
        """SHA-256 over the targets: two references with the same one calibrate alike."""
        content = {name: value for name, value in self.to_dict().items() if name != "source"}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def check(self, conditions: Sequence[str], eda: str) -> None:
        """Raises CalibrationError unless windows of these conditions, with this kind of EDA, can be calibrated."""
        missing = sorted(set(conditions) - set(self.targets))
        if missing:
            raise CalibrationError(
                f"The calibration targets hold {', '.join(sorted(self.targets))}, none for {', '.join(missing)}. "
                "Nothing was calibrated."
            )
        if eda != self.eda:
            raise CalibrationError(
                f"The windows' EDA is {eda}, the targets' is {self.eda}: they cannot be matched. "
                "Use a reference that was filtered alike."
            )

    def apply(self, batch: SignalBatch) -> SignalBatch:
        """The batch with each condition's signals matched to its targets.

        ECG: scaled to the R amplitude, then its quantiles matched, about each window's own median; Resp: quantiles;
        EDA: mean and SD, floored at 0 only where it is a tonic level. Raises CalibrationError where a condition has no
        targets or the two EDAs are of different kinds.
        """
        self.check(batch.conditions, batch.provenance.eda)
        ecg, (eda, resp) = batch.ecg[..., 0].astype(np.float64), batch.low.select("EDA", "Resp")
        eda, resp = eda.astype(np.float64), resp.astype(np.float64)
        names = np.array(batch.conditions)
        for name in set(batch.conditions):
            here, target = names == name, self.targets[name]
            ecg[here] = match_ecg(ecg[here], target)
            resp[here] = match_quantiles(resp[here], np.array(target.resp_quantiles))
            eda[here] = match_moments(eda[here], target.eda_mean_us, target.eda_sd_us)
        if self.eda == FULL_EDA:
            eda = np.maximum(eda, 0.0)
        low = NamedSignals(np.stack([eda, resp], -1).astype(np.float32), ("EDA", "Resp"), batch.low.rate_hz)
        provenance = replace(batch.provenance, calibrated=self.source, calibration=self._done_to(batch))
        return replace(batch, ecg=ecg[..., None].astype(np.float32), low=low, provenance=provenance)

    def _done_to(self, batch: SignalBatch) -> dict[str, Any]:
        """What it takes to do the same again: the targets of the batch's conditions, and which windows were matched."""
        content = self.to_dict()
        needed = {name: content["conditions"][name] for name in sorted(set(batch.conditions))}
        together = {"conditions": list(batch.conditions), "indices": list(batch.indices)}
        return {**content, "conditions": needed, "sha256": self.sha256, "together": together}


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


def match_ecg(ecg: np.ndarray, target: ConditionTargets) -> np.ndarray:
    """(n, t) ECG in mV: quantiles matched about each window's median, then scaled to the R amplitude."""
    level = np.median(ecg, axis=1, keepdims=True)
    matched = match_quantiles(ecg - level, np.array(target.ecg_quantiles_mv))
    reached = r_amplitude(matched)
    return level + matched * (target.r_amplitude_mv / reached if reached > SMALLEST_SPREAD else 1.0)


def match_quantiles(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """A monotone map that moves the values' quantiles at PROBABILITIES to those wanted.

    Between them it is linear; beyond the outermost ones values are shifted, so that no peak is cut off.
    """
    found = np.quantile(values, PROBABILITIES)
    if found[-1] - found[0] < SMALLEST_SPREAD:
        return values - found[0] + wanted[len(wanted) // 2]
    # Equal quantiles (a flat stretch) would make the map jump: they share one middle value.
    grid, first, count = np.unique(found, return_index=True, return_counts=True)
    goal = np.array([wanted[i : i + n].mean() for i, n in zip(first, count, strict=True)])
    inside = np.interp(values, grid, goal)
    return inside + np.minimum(values - grid[0], 0) + np.maximum(values - grid[-1], 0)


def match_moments(values: np.ndarray, mean: float, sd: float) -> np.ndarray:
    """The values with this mean and SD; constant values are shifted alone."""
    spread = values.std()
    return (values - values.mean()) * (sd / spread if spread > SMALLEST_SPREAD else 1.0) + mean
