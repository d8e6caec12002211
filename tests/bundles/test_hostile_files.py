"""Whatever a bundle's files hold: nothing in them runs, no memory is taken on their word, and errors are plain."""

import io
import json
import pickle
import shutil
import struct
import tracemalloc
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from making.bundles import LAYOUT, tiny, tiny_bundle, weights_of
from physiosynth.bundles.bundle import resolve_bundle
from physiosynth.errors import BundleError, FoldError
from physiosynth.families.wearable.data.folds import load_fold, read_conditions
from physiosynth.families.wearable.generator.loading import load

MILESTONES, FOLD = LAYOUT
WEIGHTS = "results/checkpoints/diffusion/ckpt_epoch_007_WEIGHTS.pt"
SAFE_WEIGHTS = WEIGHTS.replace(".pt", ".safetensors")
MANIFEST = f"{MILESTONES}/milestone_e007_best.json"
NORM, FOLD_NORM, CONFIG = f"{MILESTONES}/norm_low.npz", f"{FOLD}/norm_low.npz", f"{FOLD}/dataset_config.json"
CONDITIONS, WINDOWS, INDEX = f"{FOLD}/test_cond.npy", f"{FOLD}/test_X_low.npy", "bundle.json"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A bundle folder with a config and an index; tests put files into it and put the good ones back."""
    root = tiny_bundle(tmp_path_factory.mktemp("hostile") / "b")
    (root / CONFIG).write_text(json.dumps({"channels_low": ["EDA", "RESP"], "eda": "full", "format_version": 1}))
    (root / INDEX).write_text(json.dumps({"files": {}, "fold": "fold_S10"}))
    return root


@pytest.fixture
def root(whole, tmp_path):
    """A copy of the whole bundle to spoil."""
    return Path(shutil.copytree(whole, tmp_path / "b"))


def use_windows(root):
    """Read what the page reads of the reference windows."""
    load_fold(root / FOLD).split("test")


def use(root):
    """Load everything that the page loads of a bundle; what is wrong with the windows alone is a FoldError."""
    bundle = resolve_bundle(root)
    load(bundle.milestones, bundle.checkpoint, bundle.fold)
    use_windows(root)


def refused(root, way=use):
    """The message of the plain error that using the bundle ends in."""
    with pytest.raises((BundleError, FoldError)) as caught:
        way(root)
    assert len(str(caught.value)) < 2000
    return str(caught.value)


def refused_in_little_memory(root, way=use_windows):
    tracemalloc.start()
    try:
        message = refused(root, way)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    return message


class Planted:
    """Makes a file when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return open, (str(self.trace), "w")


def torch_zip(trace):
    stream = io.BytesIO()
    torch.save({"ema_low": Planted(trace), "ema_ecg": {}}, stream)
    return stream.getvalue()


def torch_legacy(trace):
    stream = io.BytesIO()
    torch.save({"ema_low": Planted(trace)}, stream, _use_new_zipfile_serialization=False)
    return stream.getvalue()


def torch_tar(trace):
    import tarfile

    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in ("pickle", "storages", "tensors"):
            content = pickle.dumps(Planted(trace))
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def numpy_objects(trace):
    stream = io.BytesIO()
    np.save(stream, np.array([Planted(trace)] * 4, dtype=object), allow_pickle=True)
    return stream.getvalue()


def numpy_archive(trace):
    stream = io.BytesIO()
    planted = np.array([Planted(trace), None], dtype=object)
    np.savez(stream, mean=planted, std=planted, channels=planted, units=planted)
    return stream.getvalue()


def bare_pickle(trace):
    return pickle.dumps({"ema_low": Planted(trace), "mean": Planted(trace)}, protocol=2)


PAYLOADS = [torch_zip, torch_legacy, torch_tar, numpy_objects, numpy_archive, bare_pickle]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("name", [WEIGHTS, SAFE_WEIGHTS, NORM, CONDITIONS, WINDOWS, MANIFEST, CONFIG, INDEX])
def test_a_planted_payload_never_runs(root, tmp_path, name, payload):
    """Every kind of pickle in the place of every file is refused by name, and its file is not made."""
    (root / name).write_bytes(payload(tmp_path / "trace"))
    assert Path(name).name in refused(root)
    assert not (tmp_path / "trace").exists()


def test_the_planted_payloads_would_run_where_pickles_are_loaded(tmp_path):
    """The check above is one: each payload does make its file when unpickled with trust."""
    for payload in (torch_zip, torch_legacy):
        torch.load(io.BytesIO(payload(tmp_path / payload.__name__)), weights_only=False)
    np.load(io.BytesIO(numpy_objects(tmp_path / "numpy_objects")), allow_pickle=True)
    np.load(io.BytesIO(numpy_archive(tmp_path / "numpy_archive")), allow_pickle=True)["mean"]
    pickle.loads(bare_pickle(tmp_path / "bare_pickle"))
    assert len(list(tmp_path.iterdir())) == 5


def numpy_file(header, data=b""):
    """A .npy of version 1.0 with this header text."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def header_of(shape, descr="'<f8'"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}"


HEADERS = {
    "a terabyte": header_of(f"({1 << 37},)"),
    "a shape that overflows": header_of(f"({1 << 40}, {1 << 40})"),
    "a negative shape": header_of("(-1, -4)"),
    "values without size, without end": header_of(f"({1 << 60},)", "'<U0'"),
    "a type of a terabyte": header_of("(1,)", f"'V{1 << 30}'"),
    "many nested minus signs": "-" * 9000 + "1",
    "many nested brackets": "[" * 9000,
    "many nested brackets that close": "[" * 4500 + "]" * 4500,
    "a nested type": header_of("(2,)", "[('a', " * 300 + "'<f8'" + ")]" * 300),
    "a field of a type nobody knows": header_of("(2,)", "'<q9'"),
    "no dict": "None",
    "other keys": "{'descr': '<f8'}",
    "a call": "__import__('os').system('true')",
    "a null": "\0",
}


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("name", [FOLD_NORM, CONDITIONS, WINDOWS])
def test_a_hostile_array_header_is_refused_and_not_believed(root, name, header):
    """Deep, huge and senseless headers end in a plain error, and next to nothing is allocated for them."""
    content = numpy_file(HEADERS[header], bytes(64))
    if name == FOLD_NORM:
        with zipfile.ZipFile(root / name, "w") as file:
            file.writestr("mean.npy", content)
            file.writestr("std.npy", content)
    else:
        (root / name).write_bytes(content)
    assert Path(name).name in refused_in_little_memory(root)


def test_a_bomb_in_an_archive_of_norms_is_not_unpacked(root):
    """Zeros packed to a thousandth are refused by their size, before they are unpacked."""
    with zipfile.ZipFile(root / FOLD_NORM, "w", zipfile.ZIP_DEFLATED) as file, file.open("mean.npy", "w") as member:
        member.write(numpy_file(header_of(f"({1 << 22},)")))
        for _ in range(100):
            member.write(bytes(1 << 20))
    assert "norm_low.npz" in refused_in_little_memory(root)


DEEP = "[" * 100_000 + "]" * 100_000
TEXTS = {
    "nested lists": DEEP,
    "nested lists in a value": f'{{"files": {DEEP}, "channels_low": {DEEP}, "architecture": {DEEP}}}',
    "a number without end": '{"epoch": ' + "9" * 10_000 + "}",
    "no object": '["files"]',
    "a number": "1e999",
    "not UTF-8": b"\xff\xfe\x00{",
    "nothing": "",
    "wrong kinds": json.dumps(
        {"files": 3, "channels_low": 3, "format_version": "x", "architecture": {"low": 3}, "sampling_steps": {}}
    ),
    "names outside": json.dumps({"files": {"../../etc/passwd": "x"}, "channels_low": [1], "architecture": "x"}),
    "larger than settings are": " " * (5 << 20) + "{}",
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", [MANIFEST, CONFIG, INDEX])
def test_hostile_settings_are_refused_by_name(root, name, text):
    """Deep, endless, misplaced and oversized JSON ends in a plain error that names the file."""
    content = TEXTS[text]
    (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    message = refused(root)
    assert Path(name).name in message or "ckpt_epoch_007_WEIGHTS.pt or its manifest" in message


def changed_architecture(**low):
    content = tiny().to_dict()
    content["low"].update(low)
    return {"architecture": content}


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@pytest.mark.parametrize(
    "low",
    [
        {"base": 1 << 24},
        {"blocks": 10**9},
        {"multipliers": [1] * 10**5},
        {"multipliers": [1, 10**6]},
        {"diffusion_steps": 1 << 40},
        {"patch": 10**9},
        {"groups": 0},
        {"groups": -1},
        {"strides": [0]},
        {"channels": 7},
        {"base": "8"},
        {"prediction": []},
        {"beta_schedule": {}},
        {"multipliers": 3},
    ],
)
def test_networks_that_fit_into_no_memory_are_not_built(root, low):
    """Settings of a manifest are compared with the weights before a network takes memory or time."""
    content = json.loads((root / MANIFEST).read_text())
    (root / MANIFEST).write_text(json.dumps(content | changed_architecture(**low)))
    refused(root)


def with_tensor(tensor, name="diff.model.in_conv.bias"):
    weights = weights_of(tiny())
    weights["low"][name] = tensor
    return {f"ema_{stream}": held for stream, held in weights.items()}


ODD_TENSORS = {
    "one number repeated": lambda: torch.zeros(1).expand(1 << 40),
    "a schedule repeated": lambda: torch.zeros(1).expand(1 << 30),
    "without numbers": lambda: torch.empty(8, device="meta"),
    "sparse": lambda: torch.zeros(8).to_sparse(),
    "quantised": lambda: torch.quantize_per_tensor(torch.zeros(8), 1.0, 0, torch.qint8),
    "complex": lambda: torch.zeros(8, dtype=torch.complex64),
    "of eight bits": lambda: torch.zeros(8).to(torch.float8_e4m3fn),
    "too large for float32": lambda: torch.full((8,), 1e300, dtype=torch.float64),
    "empty without end": lambda: torch.empty(1 << 40, 0),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own, on making and reading these
@pytest.mark.parametrize("kind", ODD_TENSORS)
@pytest.mark.parametrize("name", ["diff.model.in_conv.bias", "diff.betas"])
def test_a_tensor_that_is_not_plainly_stored_is_refused(root, kind, name):
    """Repeated, sparse, quantised and empty tensors cost no bytes in a file and may cost any in memory."""
    torch.save(with_tensor(ODD_TENSORS[kind](), name), root / WEIGHTS)
    assert name in refused(root) or "ckpt_epoch" in refused(root)


def test_a_checkpoint_with_compressed_parts_is_refused(root):
    """torch's own reader would unpack a part to whatever size the zip says."""
    with zipfile.ZipFile(root / WEIGHTS) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(root / WEIGHTS, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    assert "compressed parts" in refused(root)


def safetensors_file(header, data=b""):
    text = header.encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    "content",
    [
        safetensors_file(json.dumps({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}})),
        safetensors_file(json.dumps({"a": {"dtype": "F32", "shape": [1 << 40, 0], "data_offsets": [0, 0]}})),
        safetensors_file(json.dumps({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}), bytes(4)),
        safetensors_file(json.dumps({"a": {"dtype": "Q9", "shape": [1], "data_offsets": [0, 4]}}), bytes(4)),
        safetensors_file(json.dumps({"__metadata__": {"settings": DEEP}})),
        safetensors_file("{" * 10_000),
        struct.pack("<Q", 1 << 62) + b"{}",
        b"\0" * 7,
    ],
)
def test_a_hostile_safetensors_header_is_refused(root, content):
    """Sizes that are not there, unknown types and deep settings end in a plain error."""
    (root / SAFE_WEIGHTS).write_bytes(content)
    assert "ckpt_epoch_007_WEIGHTS.safetensors" in refused(root)


def test_conditions_of_odd_shapes_are_refused():
    """No axis may be empty, and no axis more than three."""
    for shape in ((), (3, 0), (3, 0, 4), (1, 1, 1, 1)):
        with pytest.raises(FoldError, match="expected label ids"):
            read_conditions(np.zeros(shape))


cut = st.tuples(st.just("cut"), st.floats(0, 1), st.integers(1, 64), st.just(b""))
flip = st.tuples(st.just("flip"), st.floats(0, 1), st.integers(1, 255), st.just(b""))
insert = st.tuples(st.just("insert"), st.floats(0, 1), st.just(0), st.binary(min_size=1, max_size=32))
# Where a file's structure stands: near its beginning, near its end, or anywhere.
regions = st.sampled_from(["start", "end", "any"])


def mutated(content, region, changes):
    """The bytes after each change (kind, where from 0 to 1, how much, what is inserted) within the region."""
    content = bytearray(content)
    for kind, share, amount, inserted in changes:
        span = len(content) if region == "any" else min(len(content), 1024)
        at = int(share * max(span - 1, 0)) + (len(content) - span if region == "end" else 0)
        if kind == "flip" and content:
            content[at] ^= amount
        elif kind == "cut":
            del content[at : at + amount]
        else:
            content[at:at] = inserted
    return bytes(content)


several_changes = st.lists(st.one_of(cut, flip, insert), min_size=1, max_size=3)


@contextmanager
def replaced(whole, name, content):
    """The bundle with these bytes in one of its places, for a while."""
    path = whole / name
    held = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)  # a new file: torch and numpy may still have the old one mapped
    path.write_bytes(content)
    try:
        yield
    finally:
        path.unlink()
        if held is not None:
            path.write_bytes(held)


@pytest.mark.parametrize("name", [WEIGHTS, SAFE_WEIGHTS, NORM, CONDITIONS, WINDOWS, MANIFEST, CONFIG, INDEX])
@given(region=regions, changes=several_changes)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_mutated_files_load_or_end_in_a_plain_error(whole, name, region, changes):
    """Bytes flipped, cut and inserted anywhere: the bundle still loads, or says in plain words that it does not."""
    if (whole / name).exists():
        good = (whole / name).read_bytes()
    else:
        weights = weights_of(tiny())
        good = save({f"ema_{s}.{key}": t.contiguous() for s, part in weights.items() for key, t in part.items()})
    with replaced(whole, name, mutated(good, region, changes)), suppress(BundleError, FoldError):
        (use_windows if name in (CONDITIONS, WINDOWS) else use)(whole)


@given(
    payload=st.sampled_from(PAYLOADS),
    name=st.sampled_from([WEIGHTS, SAFE_WEIGHTS, NORM, FOLD_NORM, CONDITIONS, WINDOWS, MANIFEST, CONFIG, INDEX]),
    region=regions,
    changes=several_changes,
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_a_mutated_payload_never_runs_either(tmp_path_factory, whole, payload, name, region, changes):
    """Nor does one that was damaged on its way, so that a reader tries another form of it."""
    place = tmp_path_factory.mktemp("traces")
    with replaced(whole, name, mutated(payload(place / "trace"), region, changes)), suppress(BundleError, FoldError):
        use(whole)
    assert not list(place.iterdir())


@given(region=regions, changes=several_changes)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_mutated_zips_unpack_or_end_in_a_plain_error(tmp_path_factory, region, changes):
    """The same for a zip; nothing is written outside its place."""
    from physiosynth.bundles.archive import unpack

    place = tmp_path_factory.mktemp("zip")
    with zipfile.ZipFile(place / "b.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for index in range(3):
            file.writestr(f"results/{index}/f.txt", bytes(range(200)) * 3)
    content = (place / "b.zip").read_bytes()
    (place / "b.zip").write_bytes(mutated(content, region, changes))
    try:
        unpack(place / "b.zip", lambda folder: None, place / "cache")
    except BundleError:
        assert not list((place / "cache").rglob("f.txt"))
    assert {path.name for path in place.iterdir()} <= {"b.zip", "cache"}
