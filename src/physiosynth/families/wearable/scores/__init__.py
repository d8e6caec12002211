"""The registered scores, and what they are given."""
