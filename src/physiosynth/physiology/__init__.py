"""Detectors of heartbeats, breaths and skin conductance responses, and the rates made of them."""
