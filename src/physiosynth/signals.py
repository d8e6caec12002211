"""Signals whose channels travel by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.errors import ChannelError

SPELLINGS = ("ECG", "EDA", "Resp")  # of channels, whatever the case they come in
_BY_LOWER_NAME = {name.lower(): name for name in SPELLINGS}


def channel_name(spelling: str) -> str:
    """The project's spelling of a channel: 'RESP' and 'resp' are 'Resp'. Unknown names are returned as they are."""
    text = str(spelling).strip()
    return _BY_LOWER_NAME.get(text.lower(), text)


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
