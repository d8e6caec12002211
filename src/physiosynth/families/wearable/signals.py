"""The one place for the wearable family's channels, units, rates, window lengths and conditions."""

from __future__ import annotations

from physiosynth.errors import ConditionError

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
