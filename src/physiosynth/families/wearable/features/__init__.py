"""What is measured of a window, by judges and classifiers alike."""
