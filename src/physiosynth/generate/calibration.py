"""The former name of amplitude_matching, kept for one release."""

from physiosynth.generate.amplitude_matching import AmplitudeMatcher as WESADCalibrator  # noqa: F401
