"""A small cohort with known answers: states that differ as physiology does, subjects with beats of their own."""

from __future__ import annotations

import numpy as np

from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.families.wearable.signals import CONDITIONS, ECG_HZ, ECG_STEPS, LOW_HZ, LOW_STEPS, WINDOW_S

RATE = {"baseline": 66.0, "stress": 92.0, "amusement": 72.0, "meditation": 60.0}  # beats/min
BREATHS = {"baseline": 15.0, "stress": 20.0, "amusement": 17.0, "meditation": 8.0}  # a minute
TONIC = {"baseline": 3.0, "stress": 6.0, "amusement": 4.0, "meditation": 2.5}  # uS
RESPONSES = {"baseline": 1, "stress": 5, "amusement": 3, "meditation": 0}  # a window
ECG_TIME, LOW_TIME = np.arange(ECG_STEPS) / ECG_HZ, np.arange(LOW_STEPS) / LOW_HZ
WAVES = (  # place in s beside R, width in s, height in mV
    (-0.17, 0.025, 0.12),
    (-0.025, 0.008, -0.1),
    (0.0, 0.011, 1.0),
    (0.025, 0.009, -0.2),
    (0.26, 0.05, 0.25),
)


def window_of(state: str, person: dict[str, np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """ECG (5250,), EDA (120,) and Resp (120,) of one window; the heart speeds up as the chest widens."""
    rate = (BREATHS[state] + person["breath"] + rng.normal(0, 0.8)) / 60
    phase, depth = rng.uniform(0, 2 * np.pi), 4 * person["depth"] * rng.uniform(0.9, 1.1)
    resp = depth * np.sin(2 * np.pi * rate * LOW_TIME + phase) + rng.normal(0, 0.1, LOW_STEPS)
    beats, clock = [], -rng.uniform(0, 1)
    while clock < WINDOW_S + 1:
        beats.append(clock)
        swing = (2 if state == "stress" else 5) * np.sin(2 * np.pi * rate * clock + phase)
        clock += 60 / (RATE[state] + person["rate"] + swing + rng.normal(0, 1.5))
    ecg = rng.normal(0, 0.015, ECG_STEPS)
    for place, width, height in person["waves"]:
        distance = ECG_TIME[:, None] - np.array(beats)[None] - place
        ecg += height * np.exp(-0.5 * (distance / width) ** 2).sum(axis=1)
    eda = TONIC[state] * person["tonic"] + rng.normal(0, 0.2) + 0.01 * rng.normal(size=LOW_STEPS)
    for onset in rng.uniform(0, WINDOW_S - 3, RESPONSES[state]):
        late = np.clip(LOW_TIME - onset, 0, None)
        eda = eda + rng.uniform(0.1, 0.4) * (np.exp(-late / 3) - np.exp(-late / 0.7))
    return ecg, eda, resp


def person_of(number: int) -> dict[str, np.ndarray]:
    """What one subject keeps through all states."""
    rng = np.random.default_rng((77, number))
    waves = np.array(WAVES) * rng.uniform((1, 0.85, 0.6), (1, 1.2, 1.5), (len(WAVES), 3))
    return {
        "rate": rng.normal(0, 3),
        "breath": rng.normal(0, 0.8),
        "depth": rng.uniform(0.7, 1.4),
        "tonic": rng.uniform(0.8, 1.25),
        "waves": waves,
    }


def cohort(subjects: range | list[int], windows: int, seed: int = 0, **fields) -> WindowSet:
    """`windows` a state and subject; fields: of WindowSet, such as source or seen_subjects."""
    rng = np.random.default_rng((seed, windows))
    rows, states, names = [], [], []
    for number in subjects:
        person = person_of(number)
        for state in CONDITIONS:
            rows += [window_of(state, person, rng) for _ in range(windows)]
            states += [state] * windows
            names += [f"S{number}"] * windows
    ecg, eda, resp = (np.stack(part).astype(np.float32) for part in zip(*rows, strict=True))
    given = {
        "subjects": np.array(names),
        "source": "virtual",
        "eda_kind": "full",
        "seen_subjects": frozenset(),
        **fields,
    }
    return WindowSet(ecg=ecg, eda=eda, resp=resp, states=np.array(states), **given)


def synthetic(subjects: range | list[int], windows: int, seed: int = 1) -> WindowSet:
    """A faultless generator that was trained on `subjects`: it draws new windows of the same kind."""
    drawn = cohort(subjects, windows, seed)
    return as_synthetic(drawn)


def as_synthetic(windows: WindowSet) -> WindowSet:
    """These windows, as if a generator trained on their subjects had drawn them."""
    from dataclasses import replace

    return replace(
        windows,
        subjects=np.full(len(windows), "synthetic"),
        source="synthetic",
        seen_subjects=frozenset(windows.subjects.tolist()),
    )


def near_copies(windows: WindowSet, seed: int = 2) -> WindowSet:
    """A memorising generator: its training windows with a little noise on them."""
    from dataclasses import replace

    rng = np.random.default_rng(seed)
    noisy = {
        name: values + 0.02 * values.std(axis=1)[:, None] * rng.normal(size=values.shape)
        for name, values in (("ecg", windows.ecg), ("eda", windows.eda), ("resp", windows.resp))
    }
    return as_synthetic(replace(windows, **noisy))
