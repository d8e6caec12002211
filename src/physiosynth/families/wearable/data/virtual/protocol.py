"""The session of WESAD's protocol: its states in order, the label track, and how the body goes from one to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.families.wearable.signals import CHEST_HZ, CONDITIONS, IGNORED_IDS, LABEL_IDS, TRANSIENT_ID

STATES = ("transient", *CONDITIONS)  # the order of every per-state array; index = label id
BODY_HZ = 20  # slow physiology is made at this rate and interpolated to each sensor's own
# Minutes of Schmidt et al., 2018, whose meditation comes in two blocks; what lies between sums to about ten.
MINUTES = {"baseline": 20.0, "stress": 10.0, "amusement": 6.5, "meditation": 7.0}
_ANTICIPATION_S = 25.0


@dataclass(frozen=True)
class Segment:
    """One stretch of the session: label id, start and end in s."""

    label: int
    start_s: float
    end_s: float

    @property
    def state(self) -> int:
        """Index into STATES; ids to be ignored (questionnaires) feel like a transient."""
        return self.label if self.label in LABEL_IDS.values() else TRANSIENT_ID


@dataclass(frozen=True)
class Timeline:
    """The session on the body's clock.

    segments in order; times_s: (t,) at BODY_HZ; target: (t,) state index the body is heading for; progress: (t,) from 0
    to 1 through the present segment.
    """

    segments: tuple[Segment, ...]
    times_s: np.ndarray
    target: np.ndarray
    progress: np.ndarray

    @property
    def duration_s(self) -> float:
        """Length of the session in s."""
        return self.segments[-1].end_s

    def weights(self, rise_s: float, fall_s: float | None = None) -> np.ndarray:
        """(t, 5) share of each state, following the target with time constant `rise_s`; each row sums to 1.

        fall_s: a slower time constant after stress, for organs that recover late.
        """
        shares = np.eye(len(STATES))[self.target]
        if fall_s is None or fall_s <= rise_s:
            return _one_pole(shares, rise_s)
        fast, stress = _one_pole(shares, rise_s), LABEL_IDS["stress"]
        lingering = np.maximum(fast[:, stress], _one_pole(shares[:, [stress]], fall_s)[:, 0])
        others = np.delete(np.arange(len(STATES)), stress)
        room = fast[:, others].sum(axis=1)
        fast[:, others] *= ((1 - lingering) / np.where(room > 0, room, 1))[:, None]
        fast[:, stress] = 1 - fast[:, others].sum(axis=1)
        return fast

    def label_track(self) -> np.ndarray:
        """(n,) int32 label ids at the chest rate."""
        edges = [round(segment.end_s * CHEST_HZ) for segment in self.segments]
        lengths = np.diff([0, *edges])
        return np.repeat(np.array([segment.label for segment in self.segments], dtype=np.int32), lengths)


def _one_pole(x: np.ndarray, tau_s: float) -> np.ndarray:
    from scipy.signal import lfilter

    keep = np.exp(-1 / (BODY_HZ * tau_s))
    return lfilter([1 - keep], [1, -keep], x, axis=0, zi=keep * x[:1])[0]


def make_timeline(rng: np.random.Generator, stress_first: bool, minutes_scale: float) -> Timeline:
    """The session: baseline, the two conditions in either order with a meditation after each, transients between."""
    first, second = ("stress", "amusement") if stress_first else ("amusement", "stress")
    questionnaires = list(rng.permutation(IGNORED_IDS))
    plan: list[tuple[int, float]] = [(int(questionnaires[0]), 1.2), (TRANSIENT_ID, 2.0), (LABEL_IDS["baseline"], 20.0)]
    for position, name in enumerate((first, "meditation", second, "meditation")):
        plan += [(TRANSIENT_ID, 1.6)]
        if position in (1, 3):
            plan += [(int(questionnaires[1 + position // 2]), 0.8), (TRANSIENT_ID, 0.8)]
        plan += [(LABEL_IDS[name], MINUTES[name])]
    plan += [(TRANSIENT_ID, 1.0)]
    segments, at = [], 0.0
    for label, minutes in plan:
        length = round(minutes * 60 * minutes_scale * rng.uniform(0.97, 1.03), 1)
        segments.append(Segment(label, at, at + length))
        at = segments[-1].end_s
    return _on_clock(tuple(segments))


def _on_clock(segments: tuple[Segment, ...]) -> Timeline:
    times = np.arange(int(np.ceil(segments[-1].end_s * BODY_HZ)) + 1) / BODY_HZ
    starts = np.array([segment.start_s for segment in segments])
    lengths = np.array([segment.end_s - segment.start_s for segment in segments])
    index = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(segments) - 1)
    progress = np.clip((times - starts[index]) / lengths[index], 0, 1)
    # Instructions come before the label: the body is on its way when the labelled minutes begin.
    before = np.concatenate([[0], lengths[:-1]])
    known = np.array([segment.state != TRANSIENT_ID for segment in segments])
    early = starts - known * np.minimum(_ANTICIPATION_S, 0.6 * before)
    heading = np.clip(np.searchsorted(early, times, side="right") - 1, 0, len(segments) - 1)
    target = np.array([segment.state for segment in segments])[heading]
    return Timeline(segments, times, target, progress)
