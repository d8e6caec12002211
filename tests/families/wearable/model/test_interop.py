"""Our networks and DDIM reproduce the published arithmetic."""

import importlib.util
import json

import numpy as np
import pytest
import torch

from physiosynth.diffusion.diffusion import to_model, to_user
from physiosynth.diffusion.stream_sampling import StreamSampling
from physiosynth.families.wearable.model.architecture import published
from places import FIXTURES

TOLERANCE = 1e-4


def interop(name: str):
    """(stream with the agreed weights, expected arrays by name without the stream's prefix, cases)."""
    layout = json.loads((FIXTURES / "interop/layout.json").read_text())
    spec = importlib.util.spec_from_file_location("fill_weights", FIXTURES / "interop/fill_weights.py")
    fill_weights = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fill_weights)
    stream = dict(zip(("low", "ecg"), published().build(), strict=True))[name].eval()
    state = stream.state_dict()
    assert {key: list(value.shape) for key, value in state.items()} == layout["layout"][name]
    for key, parameter in stream.named_parameters():
        state[key] = torch.from_numpy(fill_weights.filled(key, tuple(parameter.shape)))
    stream.load_state_dict(state, strict=True)
    with np.load(FIXTURES / "interop/expected.npz", allow_pickle=False) as arrays:
        expected = {key.removeprefix(f"{name}_"): torch.from_numpy(arrays[key]) for key in arrays if name in key}
    return stream, expected, layout["cases"]


@pytest.mark.parametrize("name", ["low", "ecg"])
def test_state_dict_names_and_one_forward_equal_the_published_ones(name):
    """A network with the agreed weights answers the agreed noise within 1e-4."""
    stream, expected, _ = interop(name)
    with torch.inference_mode():
        eps = to_user(stream.diff.model(to_model(expected["x_T"]), expected["t"], expected["condition"]))
    assert (eps - expected["eps"]).abs().max() < TOLERANCE


@pytest.mark.parametrize("name", ["low", "ecg"])
def test_every_published_sampling_case_is_reproduced(name):
    """DDIM with its stride, head skip, guidance and clamps gives the published samples within 1e-4."""
    stream, expected, cases = interop(name)
    assert len(cases) >= 3
    for case in cases:
        settings = StreamSampling(
            case["steps"], case["cfg"], alpha_bar_start=case["ab"], clip_x0=case["clip"], x0_clip_q=case["q"]
        )
        drawn = stream.sample(expected["condition"][:, None].expand(-1, 120, -1), settings, x_T=expected["x_T"])
        assert (drawn - expected[case["name"]]).abs().max() < TOLERANCE, case["name"]
