"""Which milestone belongs to a checkpoint, and how it says to sample."""

import json
from pathlib import Path

import pytest

from making.bundles import tiny
from physiosynth.bundles.manifest import Manifest, choose_weights, manifest_of, released_weights
from physiosynth.errors import BundleError, RequestError
from physiosynth.families.wearable.data.batch import Sampling
from physiosynth.families.wearable.generator.asking import streams_asked
from physiosynth.families.wearable.generator.stored_sampling import bundle_sampling
from physiosynth.families.wearable.model.architecture import published


def milestone(folder, epoch, val_total=None, weights=b"", **content):
    """A manifest, with a weights file where bytes are given."""
    folder.mkdir(exist_ok=True, parents=True)
    stem = folder / f"milestone_e{epoch:03d}_best"
    stem.with_suffix(".json").write_text(json.dumps({"epoch": epoch, "val_total": val_total, **content}))
    if weights:
        stem.with_suffix(".pt").write_bytes(weights)
    return stem.with_suffix(".pt")


def test_the_lowest_validation_loss_is_chosen_and_a_later_epoch_wins_a_tie(tmp_path):
    """Of four milestones the later of the two best is chosen; one without its weights is passed over."""
    milestone(tmp_path, 1, 0.5, b"a")
    milestone(tmp_path, 2, 0.3, b"b")
    best = milestone(tmp_path, 3, 0.3, b"c")
    milestone(tmp_path, 4, 0.4, b"d")
    milestone(tmp_path, 5, 0.1)
    assert choose_weights(tmp_path) == best


def test_an_older_folder_names_the_chosen_one_final(tmp_path):
    """final.ckpt, beside the manifests or above them, is used where no milestone has weights."""
    milestones = tmp_path / "milestones"
    milestone(milestones, 1, 0.5)
    (tmp_path / "final.ckpt").write_bytes(b"x")
    assert choose_weights(milestones) == tmp_path / "final.ckpt"
    (milestones / "final.ckpt").write_bytes(b"x")
    assert choose_weights(milestones) == milestones / "final.ckpt"


def test_released_weights_of_the_highest_epoch_count(tmp_path):
    """ckpt_epoch_130 comes before ckpt_epoch_90, and safetensors before .pt."""
    for name in ("ckpt_epoch_90_WEIGHTS.pt", "ckpt_epoch_130_WEIGHTS.pt", "ckpt_epoch_130_WEIGHTS.safetensors"):
        (tmp_path / name).write_bytes(b"x")
    assert released_weights(tmp_path).name == "ckpt_epoch_130_WEIGHTS.safetensors"


def test_a_folder_without_weights_has_its_own_error(tmp_path):
    """The error says what was looked for."""
    milestone(tmp_path / "milestones", 1, 0.5)
    with pytest.raises(BundleError, match=r"expected a milestone with its weights, final\.ckpt"):
        choose_weights(tmp_path / "milestones")


def test_the_manifest_is_the_one_whose_weights_are_the_checkpoint(tmp_path):
    """The milestone with the checkpoint's SHA-256 is used, though others are later and as large."""
    milestone(tmp_path / "m", 1, 0.5, b"right")
    milestone(tmp_path / "m", 2, 0.4, b"wrong")
    checkpoint = tmp_path / "ckpt_epoch_001_WEIGHTS.pt"
    checkpoint.write_bytes(b"right")
    manifest, notices = manifest_of(checkpoint, tmp_path / "m")
    assert manifest.epoch == 1
    assert notices == []


def test_without_a_match_the_latest_manifest_is_used_with_a_notice(tmp_path):
    """Nothing has the checkpoint's SHA-256: the latest epoch's settings, and the user is told."""
    milestone(tmp_path / "m", 10, 0.1, b"other")
    milestone(tmp_path / "m", 20, 0.5)
    (tmp_path / "c.pt").write_bytes(b"right")
    manifest, notices = manifest_of(tmp_path / "c.pt", tmp_path / "m")
    assert manifest.epoch == 20
    assert "No milestone has the weights of c.pt" in notices[0]


def test_a_damaged_manifest_is_named(tmp_path):
    """A manifest that is no JSON object ends in an error about that file."""
    (tmp_path / "milestone_e001_x.json").write_text("{")
    with pytest.raises(BundleError, match=r"milestone_e001_x\.json: the manifest is not JSON"):
        choose_weights(tmp_path)


PUBLISHED = published()


def sampling_of(content, meta=None, architecture=PUBLISHED):
    return bundle_sampling(Manifest(Path("milestone_e001.json"), content), meta or {}, architecture)


def test_the_manifest_counts_before_the_checkpoint_and_that_before_the_published_defaults():
    """Each setting comes from the first of the three that has it."""
    content = {"sampling_steps": 40, "cfg_scale": None, "ddim_alpha_bar_start_low": 0.002}
    meta = {"sampling_steps": 99, "cfg_scale": 0.7, "x0_clip_q": 0.995, "debug_clip_x0_ecg": False}
    streams = sampling_of(content, meta)
    assert (streams["low"].steps, streams["ecg"].steps) == (40, 40)
    assert (streams["low"].guidance, streams["ecg"].guidance) == (0.7, 0.7)
    assert (streams["low"].alpha_bar_start, streams["ecg"].alpha_bar_start) == (0.002, 0.0)
    assert (streams["low"].clip_x0, streams["ecg"].clip_x0) == (True, False)
    assert streams["low"].x0_clip_q == 0.995
    assert streams["low"].method == "ddim"


def test_a_stream_of_its_own_counts_before_both():
    """sampling_steps_low overrides sampling_steps for that stream alone."""
    streams = sampling_of({"sampling_steps": 40, "sampling_steps_low": 12, "cfg_scale_ecg": 1.5})
    assert (streams["low"].steps, streams["ecg"].steps) == (12, 40)
    assert (streams["low"].guidance, streams["ecg"].guidance) == (0.0, 1.5)


def test_a_manifest_may_name_the_solver_and_where_guidance_is_on():
    """Method, the lowest noise and the interval of guidance are read, for both streams or one."""
    content = {"sampling_method": "DPM-Solver++", "sampling_alpha_bar_end": 0.996, "cfg_from": 0.9, "cfg_to_low": 0.2}
    streams = sampling_of(content)
    assert {stream.method for stream in streams.values()} == {"dpm-solver++"}
    assert {stream.alpha_bar_end for stream in streams.values()} == {0.996}
    assert (streams["low"].guidance_from, streams["ecg"].guidance_from) == (0.9, 0.9)
    assert (streams["low"].guidance_to, streams["ecg"].guidance_to) == (0.2, 0.0)


def test_the_clamp_is_for_published_networks():
    """Our own networks are not clamped unless their manifest says so."""
    assert sampling_of({})["ecg"].clip_x0
    assert not sampling_of({}, architecture=tiny())["ecg"].clip_x0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sampling_steps", "many"),
        ("sampling_steps", 0),
        ("cfg_scale", "1"),
        ("sampling_method", "pndm"),
        ("cfg_from", 2),
    ],
)
def test_an_unusable_setting_names_its_manifest(key, value):
    """A manifest with a setting of the wrong type or range is named."""
    with pytest.raises(BundleError, match=r"milestone_e001\.json: "):
        sampling_of({key: value})


def test_what_the_user_asks_for_is_used_for_its_stream():
    """Overrides touch their own stream and leave the rest as the bundle has it."""
    asked = Sampling(ecg_steps=7, low_guidance=0.0, method="heun")
    streams = streams_asked(sampling_of({"sampling_steps": 40, "cfg_scale": 0.5}), asked)
    assert (streams["low"].steps, streams["ecg"].steps) == (40, 7)
    assert (streams["low"].method, streams["ecg"].method) == ("heun", "heun")
    assert (streams["low"].guidance, streams["ecg"].guidance) == (0.0, 0.5)


@pytest.mark.parametrize(
    "asked", [Sampling(low_steps=0), Sampling(ecg_steps=2.5), Sampling(low_guidance=float("nan")), Sampling(method="x")]
)
def test_what_cannot_be_done_is_a_request_error(asked):
    """A user's impossible setting is the user's to mend."""
    with pytest.raises(RequestError):
        streams_asked(sampling_of({}), asked)
