"""Of several draws of a window, the one whose breathing and SCR rates are nearest to those requested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from physiosynth.families.wearable.signals import LOW_CHANNELS, LOW_HZ
from physiosynth.physiology.detectors import breathing_rate, scr_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

CANDIDATES = 4
SCR_SHARE = 0.0033  # of the EDA's SD: 0.01 uS where people differ by 3
UNMEASURED = 100.0  # /min off: a window without a measurable rate is the last choice


def candidates_for(rates: Tensor) -> int:
    """Draws to choose among for (b, 3) requested RATES, nan where none: the heart rate alone needs no choice."""
    return CANDIDATES if rates[:, 1:].isfinite().any() else 1


def nearest(draws: Sequence[Tensor], rates: Tensor, places: Sequence[int]) -> Tensor:
    """(b,) numbers of the draws to keep of the windows at these places; 0 at others.

    draws: (b, 120, 2) standardised EDA and Resp each; rates: (b, 3) requested RATES in /min, nan where none.
    """
    import torch

    wanted, best = rates[list(places), 1:].cpu(), torch.zeros(len(rates), dtype=torch.long)
    found = []
    for low in draws:
        signals = low[list(places)].double().cpu().numpy()
        resp, eda = (signals[..., LOW_CHANNELS.index(name)] for name in ("Resp", "EDA"))
        # Standardised signals breathe as fast as they do in units; responses are counted above a share of an SD.
        measured = [
            (breathing_rate(r, LOW_HZ), scr_rate(e, LOW_HZ, min_amplitude_us=SCR_SHARE))
            for r, e in zip(resp, eda, strict=True)
        ]
        off = (torch.tensor(measured) - wanted).abs()
        found.append(torch.where(wanted.isfinite(), off.nan_to_num(nan=UNMEASURED), 0.0).sum(dim=1))
    best[list(places)] = torch.stack(found).argmin(dim=0)
    return best
