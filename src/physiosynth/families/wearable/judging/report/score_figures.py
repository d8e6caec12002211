"""Figures of what the scores see: couplings, the map of windows, and what classifiers reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from physiosynth.families.wearable.features.features import COUPLINGS, FEATURES
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.judging.report.drawing import (
    OTHER,
    REAL,
    STATE_COLOURS,
    STATE_MARKERS,
    SYNTHETIC,
    Drawing,
    finished,
    new_figure,
)
from physiosynth.families.wearable.scores.coupling import shuffled
from physiosynth.families.wearable.scores.distributions import clouds
from physiosynth.families.wearable.signals import CONDITIONS

SETUP_TITLES = {
    "TRTR": "reference → reference",
    "TSTR": "synthetic → reference",
    "TRTS": "reference → synthetic",
    "real+synthetic": "both → reference",
    "linear probe": "linear probe → reference",
}
KIND_TITLES = {"logistic": "logistic regression", "forest": "random forest", "resnet": "ResNet"}
SETUP_LOOK = {
    "TRTR": (REAL, "o"),
    "TSTR": (SYNTHETIC, "s"),
    "TRTS": ("#009E73", "^"),
    "real+synthetic": ("#CC79A7", "D"),
    "linear probe": ("#8A6D00", "v"),
}


def couplings(real: Judged, synthetic: Judged) -> Drawing:
    """Strength of each coupling in own pairs and in shuffled ones."""
    figure = new_figure(11, 3.4)
    grid = figure.subplots(1, len(COUPLINGS), squeeze=False)[0]
    for column, (axes, name) in enumerate(zip(grid, COUPLINGS, strict=True)):
        boxes, looks = [], []
        for judged, colour in ((real, REAL), (synthetic, SYNTHETIC)):
            for values, alpha in ((judged.features[name], 0.55), (shuffled(judged)[:, :, column].ravel(), 0.12)):
                boxes.append(values[np.isfinite(values)])
                looks.append((colour, alpha))
        drawn = axes.boxplot(boxes, widths=0.65, patch_artist=True, showfliers=False, medianprops={"color": "black"})
        for box, (colour, alpha) in zip(drawn["boxes"], looks, strict=True):
            box.set(facecolor=colour, alpha=alpha, edgecolor=colour)
        axes.set_xticks(range(1, 5), ["ref.\nown", "ref.\nshuffled", "synth.\nown", "synth.\nshuffled"], fontsize=7.5)
        axes.set_title(FEATURES[name].title)
    grid[0].set_ylabel("coupling per window")
    return finished(
        figure,
        "Coupling of a window's own channels and of shuffled ones",
        "Box plots of four couplings of heart, breath and skin, for a window's own channels and for shuffled ones, "
        "reference and synthetic.",
        "Where a window's own channels move together, 'own' stands above 'shuffled'. Boxes hold the middle half of the "
        "windows; shuffled pairs join channels of two windows of one state.",
    )


def window_map(real: Judged, synthetic: Judged) -> Drawing:
    """All windows on the two principal axes of the reference."""
    x, y = clouds(real, synthetic)
    centre = x.mean(axis=0)
    _, sizes, axes_of = np.linalg.svd(x - centre, full_matrices=False)
    share = sizes[:2] ** 2 / (sizes**2).sum()
    places = [(points - centre) @ axes_of[:2].T for points in (x, y)]
    figure = new_figure(11, 4.6)
    grid = figure.subplots(1, 2, sharex=True, sharey=True)
    for side, (axes, judged, title) in enumerate(zip(grid, (real, synthetic), ("reference", "synthetic"), strict=True)):
        axes.scatter(*places[1 - side].T, s=8, color="#D9D9D9", linewidths=0, rasterized=True, label="the other set")
        for state in judged.present_states:
            mine = places[side][judged.states == state]
            look = {"color": STATE_COLOURS[state], "marker": STATE_MARKERS[state], "label": state}
            axes.scatter(*mine.T, s=16, alpha=0.75, linewidths=0, rasterized=True, **look)
        axes.set_title(f"{title} windows")
        axes.set_xlabel(f"first axis ({100 * share[0]:.0f} % of the reference spread)")
    grid[0].set_ylabel(f"second axis ({100 * share[1]:.0f} %)")
    grid[0].legend(fontsize=8, markerscale=1.3)
    return finished(
        figure,
        "Map of all windows",
        "Two scatter plots of windows by their measured features, reference on the left and synthetic on the right, "
        "marked by state, on the same axes.",
        "Principal axes of the reference's features. Both panels should show the same clusters in the same places; "
        "grey is the other set.",
    )


def confusions(transfers: Sequence[Mapping[str, Any]], task: str = "states") -> Drawing | None:
    """Confusion matrices of TRTR above TSTR; None without any."""
    mine = {(each["setup"], each["classifier"]): each["quality"] for each in transfers if each["task"] == task}
    kinds = [kind for kind in KIND_TITLES if ("TRTR", kind) in mine and ("TSTR", kind) in mine]
    if not kinds:
        return None
    figure = new_figure(3.7 * len(kinds) + 0.3, 6.6)
    grid = figure.subplots(2, len(kinds), squeeze=False)
    for row, setup in enumerate(("TRTR", "TSTR")):
        for axes, kind in zip(grid[row], kinds, strict=True):
            _matrix(axes, mine[setup, kind])
            axes.set_title(f"{KIND_TITLES[kind]}\n{SETUP_TITLES[setup]}")
    return finished(
        figure,
        "Confusion matrices",
        "Tables of true against predicted states for each classifier, trained on reference above, on synthetic below.",
        "Rows are the true states of reference test windows, in % of the row. Above: trained on other people's "
        "reference windows; below: trained on synthetic windows alone.",
    )


def usefulness(transfers: Sequence[Mapping[str, Any]]) -> Drawing | None:
    """Balanced accuracy of each setup and classifier with its interval; None without any."""
    tasks = [task for task in ("states", "stress") if any(each["task"] == task for each in transfers)]
    if not tasks:
        return None
    figure = new_figure(11, 3.4)
    grid = figure.subplots(1, len(tasks), squeeze=False, sharey=True)[0]
    for axes, task in zip(grid, tasks, strict=True):
        mine = [each for each in transfers if each["task"] == task]
        kinds = [kind for kind in KIND_TITLES if any(each["classifier"] == kind for each in mine)]
        for each in mine:
            place = list(SETUP_LOOK).index(each["setup"])
            at = kinds.index(each["classifier"]) + 0.14 * (place - 2)
            figures, (colour, marker) = each["quality"]["balanced_accuracy"], SETUP_LOOK[each["setup"]]
            first = each["classifier"] == kinds[-1]
            if figures["low"] is not None:
                axes.plot([at, at], [100 * figures["low"], 100 * figures["high"]], color=colour, linewidth=2, alpha=0.5)
            label = SETUP_TITLES[each["setup"]] if first else None
            axes.plot(at, 100 * figures["value"], marker=marker, color=colour, linestyle="", label=label)
        axes.axhline(100 / len(mine[0]["quality"]["classes"]), color=OTHER, linewidth=1, linestyle=":")
        axes.set_xticks(range(len(kinds)), [KIND_TITLES[kind] for kind in kinds])
        axes.set_xlim(-0.6, len(kinds) - 0.4)
        axes.set_title({"states": "all states", "stress": "stress or not"}[task])
    grid[0].set_ylabel("balanced accuracy (%)")
    grid[0].set_ylim(0, 102)
    grid[-1].legend(fontsize=8, loc="lower right", ncols=2)
    over = {each["quality"]["over"] for each in transfers}
    return finished(
        figure,
        "Usefulness for classifiers",
        "Balanced accuracy of each classifier when trained and tested on reference or synthetic windows, "
        "with intervals and the level of chance.",
        f"'a → b': trained on a, tested on b. Bars: 95 % intervals over {' or '.join(sorted(over))}; dotted: chance.",
    )


def _matrix(axes: Any, quality: Mapping[str, Any]) -> None:
    names = [*(name for name in CONDITIONS if name in quality["classes"])]
    names += [name for name in quality["classes"] if name not in names]
    order = [list(quality["classes"]).index(name) for name in names]
    counts = np.array(quality["confusion"], dtype=float)[np.ix_(order, order)]
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for (row, column), value in np.ndenumerate(share):
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", color="white" if value > 55 else "black")
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
