"""Any recording in: CSV tables, EDF, WFDB, pickles read as numbers."""
