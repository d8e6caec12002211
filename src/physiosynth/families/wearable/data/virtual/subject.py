"""One virtual subject: traits from its number, one body, and every sensor on it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from physiosynth.families.wearable.data.virtual import chest, ecg, wrist
from physiosynth.families.wearable.data.virtual.breath import (
    Breathing,
    BreathTraits,
    draw_breath_traits,
    make_breathing,
)
from physiosynth.families.wearable.data.virtual.ecg import EcgTraits, draw_ecg_traits
from physiosynth.families.wearable.data.virtual.heart import HeartTraits, draw_heart_traits, make_beats
from physiosynth.families.wearable.data.virtual.motion import Motion, make_motion
from physiosynth.families.wearable.data.virtual.noise import generator
from physiosynth.families.wearable.data.virtual.protocol import STATES, Timeline, make_timeline
from physiosynth.families.wearable.data.virtual.skin import SkinTraits, Sweating, draw_skin_traits, make_sweating
from physiosynth.families.wearable.data.wesad import CHEST_UNITS, WRIST_UNITS
from physiosynth.families.wearable.signals import CHEST_HZ, WRIST_HZ
from physiosynth.recordings.recording import RecordedChannel, Recording

CHANNELS = tuple(f"chest/{name}" for name in CHEST_UNITS) + tuple(f"wrist/{name}" for name in WRIST_UNITS)
NOTICE = "Synthetic: a virtual subject made by a simulator, not a recording of a person."
_SCORES = (
    "order", "heart_rate", "heart_stress", "heart_vagal", "heart_slow", "skin_chest", "skin_wrist", "skin_events",
    "skin_react", "skin_calm", "breath_rate", "breath_depth", "breath_slow", "breath_stress", "breath_amused",
    "ecg_r", "ecg_t", "ecg_s",
)  # fmt: skip
_BLOCK = 16  # subjects over whom every score takes each sixteenth of its distribution once
_TENSION = np.array([1.6, 1.0, 1.7, 1.15, 0.85])  # muscle tone by state


@dataclass(frozen=True)
class Traits:
    """Everything that is a subject's own."""

    heart: HeartTraits
    breath: BreathTraits
    skin: SkinTraits
    ecg: EcgTraits
    stress_first: bool


@dataclass(frozen=True)
class Truth:
    """What the sensors of a virtual subject saw: beats, breaths, responses (times in s) and the traits behind them."""

    subject: str
    beats_s: np.ndarray
    breathing: Breathing
    sweating: Sweating
    timeline: Timeline
    traits: Traits

    def arrays(self) -> dict[str, np.ndarray]:
        """Named arrays without objects, as the truth file holds them; trait_* of 5 are in the order of `states`."""
        segments = self.timeline.segments
        found = {
            "source": np.array("virtual"),
            "synthetic": np.array(NOTICE),
            "subject": np.array(self.subject),
            "beats_s": self.beats_s,
            "breath_onset_s": self.breathing.onset_s,
            "breath_peak_s": self.breathing.peak_s,
            "breath_speaking": self.breathing.speaking,
            "scr_onset_s": self.sweating.onset_s,
            "scr_chest_amplitude_us": self.sweating.chest_amplitude_us,
            "scr_wrist_amplitude_us": self.sweating.wrist_amplitude_us,
            "segment_label": np.array([segment.label for segment in segments]),
            "segment_start_s": np.array([segment.start_s for segment in segments]),
            "segment_end_s": np.array([segment.end_s for segment in segments]),
            "states": np.array(STATES),
            "trait_stress_first": np.array(self.traits.stress_first),
        }
        for organ in ("heart", "breath", "skin", "ecg"):
            part = getattr(self.traits, organ)
            for field in fields(part):
                if field.name != "waves":
                    found[f"trait_{organ}_{field.name}"] = np.asarray(getattr(part, field.name))
        waves = self.traits.ecg.waves
        found["trait_ecg_wave_names"] = np.array(list(waves))
        found["trait_ecg_waves"] = np.array([[w.height, w.centre, w.rise, w.fall] for w in waves.values()], dtype=float)
        return found


def subject_name(index: int) -> str:
    """The name of subject `index` (from 0): S2 to S11, S13 to S17 as in WESAD, and on from S18."""
    return f"S{index + 2 if index < 10 else index + 3}"


def draw_traits(seed: int, index: int) -> Traits:
    """The traits of subject `index` (from 0), which depend on the seed and the index alone."""
    z = dict(zip(_SCORES, _normal_scores(seed, index), strict=True))
    rng = generator(seed, index, "traits")
    heart, breath, skin = draw_heart_traits(z, rng), draw_breath_traits(z, rng), draw_skin_traits(z, rng)
    return Traits(heart, breath, skin, draw_ecg_traits(z, rng), stress_first=bool(z["order"] < 0))


def _normal_scores(seed: int, index: int) -> np.ndarray:
    """(18,) standard normal scores: a Latin hypercube over each 16 subjects, so that a small cohort is a fair sample.

    Of 200 hypercubes the one whose scores correlate least is taken.
    """
    from scipy.special import ndtri

    block, place = divmod(index, _BLOCK)
    rng = np.random.default_rng(np.random.SeedSequence((seed, block, 2**20)))
    best, least = np.zeros((len(_SCORES), _BLOCK)), np.inf
    for _ in range(200):
        ranks = rng.permuted(np.tile(np.arange(_BLOCK), (len(_SCORES), 1)), axis=1)
        worst = np.abs(np.corrcoef(ranks) - np.eye(len(_SCORES))).max()
        if worst < least:
            best, least = ranks, worst
    inside = rng.uniform(0.2, 0.8, best.shape)
    return ndtri((best + inside) / _BLOCK)[:, place]


@dataclass(frozen=True)
class Body:
    """One body through one session; all organs hang together, and every sensor reads this."""

    traits: Traits
    timeline: Timeline
    motion: Motion
    breathing: Breathing
    sweating: Sweating
    beats_s: np.ndarray
    weights: np.ndarray
    tension: np.ndarray


def make_body(seed: int, index: int, minutes_scale: float) -> Body:
    """Run subject `index` through the session: breath first, then skin, then the heart that feels both."""
    traits = draw_traits(seed, index)
    timeline = make_timeline(generator(seed, index, "protocol"), traits.stress_first, minutes_scale)
    motion = make_motion(generator(seed, index, "motion"), timeline)
    breathing = make_breathing(generator(seed, index, "breath"), traits.breath, timeline)
    sweating = make_sweating(generator(seed, index, "skin"), traits.skin, timeline, minutes_scale)
    beats = make_beats(generator(seed, index, "heart"), traits.heart, timeline, breathing, sweating)
    weights = timeline.weights(10.0)
    return Body(traits, timeline, motion, breathing, sweating, beats, weights, weights @ _TENSION)


def simulate_subject(
    index: int, seed: int = 0, minutes_scale: float = 1.0, channels: tuple[str, ...] = CHANNELS
) -> tuple[Recording, Truth]:
    """Subject `index` (from 0) of a seed, in memory.

    channels: those wanted, as "chest/ECG"; leaving some out does not change the others.
    """
    body = make_body(seed, index, minutes_scale)
    devices: dict[str, dict[str, RecordedChannel]] = {"chest": {}, "wrist": {}}
    label = body.timeline.label_track()
    for channel in CHANNELS:
        if channel not in channels:
            continue
        device, name = channel.split("/")
        rate, units = (CHEST_HZ, CHEST_UNITS) if device == "chest" else (WRIST_HZ[name], WRIST_UNITS)
        values = _sensor(channel, generator(seed, index, channel), body, len(label))
        devices[device][name] = RecordedChannel(name, values, float(rate), units[name])
    subject = subject_name(index)
    recording = Recording(subject, devices["chest"], devices["wrist"], label, CHEST_HZ, "virtual", (NOTICE,))
    return recording, Truth(subject, body.beats_s, body.breathing, body.sweating, body.timeline, body.traits)


def _sensor(channel: str, rng: np.random.Generator, body: Body, count: int) -> np.ndarray:
    """The samples of one channel; `count` is the number of chest samples."""
    beats, drive, belt = body.beats_s, body.breathing.drive, body.breathing.belt
    bursts, posture, tension = body.motion.envelope, body.motion.posture, body.tension
    makers = {
        "chest/ACC": lambda: chest.make_acceleration(rng, beats, drive, bursts, posture, count),
        "chest/ECG": lambda: ecg.make_ecg(rng, body.traits.ecg, beats, drive, tension, bursts, count),
        "chest/EMG": lambda: chest.make_emg(rng, beats, tension, bursts, count),
        "chest/EDA": lambda: chest.make_eda(rng, body.sweating.chest, bursts, count),
        "chest/Temp": lambda: chest.make_temperature(rng, body.timeline.duration_s, count),
        "chest/Resp": lambda: chest.make_resp(rng, belt, bursts, count),
        "wrist/ACC": lambda: wrist.make_acceleration(rng, bursts, posture, tension),
        "wrist/BVP": lambda: wrist.make_bvp(rng, beats, body.weights, drive, bursts),
        "wrist/EDA": lambda: wrist.make_eda(rng, body.sweating.wrist, bursts),
        "wrist/TEMP": lambda: wrist.make_temperature(rng, body.weights),
    }
    return makers[channel]()
