"""The page as a script and as a server, and the process that becomes the server."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

SCRIPT = Path(__file__).parent / "script" / "app.py"
# Measured: large malloc thresholds spare page faults; passive waiting halves the harm of a busy second core.
TUNED = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}


def show_page() -> None:
    """Draw the page for a visitor."""
    from physiosynth.dashboard.page import main

    main()


def server_parts() -> dict[str, Any]:
    """What the server has beside Streamlit's own: the answer to /ready, the model loaded at the start, the gate."""
    from starlette.middleware import Middleware

    from physiosynth.dashboard.server.gate import Gate
    from physiosynth.dashboard.server.readiness import Readiness

    readiness = Readiness()
    return {"routes": readiness.routes(), "lifespan": readiness.lifespan, "middleware": [Middleware(Gate)]}


def become_server(host: str, port: int, environment: Mapping[str, str]) -> NoReturn:
    """Become the server: signals that reach this process reach it. environment: what is already set comes first."""
    from physiosynth.runtime import available_cores

    options = {"port": port, "address": host, "headless": "true"}
    flags = [text for name, value in options.items() for text in (f"--server.{name}", str(value))]
    variables = TUNED | {"OMP_NUM_THREADS": str(available_cores())} | dict(environment)
    os.execve(sys.executable, [sys.executable, "-m", "streamlit", "run", str(SCRIPT), *flags], variables)
