"""Asking a page on this machine whether it is ready. Loads nothing heavy: a container does so twice a minute."""

from __future__ import annotations

import os
import urllib.request

from physiosynth.errors import RequestError

ROUTE = "/ready"
PORT, DEFAULT_PORT = "PORT", 8501


def server_port() -> int:
    """The port of the page, as the environment has it. Raises RequestError."""
    text = os.environ.get(PORT, "").strip() or str(DEFAULT_PORT)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise RequestError(f"{PORT}: expected a number from 1 to 65535, found {text!r}.")
    return int(text)


def healthy() -> bool:
    """Whether the page on this machine is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server_port()}{ROUTE}", timeout=4) as answer:
            return answer.status == 200
    except OSError:
        return False
