"""Inference bundles: fetched, verified, unpacked and opened; which signals they draw is not known here."""
