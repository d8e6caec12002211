"""Fold -> weights: trainer, moving average of weights, milestones."""
