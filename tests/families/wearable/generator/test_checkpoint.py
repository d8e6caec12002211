"""Checkpoints: every known spelling loads the same networks; what does not fit is named."""

import pickle
import zipfile

import numpy as np
import pytest
import torch

from making.bundles import checkpoint_of, published_weights, tiny, weights_of
from physiosynth.errors import CheckpointError
from physiosynth.families.wearable.generator.checkpoint import LEGACY_KEYS, load_checkpoint

ARCHITECTURE = tiny()
MANIFEST = {"architecture": ARCHITECTURE.to_dict()}
EMA, RAW = weights_of(ARCHITECTURE, 1), weights_of(ARCHITECTURE, 2)


def flat(prefixes: dict[str, str], weights: dict) -> dict:
    return {f"{prefixes[s]}{name}": tensor for s, held in weights.items() for name, tensor in held.items()}


# What each spelling holds, and whether the weights that load are those of EMA.
SPELLINGS = {
    "released": (checkpoint_of(EMA) | {"diff_low": RAW["low"], "diff_ecg": RAW["ecg"]}, True),
    "ema none": (checkpoint_of(RAW) | {"ema_low": None, "ema_ecg": None}, False),
    "low and ecg": (dict(RAW), False),
    "model_low": ({f"model_{s}": RAW[s] for s in RAW}, False),
    "nested under ema": ({"ema": EMA, "low": RAW["low"], "ecg": RAW["ecg"]}, True),
    "nested under ema as diff_": ({"ema": {f"diff_{s}": EMA[s] for s in EMA}}, True),
    "nested under ema as model_": ({"ema": {f"model_{s}": EMA[s] for s in EMA}, "diff_low": RAW["low"]}, True),
    "wrapped": ({f"ema_{s}": {"state_dict": EMA[s]} for s in EMA}, True),
    "wrapped above": ({"state_dict": {f"ema_{s}": EMA[s] for s in EMA}}, True),
    "flat": (flat({"low": "ema_low.", "ecg": "ema_ecg."}, EMA), True),
    "flat in state_dict": ({"state_dict": flat({"low": "low.", "ecg": "ecg."}, RAW)}, False),
    "module before": (flat({"low": "module.low.", "ecg": "module.ecg."}, RAW), False),
    "module after": ({s: flat({s: "module."}, {s: RAW[s]}) for s in RAW}, False),
    "both flat": (flat({"low": "ema_low.", "ecg": "ema_ecg."}, EMA) | flat({"low": "low.", "ecg": "ecg."}, RAW), True),
}


def saved(tmp_path, content, name="weights.pt"):
    path = tmp_path / name
    torch.save(content, path)
    return path


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_loads_its_weights(tmp_path, spelling):
    """Each spelling of the format loads exactly, EMA where it has it, and says so where it has none."""
    content, is_ema = SPELLINGS[spelling]
    loaded = load_checkpoint(saved(tmp_path, content), MANIFEST)
    for stream, network in (("low", loaded.low), ("ecg", loaded.ecg)):
        for name, tensor in network.state_dict().items():
            assert torch.equal(tensor, (EMA if is_ema else RAW)[stream][name])
    assert any("no EMA weights" in notice for notice in loaded.notices) is not is_ema


def test_ema_of_one_stream_alone_is_mentioned(tmp_path):
    """A checkpoint with EMA weights for one stream alone says which weights are used."""
    loaded = load_checkpoint(saved(tmp_path, {"ema_low": EMA["low"], "diff_ecg": RAW["ecg"]}), MANIFEST)
    assert "ema weights for the low stream, raw weights for the ecg stream" in loaded.notices[0]


def test_numbers_of_numpy_beside_the_weights_are_read(tmp_path):
    """A scheduler that kept its best loss as a numpy number, of either numpy's spelling, does not spoil the file."""
    extra = {"scheduler": {"best": np.float64(0.25), "bad": np.int64(2)}, "meta": {"cfg_scale": np.float32(0.5)}}
    path = saved(tmp_path, checkpoint_of(EMA, **extra))
    assert load_checkpoint(path, MANIFEST).meta["cfg_scale"] == 0.5
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "numpy1.pt", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert load_checkpoint(tmp_path / "numpy1.pt", MANIFEST).meta["cfg_scale"] == 0.5


@pytest.mark.parametrize("k", [3, 4])
def test_the_weights_say_how_many_conditions_there_are(tmp_path, k):
    """Published weights of three and of four conditions load without a manifest's help."""
    loaded = load_checkpoint(saved(tmp_path, checkpoint_of(published_weights(k))))
    assert loaded.architecture.name == "published"
    assert len(loaded.architecture.conditions) == k


def test_a_k_that_fits_nothing_has_its_own_error(tmp_path):
    """Weights for five conditions are refused, because only four have names."""
    weights = published_weights()
    for held in weights.values():
        held["diff.model.cond_mlp.0.weight"] = torch.zeros(128, 5)
    with pytest.raises(CheckpointError, match=r"weights\.pt: the weights expect 5 conditions"):
        load_checkpoint(saved(tmp_path, checkpoint_of(weights)))


def test_streams_of_different_k_are_refused(tmp_path):
    """Two streams that disagree on their conditions were not trained together."""
    weights = {"low": published_weights(3)["low"], "ecg": published_weights(4)["ecg"]}
    with pytest.raises(CheckpointError, match="3 for low, 4 for ecg"):
        load_checkpoint(saved(tmp_path, checkpoint_of(weights)))


def test_an_unrelated_checkpoint_is_told_from_ours(tmp_path):
    """The error names the file and the keys it has."""
    path = saved(tmp_path, {"encoder": {"weight": torch.zeros(2, 2)}, "epoch": 3})
    with pytest.raises(CheckpointError, match=r"weights\.pt.*none for low and ecg; its keys are encoder, epoch"):
        load_checkpoint(path)


def test_other_networks_under_our_names_are_told_from_ours(tmp_path):
    """State dicts named low and ecg that hold something else are refused by the parameter they lack."""
    path = saved(tmp_path, {"low": {"fc.weight": torch.zeros(2, 2)}, "ecg": {"fc.weight": torch.zeros(2, 2)}})
    with pytest.raises(CheckpointError, match="not a two-stream diffusion checkpoint"):
        load_checkpoint(path)


def changed(stream, name, tensor):
    weights = {s: dict(held) for s, held in EMA.items()}
    if tensor is None:
        del weights[stream][name]
    else:
        weights[stream][name] = tensor
    return weights


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (None, r"ecg stream lacks 1 parameter\(s\): diff.model.mid1.conv1.bias"),
        (torch.zeros(3), r"ecg stream: diff.model.mid1.conv1.bias is \(3,\), expected \(16,\)"),
        (torch.zeros(16, dtype=torch.int64), "diff.model.mid1.conv1.bias is of type torch.int64"),
        (torch.full((16,), float("nan")), "diff.model.mid1.conv1.bias holds values that are not finite"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(tmp_path, tensor, message):
    """Missing, misshapen, integer and NaN parameters are named, with their stream."""
    path = saved(tmp_path, checkpoint_of(changed("ecg", "diff.model.mid1.conv1.bias", tensor)))
    with pytest.raises(CheckpointError, match=rf"weights\.pt: .*{message}"):
        load_checkpoint(path, MANIFEST)


def test_an_unknown_parameter_is_named(tmp_path):
    """Loading is strict: a parameter nobody knows is refused."""
    path = saved(tmp_path, checkpoint_of(changed("low", "diff.model.extra.weight", torch.zeros(1))))
    with pytest.raises(CheckpointError, match=r"low stream has unknown 1 parameter\(s\): diff.model.extra.weight"):
        load_checkpoint(path, MANIFEST)


def test_a_manifest_of_other_conditions_is_refused(tmp_path):
    """A manifest that says three conditions does not fit weights of four."""
    with pytest.raises(CheckpointError, match="the manifest says 3 conditions, the weights have 4"):
        load_checkpoint(saved(tmp_path, checkpoint_of(EMA)), {"architecture": tiny(condition_dim=3).to_dict()})


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_cut_short_is_named(tmp_path, suffix, share):
    """A truncated file of either kind ends in an error about the file."""
    from safetensors.torch import save_file

    path = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save(checkpoint_of(EMA), path)
    else:
        save_file(flat({"low": "ema_low.", "ecg": "ema_ecg."}, EMA), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CheckpointError, match=r"weights\.(pt|safetensors): the file is (damaged or cut short|empty)"):
        load_checkpoint(path, MANIFEST)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><title>404</title>", "found a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "found a Git LFS pointer"),
        (b"time,value\n0,1\n", "not a PyTorch checkpoint"),
    ],
)
def test_files_of_another_kind_are_named(tmp_path, content, message):
    """A saved error page, a pointer file and a table are not taken for weights."""
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"weights\.pt: .*{message}"):
        load_checkpoint(path)


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("plain", [False, True])
def test_a_hostile_pickle_does_not_run(tmp_path, plain):
    """A checkpoint that would run code is refused without running it, in torch's container or as a bare pickle."""
    trace, path = tmp_path / "trace", tmp_path / "weights.pt"
    if plain:
        path.write_bytes(pickle.dumps({"low": Hostile(trace)}, protocol=2))
    else:
        torch.save({"low": Hostile(trace)}, path)
    with pytest.raises(CheckpointError, match=r"weights\.pt"):
        load_checkpoint(path)
    assert not trace.exists()


def test_half_precision_weights_are_raised_to_float32(tmp_path):
    """Float16 parameters load as float32, equal to the rounded values."""
    half = {s: {n: t.half() if n.startswith("diff.model") else t for n, t in held.items()} for s, held in EMA.items()}
    loaded = load_checkpoint(saved(tmp_path, checkpoint_of(half)), MANIFEST)
    for name, tensor in loaded.ecg.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, half["ecg"][name].float())


def test_the_map_of_spellings_is_whole():
    """Both streams have the same spellings, each once."""
    for kind in ("ema", "raw"):
        low, ecg = (LEGACY_KEYS[stream][kind] for stream in ("low", "ecg"))
        assert [name.replace("low", "ecg") for name in low] == list(ecg)
        assert len(set(low)) == len(low)
