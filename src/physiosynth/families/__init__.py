"""The families of signals, one wing each; table.py lists them."""
