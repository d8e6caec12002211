"""Scores with floors, controls and levels, the report of them, and limits on them."""
