"""From what the networks draw to physical units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.datasets.normalizer import Normalizer
from physiosynth.errors import BundleError
from physiosynth.families.wearable.data.batch import FULL_EDA
from physiosynth.families.wearable.signals import LOW_CHANNELS, LOW_HZ
from physiosynth.signals import NamedSignals


@dataclass(frozen=True)
class Units:
    """The norms of a checkpoint; eda: "full" or "phasic"; checkpoint: its file's name, for messages."""

    norm_low: Normalizer
    norm_ecg: Normalizer
    eda: str
    checkpoint: str

    def check_finite(self, what: str, *arrays: np.ndarray) -> None:
        """Raises BundleError, naming what was drawn, where a value is not finite."""
        if not all(np.isfinite(array).all() for array in arrays):
            raise BundleError(
                f"{self.checkpoint}: {what} came out with values that are not finite. "
                "Lower the guidance; if that does not help, the weights are unusable."
            )

    def physical(self, low: np.ndarray, ecg: np.ndarray) -> tuple[NamedSignals, np.ndarray]:
        """Normalised (..., 2) low and (..., 1) ECG -> EDA in uS and Resp in % of the belt, and ECG in mV, float32."""
        signals = self.norm_low.select(*LOW_CHANNELS).invert(low)
        if self.eda == FULL_EDA:
            eda = LOW_CHANNELS.index("EDA")
            signals[..., eda] = np.maximum(signals[..., eda], 0.0)  # skin conductance; a phasic EDA is signed
        low_rate = NamedSignals(signals.astype(np.float32), LOW_CHANNELS, LOW_HZ)
        return low_rate, self.norm_ecg.invert(ecg).astype(np.float32)
