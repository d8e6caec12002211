"""The one place for channel names, units, rates, window lengths and conditions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.errors import ChannelError, ConditionError

ECG_HZ, LOW_HZ, WINDOW_S, HOP_S = 175, 4, 30, 15
ECG_STEPS = ECG_HZ * WINDOW_S  # 5250
LOW_STEPS = LOW_HZ * WINDOW_S  # 120

CHEST_HZ = 700
WRIST_HZ = {"ACC": 32, "BVP": 64, "EDA": 4, "TEMP": 4}

UNITS = {"ECG": "mV", "EDA": "uS", "Resp": "%"}  # Resp: percent of the belt's range
ECG_CHANNELS = ("ECG",)
LOW_CHANNELS = ("EDA", "Resp")  # the order on file
FUSED_CHANNELS = ("ECG", "Resp", "EDA")  # the order users see

CONDITIONS = ("baseline", "stress", "amusement", "meditation")
LABEL_IDS = {name: index + 1 for index, name in enumerate(CONDITIONS)}  # WESAD's protocol ids
TRANSIENT_ID = 0
IGNORED_IDS = (5, 6, 7)

_BY_LOWER_NAME = {name.lower(): name for name in UNITS}


def channel_name(spelling: str) -> str:
    """The project's spelling of a channel: 'RESP' and 'resp' are 'Resp'. Unknown names are returned as they are."""
    text = str(spelling).strip()
    return _BY_LOWER_NAME.get(text.lower(), text)


def condition_name(condition: str | int) -> str:
    """The condition's name, from its name in any case or its raw label id (1 to 4).

    Raises ConditionError for anything else.
    """
    if isinstance(condition, str) and condition.strip().lower() in LABEL_IDS:
        return condition.strip().lower()
    if not isinstance(condition, (str, bool)) and condition in LABEL_IDS.values():
        return CONDITIONS[int(condition) - 1]
    raise ConditionError(
        f"Unknown condition {condition!r}. Choose one of {', '.join(CONDITIONS)}, or a label id 1 to 4."
    )


@dataclass(frozen=True)
class NamedSignals:
    """Signals of one rate whose last axis is named.

    values: (..., time, channel) array; channels: one name for each entry of the last axis; rate_hz: samples a second.
    Raises ChannelError when the names do not fit the array or repeat.
    """

    values: np.ndarray
    channels: tuple[str, ...]
    rate_hz: float

    def __post_init__(self) -> None:
        names = tuple(channel_name(name) for name in self.channels)
        object.__setattr__(self, "channels", names)
        if len(set(names)) != len(names):
            raise ChannelError(f"Channel names must differ, found {', '.join(names)}.")
        if self.values.ndim < 2 or self.values.shape[-1] != len(names):
            raise ChannelError(
                f"Expected a last axis of {len(names)} channels ({', '.join(names)}), found shape {self.values.shape}."
            )

    def select(self, *names: str) -> tuple[np.ndarray, ...]:
        """One (..., time) array for each name, in the order asked for. Raises ChannelError for a missing name."""
        return tuple(self.values[..., self._index(name)] for name in names)

    def ordered(self, *names: str) -> np.ndarray:
        """(..., time, len(names)) array with the channels in the order asked for. Raises ChannelError."""
        return self.values[..., [self._index(name) for name in names]]

    def _index(self, name: str) -> int:
        wanted = channel_name(name)
        if wanted not in self.channels:
            raise ChannelError(f"Expected a channel {wanted}, found {', '.join(self.channels)}.")
        return self.channels.index(wanted)
