"""What the browser tests share is what scripts/_browser.py does; here it gets the name that they import it by."""

import sys

from places import ROOT

sys.path.append(str(ROOT / "scripts"))

from _browser import (
    FLAGS,
    PATIENCE_MS,
    WORDS,
    chromium_path,
    generate,
    made,
    pick,
    serving,
    shown,
    type_in,
    wait_until_ready,
)

__all__ = [
    "FLAGS", "PATIENCE_MS", "WORDS", "chromium_path", "generate", "made", "pick", "serving", "shown", "type_in",
    "wait_until_ready",
]  # fmt: skip
