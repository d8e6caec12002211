"""The chest ECG: a beat of each subject's own shape, changing with rate and breath, and what an electrode adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physiosynth.families.wearable.data.virtual.noise import band_noise, quantised
from physiosynth.families.wearable.data.virtual.protocol import BODY_HZ
from physiosynth.families.wearable.data.virtual.pulses import add_waves
from physiosynth.families.wearable.signals import CHEST_HZ

SPAN_MV = 3.0  # 16 bits over 3 mV at the electrode: what is beyond +-1.5 mV clips flat
_WAVES = ("P", "Q", "R", "S", "r'", "ST", "T", "T2", "U")


@dataclass(frozen=True)
class Wave:
    """One wave of a beat at an R-R of 1 s: height in mV, centre in s after R, SDs in s before and after the centre."""

    height: float
    centre: float
    rise: float
    fall: float


@dataclass(frozen=True)
class EcgTraits:
    """A subject's beat and electrodes.

    waves: by name, in the order P, Q, R, S, r', ST, T, T2, U; breath_gain: (9,) relative change of each wave with a
    typical breath; rate_t: loss of T height per beat/min; qt_power: how the QT interval follows R-R (0.5: Bazett);
    wander_breath, wander_slow, muscle, mains: mV.
    """

    waves: dict[str, Wave]
    breath_gain: np.ndarray
    rate_t: float
    qt_power: float
    wander_breath: float
    wander_slow: float
    muscle: float
    mains: float


def draw_ecg_traits(z: dict[str, float], rng: np.random.Generator) -> EcgTraits:
    """Traits from the subject's normal scores `z` and its own generator, within what healthy adults show."""
    gain = np.exp(0.16 * rng.normal())
    r = float(np.clip(1.33 * np.exp(0.33 * z["ecg_r"]), 0.5, 2.3))
    narrow = rng.uniform(0.0092, 0.0125)  # SD of R: a QRS of 80 to 105 ms
    p_sd, pr = rng.uniform(0.017, 0.025), rng.uniform(0.125, 0.185)
    t = float(np.clip(0.39 * np.exp(0.42 * z["ecg_t"]), 0.08, 0.5 * r))
    t_at, t_rise, t_fall = rng.uniform(0.265, 0.315), rng.uniform(0.050, 0.072), rng.uniform(0.032, 0.046)
    q = r * rng.choice([0.0, rng.uniform(0.03, 0.09), rng.uniform(0.09, 0.2)], p=[0.2, 0.5, 0.3])
    s = float(np.clip(0.24 * np.exp(0.7 * z["ecg_s"]), 0.03, 0.75)) * r
    late = rng.uniform(0.05, 0.11) * r if rng.uniform() < 0.2 else 0.0
    early_repolarisation = rng.uniform(0.02, 0.09) if rng.uniform() < 0.3 else rng.uniform(-0.03, 0.02)
    biphasic = -rng.uniform(0.25, 0.5) * t if rng.uniform() < 0.15 else 0.0
    u = rng.uniform(0.01, 0.03) if rng.uniform() < 0.3 else 0.0
    waves = {
        "P": Wave(
            gain * np.sqrt(r) * np.clip(rng.normal(0.11, 0.035), 0.04, 0.2), -pr, p_sd, p_sd * rng.uniform(0.8, 1.1)
        ),
        "Q": Wave(-gain * q, -2.35 * narrow, 0.75 * narrow, 0.8 * narrow),
        "R": Wave(gain * r, 0.0, narrow, narrow * rng.uniform(0.9, 1.1)),
        "S": Wave(-gain * s, 2.5 * narrow, 0.85 * narrow, narrow * rng.uniform(0.9, 1.5)),
        "r'": Wave(gain * late, 4.8 * narrow, 0.9 * narrow, 0.9 * narrow),
        "ST": Wave(gain * early_repolarisation, 0.10, 0.035, 0.05),
        "T": Wave(gain * t, t_at, t_rise, t_fall),
        "T2": Wave(gain * biphasic, t_at + 2.1 * t_fall, 0.7 * t_fall, 0.9 * t_fall),
        "U": Wave(gain * u, t_at + 0.17, 0.03, 0.035),
    }
    turn = rng.uniform(0.03, 0.09) * rng.choice([-1, 1], p=[0.75, 0.25])
    return EcgTraits(
        waves=waves,
        # The heart's axis turns with the diaphragm: R shrinks as S deepens, T follows less.
        breath_gain=turn * np.array([0.6, -0.5, 1.0, -1.6, 0.8, 0.0, rng.uniform(0.2, 1.0), 0.5, 0.0]),
        rate_t=rng.uniform(0.002, 0.006),
        qt_power=rng.uniform(0.38, 0.5),
        wander_breath=rng.uniform(0.005, 0.045) * rng.choice([-1, 1]),
        wander_slow=rng.uniform(0.015, 0.045),
        muscle=float(np.exp(rng.normal(np.log(0.007), 0.35))),
        mains=rng.uniform(0.0, 0.003),
    )


def make_ecg(
    rng: np.random.Generator,
    traits: EcgTraits,
    beats_s: np.ndarray,
    drive: np.ndarray,
    tension: np.ndarray,
    motion: np.ndarray,
    count: int,
) -> np.ndarray:
    """(count,) ECG in mV at the chest rate.

    beats_s: (k,) times of R; drive: respiration in typical breaths, tension: muscle tone (1 at rest), motion: envelope
    of the bursts, each (t,) at BODY_HZ.
    """
    ecg = np.zeros(count)
    _add_beats(ecg, rng, traits, beats_s, drive)
    clock = np.arange(count) / CHEST_HZ
    body = np.arange(len(drive)) / BODY_HZ
    slow = traits.wander_breath * drive + traits.wander_slow * band_noise(
        rng, len(drive), BODY_HZ, 0.03, 0.6, slope=1.5
    )
    slow += 0.11 * np.minimum(motion, 2.5) * band_noise(rng, len(drive), BODY_HZ, 0.3, 6.0, slope=1.0)
    ecg += np.interp(clock, body, slow)
    ecg += np.interp(clock, body, traits.muscle * tension + 0.022 * motion) * muscle_noise(rng, count)
    ecg += traits.mains * np.sin(2 * np.pi * 50 * clock + rng.uniform(0, 6))
    return quantised(ecg, SPAN_MV, -SPAN_MV / 2)


def _add_beats(
    ecg: np.ndarray, rng: np.random.Generator, traits: EcgTraits, beats_s: np.ndarray, drive: np.ndarray
) -> None:
    interval = np.diff(beats_s, prepend=beats_s[0] - np.median(np.diff(beats_s)))
    # Repolarisation follows the rate of the last half minute more than the last beat.
    settled = 0.7 * _trailing_mean(interval, 40) + 0.3 * interval
    stretch = np.clip(settled, 0.35, 1.6) ** traits.qt_power
    rate = 60 / _trailing_mean(interval, 10)
    breath = np.tanh(np.interp(beats_s, np.arange(len(drive)) / BODY_HZ, drive) / 1.5) * 1.5
    slow_change = np.cumsum(rng.normal(0, 0.004, (len(beats_s), 2)), axis=0)
    slow_change = 0.12 * np.tanh(slow_change / 0.12)
    for index, name in enumerate(_WAVES):
        wave = traits.waves[name]
        if wave.height == 0:
            continue
        scatter = 0.012 if name == "R" else 0.04
        height = wave.height * (1 + traits.breath_gain[index] * breath + scatter * rng.standard_normal(len(beats_s)))
        centre, width = np.full(len(beats_s), wave.centre), np.ones(len(beats_s))
        if name in ("ST", "T", "T2", "U"):
            centre, width = wave.centre * stretch, stretch
            height = height * np.clip(1 - traits.rate_t * (rate - 65) + slow_change[:, 0], 0.35, 1.5)
        elif name == "P":
            # A faster heart conducts a little faster, with a taller P.
            centre = wave.centre * (1 - 0.0012 * (rate - 65)) + 0.0015 * rng.standard_normal(len(beats_s))
            height = height * np.clip(1 + 0.004 * (rate - 65) + slow_change[:, 1], 0.6, 1.6)
        add_waves(ecg, CHEST_HZ, beats_s + centre, height, wave.rise * width, wave.fall * width)


def _trailing_mean(values: np.ndarray, beats: int) -> np.ndarray:
    total = np.cumsum(np.concatenate([np.full(beats, values[0]), values]))
    return (total[beats:] - total[:-beats]) / beats


def muscle_noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count,) noise of unit variance between about 20 and 180 Hz at the chest rate."""
    from scipy.signal import butter, sosfilt

    noise = sosfilt(butter(1, (20, 180), "bandpass", fs=CHEST_HZ, output="sos"), rng.standard_normal(count))
    return noise / noise.std() if count > 1 else noise
