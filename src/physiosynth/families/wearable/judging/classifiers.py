"""Three classifiers behind one call: logistic regression and a random forest on tables, a ResNet on raw windows.

Whatever is fitted, scaling and the filling of gaps included, is fitted on the training windows alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.features.tables import TableScaler, table_of
from physiosynth.families.wearable.judging.metrics import Predictions
from physiosynth.runtime import OnStep, check_seed, quiet

if TYPE_CHECKING:
    from physiosynth.families.wearable.features.raw_resnet import TrainedNet

KINDS = ("logistic", "forest", "resnet")
TITLES = {
    "logistic": "logistic regression",
    "forest": "random forest",
    "resnet": "ResNet-1D with squeeze-and-excitation",
}
TREES = 100
RULER_TREES = 32  # where a score is asked many times over: halves, controls and people
INVERSE_PENALTY = 0.1  # logistic regression: fifty columns of some hundred windows need holding back


class Classifier(Protocol):
    """Something trained. classes: names, in the order of the probabilities."""

    classes: tuple[str, ...]

    def probabilities(self, judged: Judged) -> np.ndarray:
        """(n, classes) float64; rows sum to 1."""


class TableClassifier:
    """A scikit-learn classifier with the scaling of its training windows."""

    def __init__(self, model: Any, scaler: TableScaler) -> None:
        self.model, self.scaler = model, scaler
        self.classes = tuple(str(name) for name in model.classes_)

    def probabilities(self, judged: Judged) -> np.ndarray:
        return self.of_values(table_of(judged).values)

    def of_values(self, values: np.ndarray) -> np.ndarray:
        """The same for a (n, f) table."""
        return self.model.predict_proba(self.scaler.apply(values))


class RawClassifier:
    """A trained ResNet behind the same call."""

    def __init__(self, net: TrainedNet) -> None:
        self.net, self.classes = net, net.classes

    def probabilities(self, judged: Judged) -> np.ndarray:
        return self.net.probabilities(judged.windows)


def train(
    kind: str,
    training: Sequence[Judged],
    labels: Sequence[str] | np.ndarray,
    seed: int = 0,
    on_step: OnStep = quiet,
    trees: int = TREES,
) -> Classifier:
    """A classifier of one of KINDS.

    training: one or more sets, taken together; labels: one for each of their windows, in order. on_step counts the
    batches of a ResNet. Raises EvaluationError.
    """
    labels = np.asarray(labels, dtype=np.str_)
    count = sum(len(part) for part in training)
    if len(labels) != count or len(set(labels.tolist())) < 2:
        raise EvaluationError(
            f"A classifier needs one label per window and two classes at least, found {len(labels)} labels of "
            f"{len(set(labels.tolist()))} classes for {count} windows."
        )
    if kind == "resnet":
        from physiosynth.families.wearable.features.raw_resnet import train_resnet

        windows = training[0].windows
        for part in training[1:]:
            windows = windows.concat(part.windows)
        return RawClassifier(train_resnet(windows, labels, seed, on_step=on_step))
    return train_table(kind, np.concatenate([table_of(part).values for part in training]), labels, seed, trees)


def train_table(
    kind: str, values: np.ndarray, labels: np.ndarray, seed: int = 0, trees: int = TREES
) -> TableClassifier:
    """Logistic regression or a random forest on a (n, f) table. Raises EvaluationError for another kind."""
    scaler = TableScaler.fit(values)
    return TableClassifier(_model(kind, seed, trees).fit(scaler.apply(values), labels), scaler)


def predictions(classifier: Classifier, judged: Judged, truth: np.ndarray) -> Predictions:
    """What the classifier says of these windows, beside their true labels."""
    return Predictions(
        classifier.classes, classifier.probabilities(judged), np.asarray(truth, dtype=np.str_), judged.subjects
    )


def _model(kind: str, seed: int, trees: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    if kind == "logistic":
        return LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced", max_iter=1000)
    if kind == "forest":
        return RandomForestClassifier(
            trees, min_samples_leaf=2, class_weight="balanced", random_state=check_seed(seed) % 2**32, n_jobs=1
        )
    raise EvaluationError(f"Classifier {kind!r} is not known. Use one of {', '.join(KINDS)}.")
