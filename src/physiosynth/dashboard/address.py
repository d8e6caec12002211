"""The address of the page: it holds every setting, and a value in it that cannot be used is told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from physiosynth.dashboard.rates import RATES, ask_key

KEYS = (
    "state", "windows", "seed", "ecg_steps", "low_steps", "ecg_guidance", "low_guidance", "calibrate",
    *(key for rate in RATES for key in (ask_key(rate.name), rate.name)),
)  # fmt: skip
LONGEST_SHOWN = 40


def asked() -> dict[str, list[str]]:
    """What the address says of the settings. Ask before the fields are drawn: they take out what they cannot use."""
    return {key: st.query_params.get_all(key) for key in KEYS if key in st.query_params}


def drop_endless() -> bool:
    """Take numbers beyond all bounds out of the address, over which Streamlit's whole-number fields stumble.

    Returns whether any was there: then the page has to be drawn anew.
    """
    endless = [key for key, texts in asked().items() if _number(texts[-1]) in (math.inf, -math.inf)]
    for key in endless:
        del st.query_params[key]
    return bool(endless)


def unused(asked: Mapping[str, list[str]]) -> str | None:
    """What the drawn fields did not take of the address, in words; None where they took all."""
    left = [key for key, texts in asked.items() if not _taken(texts, st.session_state.get(key))]
    if not left:
        return None
    told = " and ".join(f"`{key}={','.join(asked[key])[:LONGEST_SHOWN]}`".replace("\n", " ") for key in left)
    return f"The address asks for {told}, which cannot be used here; the fields show what stands instead."


def link() -> str:
    """The address that opens the page with the settings as they stand."""
    pairs = [(key, text) for key in KEYS if key in st.query_params for text in st.query_params.get_all(key)]
    return (st.context.url or "").partition("?")[0] + (f"?{urlencode(pairs)}" if pairs else "")


def _taken(texts: list[str], value: Any) -> bool:
    if isinstance(value, list):
        return {text.lower() for text in texts} == set(value)
    if isinstance(value, bool) or value is None:
        return texts[-1].lower() == str(value).lower()
    return _number(texts[-1]) == value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
