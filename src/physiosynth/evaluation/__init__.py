"""How good a set of synthetic windows is."""
