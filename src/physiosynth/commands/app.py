"""physiosynth app."""

from __future__ import annotations

import os
import socket
import sys
from importlib.util import find_spec

import click

from physiosynth.commands import options

LOCAL = ("localhost", "::1")


@click.command()
@click.option(
    "--port", type=options.Whole(1, 65535), default=8501, envvar="PORT", show_envvar=True, help="port of the page"
)
@click.option(
    "--host",
    default="127.0.0.1",
    envvar="HOST",
    show_envvar=True,
    metavar="ADDRESS",
    help="address to listen on; 0.0.0.0 is open to other machines",
)
def command(port: int, host: str) -> None:
    """Ctrl-C stops it. Where other machines can open the page, visitors cannot name folders of this one unless
    PHYSIOSYNTH_PATHS=on.
    """
    if find_spec("streamlit") is None:
        raise ModuleNotFoundError(name="streamlit")
    from physiosynth.dashboard.serving import become_server
    from physiosynth.dashboard.settings import settings

    settings()
    _check_free(host, port)
    environment = dict(os.environ)
    if not host.startswith("127.") and host not in LOCAL:
        environment.setdefault("PHYSIOSYNTH_PATHS", "off")
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0") else host
    print(f"Starting the page: http://{shown}:{port} (Ctrl-C stops it)", file=sys.stderr)
    become_server(host, port, environment)


def _check_free(host: str, port: int) -> None:
    """Raises RequestError where the port cannot be listened on."""
    from physiosynth.errors import RequestError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise RequestError(
                f"Port {port} on {host} cannot be used: another program listens there (perhaps this page, already up), "
                f"or it is not allowed. Take another: --port {port % 65535 + 1}, or PORT={port % 65535 + 1}."
            ) from error
