"""The command `physiosynth`: one file per command, listed in table.py. Options and messages, no science."""
