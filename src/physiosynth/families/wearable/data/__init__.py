"""Recordings to windows and folds: WESAD, one's own recordings, and a virtual cohort."""
