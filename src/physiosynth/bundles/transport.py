"""What may go wrong between here and a server, in words that hold nothing of a URL's secrets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import responses
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from physiosynth.errors import BundleError, FetchCause, FetchError

if TYPE_CHECKING:
    import requests

SCHEMES = ("https", "http", "file")
# Statuses that may pass, besides the server's own faults: time-out, too early, too many requests.
PASSING = (408, 425, 429)
_LOGGERS = ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry")


def shown(url: str) -> str:
    """What of a URL may be told: scheme, host, and the name of a zip; no user, password, path, query or fragment."""
    parts = urlsplit(url)
    name = PurePosixPath(parts.path).name
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}/.../{name}" if name.lower().endswith(".zip") else f"{parts.scheme}://{host}/..."


def is_url(text: str) -> bool:
    """Whether a text is an address that a bundle can be fetched from, and no path."""
    return text.startswith(tuple(f"{scheme}://" for scheme in SCHEMES))


def check_url(url: str) -> None:
    """Raise BundleError for what is not an http, https or file URL."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in SCHEMES and (parts.hostname or parts.scheme == "file") and (parts.port or True)
    except ValueError:
        good = False
    if not good:
        raise BundleError("The bundle's URL: expected https://..., http://... or file:///..., found another form.")


class Failure(Exception):
    """A failed try that another may mend. wait_s: what the server asked for."""

    def __init__(self, cause: FetchCause, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.cause, self.wait_s = cause, wait_s


def kind_of(block: bytes) -> str:
    """What the first bytes of something that is no zip look like."""
    return "a web page (perhaps a login)" if block.lstrip()[:1] == b"<" else "another kind of file"


def mark_of(response: requests.Response) -> str | None:
    """What If-Range may hold: a strong ETag, else the date of the last change."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


def new_session() -> requests.Session:
    """A session that leaves redirects alone; requests' own would read their bodies, however long, unasked."""
    import requests

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            return None

    return Session()


def next_address(url: str, leads_to: str) -> str:
    """Where a redirect leads, without user and fragment. Raises FetchError for https to http and for no web address."""
    from requests.utils import urldefragauth

    old, new = urlsplit(url).scheme, "nowhere"
    try:
        target = urldefragauth(urljoin(url, leads_to))
        parts = urlsplit(target)
        new = parts.scheme if parts.hostname and (parts.port or True) else new
    except ValueError:
        pass
    if new not in ("https", "http") or (old, new) == ("https", "http"):
        raise FetchError(
            FetchCause.REDIRECT, f"{shown(url)}: leads from {old} to {new}, which is refused. Give another address."
        )
    return target


def check_status(response: requests.Response, where: str) -> None:
    """Pass 200 and 206; raise Failure for what may pass, FetchError for the rest."""
    status = response.status_code
    said = f"{where}: the server answered {status} {responses.get(status, '')}".rstrip()
    if status in (200, 206):
        return
    if status >= 500:
        raise Failure(FetchCause.SERVER_FAILED, f"{said}.", _asked_wait(response))
    if status in PASSING:
        raise Failure(FetchCause.REFUSED, f"{said}.", _asked_wait(response))
    raise FetchError(FetchCause.REFUSED, f"{said}, expected a bundle zip. Check the address and its access.")


def _asked_wait(response: requests.Response) -> float:
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    try:
        return Retry().get_retry_after(response.raw) or 0.0
    except InvalidHeader:
        return 0.0


@contextmanager
def broken_connections(where: str) -> Iterator[None]:
    """Turn what the transport raises into a failure of this try, or a FetchError where no other try would help."""
    import requests
    from urllib3 import exceptions as transport

    try:
        yield
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, transport.LocationParseError):
        raise BundleError("The bundle's URL or one it leads to is not a valid http address. Check it.") from None
    except (requests.Timeout, transport.TimeoutError):
        raise Failure(FetchCause.TIMED_OUT, f"{where}: the server is silent.") from None
    except (requests.RequestException, transport.HTTPError) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise FetchError(
                FetchCause.UNTRUSTED,
                f"{where}: the server's certificate is not trusted. Check the address; REQUESTS_CA_BUNDLE names "
                "a file of certificates to trust.",
            ) from None
        reason = getattr(error.args[0], "reason", None) if error.args else None
        unreached = isinstance(reason, transport.NewConnectionError) or isinstance(
            error, requests.exceptions.ProxyError
        )
        cause, what = (
            (FetchCause.UNREACHABLE, "cannot be reached") if unreached else (FetchCause.LOST, "the connection was lost")
        )
        raise Failure(cause, f"{where}: {what}.") from None


@contextmanager
def quiet_transport() -> Iterator[None]:
    """Keep urllib3 from logging addresses, which may hold tokens, whatever level the application logs at."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]

    def nothing(record: logging.LogRecord) -> bool:
        return False

    for logger in loggers:
        logger.addFilter(nothing)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(nothing)
