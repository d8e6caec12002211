"""Chest ECG, electrodermal activity and respiration."""
