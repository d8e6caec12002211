"""Conditions in, synthetic windows and recordings in physical units out."""
