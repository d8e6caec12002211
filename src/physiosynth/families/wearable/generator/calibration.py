"""The former name of amplitude_matching, kept for one release."""

from physiosynth.families.wearable.generator.amplitude_matching import AmplitudeMatcher as WESADCalibrator  # noqa: F401
