"""The published place of the generator."""

from physiosynth.families.wearable.generator.generator import *  # noqa: F403
