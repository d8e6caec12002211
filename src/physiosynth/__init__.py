"""Synthetic physiological signals conditioned on an affective state: ECG, electrodermal activity and respiration.

>>> import physiosynth as ps
>>> batch = ps.load().sample("stress", windows=2, seed=42)
>>> batch.ecg.shape, batch.low.channels
((2, 5250, 1), ('EDA', 'Resp'))
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; the module typing is not loaded for it
if TYPE_CHECKING:
    from physiosynth.families.wearable.data.batch import Sampling as Sampling
    from physiosynth.families.wearable.data.batch import SignalBatch as SignalBatch
    from physiosynth.families.wearable.data.batch import Targets as Targets
    from physiosynth.families.wearable.generator.generator import Generator as Generator
    from physiosynth.families.wearable.generator.generator import load as load
    from physiosynth.families.wearable.generator.request import Request as Request

__version__ = "0.1.0"

# Loaded when first used: `import physiosynth` takes no longer than Python itself.
_HOME = {
    "load": "physiosynth.families.wearable.generator.generator",
    "Generator": "physiosynth.families.wearable.generator.generator",
    "Request": "physiosynth.families.wearable.generator.request",
    "Sampling": "physiosynth.families.wearable.data.batch",
    "SignalBatch": "physiosynth.families.wearable.data.batch",
    "Targets": "physiosynth.families.wearable.data.batch",
}
__all__ = ["Generator", "Request", "Sampling", "SignalBatch", "Targets", "__version__", "load"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
