"""A ResNet-1D over raw windows: a classifier, and the feature space of Frechet distance.

Each stream enters at its own rate
through its own stem, strided for the ECG, so that a window costs about as much as a small picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.windows import WindowSet
from physiosynth.nets.resnet1d import Block, stem
from physiosynth.runtime import OnStep, check_seed, quiet

FEATURES = 32  # entries of the feature space
SMALLEST_SD = 1e-6


@dataclass(frozen=True)
class NetSettings:
    """How the network is trained; the defaults take about 20 s for 2,000 windows on two cores."""

    epochs: int = 12
    least_steps: int = 120  # a small set is seen more often instead
    batch_size: int = 32
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    gain_spread: float = 0.15  # SD of the random factor on each channel: electrodes and belts sit differently


class TwoStreamResNet(nn.Module):
    """Logits (b, classes) from standardised ECG (b, 1, 5250) and low stream (b, 2, 120)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        # 5250 -> 1050 -> 525 -> 263 -> 132 -> 66 samples; one of the last sees about 1.4 s.
        self.ecg = nn.Sequential(stem(1, 12, 15, 5, 7), nn.MaxPool1d(2), Block(12, 24), Block(24, 32), Block(32, 48))
        self.low = nn.Sequential(stem(2, 16, 7, 1, 3), Block(16, 24), Block(24, 32))  # 120 -> 60 -> 30
        self.neck = nn.Sequential(nn.Linear(2 * (48 + 32), FEATURES), nn.BatchNorm1d(FEATURES), nn.ReLU())
        self.head = nn.Linear(FEATURES, classes)

    def features(self, ecg: Tensor, low: Tensor) -> Tensor:
        """(b, FEATURES): what the head sees."""
        pooled = []
        for stream, x in ((self.ecg, ecg), (self.low, low)):
            y = stream(x)
            pooled += [y.mean(dim=2), y.std(dim=2)]
        return self.neck(torch.cat(pooled, dim=1))

    def forward(self, ecg: Tensor, low: Tensor) -> Tensor:
        return self.head(self.features(ecg, low))


@dataclass(frozen=True)
class RawScaler:
    """Mean and SD of ECG, EDA and Resp over the windows a network is trained on, and no others."""

    mean: np.ndarray
    sd: np.ndarray

    @classmethod
    def fit(cls, windows: WindowSet) -> RawScaler:
        signals = (windows.ecg, windows.eda, windows.resp)
        mean = np.array([values.mean(dtype=np.float64) for values in signals], dtype=np.float32)
        sd = np.array([values.std(dtype=np.float64) for values in signals], dtype=np.float32)
        return cls(mean, np.maximum(sd, SMALLEST_SD))

    def tensors(self, windows: WindowSet) -> tuple[Tensor, Tensor]:
        """ECG (n, 1, 5250) and low stream (n, 2, 120)."""
        ecg, eda, resp = (
            torch.from_numpy((values - mean) / sd)
            for values, mean, sd in zip((windows.ecg, windows.eda, windows.resp), self.mean, self.sd, strict=True)
        )
        return ecg[:, None], torch.stack([eda, resp], dim=1)


class TrainedNet:
    """A network that has been trained, with its scaler.

    classes: names, in the order of the probabilities; key: of the windows and the seed it was trained with.
    """

    def __init__(self, net: TwoStreamResNet, scaler: RawScaler, classes: tuple[str, ...], key: str) -> None:
        self.net, self.scaler, self.classes, self.key = net.eval(), scaler, classes, key

    def probabilities(self, windows: WindowSet) -> np.ndarray:
        """(n, classes) float64; rows sum to 1."""
        logits = self._through(self.net, windows)
        return torch.softmax(logits.double(), dim=1).numpy()

    def embed(self, windows: WindowSet) -> np.ndarray:
        """(n, FEATURES) float64: the activations before the last layer."""
        return self._through(self.net.features, windows).double().numpy()

    @torch.inference_mode()
    def _through(self, function: Callable[[Tensor, Tensor], Tensor], windows: WindowSet) -> Tensor:
        parts = []
        for first in range(0, len(windows), 64):
            chunk = windows.take(np.arange(first, min(first + 64, len(windows))))
            parts.append(function(*self.scaler.tensors(chunk)))
        return torch.cat(parts) if parts else torch.empty(0, FEATURES)


def train_resnet(
    windows: WindowSet,
    labels: Sequence[str] | np.ndarray,
    seed: int = 0,
    settings: NetSettings = NetSettings(),
    on_step: OnStep = quiet,
) -> TrainedNet:
    """Train on windows with one label each; classes are weighted so that each counts the same.

    The result depends on windows, labels, seed and settings alone (and on the number of threads in its last bits).
    on_step counts batches. Raises EvaluationError where there are fewer than two classes or eight windows.
    """
    labels = np.asarray(labels, dtype=np.str_)
    classes, target = np.unique(labels, return_inverse=True)
    if len(classes) < 2 or len(windows) < 8:
        raise EvaluationError(
            f"A classifier needs at least 8 windows of two classes, found {len(windows)} of {', '.join(classes)}. "
            "Add windows."
        )
    scaler = RawScaler.fit(windows)
    ecg, low = scaler.tensors(windows)
    # The caller's own stream of random numbers is left as it was.
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(check_seed(seed))
        net = TwoStreamResNet(len(classes))
        counts = torch.bincount(torch.from_numpy(target), minlength=len(classes))
        loss = nn.CrossEntropyLoss(weight=len(target) / (len(classes) * counts.float()))
        _fit(net.train(), ecg, low, torch.from_numpy(target), loss, settings, on_step)
    return TrainedNet(net, scaler, tuple(classes.tolist()), f"{windows.sha256()[:24]}_{seed}")


def _fit(
    net: nn.Module, ecg: Tensor, low: Tensor, target: Tensor, loss: nn.Module, settings: NetSettings, on_step: OnStep
) -> None:
    batch = min(settings.batch_size, len(target) // 2)
    each = len(target) // batch  # an incomplete last batch is left out: BatchNorm needs its company
    total = max(settings.epochs * each, settings.least_steps)
    optimizer = torch.optim.AdamW(net.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=total, pct_start=0.25)
    order = torch.randperm(len(target))
    for step in range(total):
        place = step % each
        if place == 0:
            order = torch.randperm(len(target))
        rows = order[place * batch : (place + 1) * batch]
        gain = 1 + settings.gain_spread * torch.randn(batch, 3, 1)
        value = loss(net(ecg[rows] * gain[:, :1], low[rows] * gain[:, 1:]), target[rows])
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()
        plan.step()
        on_step(step + 1, total)
