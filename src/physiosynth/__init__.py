"""Synthetic physiological signals conditioned on an affective state: ECG, electrodermal activity and respiration."""

__version__ = "0.1.0"
