"""Makers of signals, files, bundles and servers that tests need."""
