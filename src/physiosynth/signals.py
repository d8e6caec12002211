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

    Parameters
    ----------
    values
        (..., time, channel) array.
    channels
        One name for each entry of the last axis.
    rate_hz
        Sampling rate in Hz.

    Raises
    ------
    ChannelError
        When the names do not fit the array or repeat.
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
        """The signals of some channels.

        Parameters
        ----------
        *names
            Of channels, in any spelling.

        Returns
        -------
        tuple of numpy.ndarray
            (..., time) for each name, in the order asked for.

        Raises
        ------
        ChannelError
            For a missing name.
        """
        return tuple(self.values[..., self._index(name)] for name in names)

    def ordered(self, *names: str) -> np.ndarray:
        """The channels in another order, as one array.

        Parameters
        ----------
        *names
            Of channels, in any spelling.

        Returns
        -------
        numpy.ndarray
            (..., time, len(names)).

        Raises
        ------
        ChannelError
            For a missing name.
        """
        return self.values[..., [self._index(name) for name in names]]

    def _index(self, name: str) -> int:
        wanted = channel_name(name)
        if wanted not in self.channels:
            raise ChannelError(f"Expected a channel {wanted}, found {', '.join(self.channels)}.")
        return self.channels.index(wanted)
