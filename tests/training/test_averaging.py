"""The power-function average of weights against its closed form."""

import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from physiosynth.training.averaging import power_exponent, power_rule


@pytest.mark.parametrize(("relative_sd", "exponent"), [(0.05, 16.97), (0.10, 6.94)])
def test_the_exponents_are_those_of_the_paper(relative_sd, exponent):
    """Karras et al., 2024, name 16.97 and 6.94 for widths of 5 and 10 %."""
    assert power_exponent(relative_sd) == pytest.approx(exponent, abs=0.005)


def test_every_step_weighs_what_the_profile_says():
    """Averaging 1, 2, ... 20 gives their mean weighted with (t/T)^(gamma + 1) - ((t - 1)/T)^(gamma + 1)."""
    model = torch.nn.Linear(1, 1, bias=False).double()
    average = AveragedModel(model, multi_avg_fn=power_rule(0.1))
    steps = torch.arange(1, 21, dtype=torch.float64)
    for value in steps:
        torch.nn.init.constant_(model.weight, value.item())
        average.update_parameters(model)
    share = (steps / 20) ** (power_exponent(0.1) + 1)
    profile = share.diff(prepend=torch.zeros(1, dtype=torch.float64))
    assert float(average.module.weight.detach()) == pytest.approx(float((profile * steps).sum()))
