"""Recordings -> windows -> folds."""
