"""Whether the page can serve: the bundle is verified and the model answers. Asked at /ready, 200 or 503."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from physiosynth.dashboard.server.health import ROUTE
from physiosynth.dashboard.settings import settings
from physiosynth.errors import PhysiosynthError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

STARTING, VERIFYING, ASKING, READY, FAILED = (
    "starting",
    "verifying the bundle",
    "asking the model for a window",
    "ready",
    "the model cannot be used; the log says why",
)
_LOG = logging.getLogger(__name__)


class Readiness:
    """How far this server is; `prepare` goes through the stages once."""

    def __init__(self) -> None:
        self.stage = STARTING

    @property
    def ready(self) -> bool:
        return self.stage == READY

    def prepare(self) -> None:
        """Verify the bundle, load the model where the page will find it, and draw a window in one step a stream."""
        # Streamlit notes that a thread is not a visit, which is as meant here.
        logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").setLevel(logging.ERROR)
        try:
            self.stage = VERIFYING
            _verify()
            self.stage = ASKING
            _ask()
            self.stage = READY
        except PhysiosynthError as error:
            self.stage = FAILED
            _LOG.error("Not ready: %s", error)
        except Exception:
            self.stage = FAILED
            _LOG.exception("Not ready.")
        else:
            _load_detectors()
            _read_reference()
            _settle()

    def answer(self, request: Request) -> Response:
        """The answer of the route."""
        from starlette.responses import JSONResponse

        headers = {"Cache-Control": "no-store"} | ({} if self.ready else {"Retry-After": "2"})
        return JSONResponse({"ready": self.ready, "stage": self.stage}, 200 if self.ready else 503, headers)

    def routes(self) -> list[Route]:
        """For st.App."""
        from starlette.routing import Route

        async def answer(request: Request) -> Response:
            return self.answer(request)

        return [Route(ROUTE, answer, methods=["GET"])]

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncIterator[None]:
        """For st.App: the server answers at once, and becomes ready in a thread of its own."""
        threading.Thread(target=self.prepare, name="readiness", daemon=True).start()
        yield


def _verify() -> None:
    from physiosynth.bundles.verification import require_verified
    from physiosynth.families.table import checks_of

    require_verified(settings().bundle, checks_of)


def _ask() -> None:
    from physiosynth.dashboard.loading import default_paths, load_generator
    from physiosynth.families.wearable.data.batch import Sampling

    generator = load_generator(default_paths())
    one_step = Sampling(low_steps=1, ecg_steps=1, low_guidance=0.0, ecg_guidance=0.0)
    generator.sample(generator.info.conditions[0], sampling=one_step)


def _load_detectors() -> None:
    """Have the libraries that read windows at hand: loading them takes the first visitor longer than drawing does."""
    import neurokit2  # noqa: F401
    import pandas  # noqa: F401
    import scipy.signal  # noqa: F401


def _read_reference() -> None:
    """Have the readings of the reference at hand, beside which every window is shown."""
    from physiosynth.dashboard.loading import default_paths, load_generator, load_reference
    from physiosynth.dashboard.view.measured import readings_of_reference

    paths = default_paths()
    info = load_generator(paths).info
    fold = paths.fold or info.reference_dir
    try:
        for condition in info.conditions if fold else ():
            readings_of_reference(load_reference(fold), condition)
    except PhysiosynthError as error:
        _LOG.warning("The reference cannot be read: %s", error)


def _settle() -> None:
    """Spare what is loaded by now from the search for garbage: Streamlit searches after every run of a page's script.

    With PyTorch and NeuroKit2 loaded one search takes a quarter of a second, in which nothing else runs.
    """
    gc.collect()
    gc.freeze()
