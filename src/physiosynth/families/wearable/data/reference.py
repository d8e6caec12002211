"""Reference windows of a fold, in the shape and with the labels of synthetic ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from physiosynth.errors import ConditionError, FoldError
from physiosynth.families.wearable.data.batch import fuse
from physiosynth.families.wearable.data.folds import SplitArrays, load_fold
from physiosynth.families.wearable.signals import ECG_STEPS, LOW_CHANNELS, LOW_HZ, condition_name
from physiosynth.signals import NamedSignals


@dataclass(frozen=True)
class RealWindows:
    """n reference windows in physical units.

    Parameters
    ----------
    ecg
        (n, 5250, 1) float32 in mV, at 175 Hz.
    low
        (n, 120, 2) float32 EDA in uS and Resp in % of the belt, at 4 Hz.
    conditions
        One name per window.
    source
        "recorded", "imported", "virtual" or "unknown".
    eda
        "full" (tonic level kept) or "phasic" (high-passed, signed).
    subjects
        One name per window, or None.
    notices
        What had to be assumed.
    missing
        Channels that were not recorded, whose values are zeros.
    scaled
        Channels of no common unit, whose size was set and says nothing.
    """

    ecg: np.ndarray
    low: NamedSignals
    conditions: tuple[str, ...]
    source: str
    eda: str
    subjects: tuple[str, ...] | None = None
    notices: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    scaled: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.conditions)

    @cached_property
    def fused(self) -> np.ndarray:
        """(n, 5250, 3) float32 [ECG, Resp, EDA]."""
        return self.fused_at(ECG_STEPS)

    def fused_at(self, steps: int) -> np.ndarray:
        """All signals on one time axis; see SignalBatch.fused.

        Parameters
        ----------
        steps
            5250 or 120.

        Returns
        -------
        numpy.ndarray
            (n, steps, 3) float32: ECG in mV, Resp in % of the belt, EDA in uS.

        Raises
        ------
        RequestError
            For another number of steps.
        """
        return fuse(self.ecg, self.low, steps)

    def select(self, condition: str | int) -> RealWindows:
        """The windows of one condition.

        Parameters
        ----------
        condition
            By name or by WESAD's number.

        Returns
        -------
        RealWindows
            In the order they were in.

        Raises
        ------
        ConditionError
            Where there are none.
        """
        name = condition_name(condition)
        rows = [i for i, held in enumerate(self.conditions) if held == name]
        if not rows:
            held = ", ".join(sorted(set(self.conditions))) or "no windows"
            raise ConditionError(f"The reference holds no windows of {name}; it holds {held}.")
        return replace(
            self,
            ecg=self.ecg[rows],
            low=replace(self.low, values=self.low.values[rows]),
            conditions=(name,) * len(rows),
            subjects=None if self.subjects is None else tuple(self.subjects[i] for i in rows),
        )


class RealWESADPreparer:
    """Prepares the windows of one split of a fold directory, ours or a published one.

    Parameters
    ----------
    fold_dir
        The directory.
    split
        "test", "val" or "train".
    """

    def __init__(self, fold_dir: Path | str, split: str = "test") -> None:
        self.fold_dir, self.split = Path(fold_dir), split

    def load(self, windows: int | None = None) -> RealWindows:
        """Read the windows.

        Labels are read from every known form of test_cond.npy; channels are named by the norm file, else by
        dataset_config.json, else taken as [EDA, Resp] with a notice.

        Parameters
        ----------
        windows
            How many to read, from the first; all where left out.

        Returns
        -------
        RealWindows
            In physical units.

        Raises
        ------
        FoldError
            Where files are missing, damaged or unlabelled.
        """
        fold = load_fold(self.fold_dir)
        arrays = fold.split(self.split)
        if arrays.conditions is None:
            raise FoldError(
                f"{self.fold_dir}: no {self.split}_cond.npy, so nobody knows the windows' states. Restore the file."
            )
        rows = slice(None, windows)
        low = NamedSignals(np.asarray(arrays.low[rows]), fold.channels_low, LOW_HZ).ordered(*LOW_CHANNELS)
        ecg = np.array(arrays.ecg[rows], dtype=np.float32)
        self._check(ecg, low)
        return RealWindows(
            ecg=ecg,
            low=NamedSignals(np.array(low, dtype=np.float32), LOW_CHANNELS, LOW_HZ),
            conditions=tuple(condition_name(int(label)) for label in arrays.conditions[rows]),
            source=fold.source,
            eda=fold.eda,
            subjects=_subjects(arrays, rows),
            notices=fold.notices,
        )

    def _check(self, *streams: np.ndarray) -> None:
        for values in streams:
            bad = np.flatnonzero(~np.isfinite(values).all(axis=(1, 2)))
            if len(bad):
                raise FoldError(f"{self.fold_dir}: {self.split} window {bad[0]} holds values that are not finite.")


def _subjects(arrays: SplitArrays, rows: slice) -> tuple[str, ...] | None:
    return None if arrays.subject is None else tuple(map(str, arrays.subject[rows]))
