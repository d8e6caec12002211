"""What is to be drawn, as one frozen value: the page, the commands and Python all hand it to the generator's sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from physiosynth.errors import ConditionError, RequestError
from physiosynth.families.wearable.data.batch import Sampling, Targets
from physiosynth.families.wearable.generator.asking import MAX_WINDOWS, whole_number
from physiosynth.families.wearable.signals import condition_name

if TYPE_CHECKING:
    from typing_extensions import Self

MAX_INDEX = 2**31
States = str | int | Iterable[str | int] | Mapping[str | int, int]


@dataclass(frozen=True)
class Request:
    """Windows of one or more states.

    Window i of a state and seed is the same array whatever else is requested with it.

    Parameters
    ----------
    conditions
        The states, by name or by WESAD's number; each is drawn in turn.
    windows
        Windows of 30 s of each state, or one number for each.
    seed
        A whole number from 0 to 2^63 - 1.
    sampling
        What differs from the bundle's settings.
    targets
        Rates requested of every window, in /min.
    first_window
        Number of each state's first window.

    Raises
    ------
    ConditionError
        For a state that nobody knows, one that is named twice, or none.
    RequestError
        For not as many numbers of windows as states.
    """

    conditions: tuple[str, ...]
    windows: int | tuple[int, ...] = 1
    seed: int = 0
    sampling: Sampling = field(default_factory=Sampling)
    targets: Targets = field(default_factory=Targets)
    first_window: int = 0

    def __post_init__(self) -> None:
        names = tuple(condition_name(name) for name in self.conditions)
        object.__setattr__(self, "conditions", names)
        if not names or len(set(names)) != len(names):
            raise ConditionError(f"Expected one or more states, none named twice; found {', '.join(names) or 'none'}.")
        if isinstance(self.windows, (list, tuple)):
            object.__setattr__(self, "windows", tuple(self.windows))
            if len(self.windows) != len(names):
                raise RequestError(f"Expected {len(names)} numbers of windows, one per state, found {self.windows}.")

    @classmethod
    def of(
        cls,
        states: States,
        windows: int | None = None,
        *,
        heart_rate: float | None = None,
        breathing_rate: float | None = None,
        scr_rate: float | None = None,
        **settings: Any,
    ) -> Self:
        """The request for one state, several with `windows` of each, or {state: windows}.

        Parameters
        ----------
        states
            "stress", ("stress", "baseline") or {"stress": 8, "baseline": 4}.
        windows
            Of each state; 1 where left out. Not beside {state: windows}.
        heart_rate, breathing_rate, scr_rate
            Rates requested of every window, in /min; see Targets.
        **settings
            Further fields of the class: seed, sampling, first_window.

        Raises
        ------
        RequestError, ConditionError
            As the class does.

        Examples
        --------
        >>> Request.of({"stress": 8, "baseline": 4}, seed=42).counts
        {'stress': 8, 'baseline': 4}
        """
        rates = Targets(heart_rate, breathing_rate, scr_rate)
        if isinstance(states, Mapping):
            if windows is not None:
                raise RequestError("Give {state: windows}, or states and a number of windows, not both.")
            return cls(_names(states), tuple(states.values()), targets=rates, **settings)
        names = _names((states,) if isinstance(states, (str, int)) else states)
        return cls(names, 1 if windows is None else windows, targets=rates, **settings)

    @property
    def counts(self) -> dict[str, int]:
        """Windows of each state."""
        each = self.windows if isinstance(self.windows, tuple) else (self.windows,) * len(self.conditions)
        return dict(zip(self.conditions, each, strict=True))

    @property
    def total_windows(self) -> int:
        return sum(self.counts.values())

    @property
    def states(self) -> str:
        """The states in words: "baseline and stress"."""
        *first, last = self.conditions
        return f"{', '.join(first)} and {last}" if first else last

    def numbered(self) -> list[tuple[int, str]]:
        """Every window, in the order they are drawn.

        Returns
        -------
        list of tuple
            (number, state) of each.

        Raises
        ------
        RequestError
            For impossible numbers.
        """
        first = whole_number(self.first_window, "first_window", 0, MAX_INDEX)
        counts = {
            name: whole_number(count, f"The number of {name} windows", 0, MAX_WINDOWS)
            for name, count in self.counts.items()
        }
        return [(i, name) for name, count in counts.items() for i in range(first, first + count)]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; from_dict reads them back.

        Returns
        -------
        dict
            The fields.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The request of to_dict.

        Parameters
        ----------
        content
            What to_dict gave.

        Raises
        ------
        RequestError
            For unknown or missing values.
        """
        try:
            given = dict(content)
            sampling, targets = Sampling(**given.pop("sampling", {})), Targets(**given.pop("targets", {}))
            return cls(**{**given, "conditions": tuple(given["conditions"]), "sampling": sampling, "targets": targets})
        except (TypeError, KeyError, AttributeError) as error:
            known = ", ".join(each.name for each in fields(cls))
            raise RequestError(f"Expected a request with {known}, found something else: {error}.") from error


def _names(states: Iterable[str | int]) -> tuple[str, ...]:
    """Names of states that are given by name or by WESAD's number."""
    return tuple(condition_name(state) for state in states)
