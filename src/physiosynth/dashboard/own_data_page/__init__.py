"""The Own data page."""
