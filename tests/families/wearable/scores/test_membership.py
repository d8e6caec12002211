"""Membership inference: sure of planted copies, helpless against independent windows."""

import numpy as np
import pytest
import torch

from making.people import cohort, near_copies, synthetic
from physiosynth.datasets.normalizer import Normalizer
from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.measured import Judged
from physiosynth.families.wearable.model.adapter import TwoStreamDiffusionAdapter
from physiosynth.families.wearable.model.architecture import coupled
from physiosynth.families.wearable.scores.denoising import denoising_losses
from physiosynth.families.wearable.scores.membership import (
    black_box,
    judge_attack,
    judge_attacks,
    reidentify,
    true_positives,
    white_box_scores,
)


@pytest.fixture(scope="module")
def sides():
    """Members and outsiders, of four people each."""
    return Judged.of(cohort(range(4), 3)), Judged.of(cohort(range(4, 8), 3))


@pytest.fixture(scope="module")
def copied(sides):
    """A generator that gives its members' windows back with a little noise."""
    return Judged.of(near_copies(sides[0].windows))


@pytest.fixture(scope="module")
def strangers():
    """A generator that learned from a third group of people."""
    return Judged.of(synthetic(range(20, 28), 2))


def test_a_memorising_generator_is_found_out(sides, copied):
    """Near copies of the members give the distance attack an AUC of about 1, and most members without false alarm."""
    distance, discriminator = black_box(copied, *sides)
    assert distance.auc > 0.98 and distance.tpr > 0.8 and distance.low > 0.9
    assert discriminator.auc > 0.85
    assert distance.over == "subjects"


def test_windows_of_other_people_tell_nothing_of_the_members(sides, strangers):
    """Windows of a third group of people leave both attacks at guessing."""
    attacks = black_box(strangers, *sides)
    for attack in attacks:
        assert 0.3 < attack.auc < 0.7 and attack.tpr < 0.2, attack


def test_known_scores_give_known_figures():
    """Separated scores give 1 and 1, equal ones .5; the threshold allows one false alarm in a hundred."""
    high, low, names = np.arange(100, 200.0), np.arange(100.0), np.array(["a"] * 100)
    sure = judge_attack("x", high, low, names, names)
    assert (sure.auc, sure.tpr, sure.over) == (1.0, 1.0, "windows")
    assert judge_attack("x", low, low, names, names).auc == 0.5
    outsiders = np.concatenate([np.zeros(199), [10.0]])
    assert true_positives(np.array([1.0, 1.0, 0.0, 0.0]), outsiders) == 0.5


def test_a_person_on_both_sides_is_refused(sides):
    """An outsider whom the generator has seen would make the figure worthless."""
    with pytest.raises(EvaluationError, match="S0, S1, S2, S3 is among"):
        black_box(sides[0], sides[0], sides[0])


def test_copies_are_ascribed_to_their_people_and_new_faces_to_nobody(sides, copied, strangers):
    """People are named far above chance; copies look like someone known, windows of strangers do not."""
    known, unknown = (reidentify(judged, *sides) for judged in (copied, strangers))
    assert known.accuracy > 2 * known.chance
    assert known.auc > 0.85 and unknown.auc < known.auc - 0.2


def small_adapter(low_base: int = 16) -> TwoStreamDiffusionAdapter:
    torch.manual_seed(0)
    architecture = coupled(low_base=low_base, ecg_base=8, low_levels=3, ecg_blocks=1)
    return TwoStreamDiffusionAdapter(*architecture.build(), architecture).eval()


def norms_of(windows) -> tuple[Normalizer, Normalizer]:
    low = np.stack([windows.eda, windows.resp], axis=2)
    return Normalizer.fit(low, ("EDA", "Resp")), Normalizer.fit(windows.ecg[..., None], ("ECG",))


def test_an_overtrained_network_gives_its_members_away():
    """A LOW network trained on few windows alone has a lower loss on them than on others; an untrained has not."""
    members, outsiders = cohort(range(1), 1), cohort(range(4, 7), 1)
    adapter, (norm_low, norm_ecg) = small_adapter(24), norms_of(members)
    sides = members, outsiders
    attacks = judge_attacks(white_box_scores(adapter, norm_low, norm_ecg, *sides, steps=4), *sides)
    assert [attack.name for attack in attacks] == ["low loss", "ecg loss", "both losses"]
    before = attacks[0].auc
    overtrain(adapter, norm_low, members)
    after = judge_attacks(white_box_scores(adapter, norm_low, norm_ecg, *sides, steps=4), *sides)[0].auc
    assert after > 0.8 and after > before + 0.2, (before, after)


def overtrain(adapter: TwoStreamDiffusionAdapter, norm_low: Normalizer, windows, steps: int = 200) -> None:
    """Fit the LOW network to these windows and nothing else."""
    from physiosynth.families.wearable.model.target_rates import target_inputs, without_targets
    from physiosynth.families.wearable.scores.denoising import beat_phases
    from physiosynth.families.wearable.signals import CONDITIONS

    low = torch.from_numpy(norm_low.apply(np.stack([windows.eda, windows.resp], axis=2)))
    phase, ecg = torch.from_numpy(beat_phases(windows.ecg)), torch.from_numpy(windows.ecg[..., None])
    x0 = adapter.low.space.encode(adapter.low.space.measure(low, phase, ecg))
    y = torch.eye(len(CONDITIONS))[[CONDITIONS.index(state) for state in windows.states.tolist()]]
    y = torch.cat([y, target_inputs(without_targets(len(y)))], dim=1)
    optimizer = torch.optim.AdamW(adapter.low.parameters(), lr=2e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        optimizer.zero_grad()
        adapter.low.loss(x0, y, generator=generator).backward()
        optimizer.step()


def test_losses_repeat_with_the_seed_and_follow_their_window():
    """The noise is fixed by the seed, and a window's rank does not depend on its place in the set."""
    windows = cohort(range(2), 1)
    adapter, (norm_low, norm_ecg) = small_adapter(), norms_of(windows)
    first = denoising_losses(adapter, norm_low, norm_ecg, windows, steps=2)
    turned = denoising_losses(adapter, norm_low, norm_ecg, windows.take(np.arange(len(windows))[::-1]), steps=2)
    np.testing.assert_allclose(first.low, turned.low[::-1], rtol=1e-4)
    np.testing.assert_allclose(first.ecg, turned.ecg[::-1], rtol=1e-4)
    assert first.low.mean() == pytest.approx(1)
