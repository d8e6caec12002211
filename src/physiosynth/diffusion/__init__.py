"""Noise schedules, samplers, guidance and overlapping windows."""
